"""What must hold at every moment of a run, looked at after each line of its trace; not only at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Coroutine
from typing import Any

from capstan.api.infrastructure.kinds import PROXMOX_MACHINE
from capstan.api.infrastructure.proxmoxmachine import ProxmoxMachine
from capstan.api.struct import decode
from capstan.providers.proxmox.config import marker_of
from capstan.providers.proxmox.proxmoxmachine.identity import identity_of
from capstan.sim.datacenter import TEMPLATE_ID
from capstan.sim.proxmox.vm import Vm
from capstan.sim.talos.etcd import EtcdCluster
from tests.sim.homelab import CONTROL_PLANE, HomeLab

#: More of them say nothing new.
_MOST_BROKEN = 5


class Watch:
    """Looks on from when it is made; `broken` tells what did not hold, and after which line of the trace.

    Always: each VM is that of exactly one ProxmoxMachine, no machine has two, and no machine's VM is destroyed while
    nobody asked for the machine's end; etcd is begun once at most. With `quorum`: etcd never loses it once it has it.
    `fewest` are the control planes and workers whose VMs run at any moment.
    """

    def __init__(self, lab: HomeLab, *, quorum: bool = True, fewest: tuple[int, int] = (0, 0)) -> None:
        self._lab = lab
        self._quorum = quorum
        self._fewest = fewest
        self._seen: set[str] = set()
        self._had_quorum: set[int] = set()
        self.broken: list[str] = []
        trace = lab.world.datacenter.trace
        self._tell = trace.on_line
        trace.on_line = self._look

    def _look(self) -> None:
        if len(self.broken) < _MOST_BROKEN:
            line = self._lab.world.datacenter.trace.lines[-1]
            self.broken += [f"{what}, after: {line}" for what in (*self._wrong_vms(), *self._wrong_etcd(line))]
        self._tell()

    def _wrong_etcd(self, line: str) -> list[str]:
        clusters = {cluster.id: cluster for cluster in etcd_clusters(self._lab)}
        if self._quorum and any(id in self._had_quorum and not found.has_quorum for id, found in clusters.items()):
            return ["etcd has no quorum"]
        self._had_quorum.update(id for id, cluster in clusters.items() if cluster.has_quorum)
        if " bootstraps" in line and sum(" bootstraps" in line for line in self._lab.world.trace.lines) > 1:
            return ["etcd is begun a second time"]
        return []

    def _wrong_vms(self) -> list[str]:
        vms = [vm for vmid, vm in self._lab.world.datacenter.pve.vms.items() if vmid != TEMPLATE_ID]
        machines = self._machines()
        owners = {vm.vmid: [m.metadata.name for m in machines if is_of(vm, m)] for vm in vms}
        wrong = [f"VM {vmid} is of {names or 'nobody'}" for vmid, names in owners.items() if len(names) != 1]
        many = Counter(name for names in owners.values() for name in names)
        wrong += [f"{name} has {number} VMs" for name, number in many.items() if number > 1]
        lost = self._seen - many.keys()
        wrong += [f"{m.metadata.name} has lost its VM" for m in machines if m.metadata.name in lost and not _goes(m)]
        self._seen = set(many)
        running = [vm.name for vm in vms if vm.running]
        control_planes = sum(CONTROL_PLANE in name for name in running)
        workers = len(running) - control_planes
        if control_planes < self._fewest[0] or workers < self._fewest[1]:
            wrong.append(f"only {control_planes} control planes and {workers} workers run")
        return wrong

    def _machines(self) -> list[ProxmoxMachine]:
        prefix = f"{PROXMOX_MACHINE.group}/{PROXMOX_MACHINE.resource().plural}"
        page = at_once(self._lab.world.store.list(prefix))
        return [decode(entry.object, ProxmoxMachine) for entry in page.entries]


def etcd_clusters(lab: HomeLab) -> list[EtcdCluster]:
    machines = lab.world.datacenter.fleet.machines.values()
    return list({id(m.etcd_cluster): m.etcd_cluster for m in machines if m.etcd_cluster}.values())


def is_of(vm: Vm, machine: ProxmoxMachine) -> bool:
    """By what was written down before the clone. Proxmox VE writes a description when the disks are copied: what is
    left of a clone whose host failed has none."""
    identity = identity_of(machine)
    if identity is None:
        return False
    if vm.lock == "clone" or "description" not in vm.config:
        return identity.vmid == vm.vmid
    return identity.nonce == marker_of(vm.config["description"])


def _goes(machine: ProxmoxMachine) -> bool:
    return machine.metadata.deletion_timestamp is not None


def at_once(reading: Coroutine[Any, Any, Any]) -> Any:
    """What a read of the store in memory gives, which waits for nothing."""
    try:
        reading.send(None)
    except StopIteration as read:
        return read.value
    raise AssertionError("the store in memory has waited for something")
