"""The real kubectl applies server-side: conflicts, force, migration from client-side apply, diff and ownership."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.test_kubectl import DEPLOYMENT, KUBECTL, Plane

MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, labels: {{team: infra}}}}
data: {{color: {color}}}
"""


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    if KUBECTL is None:
        pytest.skip("kubectl is not installed")
    found = Plane(tmp_path_factory.mktemp("plane"))
    found.start()
    found.kubeconfig("admin", "system:masters")
    yield found
    found.stop()


def owners(plane: Plane, *what: str) -> dict[str, Any]:
    """Sets by manager and operation, as kubectl shows them when it is asked to."""
    shown = json.loads(plane.kubectl("get", *what, "--show-managed-fields", "-o", "json"))
    entries = shown["metadata"]["managedFields"]
    return {
        "/".join(filter(None, (e["manager"], e["operation"], e.get("subresource")))): e["fieldsV1"] for e in entries
    }


def server_side(plane: Plane, manifest: str, *options: str, fails: bool = False) -> str:
    return plane.kubectl("apply", "--server-side", *options, "-f", "-", stdin=manifest, fails=fails)


def test_apply_twice_and_by_somebody_else(plane: Plane) -> None:
    blue, red = MAP.format(name="colors", color="blue"), MAP.format(name="colors", color="red")
    assert "configmap/colors serverside-applied" in server_side(plane, blue)
    first = plane.json("get", "cm", "colors")["metadata"]
    assert "managedFields" not in first
    assert "serverside-applied" in server_side(plane, blue)
    assert plane.json("get", "cm", "colors")["metadata"] == first
    assert owners(plane, "cm", "colors") == {
        "kubectl/Apply": {"f:data": {"f:color": {}}, "f:metadata": {"f:labels": {"f:team": {}}}}
    }
    refused = server_side(plane, red, "--field-manager=other", fails=True)
    assert 'Apply failed with 1 conflict: conflict with "kubectl": .data.color' in refused
    assert "--force-conflicts" in refused
    assert plane.json("get", "cm", "colors")["data"] == {"color": "blue"}
    server_side(plane, red, "--field-manager=other", "--force-conflicts")
    found = owners(plane, "cm", "colors")
    assert found["other/Apply"]["f:data"] == {"f:color": {}}
    assert "f:data" not in found["kubectl/Apply"]


def test_what_is_left_out_goes(plane: Plane) -> None:
    both = MAP.format(name="less", color="blue, size: big")
    server_side(plane, both)
    assert plane.json("get", "cm", "less")["data"] == {"color": "blue", "size": "big"}
    server_side(plane, MAP.format(name="less", color="blue"))
    assert plane.json("get", "cm", "less")["data"] == {"color": "blue"}


def test_from_client_side_to_server_side_and_back(plane: Plane) -> None:
    note = "kubectl.kubernetes.io/last-applied-configuration"
    plane.kubectl("apply", "-f", "-", stdin=MAP.format(name="moved", color="blue, size: big"))
    assert set(owners(plane, "cm", "moved")) == {"kubectl-client-side-apply/Update"}
    server_side(plane, MAP.format(name="moved", color="red"))
    moved = plane.json("get", "cm", "moved")
    assert moved["data"] == {"color": "red"}
    stated = json.loads(moved["metadata"]["annotations"][note])
    assert stated["data"] == {"color": "red"}
    found = owners(plane, "cm", "moved")
    assert found["kubectl/Apply"]["f:data"] == {"f:color": {}}
    assert "kubectl-last-applied/Apply" in found
    plane.kubectl("apply", "-f", "-", stdin=MAP.format(name="moved", color="green"))
    assert plane.json("get", "cm", "moved")["data"] == {"color": "green"}


def test_diff_and_dry_run_tell_and_write_nothing(plane: Plane) -> None:
    server_side(plane, MAP.format(name="same", color="blue"))
    before = plane.json("get", "cm", "same")
    assert plane.kubectl("diff", "--server-side", "-f", "-", stdin=MAP.format(name="same", color="blue")) == ""
    told = plane.kubectl("diff", "--server-side", "-f", "-", stdin=MAP.format(name="same", color="red"), fails=True)
    assert "-  color: blue" in told and "+  color: red" in told
    shown = server_side(plane, MAP.format(name="same", color="red"), "--dry-run=server")
    assert "serverside-applied (server dry run)" in shown
    assert plane.json("get", "cm", "same") == before
    server_side(plane, MAP.format(name="never", color="red"), "--dry-run=server")
    assert "NotFound" in plane.kubectl("get", "cm", "never", fails=True)


def test_a_kind_of_our_own_with_scale_and_edits(plane: Plane) -> None:
    server_side(plane, DEPLOYMENT)
    plane.kubectl("scale", "md", "web", "--replicas=4")
    assert owners(plane, "md", "web")["kubectl/Update/scale"] == {"f:spec": {"f:replicas": {}}}
    refused = server_side(plane, DEPLOYMENT, fails=True)
    assert 'conflict with "kubectl" with subresource "scale" using cluster.x-k8s.io/v1beta2: .spec.replicas' in refused
    without = DEPLOYMENT.replace("  replicas: 2\n", "")
    server_side(plane, without)
    assert plane.json("get", "md", "web")["spec"]["replicas"] == 4
    plane.kubectl("label", "md", "web", "seen=true")
    assert owners(plane, "md", "web")["kubectl-label/Update"] == {"f:metadata": {"f:labels": {"f:seen": {}}}}
    server_side(plane, without)
    assert plane.json("get", "md", "web")["metadata"]["labels"]["seen"] == "true"


def test_managed_fields_are_edited_as_tools_do(plane: Plane) -> None:
    server_side(plane, MAP.format(name="edited", color="blue"), "--field-manager=before")
    shown = json.loads(plane.kubectl("get", "cm", "edited", "--show-managed-fields", "-o", "json"))["metadata"]
    saved, version = shown["managedFields"], shown["resourceVersion"]
    renamed = [{**saved[0], "manager": "after"}]
    guarded = [
        {"op": "replace", "path": "/metadata/managedFields", "value": renamed},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]
    plane.kubectl("patch", "cm", "edited", "--type=json", "-p", json.dumps(guarded))
    assert set(owners(plane, "cm", "edited")) == {"after/Apply"}
    stale = plane.kubectl("patch", "cm", "edited", "--type=json", "-p", json.dumps(guarded), fails=True)
    assert "the object has been modified" in stale
    plane.kubectl("patch", "cm", "edited", "--type=merge", "-p", json.dumps({"metadata": {"managedFields": saved}}))
    assert set(owners(plane, "cm", "edited")) == {"before/Apply"}
    server_side(plane, MAP.format(name="edited", color="red"), "--field-manager=before")


def test_unknown_fields_are_refused_by_default(plane: Plane) -> None:
    wrong = DEPLOYMENT.replace("name: web, labels", "name: wrong, labels").replace("  replicas: 2", "  replica: 2")
    assert ".spec.replica: field not declared in schema" in server_side(plane, wrong, fails=True)
    assert "NotFound" in plane.kubectl("get", "md", "wrong", fails=True)
