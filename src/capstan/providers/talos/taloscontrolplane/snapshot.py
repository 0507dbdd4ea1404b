"""All that decisions about a TalosControlPlane need, as it was read: objects, machines' Talos, etcd, Nodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from capstan.api.bootstrap.talosconfig import TalosConfig
from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.names import PAUSED_ANNOTATION
from capstan.api.controlplane.kinds import TALOS_CONTROL_PLANE
from capstan.api.controlplane.taloscontrolplane import TalosControlPlane
from capstan.api.core.node import Node
from capstan.api.core.secret import Secret
from capstan.api.objects import Key, Obj, Resource
from capstan.api.rules.contract import External
from capstan.api.rules.quorum import Member
from capstan.providers.talos.channel import ClientCredentials
from capstan.providers.talos.client import EtcdMember, Service
from capstan.providers.talos.taloscontrolplane.names import BOOTSTRAP_ANNOTATION, ETCD_HOOK
from capstan.runtime.plan import ObjectRef

RESOURCE = TALOS_CONTROL_PLANE.resource()


@dataclass(frozen=True, slots=True, kw_only=True)
class TalosView:
    """What a machine's Talos said. `problem` says why it said nothing. `etcd_data` is None when it is not known;
    `members` is the list as this machine sees it, None when etcd did not answer; `alarms` are those of etcd,
    `static_pods` what Talos finds wrong with kube-apiserver and the like."""

    problem: str = ""
    etcd_data: bool | None = None
    services: tuple[Service, ...] = ()
    members: tuple[EtcdMember, ...] | None = None
    own_member_id: int = 0
    has_leader: bool = False
    alarms: tuple[str, ...] = ()
    etcd_problem: str = ""
    static_pods: str = ""

    @property
    def answers(self) -> bool:
        return not self.problem

    def service(self, id: str) -> Service | None:
        return next((s for s in self.services if s.id == id), None)

    @property
    def etcd_healthy(self) -> bool:
        etcd = self.service("etcd")
        return etcd is not None and etcd.state == "Running" and etcd.healthy is True

    @property
    def unhealthy_services(self) -> tuple[str, ...]:
        return tuple(s.id for s in self.services if s.healthy is False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlaneMachine:
    """A Machine of the control plane with its own objects. `address` is where its Talos is asked."""

    machine: Machine
    config: TalosConfig | None = None
    infrastructure: Obj | None = None
    address: str = ""
    addresses: tuple[str, ...] = ()
    talos: TalosView = field(default_factory=lambda: TalosView(problem="not asked"))

    @property
    def name(self) -> str:
        return self.machine.metadata.name

    @property
    def uid(self) -> str:
        return self.machine.metadata.uid

    @property
    def deleting(self) -> bool:
        return self.machine.metadata.deletion_timestamp is not None

    @property
    def never_came(self) -> bool:
        """It has no VM that could ever have run, and so nothing of etcd."""
        was_there = self.machine.status.initialization.infrastructure_provisioned is True
        return not (was_there or self.address or self.machine.spec.provider_id)

    @property
    def has_hook(self) -> bool:
        return ETCD_HOOK in self.machine.metadata.annotations

    @property
    def node_name(self) -> str:
        ref = self.machine.status.node_ref
        return ref.name if ref else ""

    @property
    def failure_domain(self) -> str:
        """Where it is, else where it is to be; empty for no domain."""
        return self.machine.status.failure_domain or self.machine.spec.failure_domain or ""

    def is_member(self, member: EtcdMember) -> bool:
        """By the addresses of the member's peer URLs; a name only speaks for itself when it is the Node's."""
        if self.talos.own_member_id == member.id:
            return True
        hosts = {_host(url) for url in member.peer_urls}
        if hosts & set(self.addresses):
            return True
        return not self.addresses and bool(member.hostname) and member.hostname == self.node_name


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlaneSnapshot:
    """`nodes` is None while the workload cluster does not answer, `nodes_problem` says why and `nodes_unsure`
    that it is too new to say anything of the cluster. `orphans` are control plane Machines that nobody controls,
    `leftovers` TalosConfigs and infrastructure machines of this control plane that no Machine refers to, `secrets`
    those of the cluster's Secrets that are there."""

    control_plane: TalosControlPlane
    now: datetime
    cluster: Cluster | None = None
    template: External | None = None
    made: Resource | None = None
    machines: tuple[ControlPlaneMachine, ...] = ()
    orphans: tuple[Machine, ...] = ()
    leftover_configs: tuple[TalosConfig, ...] = ()
    leftover_infrastructure: tuple[Obj, ...] = ()
    secrets: tuple[Secret, ...] = ()
    has_authority: bool = False
    kubeconfig: bytes = field(default=b"", repr=False)
    kubeconfig_due: bool = False
    credentials: ClientCredentials | None = field(default=None, repr=False)
    nodes: tuple[Node, ...] | None = None
    nodes_problem: str = ""
    nodes_unsure: bool = False

    @property
    def subject(self) -> ObjectRef:
        meta = self.control_plane.metadata
        return ObjectRef(RESOURCE, Key(meta.namespace, meta.name), meta.uid)

    @property
    def deleting(self) -> bool:
        return self.control_plane.metadata.deletion_timestamp is not None

    @property
    def paused(self) -> bool:
        by_cluster = self.cluster is not None and self.cluster.spec.paused is True
        return by_cluster or PAUSED_ANNOTATION in self.control_plane.metadata.annotations

    @property
    def desired(self) -> int:
        return self.control_plane.spec.replicas or 0

    @property
    def cluster_key(self) -> Key:
        name = self.cluster.metadata.name if self.cluster else ""
        return Key(self.control_plane.metadata.namespace, name)

    @property
    def endpoint(self) -> str:
        """The URL of the API server; empty until the Cluster has it."""
        found = self.cluster.spec.control_plane_endpoint if self.cluster else None
        if found is None or not found.host or not found.port:
            return ""
        host = f"[{found.host}]" if ":" in found.host else found.host
        return f"https://{host}:{found.port}"

    @property
    def active(self) -> tuple[ControlPlaneMachine, ...]:
        return tuple(m for m in self.machines if not m.deleting)

    @property
    def going(self) -> tuple[ControlPlaneMachine, ...]:
        return tuple(m for m in self.machines if m.deleting)

    @property
    def bootstrap_machine_uid(self) -> str:
        """The Machine that was chosen to bootstrap etcd on; empty before the choice."""
        return self.control_plane.metadata.annotations.get(BOOTSTRAP_ANNOTATION, "")

    @property
    def is_bootstrapped(self) -> bool:
        """Etcd exists: it was asked for with success, its data was seen, or an API server has answered."""
        status = self.control_plane.status
        known = status.bootstrapped is True or status.initialized is True or self.nodes is not None
        return known or any(m.talos.etcd_data for m in self.machines) or any(m.talos.members for m in self.machines)

    @property
    def members(self) -> tuple[EtcdMember, ...] | None:
        """The member list of the first machine that knows it; None when none does."""
        return next((m.talos.members for m in (*self.active, *self.going) if m.talos.members), None)

    def machine_of(self, member: EtcdMember) -> ControlPlaneMachine | None:
        return next((m for m in self.machines if m.is_member(member)), None)

    def member_of(self, machine: ControlPlaneMachine) -> EtcdMember | None:
        return next((member for member in self.members or () if machine.is_member(member)), None)

    @property
    def quorum(self) -> tuple[Member, ...]:
        """The members as the quorum rules want them. Of a member whose machine says nothing, no health is known."""
        found = []
        for member in self.members or ():
            machine = self.machine_of(member)
            healthy = machine is not None and machine.talos.etcd_healthy and bool(member.hostname)
            found.append(Member(member.id, healthy, member.is_learner))
        return tuple(found)


def _host(url: str) -> str:
    """The host of `https://10.0.0.1:2380` or `https://[fd00::1]:2380`."""
    rest = url.partition("://")[2] or url
    return rest[1:].partition("]")[0] if rest.startswith("[") else rest.rpartition(":")[0] or rest
