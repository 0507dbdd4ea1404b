"""TalosConfig: what it watches and how it is observed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from capstan.api.bootstrap.names import GROUP
from capstan.api.bootstrap.staticaddresses import BY_STATIC_ADDRESS, by_static_address
from capstan.api.bootstrap.talosconfig import TalosConfig
from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.names import CLUSTER_NAME_LABEL, CONTROL_PLANE_LABEL
from capstan.api.cluster.names import GROUP as CLUSTER_GROUP
from capstan.api.core.secret import Secret
from capstan.api.meta import controller_of
from capstan.api.objects import Key
from capstan.api.rules.conditions import is_true
from capstan.api.rules.owners import owner_of_kind
from capstan.providers.talos.addresses import all_endpoints
from capstan.providers.talos.config.errors import ConfigError
from capstan.providers.talos.config.secrets import ServiceAccountAlgorithm
from capstan.providers.talos.names import (
    BOOTSTRAP_DATA_SUFFIX,
    BUNDLE_SUFFIX,
    CA_SUFFIX,
    TALOSCONFIG_KEY,
    TALOSCONFIG_SUFFIX,
)
from capstan.providers.talos.secrets_store import SecretsStore
from capstan.providers.talos.talosconfig.act import TalosConfigActor
from capstan.providers.talos.talosconfig.collisions import (
    BY_ADDRESS,
    BY_ENDPOINT_ADDRESS,
    POOLS,
    endpoint_address,
    find_collisions,
    machine_addresses,
    wake_by_address,
    wake_by_config,
    wake_by_endpoint,
    wake_by_pool,
)
from capstan.providers.talos.talosconfig.plan import plan
from capstan.providers.talos.talosconfig.snapshot import CONTROL_PLANE_TYPES, TalosConfigSnapshot
from capstan.providers.talos.talosconfig.status import compute_status
from capstan.providers.talos.talosconfig_file import ClientConfig, decode_talosconfig
from capstan.runtime.client.protocol import Client
from capstan.runtime.controller import Controller, Handler, Watch, Writes
from capstan.runtime.keys import KeySource
from capstan.runtime.plan import Action, Outcomes, Plan
from capstan.runtime.reader import Reader

#: What TalosConfigs read of their Machine and of its Cluster.
_OF_MACHINE = ("metadata.labels", "spec", "status.addresses")
_OF_CLUSTER = (
    "metadata.deletionTimestamp",
    "spec.clusterNetwork",
    "spec.controlPlaneEndpoint",
    "spec.paused",
    "status.initialization.infrastructureProvisioned",
)
#: And of other TalosConfigs, which may give the same addresses.
_OF_OTHERS = ("metadata.deletionTimestamp", "metadata.labels", "metadata.ownerReferences")


def wake_by_own_machine(reader: Reader, machine: Machine) -> Iterable[Key]:
    """The TalosConfig that belongs to the Machine already. A worker's that has made its data needs no more of it."""
    for key in wake_by_machine(reader, machine):
        config = reader.get(TalosConfig, key.namespace, key.name)
        if config is None or owner_of_kind(config.metadata, CLUSTER_GROUP, "Machine") is None:
            continue
        if config.status.initialization.data_secret_created is True and not has_client_config(config):
            continue
        yield key


def wake_by_machine(reader: Reader, machine: Machine) -> Iterable[Key]:
    """The TalosConfig that a Machine refers to."""
    ref = machine.spec.bootstrap.config_ref
    if ref is None or ref.kind != "TalosConfig" or ref.api_group != GROUP:
        return []
    return [Key(machine.metadata.namespace, ref.name)]


def wake_by_cluster(reader: Reader, cluster: Cluster) -> Iterable[Key]:
    """TalosConfigs that still wait for something, or that do not say yet whether they are paused; the others need
    nothing of the Cluster."""
    labels = {CLUSTER_NAME_LABEL: cluster.metadata.name}
    machines = reader.list(Machine, cluster.metadata.namespace, labels=labels)
    paused = cluster.spec.paused is True
    keys = [(machine, key) for machine in machines for key in wake_by_machine(reader, machine)]
    return [
        key
        for machine, key in keys
        if machine.spec.bootstrap.data_secret_name is None or _says_paused(reader, key) is not paused
    ]


def wake_by_secret(reader: Reader, secret: Secret) -> Iterable[Key]:
    """TalosConfigs that have something to put right: data of a Machine that has lost its owner or its label, or the
    cluster's talosconfig that was deleted."""
    meta = secret.metadata
    if meta.name.endswith(TALOSCONFIG_SUFFIX):
        return _wake_by_talosconfig(reader, meta.namespace, meta.name)
    machine_name = meta.name.removesuffix(BOOTSTRAP_DATA_SUFFIX)
    if machine_name == meta.name or (controller_of(meta) is not None and CLUSTER_NAME_LABEL in meta.labels):
        return []
    machine = reader.get(Machine, meta.namespace, machine_name)
    return wake_by_machine(reader, machine) if machine is not None else []


def _wake_by_talosconfig(reader: Reader, namespace: str, name: str) -> Iterable[Key]:
    if reader.get(Secret, namespace, name) is not None:
        return []
    labels = {CLUSTER_NAME_LABEL: name.removesuffix(TALOSCONFIG_SUFFIX)}
    machines = reader.list(Machine, namespace, labels=labels)
    return [key for m in machines if CONTROL_PLANE_LABEL in m.metadata.labels for key in wake_by_machine(reader, m)]


def has_client_config(config: TalosConfig) -> bool:
    """Whether it keeps up the talosconfig, which lists the addresses of the control plane."""
    return config.spec.generate_type in CONTROL_PLANE_TYPES


def _says_paused(reader: Reader, key: Key) -> bool:
    config = reader.get(TalosConfig, key.namespace, key.name)
    return config is not None and is_true(config.status.conditions, "Paused")


class TalosConfigController(Controller[TalosConfig, TalosConfigSnapshot]):
    """Needs a client for its Secrets, and keys. `service_account` is how the cluster's signing key is made."""

    kind = TalosConfig
    watches = (
        Watch(Machine, wake_by_own_machine, fields=_OF_MACHINE, conditions=False),
        Watch(Cluster, wake_by_cluster, fields=_OF_CLUSTER, conditions=False),
        Watch(Secret, wake_by_secret),
        Watch(TalosConfig, wake_by_config, {BY_STATIC_ADDRESS: by_static_address}, fields=_OF_OTHERS, conditions=False),
        Watch(
            Machine, wake_by_address, {BY_ADDRESS: machine_addresses}, fields=("status.addresses",), conditions=False
        ),
        Watch(
            Cluster,
            wake_by_endpoint,
            {BY_ENDPOINT_ADDRESS: endpoint_address},
            fields=("spec.controlPlaneEndpoint",),
            conditions=False,
        ),
        *(Watch(pool, wake_by_pool, fields=("spec",), conditions=False) for pool in POOLS),
    )
    first_patience: ClassVar[float] = 2.0
    awaited_owner: ClassVar[str] = "Machine"
    writes: ClassVar[tuple[Writes, ...]] = (
        Writes(TalosConfig, ("metadata.finalizers", "status")),
        Writes("Secrets <cluster>-talos, <cluster>-ca, <cluster>-talosconfig, <machine>-bootstrap-data", ("data",)),
        Writes("Secret <machine>-bootstrap-data", ("metadata.ownerReferences", "metadata.labels")),
    )

    def __init__(self, client: Client, keys: KeySource, service_account: ServiceAccountAlgorithm = "contract") -> None:
        self._actor = TalosConfigActor(SecretsStore(client, keys, service_account))

    async def observe(self, reader: Reader, key: Key) -> TalosConfigSnapshot | None:
        config = reader.get(TalosConfig, key.namespace, key.name)
        if config is None:
            return None
        ref = owner_of_kind(config.metadata, CLUSTER_GROUP, "Machine")
        machine = reader.get(Machine, key.namespace, ref.name) if ref else None
        if machine is None:
            return TalosConfigSnapshot(config=config, now=reader.now())
        name = machine.spec.cluster_name
        cluster = reader.get(Cluster, key.namespace, name)
        return TalosConfigSnapshot(
            config=config,
            now=reader.now(),
            cluster_name=name,
            cluster=cluster,
            machine=machine,
            data_secret=_data_secret(reader, config),
            secrets_ready=all(reader.get(Secret, key.namespace, name + s) for s in (BUNDLE_SUFFIX, CA_SUFFIX)),
            client_config=_client_config(reader.get(Secret, key.namespace, name + TALOSCONFIG_SUFFIX)),
            endpoints=_endpoints(reader, key.namespace, cluster),
            collisions=find_collisions(reader, config, machine),
        )

    def plan(self, snapshot: TalosConfigSnapshot) -> Plan:
        return plan(snapshot)

    def compute_status(self, snapshot: TalosConfigSnapshot, outcomes: Outcomes) -> TalosConfig | None:
        return compute_status(snapshot, outcomes)

    def handlers(self) -> Mapping[type[Action], Handler]:
        return self._actor.handlers()


def _data_secret(reader: Reader, config: TalosConfig) -> Secret | None:
    name = config.status.data_secret_name
    return reader.get(Secret, config.metadata.namespace, name) if name else None


def _client_config(secret: Secret | None) -> ClientConfig | None:
    try:
        return decode_talosconfig(secret.data.get(TALOSCONFIG_KEY, b"")) if secret else None
    except ConfigError:
        return None


def _endpoints(reader: Reader, namespace: str, cluster: Cluster | None) -> tuple[str, ...]:
    if cluster is None:
        return ()
    labels = {CLUSTER_NAME_LABEL: cluster.metadata.name}
    machines = reader.list(Machine, namespace, labels=labels)
    control_planes = [m for m in machines if CONTROL_PLANE_LABEL in m.metadata.labels]
    return all_endpoints(control_planes, cluster.spec.control_plane_endpoint.host)
