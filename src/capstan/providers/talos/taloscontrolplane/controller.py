"""TalosControlPlane: what it watches and how it is observed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from capstan.api.bootstrap.talosconfig import TalosConfig
from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.names import CLUSTER_NAME_LABEL, CONTROL_PLANE_LABEL, KUBECONFIG_SUFFIX
from capstan.api.cluster.names import GROUP as CLUSTER_GROUP
from capstan.api.controlplane.names import GROUP
from capstan.api.controlplane.taloscontrolplane import TalosControlPlane
from capstan.api.core.node import Node
from capstan.api.core.secret import Secret
from capstan.api.errors import ApiError, TransientError
from capstan.api.meta import controller_of
from capstan.api.objects import GroupKind, Key, Obj, Resource
from capstan.api.rules.contract import External, kind_from_template
from capstan.api.rules.owners import controller_uid, group_of, owner_of_kind
from capstan.providers.talos.addresses import machine_addresses
from capstan.providers.talos.channel import ChannelFactory, ClientCredentials
from capstan.providers.talos.client import TalosClients
from capstan.providers.talos.config.errors import ConfigError
from capstan.providers.talos.kubeconfig_file import is_kubeconfig_due
from capstan.providers.talos.names import (
    CA_SUFFIX,
    SECRET_SUFFIXES,
    TALOSCONFIG_KEY,
    TALOSCONFIG_SUFFIX,
    VALUE_KEY,
    cluster_of_secret,
)
from capstan.providers.talos.secrets_store import SecretsStore, is_ours_to_write
from capstan.providers.talos.talosconfig_file import decode_talosconfig
from capstan.providers.talos.taloscontrolplane.act import ControlPlaneActor
from capstan.providers.talos.taloscontrolplane.look import look_at_machines
from capstan.providers.talos.taloscontrolplane.plan import plan
from capstan.providers.talos.taloscontrolplane.plan.adoption import find_orphans
from capstan.providers.talos.taloscontrolplane.snapshot import ControlPlaneMachine, ControlPlaneSnapshot
from capstan.providers.talos.taloscontrolplane.status import compute_status
from capstan.runtime.client.protocol import Client
from capstan.runtime.controller import Controller, Handler, Mapper, Watch, WorkloadMapper, Writes
from capstan.runtime.external import read_external
from capstan.runtime.keys import KeySource
from capstan.runtime.nodes import CONNECTING
from capstan.runtime.plan import Action, Outcomes, Plan
from capstan.runtime.queue import PARENTS, Pace
from capstan.runtime.reader import Reader
from capstan.runtime.significance import EVERYTHING, Interest

#: What is read of the Cluster, and of the template of its machines.
_OF_CLUSTER = (
    "metadata.deletionTimestamp",
    "spec",
    "status.failureDomains",
    "status.initialization",
)
_OF_TEMPLATE = ("metadata.deletionTimestamp", "metadata.ownerReferences", "spec")


def wake_by_machine(reader: Reader, machine: Machine) -> Iterable[Key]:
    """The control plane that controls the Machine, or the one that may take it over."""
    ref = controller_of(machine.metadata)
    if ref is None and CONTROL_PLANE_LABEL in machine.metadata.labels:
        cluster = reader.get(Cluster, machine.metadata.namespace, machine.spec.cluster_name)
        return control_plane_of(cluster) if cluster is not None else []
    if ref is None or ref.kind != "TalosControlPlane":
        return []
    return [Key(machine.metadata.namespace, ref.name)]


def wake_by_cluster(reader: Reader, cluster: Cluster) -> Iterable[Key]:
    """The control plane that the Cluster refers to, while it has something to learn from the Cluster: one that merely
    counts what its machines do wakes nobody."""
    settled = cluster.status.initialization.control_plane_initialized is True
    if settled and cluster.metadata.generation == cluster.status.observed_generation:
        return []
    return control_plane_of(cluster)


def control_plane_of(cluster: Cluster) -> Iterable[Key]:
    """The key of the control plane that the Cluster refers to, if it is one of ours."""
    ref = cluster.spec.control_plane_ref
    if ref is None or ref.kind != "TalosControlPlane" or ref.api_group != GROUP:
        return []
    return [Key(cluster.metadata.namespace, ref.name)]


def wake_by_secret(reader: Reader, secret: Secret) -> Iterable[Key]:
    """The control plane of the cluster whose CA, talosconfig or kubeconfig this is."""
    name = cluster_of_secret(secret.metadata.name)
    cluster = reader.get(Cluster, secret.metadata.namespace, name) if name else None
    return control_plane_of(cluster) if cluster is not None else []


def wake_by_node(reader: Reader, cluster: Key, node: Node | None) -> Iterable[Key]:
    found = reader.get(Cluster, cluster.namespace, cluster.name)
    return control_plane_of(found) if found is not None else []


def wake_by_template(reader: Reader, template: Obj) -> Iterable[Key]:
    """The control planes that make their machines from the template: it may come after they do."""
    meta, kind = template["metadata"], template["kind"]
    if not kind.endswith("Template"):
        return []
    found = reader.list(TalosControlPlane, meta.get("namespace", ""))
    refs = [(cp, cp.spec.infrastructure_template) for cp in found]
    return [
        Key(cp.metadata.namespace, cp.metadata.name)
        for cp, ref in refs
        if ref.kind == kind and ref.name == meta["name"]
    ]


class TalosControlPlaneController(Controller[TalosControlPlane, ControlPlaneSnapshot]):
    """Needs a client for its Secrets, keys, and channels to machines. Nodes come through `Reader.nodes`. A
    `proxy_url` goes into the kubeconfigs."""

    kind = TalosControlPlane
    watches = (
        Watch(Machine, wake_by_machine),
        Watch(Cluster, wake_by_cluster, fields=_OF_CLUSTER, conditions=False),
        Watch(Secret, wake_by_secret),
    )
    external_wakes: ClassVar[Mapper | None] = wake_by_template
    external_interest: ClassVar[Interest] = Interest(_OF_TEMPLATE, conditions=False)
    #: A first look at its nodes may merely have begun to connect; what becomes of that is seen by the second.
    own: ClassVar[Interest] = EVERYTHING
    pace: ClassVar[Pace] = PARENTS
    first_patience: ClassVar[float] = 2.0
    awaited_owner: ClassVar[str] = "Cluster"
    workload_wakes: ClassVar[WorkloadMapper | None] = wake_by_node
    writes: ClassVar[tuple[Writes, ...]] = (
        Writes(TalosControlPlane, ("metadata.finalizers", "metadata.annotations", "status")),
        Writes(
            Machine,
            (
                "metadata.annotations[pre-terminate hook, etcd-leaving]",
                "metadata.ownerReferences[TalosControlPlane]",
                "status.conditions[UpToDate]",
                "status.conditions[OwnerRemediated: of control planes]",
            ),
        ),
        Writes("infrastructure templates", ("metadata.ownerReferences",)),
        Writes("Secret <cluster>-kubeconfig", ("data",)),
        Writes(
            "Secrets <cluster>-talos, <cluster>-ca, <cluster>-talosconfig, <cluster>-kubeconfig",
            ("metadata.ownerReferences", "metadata.labels"),
        ),
    )

    def __init__(self, client: Client, keys: KeySource, channels: ChannelFactory, *, proxy_url: str = "") -> None:
        self._proxy_url = proxy_url
        self._machines = TalosClients(channels)
        self._actor = ControlPlaneActor(SecretsStore(client, keys), self._machines, proxy_url)

    async def observe(self, reader: Reader, key: Key) -> ControlPlaneSnapshot | None:
        control_plane = reader.get(TalosControlPlane, key.namespace, key.name)
        if control_plane is None:
            return None
        now = reader.now()
        cluster = _cluster(reader, control_plane)
        if cluster is None:
            return ControlPlaneSnapshot(control_plane=control_plane, now=now)
        template = await _template(reader, control_plane)
        made = await _made(reader, template)
        listed = reader.list(Machine, key.namespace, labels={CLUSTER_NAME_LABEL: cluster.metadata.name})
        machines = await self._machines_of(reader, control_plane, cluster, listed, made)
        kubeconfig = _value(reader, cluster, KUBECONFIG_SUFFIX, VALUE_KEY)
        is_ours = is_ours_to_write(_secret(reader, cluster, KUBECONFIG_SUFFIX), control_plane.metadata)
        authority = _value(reader, cluster, CA_SUFFIX, "tls.crt")
        known_nodes = await _nodes(reader, cluster, kubeconfig)
        credentials = _credentials(_value(reader, cluster, TALOSCONFIG_SUFFIX, TALOSCONFIG_KEY))
        status = control_plane.status
        looked = await look_at_machines(
            self._machines,
            Key(key.namespace, cluster.metadata.name),
            credentials,
            machines,
            bootstrapped=status.bootstrapped is True or status.initialized is True or "nodes" in known_nodes,
        )
        names = {m.name for m in looked}
        uid = control_plane.metadata.uid
        return ControlPlaneSnapshot(
            control_plane=control_plane,
            now=now,
            cluster=cluster,
            template=template,
            made=made,
            machines=looked,
            orphans=find_orphans(control_plane, listed),
            leftover_configs=_leftover_configs(reader, key.namespace, uid, names),
            leftover_infrastructure=_leftover_infrastructure(reader, key.namespace, uid, names, made),
            secrets=tuple(s for suffix in SECRET_SUFFIXES if (s := _secret(reader, cluster, suffix)) is not None),
            has_authority=bool(_value(reader, cluster, CA_SUFFIX, "tls.key")),
            kubeconfig=kubeconfig,
            kubeconfig_due=is_ours and is_kubeconfig_due(kubeconfig, now, self._proxy_url, authority),
            credentials=credentials,
            **known_nodes,
        )

    async def _machines_of(
        self,
        reader: Reader,
        control_plane: TalosControlPlane,
        cluster: Cluster,
        listed: Iterable[Machine],
        made: Resource | None,
    ) -> tuple[ControlPlaneMachine, ...]:
        """Those that this control plane controls; connections to others are closed."""
        namespace, uid = control_plane.metadata.namespace, control_plane.metadata.uid
        virtual_ip = cluster.spec.control_plane_endpoint.host
        found = []
        for machine in listed:
            owned = any(ref.uid == uid for ref in machine.metadata.owner_references)
            if not owned or CONTROL_PLANE_LABEL not in machine.metadata.labels:
                continue
            addresses = machine_addresses(machine, virtual_ip)
            found.append(
                ControlPlaneMachine(
                    machine=machine,
                    config=_config(reader, machine),
                    infrastructure=await _infrastructure(reader, machine, made),
                    address=addresses[0] if addresses else "",
                    addresses=addresses,
                )
            )
        key = Key(namespace, cluster.metadata.name)
        await self._machines.keep_only(key, {m.address for m in found})
        return tuple(found)

    def plan(self, snapshot: ControlPlaneSnapshot) -> Plan:
        return plan(snapshot)

    def compute_status(self, snapshot: ControlPlaneSnapshot, outcomes: Outcomes) -> TalosControlPlane | None:
        return compute_status(snapshot, outcomes)

    def handlers(self) -> Mapping[type[Action], Handler]:
        return self._actor.handlers()

    async def aclose(self) -> None:
        """Close the connections to all machines."""
        await self._machines.aclose()


def _cluster(reader: Reader, control_plane: TalosControlPlane) -> Cluster | None:
    ref = owner_of_kind(control_plane.metadata, CLUSTER_GROUP, "Cluster")
    name = ref.name if ref else control_plane.metadata.labels.get(CLUSTER_NAME_LABEL, "")
    return reader.get(Cluster, control_plane.metadata.namespace, name) if name else None


async def _template(reader: Reader, control_plane: TalosControlPlane) -> External | None:
    ref = control_plane.spec.infrastructure_template
    if not ref.kind or not ref.name:
        return None
    namespace = ref.namespace or control_plane.metadata.namespace
    return await read_external(reader, group_of(ref.api_version), ref.kind, namespace, ref.name)


async def _made(reader: Reader, template: External | None) -> Resource | None:
    """The kind that the template makes; None when nothing serves it."""
    if template is None:
        return None
    kind = kind_from_template(template.kind)
    try:
        resource, _contract = await reader.resolve(GroupKind(template.group_kind.group, kind))
    except (TransientError, ApiError):
        return None
    return resource


async def _infrastructure(reader: Reader, machine: Machine, made: Resource | None) -> Obj | None:
    if made is None:
        return None
    try:
        return await reader.get_object(
            made.group_kind, machine.metadata.namespace, machine.spec.infrastructure_ref.name
        )
    except (TransientError, ApiError):
        return None


def _config(reader: Reader, machine: Machine) -> TalosConfig | None:
    ref = machine.spec.bootstrap.config_ref
    return reader.get(TalosConfig, machine.metadata.namespace, ref.name) if ref else None


def _leftover_configs(reader: Reader, namespace: str, uid: str, used: set[str]) -> tuple[TalosConfig, ...]:
    configs = reader.list(TalosConfig, namespace, owner_uid=uid)
    return tuple(
        c
        for c in configs
        if c.metadata.name not in used and controller_of(c.metadata) is None and c.metadata.deletion_timestamp is None
    )


def _leftover_infrastructure(
    reader: Reader, namespace: str, uid: str, used: set[str], made: Resource | None
) -> tuple[Obj, ...]:
    if made is None:
        return ()
    objects = reader.list_objects(made.group_kind, namespace, owner_uid=uid)
    return tuple(
        obj
        for obj in objects
        if obj["metadata"]["name"] not in used
        and not controller_uid(obj)
        and not obj["metadata"].get("deletionTimestamp")
    )


async def _nodes(reader: Reader, cluster: Cluster, kubeconfig: bytes) -> dict[str, Any]:
    """The fields of the snapshot that speak of them."""
    if not kubeconfig:
        return {"nodes_problem": "Waiting for the kubeconfig of the cluster"}
    try:
        return {"nodes": await reader.nodes(Key(cluster.metadata.namespace, cluster.metadata.name), kubeconfig)}
    except (TransientError, ApiError) as error:
        return {"nodes_problem": str(error), "nodes_unsure": error.reason == CONNECTING}


def _secret(reader: Reader, cluster: Cluster, suffix: str) -> Secret | None:
    return reader.get(Secret, cluster.metadata.namespace, cluster.metadata.name + suffix)


def _value(reader: Reader, cluster: Cluster, suffix: str, key: str) -> bytes:
    secret = _secret(reader, cluster, suffix)
    return secret.data.get(key, b"") if secret else b""


def _credentials(talosconfig: bytes) -> ClientCredentials | None:
    try:
        return decode_talosconfig(talosconfig).credentials if talosconfig else None
    except ConfigError:
        return None
