"""What must hold at every moment of a random life, whatever users and troubles do; and what its end must look like."""

from __future__ import annotations

from collections import Counter
from typing import Any

from capstan.api.cluster.kinds import MACHINE, MACHINE_DEPLOYMENT
from capstan.api.cluster.names import CLONED_FROM_NAME_ANNOTATION, DELETE_MACHINE_ANNOTATION
from capstan.api.infrastructure.kinds import PROXMOX_MACHINE
from capstan.api.infrastructure.proxmoxmachine import ProxmoxMachine
from capstan.api.ipam.kinds import IP_ADDRESS
from capstan.api.objects import Obj
from capstan.api.rules.portions import portion
from capstan.api.struct import decode
from capstan.sim.talos.etcd import EtcdCluster, EtcdMember
from tests.sim.homelab import state
from tests.sim.invariants import at_once, etcd_clusters, is_of
from tests.sim.life import CLUSTERS, Life, left_of
from tests.sim.picture import nodes

_MOST_BROKEN = 3
#: So long after a trouble the figures of availability may not be known to everybody.
_GRACE_SECONDS = 180.0


class Vigil:
    """Looks on after each line of the trace; `broken` tells what did not hold.

    Always: a VM is that of one ProxmoxMachine, and none has two; etcd is begun once for each time that a cluster was
    made; etcd loses its quorum only by troubles; an address is given once; no name of a Machine is given twice; a
    rollout takes no available machine below its minimum.
    """

    def __init__(self, life: Life) -> None:
        self._life = life
        self._uids: dict[str, str] = {}
        self._up: dict[int, set[str]] = {}
        self.broken: list[str] = []
        trace = life.lab.world.datacenter.trace
        self._tell = trace.on_line
        trace.on_line = self._look

    def _look(self) -> None:
        if len(self.broken) < _MOST_BROKEN:
            line = self._life.lab.world.datacenter.trace.lines[-1]
            if " story " not in line:
                wrong = (*self._vms(), *self._etcd(line), *self._names(), *self._addresses(line), *self._minimum(line))
                self.broken += [f"{what}, after: {line}" for what in wrong]
        self._tell()

    def _vms(self) -> list[str]:
        machines = [decode(obj, ProxmoxMachine) for obj in self._list(PROXMOX_MACHINE)]
        owners = {vm.vmid: [m.metadata.name for m in machines if is_of(vm, m)] for vm in self._life.vms()}
        wrong = [f"VM {vmid} is of {names or 'nobody'}" for vmid, names in owners.items() if len(names) != 1]
        many = Counter(name for names in owners.values() for name in names)
        return wrong + [f"{name} has {number} VMs" for name, number in many.items() if number > 1]

    def _etcd(self, line: str) -> list[str]:
        wrong, life = [], self._life
        for cluster in etcd_clusters(life.lab):
            up = {m.name for m in cluster.voters if m.up}
            before = self._up.get(cluster.id, set())
            self._up[cluster.id] = up
            if cluster.workload.name not in life.ending and before and not cluster.has_quorum:
                wrong += _ours(life, cluster, before - up, len(before))
            for name in up:
                if life.hurt.get(name, 10**9) < life.now():
                    del life.hurt[name]
        if line.endswith(" bootstraps"):
            for name in CLUSTERS:
                times = sum(f" {name}-" in told and told.endswith(" bootstraps") for told in life.lab.world.trace.lines)
                if times > life.made.get(name, 0):
                    wrong.append(f"etcd of {name} is begun {times} times")
        return wrong

    def _names(self) -> list[str]:
        wrong = []
        for machine in self._list(MACHINE):
            name, uid = machine["metadata"]["name"], machine["metadata"]["uid"]
            if self._uids.setdefault(name, uid) != uid:
                wrong.append(f"the name {name} is given a second time")
                self._uids[name] = uid
        return wrong

    def _addresses(self, line: str) -> list[str]:
        given = Counter(a["spec"]["address"] for a in self._list(IP_ADDRESS))
        wrong = [f"{address} is given {times} times" for address, times in given.items() if times > 1]
        return [*wrong, *([line] if "is in use by another machine" in line else ())]

    def _minimum(self, line: str) -> list[str]:
        """A worker that is available is deleted by us although its deployment needs it. A new process goes on with what
        was decided before; what happened meanwhile it has not seen yet."""
        what, _, name = line.rpartition(" default/")
        life = self._life
        if line.endswith("a new process starts from the store"):
            life.meddled = life.now()
        if not what.endswith("api      delete machines") or life.now() - life.meddled < _GRACE_SECONDS:
            return []
        machines = {m["metadata"]["name"]: m for m in self._list(MACHINE)}
        for deployment in self._list(MACHINE_DEPLOYMENT):
            prefix, spec = f"{deployment['metadata']['name']}-", deployment["spec"]
            rolling = spec["rollout"]["strategy"]["type"] == "RollingUpdate"
            going = "deletionTimestamp" in deployment["metadata"]
            if not name.startswith(prefix) or not rolling or going or name not in machines:
                continue
            if DELETE_MACHINE_ANNOTATION in machines[name]["metadata"].get("annotations", {}):
                continue  # its user asked for this very one
            return self._too_few(deployment, {n: m for n, m in machines.items() if n.startswith(prefix)}, name)
        return []

    def _too_few(self, deployment: Obj, machines: dict[str, Obj], name: str) -> list[str]:
        spec = deployment["spec"]
        replicas, rolling = spec.get("replicas", 1), spec["rollout"]["strategy"]["rollingUpdate"]
        surge = portion(rolling["maxSurge"], replicas, up=True) or 0
        unavailable = portion(rolling["maxUnavailable"], replicas, up=False) or 0
        staying = {n: m for n, m in machines.items() if "deletionTimestamp" not in m["metadata"]}
        available = {n for n, m in staying.items() if state(m, "Available") == "True"}
        least = replicas - max(unavailable, 0 if surge else 1)
        if name in available and len(staying) <= replicas + surge and len(available) - 1 < least:
            return [f"{name} goes, and {len(available) - 1} of {replicas} are available; {least} are the least"]
        return []

    def _list(self, kind: Any) -> list[Obj]:
        page = at_once(self._life.lab.world.store.list(f"{kind.group}/{kind.resource().plural}"))
        return [entry.object for entry in page.entries]


def _ours(life: Life, cluster: EtcdCluster, fallen: set[str], before: int) -> list[str]:
    """Quorum is lost, and none of those that fell silent were hurt by others."""
    had = before > len(cluster.voters) // 2
    guilty = sorted(name for name in fallen if name not in life.hurt)
    if had and (guilty or not fallen):
        shown = ", ".join(_shown(member) for member in cluster.members.values())
        return [f"etcd of {cluster.workload.name} loses its quorum by {guilty or 'a change of members'}: {shown}"]
    return []


def _shown(member: EtcdMember) -> str:
    return f"{member.name or member.address}{'' if member.up else ' (down)'}{' (learner)' if member.is_learner else ''}"


async def find_unsettled(life: Life) -> list[str]:
    """What is not yet as it was wanted."""
    found: list[str] = []
    there = await life.all("Cluster")
    for cluster in there:
        name = cluster["metadata"]["name"]
        if "deletionTimestamp" in cluster["metadata"] or name in life.ending:
            found.append(f"Cluster {name} is being deleted")
            continue
        if state(cluster, "Available") != "True":
            found.append(f"Cluster {name} is not Available: {_why(cluster, 'Available')}")
        found += await _unsettled_parts(life, name)
    for name in CLUSTERS:
        if name not in {c["metadata"]["name"] for c in there}:
            found += [f"left: {what}" for what in await _remains(life, name)]
    return found


async def _unsettled_parts(life: Life, cluster: str) -> list[str]:
    found: list[str] = []
    owners = {
        o["metadata"]["name"]: o for kind in ("TalosControlPlane", "MachineDeployment") for o in await life.all(kind)
    }
    for part, is_control_plane in (("control-plane", True), ("workers", False)):
        owner = owners.get(f"{cluster}-{part}")
        if owner is None:
            found.append(f"{cluster}-{part} is not there")
            continue
        if state(owner, "Available") != "True" or "deletionTimestamp" in owner["metadata"]:
            found.append(f"{owner['kind']} {cluster}-{part} is not Available: {_why(owner, 'Available')}")
        machines = await life.machines(cluster, is_control_plane)
        if len(machines) != owner["spec"]["replicas"]:
            found.append(f"{len(machines)} Machines of {cluster}-{part}, {owner['spec']['replicas']} are wanted")
        for machine in machines:
            found += await _wrong_machine(life, machine, owner)
    return found


async def _wrong_machine(life: Life, machine: Obj, owner: Obj) -> list[str]:
    name, spec = machine["metadata"]["name"], owner["spec"]
    found = [
        f"Machine {name} is not {what}: {_why(machine, what)}"
        for what in ("Ready", "Available", "UpToDate")
        if state(machine, what) != "True"
    ]
    is_worker = owner["kind"] == "MachineDeployment"
    template = spec["template"]["spec"] if is_worker else spec
    if machine["spec"].get("version") != template["version"]:
        found.append(f"Machine {name} has {machine['spec'].get('version')}, {template['version']} is wanted")
    if "deletionTimestamp" in machine["metadata"]:
        found.append(f"Machine {name} is being deleted: {_why(machine, 'Deleting')}")
    wanted = template["infrastructureRef" if is_worker else "infrastructureTemplate"]["name"]
    for infra in await life.all("ProxmoxMachine", name):
        made_from = infra["metadata"].get("annotations", {}).get(CLONED_FROM_NAME_ANNOTATION)
        if made_from != wanted:
            found.append(f"Machine {name} is made from {made_from}, {wanted} is wanted")
    labels = spec["template"].get("metadata", {}).get("labels", {}) if is_worker else {}
    missing = {k: v for k, v in labels.items() if machine["metadata"].get("labels", {}).get(k) != v}
    return [*found, *([f"Machine {name} lacks {missing}"] if missing else ())]


async def _remains(life: Life, cluster: str) -> list[str]:
    vms = [f"VM {vm.vmid} {vm.name}" for vm in life.vms(cluster)]
    return [*vms, *await left_of(life, cluster)]


def _why(obj: Obj, kind: str) -> str:
    found = [c for c in obj.get("status", {}).get("conditions", ()) if c["type"] == kind]
    return f"{found[0].get('reason', '')} {found[0].get('message', '')}".strip() if found else "not told"


async def find_leftovers(life: Life) -> list[str]:
    """At the end: a VM and an address for each machine, and nothing that belongs to none."""
    found: list[str] = []
    machines = {m["metadata"]["name"] for m in await life.all("Machine")}
    for kind in ("ProxmoxMachine", "TalosConfig"):
        names = {o["metadata"]["name"] for o in await life.all(kind)}
        found += [f"{kind} {name} without a Machine" for name in names - machines]
        found += [f"Machine {name} without a {kind}" for name in machines - names]
    vms = [vm.name for vm in life.vms()]
    if sorted(vms) != sorted(machines):
        found.append(f"VMs {sorted(vms)}, Machines {sorted(machines)}")
    claims, addresses = await life.all("IPAddressClaim"), await life.all("IPAddress")
    if not len(claims) == len(addresses) == len(machines):
        found.append(f"{len(claims)} claims, {len(addresses)} addresses, {len(machines)} Machines")
    secrets = [s["metadata"]["name"] for s in await life.all("Secret")]
    kept = {f"{name}-bootstrap-data" for name in machines}
    found += [f"Secret {name} is left" for name in secrets if name.endswith("-bootstrap-data") and name not in kept]
    pve = life.lab.world.datacenter.pve
    vmids = set(pve.vms)
    for storage in pve.storages.all():
        found += [f"disk {v.volid} is left" for v in storage.volumes.values() if v.vmid not in vmids]
        found += [f"file {f.volid} is left" for f in storage.files.values() if f.image is None]
    nodes_now = [node["metadata"]["name"] for node in await nodes(life.lab)]
    # A Node is left when its cluster does not answer while the Machine goes: its timeout is 10 seconds.
    if not machines <= set(nodes_now):
        found.append(f"Nodes {sorted(nodes_now)}, Machines {sorted(machines)}")
    found += _wrong_addresses(life, addresses)
    for cluster in etcd_clusters(life.lab):
        wanted = sorted(name for name in machines if name.startswith(f"{cluster.workload.name}-control-plane"))
        members = sorted(member.name for member in cluster.members.values())
        if wanted and members != wanted:
            found.append(f"etcd has the members {members}, the Machines are {wanted}")
    return found


def _wrong_addresses(life: Life, addresses: list[Obj]) -> list[str]:
    """A machine answers at an address that was given to another one, or at none that was given to it."""
    given = {a["metadata"]["name"].rpartition("-net0-")[0]: a["spec"]["address"] for a in addresses}
    found = []
    for name, address in given.items():
        station = life.lab.world.datacenter.network.station(address)
        if station is None or station.label != name:
            found.append(f"{address} of {name} is {station.label if station else 'nobody'}'s")
    return found
