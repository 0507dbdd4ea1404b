"""What a user does, with the real kubectl: from manifest to running cluster, and away again."""

from __future__ import annotations

import ssl
import stat
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from capstan.runtime.client.kubeconfig import parse_kubeconfig
from tests.e2e.programs import CAPSTAN, CLEAN, HOMELAB, INTRODUCTION, KUBECTL, Lab, Plane, Shell, run


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    lab = Lab()
    yield lab
    assert lab.end() == 0, lab.output


@pytest.fixture(scope="module")
def plane(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    directory = tmp_path_factory.mktemp("plane") / "data"
    # With the suffix that other tools want, which CAPMOX does not take.
    url = lab.environment["PROXMOX_URL"] + "/api2/json"
    plane = Plane(directory, {**lab.environment, "PROXMOX_URL": url})
    yield plane
    assert plane.end() == 0, plane.output


@pytest.fixture(scope="module")
def shell(plane: Plane) -> Shell:
    return Shell(plane.kubeconfig)


@pytest.fixture(scope="module")
def homelab(shell: Shell) -> str:
    """The home lab's cluster, applied and up."""
    said = shell.kubectl("apply", "-f", str(HOMELAB))
    assert said.count("created") == 8
    shell.kubectl("wait", "--for=condition=Available", "cluster/homelab", "--timeout=60s")
    shell.kubectl("wait", "--for=condition=Ready", "machine", "--all", "--timeout=60s")
    return "homelab"


def test_the_kubeconfig_is_private_and_named_capstan(plane: Plane) -> None:
    assert stat.S_IMODE(plane.kubeconfig.stat().st_mode) == 0o600
    assert yaml.safe_load(plane.kubeconfig.read_text())["current-context"] == "capstan"


def test_health_needs_no_login_and_everything_else_does(plane: Plane) -> None:
    config = parse_kubeconfig(plane.kubeconfig.read_bytes())
    anonymous = ssl.create_default_context(cadata=config.ca_pem.decode())
    for path in ("/readyz", "/livez", "/healthz"):
        with urllib.request.urlopen(plane.url + path, context=anonymous) as answer:
            assert answer.read() == b"ok"
    for path in ("/api/v1/secrets", "/apis", "/openapi/v3", "/version", "/metrics", "/nowhere"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(plane.url + path, context=anonymous)
        assert refused.value.code == 401
        refused.value.close()


def test_a_second_plane_on_the_same_directory_is_refused_in_one_line(plane: Plane) -> None:
    done = run(CAPSTAN, "up", "--data-dir", str(plane.directory), "--port", "0")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert len(done.stderr.splitlines()) == 1
    assert "in use" in done.stderr


def test_without_a_plane_commands_say_how_to_start_one(tmp_path: Path) -> None:
    done = run(CAPSTAN, "describe", "cluster", "x", environment={"XDG_DATA_HOME": str(tmp_path)})
    assert done.returncode == 1
    assert "capstan up" in done.stderr


def test_kinds_have_their_short_names_and_columns(shell: Shell, homelab: str) -> None:
    resources = shell.kubectl("api-resources")
    for row in ("cl ", "ma ", "md ", "ms "):
        assert f" {row}" in resources
    assert shell.kubectl("get", "cl").splitlines()[0].split()[:3] == ["NAME", "CLUSTERCLASS", "AVAILABLE"]
    machines = shell.kubectl("get", "ma").splitlines()
    assert len(machines) == 4
    assert all("Running" in line and "v1.33.4" in line for line in machines[1:])
    assert "homelab-workers" in shell.kubectl("get", "md,ms,taloscontrolplanes,proxmoxclusters")


def test_other_outputs(shell: Shell, homelab: str) -> None:
    assert shell.kubectl("get", "cl", homelab, "-o", "jsonpath={.spec.controlPlaneEndpoint.host}") == "192.168.0.30"
    old = yaml.safe_load(shell.kubectl("get", "clusters.v1beta1.cluster.x-k8s.io", homelab, "-o", "yaml"))
    assert old["spec"]["infrastructureRef"]["apiVersion"] == "infrastructure.cluster.x-k8s.io/v1alpha1"
    assert shell.kubectl("get", "cl", "-o", "name") == f"cluster.cluster.x-k8s.io/{homelab}\n"


def test_describe_events_and_explain(shell: Shell, homelab: str) -> None:
    described = shell.kubectl("describe", "machinedeployment", "homelab-workers")
    assert "SuccessfulCreate" in described
    assert "SuccessfulCreate" in shell.kubectl("events")
    assert "bootstrap" in shell.kubectl("explain", "machine.spec")
    assert "templateID" in shell.kubectl("explain", "proxmoxmachine.spec")


def test_labels_annotations_patches_and_edits(shell: Shell, homelab: str) -> None:
    shell.kubectl("label", "cl", homelab, "site=home")
    shell.kubectl("annotate", "cl", homelab, "note=first")
    shell.kubectl("patch", "cl", homelab, "--type=merge", "-p", '{"metadata":{"labels":{"rack":"1"}}}')
    shell.kubectl("patch", "cl", homelab, "--type=json", "-p", '[{"op":"remove","path":"/metadata/labels/rack"}]')
    editor = {**CLEAN, **shell.environment, "KUBE_EDITOR": "sed -i s/note:.first/note:\\ second/"}
    edited = subprocess.run([KUBECTL, "edit", "cl", homelab], env=editor, capture_output=True, text=True, timeout=60)
    assert edited.returncode == 0, edited.stderr
    metadata = yaml.safe_load(shell.kubectl("get", "cl", homelab, "-o", "yaml"))["metadata"]
    assert metadata["labels"] == {"site": "home"} | {k: v for k, v in metadata["labels"].items() if "/" in k}
    assert metadata["annotations"]["note"] == "second"


def test_applying_again_changes_nothing(shell: Shell, homelab: str) -> None:
    before = shell.kubectl("get", "cl,md,tcp", "-o", "jsonpath={.items[*].metadata.generation}")
    said = shell.kubectl("apply", "-f", str(HOMELAB))
    assert said.count("unchanged") + said.count("configured") == 8
    assert shell.kubectl("get", "cl,md,tcp", "-o", "jsonpath={.items[*].metadata.generation}") == before


def test_unknown_fields_are_refused_with_the_nearest_name(shell: Shell) -> None:
    text = HOMELAB.read_text().replace("memoryMiB", "memoryMib")
    assert 'did you mean "spec.template.spec.memoryMiB"?' in shell.kubectl_fails("apply", "-f", "-", text=text)


def test_server_side_apply_is_not_there_yet_and_says_so(shell: Shell) -> None:
    said = shell.kubectl_fails("apply", "--server-side", "-f", str(HOMELAB))
    assert "Server-side apply not available" in said or "server-side" in said.lower()


def test_access_to_the_workload_cluster(shell: Shell, homelab: str, tmp_path: Path) -> None:
    workload = tmp_path / "kubeconfig"
    workload.write_text(shell.capstan("get", "kubeconfig", homelab))
    nodes = yaml.safe_load(Shell(workload).kubectl("get", "nodes", "-o", "yaml"))["items"]
    assert len(nodes) == 3
    for node in nodes:
        assert node["spec"]["providerID"].startswith("proxmox://")
        assert node["status"]["nodeInfo"]["kubeletVersion"] == "v1.33.4"
        assert any(a["address"].startswith("192.168.0.2") for a in node["status"]["addresses"])
    table = Shell(workload).kubectl("get", "nodes")
    assert table.count("control-plane") >= 1
    assert "NotReady" not in table
    talosconfig = yaml.safe_load(shell.capstan("get", "talosconfig", homelab))
    assert talosconfig["context"] == homelab
    missing = run(CAPSTAN, "get", "kubeconfig", "nobody", environment=shell.environment)
    assert missing.returncode == 1
    assert "nobody" in missing.stderr


def test_the_tree(shell: Shell, homelab: str) -> None:
    tree = shell.capstan("describe", "cluster", homelab)
    assert "├─TalosControlPlane default/homelab-control-plane, v1.33.4" in tree
    assert "2 Machines..." in tree
    assert "Not done yet" not in tree
    conditions = shell.capstan("describe", "cluster", homelab, "--show-conditions", "cluster", "--no-grouping")
    assert "ControlPlaneInitialized" in conditions
    assert conditions.count("Machine default/homelab-workers-") == 2


def test_the_classic_introduction_says_what_it_waits_for(shell: Shell) -> None:
    shell.kubectl("apply", "-f", str(INTRODUCTION))
    shell.kubectl("wait", "--for=jsonpath={.status.phase}=Provisioning", "cluster/my-cluster", "--timeout=20s")
    tree = shell.capstan("describe", "cluster", "my-cluster")
    assert "KubeadmControlPlane.controlplane.cluster.x-k8s.io" in tree
    assert "ProxmoxCluster" in tree
    shell.kubectl("delete", "-f", str(INTRODUCTION), "--timeout=20s")


def test_scaling_restarting_and_deleting_leave_nothing(shell: Shell, homelab: str, plane: Plane, lab: Lab) -> None:
    shell.kubectl("scale", "taloscontrolplane/homelab-control-plane", "--replicas=3")
    shell.kubectl("scale", "machinedeployment/homelab-workers", "--replicas=3")
    shell.kubectl("wait", "--for=jsonpath={.status.readyReplicas}=3", "tcp/homelab-control-plane", "--timeout=60s")
    shell.kubectl("wait", "--for=jsonpath={.status.availableReplicas}=3", "md/homelab-workers", "--timeout=60s")
    shell.kubectl("scale", "taloscontrolplane/homelab-control-plane", "--replicas=1")
    shell.kubectl("wait", "--for=jsonpath={.status.replicas}=1", "tcp/homelab-control-plane", "--timeout=60s")
    shell.kubectl("wait", "--for=condition=Available", f"cluster/{homelab}", "--timeout=60s")
    assert len(vms(lab)) == 1 + 1 + 3, "the template, one control plane machine, three workers"
    # The Secret with the credentials comes first in the file: it stays until the last VM is gone.
    shell.kubectl("delete", "-f", str(HOMELAB), "--timeout=60s")
    shell.kubectl("wait", "--for=delete", "inclusterippools,ipaddresses,ipaddressclaims", "--all", "--timeout=20s")
    assert shell.kubectl("get", "cl,ma,ms,md,moxm,tcp,talosconfigs,ipaddresses,inclusterippools,secrets") == ""
    assert [row["vmid"] for row in vms(lab)] == [9000]


def vms(lab: Lab) -> list[dict[str, object]]:
    """What Proxmox VE itself says."""
    anonymous = ssl.create_default_context()
    anonymous.check_hostname, anonymous.verify_mode = False, ssl.CERT_NONE
    token = f"PVEAPIToken={lab.environment['PROXMOX_TOKEN']}={lab.environment['PROXMOX_SECRET']}"
    request = urllib.request.Request(
        lab.environment["PROXMOX_URL"] + "/api2/json/cluster/resources?type=vm", headers={"Authorization": token}
    )
    with urllib.request.urlopen(request, context=anonymous) as answer:
        rows: list[dict[str, object]] = yaml.safe_load(answer.read())["data"]
    return rows
