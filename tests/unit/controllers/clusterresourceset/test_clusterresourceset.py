"""ClusterResourceSet: what is applied where, once or again, what is recorded, and what keeps it from being applied."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.controllers.addons import AddonWorld
from tests.unit.controllers.world import condition

from capstan.api.errors import ApiError, TransientError
from capstan.api.objects import Key, Resource

CNI = """\
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: flannel, namespace: kube-flannel}
spec: {template: {}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: flannel, namespace: kube-flannel}
data: {net: 10.244.0.0/16}
---
apiVersion: v1
kind: Namespace
metadata: {name: kube-flannel}
"""
NOTE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: note}\ndata: {text: hello}\n"


def world_with(strategy: str = "ApplyOnce", cni: str = CNI) -> AddonWorld:
    world = AddonWorld()
    world.add_cluster()
    world.add_config_map("cni", **{"cni.yaml": cni})
    world.add_set("cni", "ConfigMap cni", strategy=strategy)
    return world


def test_applied_in_the_order_that_objects_need_each_other() -> None:
    world = world_with()
    world.settle()
    assert world.workloads["homelab"].writes == [
        "create namespaces kube-flannel",
        "create configmaps kube-flannel/flannel",
        "create daemonsets kube-flannel/flannel",
    ]
    assert world.applied() == ("True", "Applied", "")
    assert world.records() == {"cni": {"cni": True}}
    record = world.get("ClusterResourceSetBinding", "homelab")
    resource = record["spec"]["bindings"][0]["resources"][0]
    assert resource["hash"].startswith("sha256:") and len(resource["hash"]) == 71
    assert "lastAppliedTime" in resource
    assert record["spec"]["clusterName"] == "homelab"
    owners = [(ref["kind"], ref["name"], ref.get("controller")) for ref in record["metadata"]["ownerReferences"]]
    assert owners == [("ClusterResourceSet", "cni", None)]
    assert world.get("ConfigMap", "cni")["metadata"]["ownerReferences"][0]["kind"] == "ClusterResourceSet"
    assert world.get("ClusterResourceSet", "cni")["metadata"]["finalizers"] == ["addons.cluster.x-k8s.io"]


def test_idle_writes_nothing() -> None:
    world = world_with("Reconcile")
    world.settle()
    for _ in range(30):
        world.now += timedelta(minutes=1)
        assert world.round() == 0
    assert len(world.workloads["homelab"].writes) == 3


@pytest.mark.parametrize(("strategy", "text"), [("ApplyOnce", "hello"), ("Reconcile", "changed")])
def test_a_change_is_applied_again_only_by_reconcile(strategy: str, text: str) -> None:
    world = world_with(strategy, NOTE)
    world.settle()
    world.edit("ConfigMap", "cni", {"data": {"cni.yaml": NOTE.replace("hello", "changed")}})
    world.settle()
    assert world.workloads["homelab"].objects["configmaps", "default", "note"]["data"] == {"text": text}


def test_what_exists_is_left_alone_by_apply_once() -> None:
    world = world_with(cni=NOTE)
    existing = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "note"}, "data": {"mine": "yes"}}
    world.workloads["homelab"].objects["configmaps", "default", "note"] = existing
    world.settle()
    assert world.workloads["homelab"].objects["configmaps", "default", "note"] == existing
    assert world.applied() == ("True", "Applied", "")


def test_every_selected_cluster_and_no_other() -> None:
    world = world_with(cni=NOTE)
    world.add_cluster("second")
    world.add_cluster("third", cni="cilium")
    world.settle()
    assert world.workloads["second"].writes == ["create configmaps default/note"]
    assert world.workloads["third"].writes == []
    world.edit("Cluster", "third", {"metadata": {"labels": {"cni": "flannel"}}})
    world.settle()
    assert world.workloads["third"].writes == ["create configmaps default/note"]


def test_a_cluster_that_is_deleted_gets_nothing_and_loses_its_record() -> None:
    world = world_with(cni=NOTE)
    world.settle()
    held = world.get("Cluster", "homelab")
    world.put(
        {**held, "metadata": {**held["metadata"], "finalizers": ["x/y"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    )
    world.settle()
    assert world.find("ClusterResourceSetBinding", "homelab") is None
    assert world.workloads["homelab"].writes == ["create configmaps default/note"]


def test_nothing_happens_before_there_is_a_way_in() -> None:
    world = AddonWorld()
    world.add_cluster(kubeconfig=False)
    world.add_config_map("cni", note=NOTE)
    world.add_set("cni", "ConfigMap cni")
    world.settle()
    status, reason, message = world.applied()
    assert (status, reason) == ("False", "InternalError")
    assert message == "waiting for the API server of Cluster homelab: its kubeconfig does not exist yet"
    legacy = world.get("ClusterResourceSet", "cni")["status"]["deprecated"]["v1beta1"]["conditions"]
    assert [(c["type"], c["reason"], c["severity"]) for c in legacy] == [
        ("ResourcesApplied", "RemoteClusterClientFailed", "Error")
    ]
    world.add_kubeconfig("homelab")
    world.reachable = False
    world.settle()
    assert "does not answer" in world.applied()[2]
    world.reachable = True
    world.settle()
    assert world.applied() == ("True", "Applied", "")


def test_a_resource_that_is_missing_is_told_of_and_does_not_hold_up_the_others() -> None:
    world = world_with(cni=NOTE)
    world.add_set("cni", "ConfigMap later", "ConfigMap cni")
    world.settle()
    assert world.workloads["homelab"].writes == ["create configmaps default/note"]
    assert world.applied() == (
        "False",
        "InternalError",
        "ConfigMap later does not exist: create it, or take it out of spec.resources",
    )
    world.add_config_map("later", note=NOTE.replace("name: note", "name: later"))
    world.settle()
    assert world.applied()[0] == "True"


def test_a_secret_of_another_type_stops_all() -> None:
    world = world_with(cni=NOTE)
    world.add_secret("keys", type="Opaque", note=NOTE)
    world.add_set("cni", "ConfigMap cni", "Secret keys")
    world.settle()
    assert world.workloads["homelab"].writes == []
    assert world.applied() == (
        "False",
        "WrongSecretType",
        "Secret type of resource keys is not supported: it is Opaque, and must be addons.cluster.x-k8s.io/resource-set",
    )
    assert "ownerReferences" not in world.get("Secret", "keys")["metadata"]


def test_secrets_of_the_right_type_are_applied() -> None:
    world = AddonWorld()
    world.add_cluster()
    world.add_secret("keys", note=NOTE)
    world.add_set("cni", "Secret keys")
    world.settle()
    assert world.workloads["homelab"].writes == ["create configmaps default/note"]


def test_what_a_cluster_refuses_is_said_recorded_and_tried_again() -> None:
    world = world_with(cni=NOTE)
    world.add_config_map("other", note=NOTE.replace("name: note", "name: other"))
    world.add_set("cni", "ConfigMap cni", "ConfigMap other")
    workload = world.workloads["homelab"]
    workload.refused["note"] = ApiError(403, "Forbidden", "configmaps is forbidden")
    world.settle()
    assert workload.writes == ["create configmaps default/other"]
    assert world.records() == {"cni": {"cni": False, "other": True}}
    assert world.applied() == (
        "False",
        "NotApplied",
        "Failed to apply ClusterResourceSet resources to Cluster homelab: ConfigMap cni: ConfigMap note: "
        "configmaps is forbidden",
    )
    plan = world.reconcile(world.controllers[0], Key("default", "cni"))
    assert plan is not None and plan.requeue_after == 2.0, "soon at first"
    waits = []
    for _ in range(6):
        world.now += timedelta(seconds=plan.requeue_after)
        plan = world.reconcile(world.controllers[0], Key("default", "cni"))
        assert plan is not None and plan.requeue_after is not None
        waits.append(plan.requeue_after)
    assert waits == [3.0, 6.0, 12.0, 24.0, 30.0, 30.0], "then as long as it has been failing"
    workload.refused.clear()
    world.settle()
    assert world.records() == {"cni": {"cni": True, "other": True}}
    assert world.applied()[0] == "True"


def test_a_refusal_never_quotes_a_secret() -> None:
    world = AddonWorld()
    world.add_cluster().refused["note"] = ApiError(422, "Invalid", "Invalid value: hunter2")
    world.add_secret("keys", note=NOTE)
    world.add_secret("broken", note="password: hunter2\n: : x")
    world.add_set("cni", "Secret keys", "Secret broken")
    world.settle()
    message = world.applied()[2]
    assert "hunter2" not in message
    assert "the API server refused it (422 Invalid)" in message
    assert "key note is not YAML" in message


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", ""),
        ("a: [", "is not YAML"),
        ("just words", "needs apiVersion and kind"),
        ("apiVersion: v1\nkind: ConfigMap\n", "a ConfigMap without metadata.name"),
        (
            "apiVersion: x.example/v1\nkind: Thing\nmetadata: {name: t}\n",
            "no matches for kind Thing in version x.example/v1",
        ),
    ],
)
def test_what_is_no_manifest(text: str, why: str) -> None:
    world = world_with(cni=text)
    world.settle()
    status, _, message = world.applied()
    assert status == ("False" if why else "True")
    assert why in message


def test_json_and_lists_are_manifests_too() -> None:
    one = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "%s"}}'
    world = world_with(cni=f"[{one % 'a'}, {one % 'b'}]")
    world.add_config_map("list", items=f'{{"apiVersion": "v1", "kind": "List", "items": [{one % "c"}]}}')
    world.add_set("cni", "ConfigMap cni", "ConfigMap list")
    world.settle()
    assert world.workloads["homelab"].writes == [f"create configmaps default/{name}" for name in "abc"]


def test_kinds_that_the_manifest_defines_are_found() -> None:
    crd = (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.x.example}\n"
        "spec: {group: x.example, scope: Cluster, names: {plural: things, kind: Thing}}\n"
    )
    world = world_with(cni="apiVersion: x.example/v1\nkind: Thing\nmetadata: {name: t}\n---\n" + crd)
    world.settle()
    assert world.workloads["homelab"].writes == [
        "create customresourcedefinitions things.x.example",
        "create things t",
    ]


CRD = (
    "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.x.example}\n"
    "spec: {group: x.example, scope: Cluster, names: {plural: things, kind: Thing}}\n"
)
THING = "apiVersion: x.example/v1\nkind: Thing\nmetadata: {name: t}\n"


def test_a_kind_that_is_served_later_is_found_at_the_retry() -> None:
    """Its definition comes in a ConfigMap after it, and takes a moment to be established."""
    world = world_with(cni=THING)
    world.add_config_map("crds", crd=CRD)
    world.add_set("cni", "ConfigMap cni", "ConfigMap crds")
    workload = world.workloads["homelab"]
    workload.establishes = False
    world.settle()
    assert workload.writes == ["create customresourcedefinitions things.x.example"]
    assert world.records() == {"cni": {"cni": False, "crds": True}}
    assert world.applied()[2].endswith("ConfigMap cni: Thing t: no matches for kind Thing in version x.example/v1")
    workload.establishes = True
    world.settle()
    assert workload.writes[1:] == ["create things t"]
    assert world.applied() == ("True", "Applied", "")


def test_kinds_of_an_aggregated_api_are_found() -> None:
    scaler = "apiVersion: x.example/v1\nkind: Scaler\nmetadata: {name: s, namespace: web}\n"
    world = world_with(cni=scaler)
    workload = world.workloads["homelab"]
    workload.aggregated = [Resource("x.example", "v1", "scalers", "Scaler")]
    workload.refused["x.example/v1"] = TransientError("the server is currently unable to handle the request")
    world.add_config_map("note", note=NOTE)
    world.add_set("cni", "ConfigMap cni", "ConfigMap note")
    world.settle()
    assert workload.writes == ["create configmaps default/note"], "who is silent there does not hold up the others"
    assert "Scaler s: kind Scaler in version x.example/v1 cannot be looked up: the server is" in world.applied()[2]
    workload.refused.clear()
    world.settle()
    assert workload.writes[1:] == ["create scalers web/s"]


@pytest.mark.parametrize(("strategy", "writes"), [("ApplyOnce", 0), ("Reconcile", 1)])
def test_what_exists_is_not_taken_for_refused(strategy: str, writes: int) -> None:
    """A Service that has its address already is refused as invalid, not because it exists."""
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: dns}\nspec: {clusterIP: 10.96.0.10}\n"
    world = world_with(strategy, service)
    workload = world.workloads["homelab"]
    workload.objects["services", "default", "dns"] = {"apiVersion": "v1", "kind": "Service", "metadata": {}}
    world.settle()
    assert workload.writes == ["patch services default/dns"] * writes
    assert world.applied() == ("True", "Applied", "")


def test_two_sets_share_one_record() -> None:
    world = world_with(cni=NOTE)
    world.add_config_map("csi", note=NOTE.replace("name: note", "name: csi"))
    world.add_set("csi", "ConfigMap csi")
    world.management.conflicts = 2
    world.settle()
    assert world.records() == {"cni": {"cni": True}, "csi": {"csi": True}}
    world.delete("ClusterResourceSet", "cni")
    world.settle()
    assert world.records() == {"csi": {"csi": True}}
    owners = world.get("ClusterResourceSetBinding", "homelab")["metadata"]["ownerReferences"]
    assert [ref["name"] for ref in owners] == ["csi"]
    world.delete("ClusterResourceSet", "csi")
    world.settle()
    assert world.find("ClusterResourceSet", "csi") is None
    assert world.find("ClusterResourceSetBinding", "homelab") is None
    assert len(world.workloads["homelab"].objects) == 2, "what was applied stays"


def test_deleting_a_set_reaches_every_record() -> None:
    """A cluster without a record does not end the search for the records of the others."""
    world = world_with(cni=NOTE)
    world.add_cluster("aaa", kubeconfig=False)
    world.add_cluster("zzz")
    world.settle()
    world.objects = {p: o for p, o in world.objects.items() if str(p[1]) != "default/aaa" or p[0].kind == "Cluster"}
    world.delete("ClusterResourceSet", "cni")
    world.settle()
    assert world.all("ClusterResourceSetBinding") == []


def test_paused() -> None:
    world = world_with(cni=NOTE)
    world.edit("ClusterResourceSet", "cni", {"metadata": {"annotations": {"cluster.x-k8s.io/paused": ""}}})
    world.settle()
    assert world.workloads["homelab"].writes == []
    paused = condition(world.get("ClusterResourceSet", "cni"), "Paused")
    assert (paused["status"], paused["message"]) == (
        "True",
        "ClusterResourceSet has the cluster.x-k8s.io/paused annotation",
    )
    assert world.get("ClusterResourceSet", "cni")["metadata"]["finalizers"] == ["addons.cluster.x-k8s.io"]


def test_owners_that_were_stripped_come_back() -> None:
    world = world_with(cni=NOTE)
    world.settle()
    world.edit("ConfigMap", "cni", {"metadata": {"ownerReferences": None}})
    world.edit("ClusterResourceSetBinding", "homelab", {"metadata": {"ownerReferences": None}})
    world.edit("ClusterResourceSet", "cni", {"metadata": {"finalizers": None}})
    world.settle()
    assert world.get("ConfigMap", "cni")["metadata"]["ownerReferences"]
    assert world.get("ClusterResourceSetBinding", "homelab")["metadata"]["ownerReferences"]
    assert world.get("ClusterResourceSet", "cni")["metadata"]["finalizers"]
