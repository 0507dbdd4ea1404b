"""What users and hosts get wrong: each shows in conditions with a reason and advice, as an Event, all the way up to
the Cluster; costs little while it lasts; tells no secret; and ends by itself once its cause is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
import yaml

from capstan.sim.hypervisor import DiskImage
from capstan.sim.proxmox.access import ADMINISTRATOR
from capstan.sim.proxmox.cluster import PveCluster
from capstan.sim.proxmox.vm import Vm
from tests.sim.homelab import CONTROL_PLANE, ROOT, SETTINGS, WORKERS, HomeLab, document, documents, small, state

Story = Callable[[HomeLab], Coroutine[Any, Any, None]]


def pve_of(lab: HomeLab) -> PveCluster:
    return lab.world.datacenter.pve


def vm_of(lab: HomeLab, part: str) -> Vm:
    return next(vm for vm in pve_of(lab).vms.values() if part in vm.name and not vm.template)


def lose(lab: HomeLab, vm: Vm) -> None:
    """Deleted by hand, in Proxmox VE."""
    pve_of(lab).power_off(vm)
    pve_of(lab).destroy(vm, unreferenced=True)


async def climbs(lab: HomeLab, part: str, machines: str = "ControlPlaneMachinesReady") -> None:
    """The cause is told on the machine's Machine and on the Cluster."""
    await lab.told("Machine", "Ready", part)
    await lab.told("Cluster", machines, part)


def play(story: Story, manifests: list[dict[str, Any]] | None = None, **settings: Any) -> None:
    HomeLab(replace(SETTINGS, **settings), manifests or small(documents())).run(story)


def test_a_missing_template() -> None:
    async def story(lab: HomeLab) -> None:
        template = pve_of(lab).vms.pop(9000)
        await lab.apply()
        told = await lab.told("ProxmoxMachine", "VirtualMachineProvisioned", "template 9000 does not exist")
        assert told.startswith("TemplateNotFound: ")
        assert "capstan image ensure" in told
        await climbs(lab, "capstan image ensure")
        assert await lab.events("TemplateNotFound")
        await lab.calmly(writes=20)
        pve_of(lab).vms[9000] = template
        await lab.ready(1, 1, 600)

    play(story)


def test_no_credentials() -> None:
    async def story(lab: HomeLab) -> None:
        secret = lab.manifests.pop(0)
        assert secret["kind"] == "Secret"
        await lab.apply()
        told = await lab.told("ProxmoxCluster", "Ready", "Secret default/homelab-proxmox")
        assert told.startswith("CredentialsNotFound: ")
        assert "create it with url, token and secret" in told
        await lab.told("Cluster", "InfrastructureReady", "create it with url, token and secret")
        await lab.told("Cluster", "Available", "create it with url, token and secret")
        assert await lab.events("CredentialsNotFound")
        await lab.calmly(writes=10)
        lab.manifests.insert(0, secret)
        await lab.apply()
        await lab.ready(1, 1, 600)

    play(story)


def test_a_token_that_is_not_accepted() -> None:
    async def story(lab: HomeLab) -> None:
        data = document(lab.manifests, "Secret")["stringData"]
        right, data["secret"] = data["secret"], "deadbeef-0000-4000-8000-0000deadbeef"
        lab.hide(data["secret"])
        await lab.apply()
        told = await lab.told("ProxmoxCluster", "Ready", "does not accept the API token")
        assert told.startswith("Unauthorized: ")
        assert "check the token id" in told
        await lab.told("Cluster", "Available", "check the token id")
        assert await lab.events("Unauthorized")
        await lab.calmly(writes=10)
        data["secret"] = right
        await lab.apply()
        await lab.ready(1, 1, 600)

    play(story)


@pytest.mark.parametrize(
    ("privilege", "where"),
    [("VM.Clone", "/vms/9000"), ("VM.Config.CDROM", "/vms/100"), ("Datastore.AllocateTemplate", "/storage/local")],
)
def test_a_missing_privilege(privilege: str, where: str) -> None:
    async def story(lab: HomeLab) -> None:
        token = pve_of(lab).tokens.get(lab.settings.token_id)
        token.grants = {"/": ADMINISTRATOR - {privilege}}
        await lab.apply()
        said = f"lacks the privilege {privilege} on {where}"
        await lab.told("ProxmoxMachine", "VirtualMachineProvisioned", said)
        await climbs(lab, said)
        await lab.calmly(600, writes=400)
        assert any(said in message for message in await lab.events())
        token.grants = {"/": ADMINISTRATOR}
        await lab.ready(1, 1, 600)

    play(story)


def test_a_full_storage() -> None:
    async def story(lab: HomeLab) -> None:
        tank = pve_of(lab).storages.get("tank")
        size, tank.total_bytes = tank.total_bytes, 11 * 2**30
        await lab.apply()
        told = await lab.told("ProxmoxMachine", "VirtualMachineProvisioned", "no space left")
        assert "free space on the storage or choose another one" in told
        await climbs(lab, "free space on the storage")
        await asyncio.sleep(600)
        assert await lab.events("CloningFailed")
        await lab.calmly(writes=250, reconciles=1000)
        tank.total_bytes = size
        await lab.ready(1, 1, 900)

    play(story)


def test_no_room_on_any_node() -> None:
    async def story(lab: HomeLab) -> None:
        pve_of(lab).fail_host("pve3")
        await lab.apply()
        told = await lab.told("ProxmoxMachine", "VirtualMachineProvisioned", "no node can take the VM")
        assert told.startswith("NoRoomOnAnyNode: ")
        for node in ("pve1: 3072 MiB of memory left, the VM wants 4096 MiB", "pve2: 3072 MiB", "pve3: offline"):
            assert node in told
        assert "lower spec.memoryMiB" in told
        await climbs(lab, "pve3: offline")
        assert await lab.events("NoRoomOnAnyNode")
        await lab.calmly(writes=20)
        for host in pve_of(lab).hosts.values():
            host.memory_bytes = 16 * 2**30
        await lab.ready(1, 1, 600)

    play(story, host_memory_gib=3)


def test_an_exhausted_pool() -> None:
    async def story(lab: HomeLab) -> None:
        network = document(lab.manifests, "ProxmoxCluster")["spec"]["ipv4Config"]
        network["addresses"] = ["192.168.0.20"]
        await lab.apply()
        told = await lab.told("IPAddressClaim", "Ready", "has no free address")
        assert told.startswith("PoolExhausted: ")
        assert "Add to its spec.addresses" in told
        said = "InClusterIPPool homelab-v4-icip has no free address"
        await lab.told("ProxmoxMachine", "VirtualMachineProvisioned", said)
        await lab.told("Machine", "Ready", said)
        await asyncio.sleep(120)
        assert await lab.events("PoolExhausted")
        await lab.calmly(writes=20)
        network["addresses"] = ["192.168.0.20-192.168.0.21"]
        await lab.apply()
        await lab.ready(1, 1, 600)

    play(story)


def test_a_proxmox_node_that_dies_under_a_machine() -> None:
    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(1, 1)
        vm = vm_of(lab, "workers")
        assert vm.node != vm_of(lab, "control-plane").node
        pve_of(lab).fail_host(vm.node)
        told = await lab.told("ProxmoxMachine", "VirtualMachineProvisioned", f"node {vm.node} of Proxmox VE")
        assert told.startswith("NodeOffline: ")
        assert "bring it back" in told
        await climbs(lab, "bring it back", "WorkerMachinesReady")
        assert await lab.events("NodeOffline")
        await lab.calmly(writes=20)
        pve_of(lab).recover_host(vm.node)
        await lab.ready(1, 1, 600)
        assert vm_of(lab, "workers") is vm

    play(story)


def test_the_proxmox_node_of_the_template_is_down_at_first() -> None:
    async def story(lab: HomeLab) -> None:
        pve_of(lab).fail_host("pve1")
        await lab.apply()
        await lab.told("ProxmoxMachine", "VirtualMachineProvisioned", "the node that holds the template (pve1)")
        await climbs(lab, "the node that holds the template (pve1) is offline")
        await lab.calmly(writes=20)
        pve_of(lab).recover_host("pve1")
        await lab.ready(1, 1, 600)

    play(story)


def test_a_worker_that_was_deleted_by_hand() -> None:
    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(1, 1)
        vm = vm_of(lab, "workers")
        lose(lab, vm)
        told = await lab.told("ProxmoxMachine", "VirtualMachineProvisioned", f"delete Machine {vm.name}")
        assert told.startswith("VirtualMachineNotFound: ")
        await climbs(lab, f"delete Machine {vm.name}", "WorkerMachinesReady")
        assert await lab.events("VirtualMachineNotFound")
        await lab.calmly(writes=20)
        assert len(pve_of(lab).vms) == 2
        await lab.delete("Machine", vm.name)
        await lab.ready(1, 1, 1200)

    play(story)


def test_a_control_plane_machine_that_was_deleted_by_hand() -> None:
    """One of three: etcd goes on, and the new one takes its place."""

    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(3, 1)
        await asyncio.sleep(120)
        vm = vm_of(lab, "control-plane")
        lose(lab, vm)
        await climbs(lab, f"delete Machine {vm.name}")
        assert "does not answer" in await lab.told("TalosControlPlane", "EtcdClusterHealthyCondition", vm.name)
        await lab.calmly(writes=20)
        await lab.delete("Machine", vm.name)
        await lab.ready(3, 1, 1800)
        assert sum(" bootstraps" in line for line in lab.world.trace.lines) == 1

    play(story, small(documents(), 3, 1))


def test_the_only_control_plane_machine_was_deleted_by_hand() -> None:
    """What it knew is lost. Nothing is bootstrapped a second time; what to do is said."""

    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(1, 1)
        vm = vm_of(lab, "control-plane")
        lose(lab, vm)
        await climbs(lab, f"delete Machine {vm.name}")
        await lab.calmly()
        await lab.delete("Machine", vm.name)
        await lab.told("TalosControlPlane", "EtcdClusterHealthyCondition", "talosctl bootstrap --recover-from=FILE")
        await asyncio.sleep(1200)
        await lab.calmly()
        assert sum(" bootstraps" in line for line in lab.world.trace.lines) == 1
        await lab.delete_all()
        await lab.deleted()

    play(story)


def test_machines_that_never_boot() -> None:
    async def story(lab: HomeLab) -> None:
        volume = next(v for v in pve_of(lab).storages.get("tank").volumes.values() if v.vmid == 9000)
        good, volume.disk.image = volume.disk.image, DiskImage()
        await lab.apply()
        told = await lab.told("ProxmoxMachine", "NodeJoined", "look at its console", seconds=1800)
        assert told.startswith("NodeNotJoined: ")
        assert await lab.events("NodeNotJoined")
        await climbs(lab, "look at its console")
        await lab.told("TalosControlPlane", "MachinesBootstrapped", "homelab-control-plane")

        await lab.calmly(writes=20)
        volume.disk.image = good
        for machine in await lab.all("Machine"):
            await lab.delete("Machine", machine["metadata"]["name"])
        await lab.ready(1, 1, 1800)

    play(story)


def _worker_template(lab: HomeLab) -> dict[str, Any]:
    found: dict[str, Any] = document(lab.manifests, "MachineDeployment")["spec"]["template"]["spec"]
    return found


@pytest.mark.parametrize(
    ("reference", "kind"),
    [("infrastructureRef", "ProxmoxMachineTemplate"), ("bootstrap", "TalosConfigTemplate")],
)
def test_workers_of_a_template_that_does_not_exist(reference: str, kind: str) -> None:
    async def story(lab: HomeLab) -> None:
        found = _worker_template(lab)[reference]
        target = found.get("configRef", found)
        target["name"] = "nothing"
        await lab.apply()
        said = f"{kind} does not exist: create {kind} nothing, or correct the reference"
        await lab.told("MachineDeployment", "ScalingUp", said)
        await lab.told("Cluster", "ScalingUp", said)
        await asyncio.sleep(60)
        assert any(f"{kind} nothing does not exist" in text for text in await lab.events("TemplateNotFound"))
        await lab.until(lambda: _is_up(lab))
        await lab.calmly(writes=20)
        target["name"] = WORKERS
        await lab.apply()
        await lab.ready(1, 1, 600)

    play(story)


async def _is_up(lab: HomeLab) -> bool:
    machines = await lab.all("Machine")
    return bool(machines) and all(state(m, "Available") == "True" for m in machines)


def test_a_control_plane_whose_template_does_not_exist() -> None:
    async def story(lab: HomeLab) -> None:
        template = document(lab.manifests, "ProxmoxMachineTemplate", CONTROL_PLANE)
        lab.manifests.remove(template)
        await lab.apply()
        said = f"ProxmoxMachineTemplate {CONTROL_PLANE} does not exist: create it"
        told = await lab.told("TalosControlPlane", "MachinesCreated", said)
        assert told.startswith("InfrastructureTemplateCloningFailed: ")
        await asyncio.sleep(120)
        assert await lab.events("InfrastructureTemplateCloningFailed")
        await lab.calmly(writes=20)
        lab.manifests.append(template)
        await lab.apply()
        await lab.ready(1, 1, 600)

    play(story)


@pytest.mark.parametrize(
    ("reference", "condition", "right"),
    [
        ("infrastructureRef", "InfrastructureReady", "homelab"),
        ("controlPlaneRef", "ControlPlaneAvailable", CONTROL_PLANE),
    ],
)
def test_a_cluster_that_refers_to_nothing(reference: str, condition: str, right: str) -> None:
    async def story(lab: HomeLab) -> None:
        target = document(lab.manifests, "Cluster")["spec"][reference]
        target["name"] = "nothing"
        await lab.apply()
        said = f"create {target['kind']} nothing, or correct the reference"
        assert (await lab.told("Cluster", condition, said)).startswith("ObjectDoesNotExist: ")
        await lab.told("Cluster", "Available", said)
        await asyncio.sleep(900)
        assert any(said in message for message in await lab.events("ObjectDoesNotExist"))
        await lab.calmly(writes=20)
        target["name"] = right
        await lab.apply()
        await lab.ready(1, 1, 900)

    play(story)


def test_a_cluster_name_that_nobody_has() -> None:
    async def story(lab: HomeLab) -> None:
        cluster = document(lab.manifests, "Cluster")
        lab.manifests.remove(cluster)
        await lab.apply()
        await lab.told("ProxmoxCluster", "Ready", "no Cluster refers to this ProxmoxCluster yet")
        await lab.told("TalosControlPlane", "MachinesCreated", "Waiting for a Cluster that refers to this")
        await lab.calmly(writes=10)
        lab.manifests.insert(1, cluster)
        await lab.apply()
        await lab.ready(1, 1, 600)

    play(story)


def test_a_configuration_patch_that_cannot_be() -> None:
    async def story(lab: HomeLab) -> None:
        template = document(lab.manifests, "TalosConfigTemplate")
        template["spec"]["template"]["spec"]["strategicPatches"] = ["machine:\n  nosuchfield: true\n"]
        await lab.apply()
        await lab.told("TalosConfig", "DataSecretAvailable", "machine.nosuchfield: unknown field")
        await climbs(lab, "machine.nosuchfield: unknown field", "WorkerMachinesReady")
        assert await lab.events("InvalidConfiguration")
        await asyncio.sleep(300)
        await lab.calmly(writes=20)
        del template["spec"]["template"]["spec"]["strategicPatches"]
        await lab.delete("TalosConfigTemplate", WORKERS)
        await lab.apply()
        for machine in await lab.all("Machine"):
            if "workers" in machine["metadata"]["name"]:
                await lab.delete("Machine", machine["metadata"]["name"])
        await lab.ready(1, 1, 1200)

    play(story)


def test_a_control_plane_of_a_kind_that_nobody_serves() -> None:
    async def story(lab: HomeLab) -> None:
        await lab.apply()
        said = "install the provider of group controlplane.cluster.x-k8s.io"
        assert (await lab.told("Cluster", "ControlPlaneAvailable", said)).startswith("ProviderMissing: ")
        await lab.told("Cluster", "Available", said)
        await asyncio.sleep(60)
        assert any(said in message for message in await lab.events("ProviderMissing"))
        await lab.calmly(writes=10)
        await lab.delete("Cluster", "my-cluster")
        await lab.deleted()

    text = (ROOT / "examples" / "introduction" / "cluster.yaml").read_text()
    play(story, [found for found in yaml.safe_load_all(text) if found])
