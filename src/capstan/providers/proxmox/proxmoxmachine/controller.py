"""ProxmoxMachine: what wakes it, all its reads, and its wiring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import ClassVar

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.names import KUBECONFIG_SUFFIX
from capstan.api.core.node import Node
from capstan.api.core.secret import Secret
from capstan.api.errors import ApiError, TransientError
from capstan.api.infrastructure.proxmoxcluster import ProxmoxCluster
from capstan.api.infrastructure.proxmoxmachine import ProxmoxMachine
from capstan.api.ipam.inclusterippool import InClusterIPPool
from capstan.api.ipam.ipaddress import IPAddress
from capstan.api.ipam.ipaddressclaim import IPAddressClaim
from capstan.api.meta import controller_of
from capstan.api.objects import Key
from capstan.api.rules.conditions import is_true
from capstan.providers.proxmox.client import Clients
from capstan.providers.proxmox.credentials import pve_name
from capstan.providers.proxmox.lookup import NoCredentials, find_endpoint, secret_data
from capstan.providers.proxmox.proxmoxmachine import observe as looking
from capstan.providers.proxmox.proxmoxmachine.act import Effects
from capstan.providers.proxmox.proxmoxmachine.identity import identity_of, uuid_of
from capstan.providers.proxmox.proxmoxmachine.network import NoPool, claim_name, pool_claims
from capstan.providers.proxmox.proxmoxmachine.plan import paused_by
from capstan.providers.proxmox.proxmoxmachine.plan import plan as decide_plan
from capstan.providers.proxmox.proxmoxmachine.snapshot import Address, Bootstrap, Snapshot, Workload
from capstan.providers.proxmox.proxmoxmachine.stages import is_provisioned, is_taken_by_other
from capstan.providers.proxmox.proxmoxmachine.status import compute_status as compute
from capstan.providers.proxmox.resources import (
    CLUSTER_LABEL,
    CONTROL_PLANE_LABEL,
    INFRASTRUCTURE,
    METRIC_ANNOTATION,
)
from capstan.providers.proxmox.transport import Endpoint
from capstan.runtime.controller import Controller, Handler, Watch, WorkloadMapper, Writes, owner_keys
from capstan.runtime.keys import KeySource
from capstan.runtime.plan import Action, Outcomes, Plan
from capstan.runtime.reader import Reader
from capstan.runtime.significance import Interest
from capstan.runtime.workload import WorkloadClients

NONCE_BYTES = 12

_OWNER = owner_keys("ProxmoxMachine")

#: What a machine reads of the Machine that it belongs to, its Cluster, its ProxmoxCluster and its claims.
_OF_MACHINE = ("spec.bootstrap.dataSecretName", "spec.clusterName", "spec.version", "status.nodeRef")
_OF_CLUSTER = ("spec.infrastructureRef", "spec.paused", "status.initialization.infrastructureProvisioned")
_OF_INFRA = ("metadata.labels", "metadata.ownerReferences", "spec", "status.inClusterZoneRef")
#: What is told at once: all but the addresses, which are of use when the machine is ready, and mere wording.
_TOLD = (
    "metadata",
    "spec",
    "status.bootstrapDataProvided",
    "status.initialization",
    "status.network",
    "status.proxmoxNode",
    "status.retryAfter",
    "status.taskRef",
    "status.vmStatus",
)
_OF_CLAIM = ("metadata.deletionTimestamp", "metadata.labels", "metadata.ownerReferences", "spec", "status.addressRef")


def _of_machine(reader: Reader, machine: Machine) -> Iterable[Key]:
    """The machine that belongs to the Machine; before it does, only the reference that says so is news."""
    ref, namespace = machine.spec.infrastructure_ref, machine.metadata.namespace
    own = reader.get(ProxmoxMachine, namespace, ref.name) if ref.kind == "ProxmoxMachine" else None
    owners = own.metadata.owner_references if own is not None else ()
    belongs = any(owner.kind == "Machine" and owner.name == machine.metadata.name for owner in owners)
    return [Key(namespace, ref.name)] if belongs else []


def _of_claim(reader: Reader, claim: IPAddressClaim) -> Iterable[Key]:
    """Its machine, once the claim says anything."""
    told = claim.status.address_ref is not None or claim.status.conditions
    going = claim.metadata.deletion_timestamp is not None
    return _OWNER(reader, claim) if told or going else ()


def _of_cluster(reader: Reader, cluster: Cluster) -> Iterable[Key]:
    """The machines that wait for the Cluster, or that its pause concerns: its status changes often, and the others
    have what they need of it."""
    found = reader.list(ProxmoxMachine, cluster.metadata.namespace, labels={CLUSTER_LABEL: cluster.metadata.name})
    paused = bool(cluster.spec.paused)
    return [_key(m) for m in found if identity_of(m) is None or is_true(m.status.conditions, "Paused") is not paused]


def _of_infra(reader: Reader, infra: ProxmoxCluster) -> Iterable[Key]:
    """The machines that wait for their ProxmoxCluster. Those that have a VM take nothing new from it."""
    owner = next((ref.name for ref in infra.metadata.owner_references if ref.kind == "Cluster"), infra.metadata.name)
    name = infra.metadata.labels.get(CLUSTER_LABEL, owner)
    found = reader.list(ProxmoxMachine, infra.metadata.namespace, labels={CLUSTER_LABEL: name})
    return [_key(m) for m in found if identity_of(m) is None]


def _key(machine: ProxmoxMachine) -> Key:
    return Key(machine.metadata.namespace, machine.metadata.name)


def _in_cluster(reader: Reader, cluster: Key) -> tuple[ProxmoxMachine, ...]:
    return reader.list(ProxmoxMachine, cluster.namespace, labels={CLUSTER_LABEL: cluster.name})


def _of_secret(reader: Reader, secret: Secret) -> Iterable[Key]:
    """A kubeconfig wakes the machines that wait for their Node; bootstrap data comes with a change of the Machine."""
    name, suffix = secret.metadata.name, KUBECONFIG_SUFFIX
    if not name.endswith(suffix):
        return []
    return _awaiting_node(reader, _in_cluster(reader, Key(secret.metadata.namespace, name.removesuffix(suffix))))


def _of_node(reader: Reader, cluster: Key, node: Node | None) -> Iterable[Key]:
    """The machine that the Node runs on, until the Node has its provider ID or its Machine knows the Node; all that
    wait for one, when the connection came or went."""
    if node is None:
        return _awaiting_node(reader, _in_cluster(reader, cluster))
    uuid = node.status.node_info.system_uuid.lower() if node.status.node_info is not None else ""
    found = reader.list_indexed(ProxmoxMachine, "uuid", uuid) if uuid else ()
    return _awaiting_node(reader, (machine for machine in found if machine.spec.provider_id != node.spec.provider_id))


def _awaiting_node(reader: Reader, machines: Iterable[ProxmoxMachine]) -> list[Key]:
    owned = [(machine, _owner(reader, machine)) for machine in machines]
    return [_key(machine) for machine, owner in owned if owner is not None and owner.status.node_ref is None]


def _by_uuid(machine: ProxmoxMachine) -> Iterable[str]:
    return [uuid_of(machine.spec.provider_id)] if machine.spec.provider_id else []


def _by_pve(machine: ProxmoxMachine) -> Iterable[str]:
    """Machines by the Proxmox VE cluster that their VM is or will be in."""
    identity = identity_of(machine)
    return [identity.pve] if identity is not None else []


class ProxmoxMachineController(Controller[ProxmoxMachine, Snapshot]):
    """One virtual machine for each ProxmoxMachine.

    `default_endpoint` is for clusters without credentialsRef (`PROXMOX_URL`, `PROXMOX_TOKEN`, `PROXMOX_SECRET`).
    """

    kind = ProxmoxMachine
    watches: ClassVar[tuple[Watch, ...]] = (
        Watch(Machine, _of_machine, fields=_OF_MACHINE, conditions=False),
        Watch(Cluster, _of_cluster, fields=_OF_CLUSTER, conditions=False),
        Watch(ProxmoxCluster, _of_infra, fields=_OF_INFRA, conditions=False),
        Watch(IPAddressClaim, _of_claim, fields=_OF_CLAIM),
        Watch(IPAddress, lambda _reader, _address: ()),
        Watch(InClusterIPPool, lambda _reader, _pool: ()),
        Watch(Secret, _of_secret),
    )
    workload_wakes: ClassVar[WorkloadMapper | None] = _of_node
    indexes: ClassVar = {"uuid": _by_uuid, "pve": _by_pve}
    told: ClassVar[Interest] = Interest(_TOLD)
    first_patience: ClassVar[float] = 5.0
    awaited_owner: ClassVar[str] = "Machine"
    writes: ClassVar[tuple[Writes, ...]] = (
        Writes(
            ProxmoxMachine,
            (
                "metadata.finalizers",
                "metadata.annotations[capstan.dev/vm-identity]",
                "spec.providerID",
                "spec.virtualMachineID",
                "status",
            ),
        ),
        Writes(IPAddressClaim, ("spec", "metadata.labels", "metadata.annotations", "metadata.ownerReferences")),
        Writes(Node, ("spec.providerID",)),
    )
    #: Workers only wait most of the time: for tasks, and for their turn at a storage.
    concurrency: ClassVar[int] = 256

    def __init__(
        self,
        clients: Clients,
        keys: KeySource,
        *,
        workloads: WorkloadClients | None = None,
        default_endpoint: Endpoint | None = None,
    ) -> None:
        self._clients = clients
        self._keys = keys
        self._default_endpoint = default_endpoint
        self._effects = Effects(clients, workloads)

    async def observe(self, reader: Reader, key: Key) -> Snapshot | None:
        machine = reader.get(ProxmoxMachine, key.namespace, key.name)
        if machine is None:
            return None
        owner = _owner(reader, machine)
        cluster = _cluster(reader, machine, owner)
        infra = _infra(reader, machine, cluster)
        snapshot = Snapshot(
            now=reader.now(),
            machine=machine,
            owner=owner,
            cluster=cluster,
            infra=infra,
            identity=identity_of(machine),
            addresses=_addresses(reader, machine, infra),
        )
        if not _needs_proxmox(snapshot):
            return snapshot
        try:
            endpoint = await find_endpoint(reader, infra, self._default_endpoint)
        except NoCredentials as error:
            return replace(snapshot, problem=looking.problem_of(error, machine, reader.now()))
        snapshot = replace(snapshot, endpoint=endpoint, pve=pve_name(endpoint))
        try:
            snapshot = await self._look(reader, snapshot, endpoint)
        except (TransientError, ApiError) as error:
            return replace(snapshot, problem=looking.problem_of(error, machine, reader.now()))
        return snapshot

    async def _look(self, reader: Reader, s: Snapshot, endpoint: Endpoint) -> Snapshot:
        """The VM, then whatever the next step needs besides."""
        client = self._clients.client(endpoint)
        deleting = s.machine.metadata.deletion_timestamp is not None
        identity = s.identity
        if identity is not None:
            joined = s.owner is not None and s.owner.status.node_ref is not None
            closely = deleting or not is_provisioned(s)
            if joined and not closely:
                closely = looking.carries_seed((await client.inventory.rows()).get(identity.vmid))
            s = replace(s, machine=await looking.without_ended_clone(client, s.machine))
            seen = await looking.look_at_vm(client, s.machine, identity, closely=closely)
            s = replace(s, observed=True, vm=seen.vm, quiet=seen.quiet, quiet_node=seen.node)
        if deleting:
            return s if _is_going(s.cluster) else replace(s, workload=await _workload(reader, s))
        if s.identity is None or is_taken_by_other(s):
            s = await self._survey(reader, s)
        if not is_provisioned(s):
            s = replace(s, bootstrap=await _bootstrap(reader, s))
        return replace(s, workload=await _workload(reader, s))

    async def _survey(self, reader: Reader, s: Snapshot) -> Snapshot:
        assert s.endpoint is not None and s.infra is not None

        def others() -> list[looking.InFlight]:
            found = reader.list_indexed(ProxmoxMachine, "pve", s.pve)
            return [_in_flight(machine) for machine in found if machine.metadata.uid != s.machine.metadata.uid]

        client = self._clients.client(s.endpoint)
        site = await looking.survey(client, s.machine, s.infra, _role(s.machine), others)
        return replace(s, site=site, fresh_nonce=self._keys.token(NONCE_BYTES).hex())

    def plan(self, snapshot: Snapshot) -> Plan:
        return decide_plan(snapshot)

    def compute_status(self, snapshot: Snapshot, outcomes: Outcomes) -> ProxmoxMachine | None:
        return compute(snapshot, outcomes)

    def handlers(self) -> Mapping[type[Action], Handler]:
        return self._effects.handlers()


def _needs_proxmox(s: Snapshot) -> bool:
    """Whether anything is to be asked of Proxmox VE: there may be a VM, or one is about to be made."""
    if paused_by(s):
        return False
    if s.identity is not None:
        return True
    if s.machine.metadata.deletion_timestamp is not None:
        return False
    ready = s.cluster is not None and bool(s.cluster.status.initialization.infrastructure_provisioned)
    return ready and s.infra is not None and s.owner is not None and bool(s.owner.spec.bootstrap.data_secret_name)


def _owner(reader: Reader, machine: ProxmoxMachine) -> Machine | None:
    for ref in machine.metadata.owner_references:
        if ref.kind == "Machine":
            return reader.get(Machine, machine.metadata.namespace, ref.name)
    return None


def _cluster(reader: Reader, machine: ProxmoxMachine, owner: Machine | None) -> Cluster | None:
    name = owner.spec.cluster_name if owner is not None else machine.metadata.labels.get(CLUSTER_LABEL, "")
    return reader.get(Cluster, machine.metadata.namespace, name) if name else None


def _infra(reader: Reader, machine: ProxmoxMachine, cluster: Cluster | None) -> ProxmoxCluster | None:
    """The ProxmoxCluster, also when the Cluster itself is gone already."""
    namespace = machine.metadata.namespace
    ref = cluster.spec.infrastructure_ref if cluster is not None else None
    if ref is not None and ref.kind == "ProxmoxCluster" and ref.api_group == INFRASTRUCTURE:
        found = reader.get(ProxmoxCluster, namespace, ref.name)
        if found is not None:
            return found
    name = machine.metadata.labels.get(CLUSTER_LABEL, "")
    labelled = reader.list(ProxmoxCluster, namespace, labels={CLUSTER_LABEL: name}) if name else ()
    return labelled[0] if labelled else (reader.get(ProxmoxCluster, namespace, name) if name else None)


def _addresses(reader: Reader, machine: ProxmoxMachine, infra: ProxmoxCluster | None) -> dict[str, Address]:
    """By the names of the claims: those that the machine owns, and its own that lost their owner."""
    found: dict[str, Address] = {}
    namespace = machine.metadata.namespace
    claims = list(reader.list(IPAddressClaim, namespace, owner_uid=machine.metadata.uid))
    wanted = pool_claims(machine, infra) if infra is not None else ()
    for name in () if isinstance(wanted, NoPool) else [claim_name(machine, claim) for claim in wanted]:
        stray = reader.get(IPAddressClaim, namespace, name)
        if stray is not None and controller_of(stray.metadata) is None and stray not in claims:
            claims.append(stray)
    for claim in claims:
        ref = claim.status.address_ref
        address = reader.get(IPAddress, claim.metadata.namespace, ref.name) if ref is not None else None
        found[claim.metadata.name] = Address(claim, address, _metric(reader, claim))
    return found


def _metric(reader: Reader, claim: IPAddressClaim) -> int | None:
    if claim.spec.pool_ref.kind != "InClusterIPPool":
        return None
    pool = reader.get(InClusterIPPool, claim.metadata.namespace, claim.spec.pool_ref.name)
    text = pool.metadata.annotations.get(METRIC_ANNOTATION, "") if pool is not None else ""
    return int(text) if text.isdigit() else None


async def _bootstrap(reader: Reader, s: Snapshot) -> Bootstrap | None:
    name = s.owner.spec.bootstrap.data_secret_name if s.owner is not None else None
    if not name:
        return None
    namespace = s.machine.metadata.namespace
    secret = reader.get(Secret, namespace, name) or await reader.get_live(Secret, namespace, name)
    if secret is None or "value" not in secret.data:
        return None
    data = secret_data(secret)
    return Bootstrap(data["value"], data.get("format", b"").decode().strip() or "cloud-config")


async def _workload(reader: Reader, s: Snapshot) -> Workload | None:
    """The Node that runs on the VM, while the Machine does not know it yet."""
    if s.cluster is None or s.owner is None or s.owner.status.node_ref is not None or not s.machine.spec.provider_id:
        return None
    key = Key(s.cluster.metadata.namespace, s.cluster.metadata.name)
    secret = reader.get(Secret, key.namespace, f"{key.name}-kubeconfig")
    kubeconfig = secret_data(secret).get("value", b"") if secret is not None else b""
    if not kubeconfig:
        return None
    try:
        nodes = await reader.nodes(key, kubeconfig)
    except (TransientError, ApiError):
        return Workload(kubeconfig)
    wanted = uuid_of(s.machine.spec.provider_id)
    return Workload(kubeconfig, next((node for node in nodes if _uuid(node) == wanted), None))


def _is_going(cluster: Cluster | None) -> bool:
    return cluster is None or cluster.metadata.deletion_timestamp is not None


def _uuid(node: Node) -> str:
    return node.status.node_info.system_uuid.lower() if node.status.node_info is not None else ""


def _role(machine: ProxmoxMachine) -> tuple[str, str, bool]:
    labels = machine.metadata.labels
    return machine.metadata.namespace, labels.get(CLUSTER_LABEL, ""), CONTROL_PLANE_LABEL in labels


def _in_flight(machine: ProxmoxMachine) -> looking.InFlight:
    identity = identity_of(machine)
    assert identity is not None, "only machines with an identity are in the index"
    node = machine.status.proxmox_node or identity.node
    return looking.InFlight(identity.vmid, node, identity.memory_mib, identity.cores, _role(machine))
