"""After the first day, with the real kubectl: scale, roll out a change, go back, pause, and have a machine replaced.

The commands of two how-to pages are run as they stand there, but for how long a Node may be silent.
"""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.programs import BIN, HOMELAB, REPOSITORY, Lab, Plane, Shell, run
from tests.e2e.test_docs import blocks

PAGES = REPOSITORY / "docs" / "how-to"
WORKERS = "homelab-workers"
NEW = f"{WORKERS}-6g"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    lab = Lab("--instant")
    yield lab
    assert lab.end() == 0, lab.output


@pytest.fixture(scope="module")
def shell(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    directory = tmp_path_factory.mktemp("plane") / "data"
    plane = Plane(directory, lab.environment, "--service-account-key", "ecdsa-p256")
    shell = Shell(plane.kubeconfig)
    # Released addresses rest for a while before they are given out again: more of them, so that nothing waits for that.
    manifests = tmp_path_factory.mktemp("manifests") / "homelab.yaml"
    manifests.write_text(HOMELAB.read_text().replace('-192.168.0.29"]', '-192.168.0.29", "192.168.0.40-192.168.0.79"]'))
    shell.kubectl("apply", "-f", str(manifests))
    shell.kubectl("wait", "--for=condition=Available", "cluster/homelab", "--timeout=60s")
    yield shell
    assert plane.end() == 0, plane.output


def page(shell: Shell, name: str) -> list[str]:
    """Run the blocks of a page; what each of them said."""
    said = []
    for block in blocks((PAGES / name).read_text().replace("timeoutSeconds: 300", "timeoutSeconds: 1")):
        commands = f'PATH="{BIN}:$PATH"\n{block.commands}'
        done = run("sh", "-e", "-c", commands, environment=shell.environment)
        assert done.returncode == 0, f"{block.commands}\n--- it said:\n{done.stdout}{done.stderr}"
        said.append(done.stdout)
    return said


def found(shell: Shell, kind: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(shell.kubectl("get", kind, "-o", "json"))["items"]
    return [item for item in items if item["metadata"]["name"].startswith(WORKERS)]


def memories(shell: Shell) -> list[int]:
    return [machine["spec"]["memoryMiB"] for machine in found(shell, "proxmoxmachines")]


def test_scale(shell: Shell) -> None:
    for replicas in (3, 2):
        shell.kubectl("scale", "machinedeployment", WORKERS, f"--replicas={replicas}")
        shell.capstan("rollout", "status", f"machinedeployment/{WORKERS}", "--timeout", "60")
        assert len(found(shell, "machines")) == replicas


def test_roll_out_and_back(shell: Shell) -> None:
    before = {machine["metadata"]["name"] for machine in found(shell, "machines")}
    _, rolled, _, back, again = page(shell, "roll-out-changes.md")
    assert f'machinedeployment "{WORKERS}" successfully rolled out' in rolled
    history = back.split(f"{WORKERS} rolled back")[0].splitlines()
    assert [line.split()[2] for line in history if line[:1].isdigit()] == [WORKERS, NEW]
    assert "paused" in again
    assert "resumed" in again
    assert memories(shell) == [6144, 6144]
    assert not before & {machine["metadata"]["name"] for machine in found(shell, "machines")}


def test_a_pause_holds_a_change_back(shell: Shell) -> None:
    before = {machine["metadata"]["name"] for machine in found(shell, "machines")}
    shell.capstan("rollout", "pause", f"md/{WORKERS}")
    patch = {"spec": {"template": {"spec": {"infrastructureRef": {"name": WORKERS}}}}}
    shell.kubectl("patch", "md", WORKERS, "--type=merge", "-p", json.dumps(patch))
    shell.kubectl("wait", "--for=condition=RollingOut", f"md/{WORKERS}", "--timeout=20s")
    assert {machine["metadata"]["name"] for machine in found(shell, "machines")} == before
    shell.capstan("rollout", "resume", f"md/{WORKERS}")
    shell.capstan("rollout", "status", f"md/{WORKERS}", "--timeout", "60")
    assert memories(shell) == [4096, 4096]


def test_drains_hooks_and_limits(shell: Shell) -> None:
    """The page is one shell's: a variable of it names the machine."""
    before = {machine["metadata"]["name"] for machine in found(shell, "machines")}
    text = (PAGES / "drain-machines.md").read_text()
    commands = "\n".join(block.commands for block in blocks(text))
    done = run("sh", "-e", "-c", f'PATH="{BIN}:$PATH"\n{commands}', environment=shell.environment)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    assert "Deleting: Waiting for pre-drain hooks" in done.stdout
    assert "pre-drain.delete.hook.machine.cluster.x-k8s.io/backup" in done.stdout.split("Not done yet")[1]
    shell.capstan("rollout", "status", f"machinedeployment/{WORKERS}", "--timeout", "60")
    assert len(before & {machine["metadata"]["name"] for machine in found(shell, "machines")}) == 1
    limits = {machine["spec"]["deletion"]["nodeDrainTimeoutSeconds"] for machine in found(shell, "machines")}
    assert limits == {1800}


def test_a_machine_whose_vm_loses_its_power_is_replaced(shell: Shell, lab: Lab) -> None:
    page(shell, "replace-unhealthy-machines.md")
    shell.kubectl("wait", "--for=condition=Ready", "machines", "--all", "--timeout=60s")
    victim = found(shell, "proxmoxmachines")[0]
    name = victim["metadata"]["name"]
    stop(lab, victim["status"]["proxmoxNode"], victim["spec"]["virtualMachineID"])
    shell.kubectl("wait", "--for=delete", f"machine/{name}", "--timeout=90s")
    shell.capstan("rollout", "status", f"machinedeployment/{WORKERS}", "--timeout", "60")
    machines = [machine["metadata"]["name"] for machine in found(shell, "machines")]
    assert len(machines) == 2
    assert name not in machines


def stop(lab: Lab, node: str, vmid: int) -> None:
    """As somebody in Proxmox VE's own interface."""
    environment = lab.environment
    url = f"{environment['PROXMOX_URL']}/api2/json/nodes/{node}/qemu/{vmid}/status/stop"
    request = urllib.request.Request(url, method="POST", data=b"")
    request.add_header("Authorization", f"PVEAPIToken={environment['PROXMOX_TOKEN']}={environment['PROXMOX_SECRET']}")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with opener.open(request, timeout=30) as answer:
        assert answer.status == 200
