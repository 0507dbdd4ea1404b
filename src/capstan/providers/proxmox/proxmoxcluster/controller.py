"""ProxmoxCluster: what wakes it, all its reads, and its wiring."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from capstan.api.bootstrap.staticaddresses import BY_STATIC_ADDRESS, by_static_address, static_addresses
from capstan.api.bootstrap.talosconfig import TalosConfig
from capstan.api.cluster.cluster import Cluster
from capstan.api.core.secret import Secret
from capstan.api.errors import TransientError
from capstan.api.infrastructure.proxmoxcluster import ProxmoxCluster
from capstan.api.infrastructure.proxmoxmachine import ProxmoxMachine
from capstan.api.ipam.addresses import format_address, parse_address
from capstan.api.ipam.inclusterippool import InClusterIPPool
from capstan.api.objects import Key
from capstan.providers.proxmox.client import Clients
from capstan.providers.proxmox.errors import NodeOffline, OutcomeUnknown, Unreachable
from capstan.providers.proxmox.lookup import find_endpoint
from capstan.providers.proxmox.proxmoxcluster.plan import plan as decide_plan
from capstan.providers.proxmox.proxmoxcluster.pools import wanted_pools
from capstan.providers.proxmox.proxmoxcluster.snapshot import Problem, Snapshot
from capstan.providers.proxmox.proxmoxcluster.status import compute_status as compute
from capstan.providers.proxmox.resources import CLUSTER_LABEL
from capstan.providers.proxmox.transport import Endpoint
from capstan.runtime.controller import Controller, Watch, Writes, owner_keys
from capstan.runtime.plan import Outcomes, Plan
from capstan.runtime.queue import PARENTS, Pace
from capstan.runtime.reader import Reader
from capstan.runtime.significance import Interest

_TOLD = ("status.inClusterIpPoolRef", "status.inClusterZoneRef", "status.initialization")
SHORTEST_PAUSE, LONGEST_PAUSE = 5.0, 60.0


#: What it keeps of its pools.
_OF_POOL = (
    "metadata.annotations",
    "metadata.deletionTimestamp",
    "metadata.labels",
    "metadata.ownerReferences",
    "spec",
)


def _of_cluster(_reader: Reader, cluster: Cluster) -> Iterable[Key]:
    ref = cluster.spec.infrastructure_ref
    return [Key(cluster.metadata.namespace, ref.name)] if ref is not None and ref.kind == "ProxmoxCluster" else []


def _of_machine(reader: Reader, machine: ProxmoxMachine) -> Iterable[Key]:
    """The cluster, once there is something to tell of the machine, or while it waits for its machines to go."""
    keys = _cluster_of(reader, machine)
    if machine.status.proxmox_node:
        return keys
    found = ((key, reader.get(ProxmoxCluster, key.namespace, key.name)) for key in keys)
    return [key for key, infra in found if infra is not None and infra.metadata.deletion_timestamp is not None]


def _cluster_of(reader: Reader, machine: ProxmoxMachine) -> Iterable[Key]:
    namespace, name = machine.metadata.namespace, machine.metadata.labels.get(CLUSTER_LABEL, "")
    cluster = reader.get(Cluster, namespace, name) if name else None
    if cluster is not None:
        return _of_cluster(reader, cluster)
    found = reader.list(ProxmoxCluster, namespace, labels={CLUSTER_LABEL: name}) if name else ()
    return [*(Key(namespace, infra.metadata.name) for infra in found), Key(namespace, name)]


def _of_secret(reader: Reader, secret: Secret) -> Iterable[Key]:
    key = f"{secret.metadata.namespace}/{secret.metadata.name}"
    return [
        Key(infra.metadata.namespace, infra.metadata.name)
        for infra in reader.list_indexed(ProxmoxCluster, "credentials", key)
    ]


def credentials_key(infra: ProxmoxCluster) -> tuple[str, ...]:
    """The Secret of a cluster as `namespace/name`, if it names one."""
    ref = infra.spec.credentials_ref
    return (f"{ref.namespace or infra.metadata.namespace}/{ref.name}",) if ref is not None and ref.name else ()


def endpoint_key(infra: ProxmoxCluster) -> tuple[str, ...]:
    """Where the control plane of a cluster answers, if it says so."""
    endpoint = infra.spec.control_plane_endpoint
    return (f"{endpoint.host.lower()}:{endpoint.port}",) if endpoint.host and endpoint.port else ()


def endpoint_address(infra: ProxmoxCluster) -> tuple[str, ...]:
    """The address of the control plane's endpoint, in its normal form; a name has none."""
    parsed = parse_address(infra.spec.control_plane_endpoint.host)
    return (format_address(*parsed),) if parsed is not None else ()


def _of_config(reader: Reader, config: TalosConfig) -> Iterable[Key]:
    """The clusters whose endpoint has an address that the TalosConfig gives its machine."""
    return [
        Key(infra.metadata.namespace, infra.metadata.name)
        for address in static_addresses(config).all
        for infra in reader.list_indexed(ProxmoxCluster, "address", address)
    ]


class ProxmoxClusterController(Controller[ProxmoxCluster, Snapshot]):
    """What the machines of one cluster share. `default_endpoint` is for clusters without credentialsRef."""

    kind = ProxmoxCluster
    watches: ClassVar[tuple[Watch, ...]] = (
        Watch(Cluster, _of_cluster, fields=("spec.infrastructureRef", "spec.paused"), conditions=False),
        Watch(
            ProxmoxMachine, _of_machine, fields=("metadata.labels",), later=("status.proxmoxNode",), conditions=False
        ),
        Watch(InClusterIPPool, owner_keys("ProxmoxCluster"), fields=_OF_POOL, conditions=False),
        Watch(Secret, _of_secret),
        Watch(
            TalosConfig,
            _of_config,
            {BY_STATIC_ADDRESS: by_static_address},
            fields=("metadata.deletionTimestamp", "metadata.labels"),
            conditions=False,
        ),
    )
    indexes: ClassVar = {"credentials": credentials_key, "endpoint": endpoint_key, "address": endpoint_address}
    #: Where its machines are is told once a second at most.
    pace: ClassVar[Pace] = PARENTS
    told: ClassVar[Interest] = Interest(_TOLD)
    own: ClassVar[Interest] = Interest(("metadata.generation",))
    first_patience: ClassVar[float] = 2.0
    awaited_owner: ClassVar[str] = "Cluster"
    writes: ClassVar[tuple[Writes, ...]] = (
        Writes(ProxmoxCluster, ("metadata.finalizers", "status")),
        Writes(InClusterIPPool, ("spec", "metadata.labels", "metadata.annotations", "metadata.ownerReferences")),
        Writes(Secret, ("metadata.finalizers", "metadata.ownerReferences")),
    )

    def __init__(self, clients: Clients, *, default_endpoint: Endpoint | None = None) -> None:
        self._clients = clients
        self._default_endpoint = default_endpoint

    async def observe(self, reader: Reader, key: Key) -> Snapshot | None:
        infra = reader.get(ProxmoxCluster, key.namespace, key.name)
        if infra is None:
            return None
        cluster = _owner(reader, infra)
        secret, shared = await _secret(reader, infra)
        pools = {
            wanted.name: pool
            for wanted in wanted_pools(infra)
            if (pool := reader.get(InClusterIPPool, key.namespace, wanted.name)) is not None
        }
        return Snapshot(
            now=reader.now(),
            infra=infra,
            cluster=cluster,
            machines=_machines(reader, infra, cluster),
            pools=pools,
            secret=secret,
            secret_shared=shared,
            problem=await self._problem(reader, infra),
            rivals=_rivals(reader, infra),
            residents=_residents(reader, infra, cluster),
        )

    async def _problem(self, reader: Reader, infra: ProxmoxCluster) -> Problem | None:
        """What stands between Capstan and Proxmox VE. The longer it lasts, the rarer the look."""
        if infra.metadata.deletion_timestamp is not None:
            return None
        try:
            endpoint = await find_endpoint(reader, infra, self._default_endpoint)
            await self._clients.client(endpoint).check()
        except TransientError as error:
            unreachable = isinstance(error, Unreachable | OutcomeUnknown | NodeOffline)
            reason = "ProxmoxUnreachable" if unreachable else error.reason
            known = next((c for c in infra.status.conditions if c.reason == reason and c.status != "True"), None)
            since = known.last_transition_time if known is not None else None
            lasted = (reader.now() - since).total_seconds() if since is not None else 0.0
            return Problem(reason, str(error), min(max(error.retry_after or SHORTEST_PAUSE, lasted / 4), LONGEST_PAUSE))
        return None

    def plan(self, snapshot: Snapshot) -> Plan:
        return decide_plan(snapshot)

    def compute_status(self, snapshot: Snapshot, outcomes: Outcomes) -> ProxmoxCluster | None:
        return compute(snapshot, outcomes)


def _owner(reader: Reader, infra: ProxmoxCluster) -> Cluster | None:
    """The Cluster that owns it; the owner reference is the core provider's to set."""
    for ref in infra.metadata.owner_references:
        if ref.kind == "Cluster":
            return reader.get(Cluster, infra.metadata.namespace, ref.name)
    return None


def _rivals(reader: Reader, infra: ProxmoxCluster) -> tuple[str, ...]:
    found = (other for key in endpoint_key(infra) for other in reader.list_indexed(ProxmoxCluster, "endpoint", key))
    names = (
        f"{other.metadata.namespace}/{other.metadata.name}"
        for other in found
        if other.metadata.uid != infra.metadata.uid and other.metadata.deletion_timestamp is None
    )
    return tuple(sorted(names))


def _residents(reader: Reader, infra: ProxmoxCluster, cluster: Cluster | None) -> tuple[str, ...]:
    """The TalosConfigs of other clusters that give the address of the endpoint to their machines."""
    if cluster is None:
        return ()
    own = Key(cluster.metadata.namespace, cluster.metadata.name)
    found = (c for one in endpoint_address(infra) for c in reader.list_indexed(TalosConfig, BY_STATIC_ADDRESS, one))
    names = (
        f"{config.metadata.namespace}/{config.metadata.name}"
        for config in found
        if config.metadata.deletion_timestamp is None
        and Key(config.metadata.namespace, config.metadata.labels.get(CLUSTER_LABEL, "")) != own
    )
    return tuple(sorted(names))


def _machines(reader: Reader, infra: ProxmoxCluster, cluster: Cluster | None) -> tuple[ProxmoxMachine, ...]:
    """The machines that need this cluster: by its label, its owner, or its own name."""
    owner = next((ref.name for ref in infra.metadata.owner_references if ref.kind == "Cluster"), "")
    name = cluster.metadata.name if cluster is not None else owner or infra.metadata.labels.get(CLUSTER_LABEL, "")
    return reader.list(ProxmoxMachine, infra.metadata.namespace, labels={CLUSTER_LABEL: name or infra.metadata.name})


async def _secret(reader: Reader, infra: ProxmoxCluster) -> tuple[Secret | None, bool]:
    """The credentials Secret, and whether other clusters use it."""
    keys = credentials_key(infra)
    if not keys:
        return None, False
    namespace, _, name = keys[0].partition("/")
    secret = reader.get(Secret, namespace, name)
    users = reader.list_indexed(ProxmoxCluster, "credentials", keys[0])
    return secret, any(user.metadata.uid != infra.metadata.uid for user in users)
