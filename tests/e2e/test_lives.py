"""The journeys of the Cluster API book with the real kubectl: what users type in the months after the first day.

One cluster of three control plane machines lives through them in this order.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.programs import CAPSTAN, CLEAN, HOMELAB, KUBECTL, Lab, Plane, Shell, run

CONTROL_PLANE, WORKERS = "homelab-control-plane", "homelab-workers"
IS_CONTROL_PLANE = "cluster.x-k8s.io/control-plane"
OLD_MD = "machinedeployments.v1beta1.cluster.x-k8s.io"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    lab = Lab("--instant")
    plane = Plane(tmp_path_factory.mktemp("plane") / "data", lab.environment, "--service-account-key", "ecdsa-p256")
    shell = Shell(plane.kubeconfig)
    manifests = list(yaml.safe_load_all(HOMELAB.read_text()))
    for manifest in manifests:
        if manifest["kind"] == "TalosControlPlane":
            manifest["spec"]["replicas"] = 3
        if manifest["kind"] == "MachineDeployment":
            manifest["spec"]["replicas"] = 1
        if manifest["kind"] == "ProxmoxCluster":
            # Released addresses rest for a while: more of them, so that nothing waits for that.
            manifest["spec"]["ipv4Config"]["addresses"].append("192.168.0.40-192.168.0.99")
    shell.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(manifests))
    shell.kubectl("wait", "--for=condition=Available", "cluster/homelab", "--timeout=150s")
    shell.kubectl("wait", "--for=jsonpath={.status.readyReplicas}=3", f"tcp/{CONTROL_PLANE}", "--timeout=150s")
    yield shell
    assert plane.end() == 0, plane.output
    assert lab.end() == 0, lab.output


def machines(shell: Shell, selector: str = IS_CONTROL_PLANE) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(shell.kubectl("get", "machines", "-l", selector, "-o", "json"))["items"]
    return found


def names(shell: Shell, selector: str = IS_CONTROL_PLANE) -> set[str]:
    return {machine["metadata"]["name"] for machine in machines(shell, selector)}


def of_workers() -> str:
    return f"cluster.x-k8s.io/deployment-name={WORKERS}"


def whole(shell: Shell, control_planes: int = 3) -> None:
    """The control plane has all its machines, and they work."""
    ready = f"--for=jsonpath={{.status.readyReplicas}}={control_planes}"
    shell.kubectl("wait", ready, f"tcp/{CONTROL_PLANE}", "--timeout=150s")
    shell.kubectl("wait", "--for=condition=Available", f"tcp/{CONTROL_PLANE}", f"md/{WORKERS}", "--timeout=150s")


def test_labels_of_a_template_come_to_running_machines_and_leave_them(shell: Shell) -> None:
    (name,) = before = names(shell, of_workers())
    everything = (f"machine/{name}", f"proxmoxmachine/{name}", f"talosconfig/{name}")
    shell.kubectl("label", *everything, "own=mine")

    def label(**labels: str | None) -> None:
        patch = json.dumps({"spec": {"template": {"metadata": {"labels": labels}}}})
        shell.kubectl("patch", f"md/{WORKERS}", "--type=merge", "-p", patch)
        for key, value in labels.items():
            if value is not None:
                shell.kubectl(
                    "wait", f"--for=jsonpath={{.metadata.labels.{key}}}={value}", *everything, "--timeout=60s"
                )

    label(tier="gold")
    shown = shell.kubectl("get", "machine", name, "-o", "yaml", "--show-managed-fields")
    assert "manager: capi-machineset\n" in shown
    shown = shell.kubectl("get", "proxmoxmachine", name, "-o", "yaml", "--show-managed-fields")
    assert "manager: capi-machineset-metadata\n" in shown
    (of_deployment,) = yaml.safe_load(shell.kubectl("get", "ms", "-o", "yaml", "--show-managed-fields"))["items"]
    assert "capi-machinedeployment" in [entry["manager"] for entry in of_deployment["metadata"]["managedFields"]]
    label(tier=None, zone="a")
    for what in everything:
        labels = json.loads(shell.kubectl("get", what, "-o", "json"))["metadata"]["labels"]
        assert (labels.get("tier"), labels["zone"], labels["own"]) == (None, "a", "mine"), what
    label(zone=None)
    assert names(shell, of_workers()) == before, "nothing was replaced"


def test_a_version_change(shell: Shell) -> None:
    before = names(shell) | names(shell, of_workers())
    for version, why in (("v1.32.0", "cannot go back from v1.33.4"), ("v1.35.0", "one minor version at a time")):
        patch = json.dumps({"spec": {"version": version}})
        said = shell.kubectl_fails("patch", f"tcp/{CONTROL_PLANE}", "--type=merge", "-p", patch)
        assert "spec.version: Invalid value" in said
        assert why in said
    # Workers first: they wait for their control plane, and say so.
    patch = json.dumps({"spec": {"template": {"spec": {"version": "v1.34.0"}}}})
    shell.kubectl("patch", f"md/{WORKERS}", "--type=merge", "-p", patch)
    revision = r"jsonpath={.metadata.annotations.machinedeployment\.clusters\.x-k8s\.io/revision}"
    shell.kubectl("wait", f"--for={revision}=2", f"md/{WORKERS}", "--timeout=60s")
    sets = json.loads(shell.kubectl("get", "machinesets", "-l", of_workers(), "-o", "json"))["items"]
    (new,) = [s["metadata"]["name"] for s in sets if s["spec"]["template"]["spec"]["version"] == "v1.34.0"]
    shell.kubectl("wait", "--for=condition=ScalingUp", f"machineset/{new}", "--timeout=60s")
    said = shell.capstan("describe", "cluster", "homelab")
    assert (
        "MachineSet version (1.34.0) and ControlPlane version (1.33.4) do not conform to the kubernetes version" in said
    )
    shell.kubectl("patch", f"tcp/{CONTROL_PLANE}", "--type=merge", "-p", '{"spec":{"version":"v1.34.0"}}')
    targets = (f"taloscontrolplane/{CONTROL_PLANE}", f"machinedeployment/{WORKERS}")
    followed = shell.capstan("rollout", "status", *targets, "--timeout", "240")
    for target in targets:
        kind, name = target.split("/")
        assert f'{kind} "{name}" successfully rolled out' in followed
    after = machines(shell) + machines(shell, of_workers())
    assert {machine["spec"]["version"] for machine in after} == {"v1.34.0"}
    assert not before & {machine["metadata"]["name"] for machine in after}
    whole(shell)


HEALTH_CHECK = f"""
apiVersion: cluster.x-k8s.io/v1beta1
kind: MachineHealthCheck
metadata: {{name: control-plane}}
spec:
  clusterName: homelab
  maxUnhealthy: 100%
  selector: {{matchLabels: {{"{IS_CONTROL_PLANE}": ""}}}}
  unhealthyConditions:
  - {{type: Ready, status: Unknown, timeout: 300s}}
"""


def test_a_control_plane_machine_is_remediated(shell: Shell) -> None:
    shell.kubectl("apply", "-f", "-", text=HEALTH_CHECK)
    checks = json.loads(shell.kubectl("get", "mhc", "control-plane", "-o", "json"))["spec"]["checks"]
    assert checks["unhealthyNodeConditions"] == [{"type": "Ready", "status": "Unknown", "timeoutSeconds": 300}]
    limit = "capstan.dev/remediation-max-retry"
    assert "must be a whole number" in shell.kubectl_fails("annotate", f"tcp/{CONTROL_PLANE}", f"{limit}=often")
    shell.kubectl("annotate", f"tcp/{CONTROL_PLANE}", f"{limit}=3")
    before = names(shell)
    ill = sorted(before)[0]
    shell.kubectl("annotate", f"machine/{ill}", "cluster.x-k8s.io/remediate-machine=")
    shell.kubectl("wait", "--for=delete", f"machine/{ill}", "--timeout=150s")
    whole(shell)
    made = [m for m in machines(shell) if m["metadata"]["name"] not in before]
    assert ill in made[0]["metadata"]["annotations"]["controlplane.cluster.x-k8s.io/remediation-for"]
    assert len(made) == 1
    shell.kubectl("delete", "mhc", "control-plane")


def test_scaling_down_takes_the_machine_that_is_marked(shell: Shell) -> None:
    shell.kubectl("scale", f"md/{WORKERS}", "--replicas=3")
    shell.kubectl("wait", "--for=jsonpath={.status.availableReplicas}=3", f"md/{WORKERS}", "--timeout=150s")
    first, marked, last = sorted(names(shell, of_workers()))
    shell.kubectl("annotate", f"machine/{marked}", "cluster.x-k8s.io/delete-machine=yes")
    shell.kubectl("scale", f"md/{WORKERS}", "--replicas=2")
    shell.kubectl("wait", "--for=delete", f"machine/{marked}", "--timeout=150s")
    assert names(shell, of_workers()) == {first, last}


def test_a_machine_that_is_deleted_is_replaced(shell: Shell) -> None:
    gone, stays = sorted(names(shell, of_workers()))
    shell.kubectl("delete", "machine", gone, "--timeout=150s")
    shell.kubectl("wait", "--for=jsonpath={.status.availableReplicas}=2", f"md/{WORKERS}", "--timeout=150s")
    left = names(shell, of_workers())
    assert stays in left
    assert len(left - {gone}) == 2


def test_credentials_come_back_and_the_authority_stays(shell: Shell, tmp_path: Path) -> None:
    kept = ("homelab-ca", "homelab-talos")
    before = {name: secret(shell, name) for name in kept}
    old = tmp_path / "old"
    old.write_text(shell.capstan("get", "kubeconfig", "homelab"))
    uids = {}
    for name in ("homelab-kubeconfig", "homelab-talosconfig"):
        uids[name] = secret(shell, name)["metadata"]["uid"]
        shell.kubectl("delete", "secret", name)
        shell.kubectl("wait", "--for=create", f"secret/{name}", "--timeout=60s")
    for name in kept:
        shell.kubectl("patch", "secret", name, "--type=merge", "-p", '{"metadata":{"ownerReferences":null}}')
        shell.kubectl("wait", "--for=jsonpath={.metadata.ownerReferences[0].kind}=Cluster", f"secret/{name}")
    assert {name: secret(shell, name)["data"] for name in kept} == {n: s["data"] for n, s in before.items()}
    assert all(secret(shell, name)["metadata"]["uid"] != uid for name, uid in uids.items())
    new = tmp_path / "new"
    new.write_text(shell.capstan("get", "kubeconfig", "homelab"))
    assert new.read_text() != old.read_text()
    for kubeconfig in (old, new):
        assert Shell(kubeconfig).kubectl("get", "nodes", "-o", "name").count("node/") == 5
    content = yaml.safe_load(base64.b64decode(secret(shell, "homelab-talosconfig")["data"]["talosconfig"]))
    assert len(content["contexts"]["homelab"]["endpoints"]) == 3


def secret(shell: Shell, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shell.kubectl("get", "secret", name, "-o", "json"))
    return found


def test_the_older_version_is_read_patched_edited_and_applied(shell: Shell) -> None:
    table = shell.kubectl("get", "machines.v1beta1.cluster.x-k8s.io").splitlines()
    assert table[0].split()[:3] == ["NAME", "CLUSTER", "NODENAME"]
    assert all("Running" in line for line in table[1:])
    patch = '{"spec":{"template":{"spec":{"nodeDrainTimeout":"90s"}}}}'
    shell.kubectl("patch", OLD_MD, WORKERS, "--type=merge", "-p", patch)
    assert drain_timeout(shell) == "90"
    editor = {**CLEAN, **shell.environment, "KUBE_EDITOR": "sed -i s/nodeDrainTimeout:.1m30s/nodeDrainTimeout:\\ 2m/"}
    edited = subprocess.run([KUBECTL, "edit", OLD_MD, WORKERS], env=editor, capture_output=True, text=True, timeout=60)
    assert edited.returncode == 0, edited.stderr
    assert "edited" in edited.stdout
    assert drain_timeout(shell) == "120"
    old = yaml.safe_load(shell.kubectl("get", OLD_MD, WORKERS, "-o", "yaml"))
    del old["status"]
    old["spec"]["template"]["spec"]["nodeDrainTimeout"] = "3m"
    shell.kubectl("apply", "-f", "-", text=yaml.safe_dump(old))
    assert drain_timeout(shell) == "180"
    # What is about deleting goes to the machines that are there: none is replaced.
    one = sorted(names(shell, of_workers()))[0]
    told = "--for=jsonpath={.spec.deletion.nodeDrainTimeoutSeconds}=180"
    shell.kubectl("wait", told, f"machine/{one}", "--timeout=60s")


def drain_timeout(shell: Shell) -> str:
    path = "jsonpath={.spec.template.spec.deletion.nodeDrainTimeoutSeconds}"
    return shell.kubectl("get", f"md/{WORKERS}", "-o", path)


def test_a_paused_cluster_is_left_alone(shell: Shell) -> None:
    shell.kubectl("patch", "cluster/homelab", "--type=merge", "-p", '{"spec":{"paused":true}}')
    shell.kubectl("wait", "--for=condition=Paused", f"md/{WORKERS}", f"tcp/{CONTROL_PLANE}", "--timeout=60s")
    before = names(shell, of_workers())
    shell.kubectl("scale", f"md/{WORKERS}", "--replicas=1")
    assert "Paused: Cluster spec.paused is set to true" in shell.capstan("describe", "cluster", "homelab")
    assert names(shell, of_workers()) == before
    shell.kubectl("patch", "cluster/homelab", "--type=merge", "-p", '{"spec":{"paused":false}}')
    shell.kubectl("wait", "--for=condition=Paused=false", f"md/{WORKERS}", "--timeout=60s")
    shell.kubectl("wait", "--for=jsonpath={.status.replicas}=1", f"md/{WORKERS}", "--timeout=150s")


def test_a_second_cluster_takes_nothing_of_the_first(shell: Shell) -> None:
    before = names(shell) | names(shell, of_workers())
    copy = json.loads(shell.kubectl("get", "cluster", "homelab", "-o", "json"))
    twin = {**copy, "metadata": {"name": "twin", "namespace": "default"}, "status": {}}
    shell.kubectl("apply", "-f", "-", text=json.dumps(twin))
    reason = "jsonpath={.status.conditions[?(@.type=='ControlPlaneAvailable')].reason}"
    shell.kubectl("wait", f"--for={reason}=OwnedByAnother", "cluster/twin", "--timeout=60s")
    said = shell.capstan("describe", "cluster", "twin")
    assert f"TalosControlPlane {CONTROL_PLANE} belongs to Cluster homelab, and Cluster twin leaves it alone" in said
    shell.kubectl("delete", "cluster", "twin", "--timeout=60s")
    assert names(shell) | names(shell, of_workers()) == before
    whole(shell)


def test_what_cannot_be_carried_out_says_why(shell: Shell) -> None:
    history = shell.capstan("rollout", "history", f"md/{WORKERS}", "--revision", "2")
    assert "version: v1.34.0" in history
    for command, why in (
        (("history", f"md/{WORKERS}", "--revision", "99"), "revision 99 of MachineDeployment homelab-workers is not"),
        (("undo", f"md/{WORKERS}", "--to-revision", "99"), "kept are: "),
        (("undo", f"tcp/{CONTROL_PLANE}"), "a control plane does not go back"),
        (("resume", f"tcp/{CONTROL_PLANE}"), "is not paused"),
        (("status", "md/nobody"), "not found in namespace default"),
    ):
        done = run(CAPSTAN, "rollout", *command, environment=shell.environment)
        assert (done.returncode, why in done.stderr) == (1, True), done.stderr
    refused = shell.kubectl_fails("patch", f"tcp/{CONTROL_PLANE}", "--type=merge", "-p", '{"spec":{"replicas":-1}}')
    assert "spec.replicas: Invalid value: -1: must be greater than or equal to 0" in refused
    shell.kubectl("scale", f"tcp/{CONTROL_PLANE}", "--replicas=0")
    shell.kubectl("wait", "--for=condition=ScalingDown", f"tcp/{CONTROL_PLANE}", "--timeout=60s")
    follow = ("rollout", "status", f"tcp/{CONTROL_PLANE}", "--timeout", "30")
    done = run(CAPSTAN, *follow, "--no-watch", environment=shell.environment)
    assert "rollout to finish: Scaling down from" in done.stdout
    shell.kubectl("scale", f"tcp/{CONTROL_PLANE}", "--replicas=3")
    shell.capstan("rollout", "status", f"tcp/{CONTROL_PLANE}", "--timeout", "240")
    whole(shell)


def test_several_rollouts_are_restarted_at_once(shell: Shell) -> None:
    before = names(shell) | names(shell, of_workers())
    targets = (f"taloscontrolplane/{CONTROL_PLANE}", f"machinedeployment/{WORKERS}")
    shell.capstan("rollout", "pause", targets[1], "--kubeconfig-context", "capstan")
    refused = run(CAPSTAN, "rollout", "restart", targets[1], *targets, environment=shell.environment)
    assert refused.returncode == 1
    assert refused.stderr.count("can't restart paused MachineDeployment") == 2
    assert refused.stdout == f"taloscontrolplane.controlplane.cluster.x-k8s.io/{CONTROL_PLANE} restarted\n"
    shell.capstan("rollout", "resume", "machinedeployment", WORKERS)
    shell.capstan("rollout", "restart", targets[1], "--namespace", "default")
    shell.capstan("rollout", "status", *targets, "--timeout", "240")
    assert not before & (names(shell) | names(shell, of_workers()))
    for target, status, why in (
        ("deployment/web", 2, "is not KIND/NAME with a KIND of machinedeployment (md) or taloscontrolplane (tcp)"),
        ("machinedeployment/nobody", 1, 'MachineDeployment "nobody" not found in namespace default'),
    ):
        done = run(CAPSTAN, "rollout", "restart", target, environment=shell.environment)
        assert (done.returncode, done.stdout) == (status, "")
        assert why in done.stderr
    whole(shell)


def test_the_tree_with_all_that_it_can_show(shell: Shell) -> None:
    options = ("--show-machinesets", "--show-templates", "--show-resourcesets", "--echo", "--grouping=false")
    tree = shell.capstan("describe", "cluster", "homelab", *options)
    for row in ("MachineSet default/", "Templates", "ProxmoxMachineTemplate default/", "ProxmoxMachine default/"):
        assert row in tree
    some = shell.capstan("describe", "cluster", "homelab", "--show-conditions", f"MachineDeployment/{WORKERS}")
    assert "─RollingOut " in some
    assert "─Initialized " not in some, "of other kinds nothing is shown"
    done = run(CAPSTAN, "describe", "cluster", "homelab", "--show-conditions", "all, x", environment=shell.environment)
    assert done.returncode == 2
    assert "white space" in done.stderr
    missing = run(CAPSTAN, "describe", "cluster", "nobody", environment=shell.environment)
    assert missing.returncode == 1
    assert '"nobody" not found' in missing.stderr


def test_the_cluster_goes_in_order_and_leaves_nothing(shell: Shell) -> None:
    shell.kubectl("delete", "cluster", "homelab", "--timeout=150s")
    left = shell.kubectl("get", "machines,machinesets,md,tcp,proxmoxmachines,talosconfigs,secrets", "-o", "name")
    assert left.split() == ["secret/homelab-proxmox"], "the user's own Secret stays"
