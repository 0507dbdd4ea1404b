"""Everything outside of the management plane: Proxmox VE, the machines on it, their networks and clusters.

The same one stands in memory on a virtual clock (`capstan.sim.world`) and behind sockets (`capstan.sim.lab`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from capstan.runtime.clock import Clock
from capstan.sim.faults import Fault, Faults
from capstan.sim.hypervisor import DiskImage
from capstan.sim.keys import SeededKeys
from capstan.sim.network import Network
from capstan.sim.proxmox.access import Token
from capstan.sim.proxmox.api import PveApi
from capstan.sim.proxmox.cluster import Host, PveCluster
from capstan.sim.proxmox.delays import PveDelays
from capstan.sim.proxmox.images import AGENT_SCHEMATIC
from capstan.sim.proxmox.storage import Storage
from capstan.sim.talos.channels import SimChannels
from capstan.sim.talos.delays import MachineDelays
from capstan.sim.talos.environment import Environment
from capstan.sim.talos.fleet import Fleet
from capstan.sim.trace import Trace
from capstan.sim.workload.clients import SimWorkloadClients
from capstan.sim.workload.cluster import WorkloadCluster
from capstan.sim.workload.kubernetes import embedded_kubernetes

#: The Proxmox VE of `examples/homelab`.
PVE_HOST = "pve.lab.example"
PVE_TOKEN = "capstan@pve!homelab"
PVE_SECRET = "0f0e0d0c-0b0a-4908-8706-050403020100"
TEMPLATE_ID = 9000


@dataclass(frozen=True, slots=True)
class DatacenterSettings:
    """What a datacenter is made of. `storages` and `hosts` are those of the home lab unless given."""

    seed: int = 0
    machine_delays: MachineDelays = field(default_factory=MachineDelays)
    pve_delays: PveDelays = field(default_factory=PveDelays)
    faults: tuple[Fault, ...] = ()
    hosts: tuple[str, ...] = ("pve1", "pve2", "pve3")
    host_memory_gib: int = 64
    host_cpus: int = 16
    talos_version: str = "v1.11.6"
    schematic: str = AGENT_SCHEMATIC
    has_template: bool = True
    pve_host: str = PVE_HOST
    token_id: str = PVE_TOKEN
    token_secret: str = field(default=PVE_SECRET, repr=False)


class Datacenter:
    """Must be made inside of a running event loop; its time is that loop's."""

    def __init__(self, clock: Clock, settings: DatacenterSettings | None = None) -> None:
        self.settings = settings or DatacenterSettings()
        loop = asyncio.get_running_loop()
        begin = loop.time()
        self.clock = clock
        self.keys = SeededKeys(self.settings.seed)
        self.trace = Trace(lambda: loop.time() - begin)
        self.faults = Faults(self.settings.faults)
        self.network = Network()
        environment = Environment(
            network=self.network,
            clock=clock,
            keys=self.keys,
            trace=self.trace,
            kubernetes=embedded_kubernetes(clock, self.keys),
            delays=self.settings.machine_delays,
            faults=self.faults,
        )
        self.environment = environment
        self.fleet = Fleet(environment)
        self.pve = _pve_cluster(self.settings, clock, self.keys, self.fleet)
        self.pve_api = PveApi(self.pve, faults=self.faults, trace=self.trace)
        self.channels = SimChannels(self.network, self.trace, self.faults)
        self.workload_clients = SimWorkloadClients(self.network, clock, self.trace, self.faults)
        if self.settings.has_template:
            image = DiskImage(
                "talos", self.settings.talos_version, self.settings.schematic, extensions=_extensions(self.settings)
            )
            self.pve.add_template(TEMPLATE_ID, self.settings.hosts[0], "tank", image)

    def leftovers(self) -> list[str]:
        """What a deleted cluster should not have left: VMs that are no templates, their disks, uploaded ISOs,
        addresses that still answer."""
        templates = {vm.vmid for vm in self.pve.vms.values() if vm.config.get("template") == "1"}
        found = [f"VM {vmid}" for vmid in sorted(self.pve.vms) if vmid not in templates]
        for storage in self.pve.storages.all():
            found += [f"disk {v.volid}" for v in storage.volumes.values() if v.vmid not in templates]
            found += [f"file {f.volid}" for f in storage.files.values() if f.image is None]
        return found + [f"address {address}" for address in self.network.addresses()]

    async def stop(self) -> None:
        """Pull every plug."""
        for machine in list(self.fleet.machines.values()):
            machine.power_off()
        for workload in self.workloads():
            await workload.stop()

    def workloads(self) -> Iterable[WorkloadCluster]:
        """The Kubernetes of each etcd cluster that exists."""
        clusters = {id(m.etcd_cluster): m.etcd_cluster for m in self.fleet.machines.values() if m.etcd_cluster}
        return [cluster.workload for cluster in clusters.values()]


def _extensions(settings: DatacenterSettings) -> tuple[str, ...]:
    return ("siderolabs/qemu-guest-agent",) if settings.schematic == AGENT_SCHEMATIC else ()


def _pve_cluster(settings: DatacenterSettings, clock: Clock, keys: SeededKeys, fleet: Fleet) -> PveCluster:
    memory = settings.host_memory_gib * 2**30
    return PveCluster(
        settings.pve_host.partition(".")[0],
        hosts=tuple(Host(name, memory_bytes=memory, cpus=settings.host_cpus) for name in settings.hosts),
        storages=(
            Storage("local", "dir", ("iso", "import", "vztmpl", "snippets")),
            Storage("tank", "nfs", ("images", "iso", "import"), total_bytes=100 * 2**40),
        ),
        tokens=(Token(settings.token_id, settings.token_secret),),
        random_bytes=keys.token,
        now=clock.now,
        firmware=fleet,
        delays=settings.pve_delays,
    )
