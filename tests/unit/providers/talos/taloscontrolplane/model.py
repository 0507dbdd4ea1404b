"""A control plane small enough to hold in one hand: Machines, an etcd that loses quorum, and a process that crashes.

It applies the plans' actions; the machines boot, join, die and recover when the test says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from capstan.api.bootstrap.kinds import TALOS_CONFIG
from capstan.api.bootstrap.talosconfig import TalosConfig
from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.controlplane.taloscontrolplane import TalosControlPlane, TalosRollingUpdate, TalosRolloutStrategy
from capstan.api.core.node import Node
from capstan.api.core.reference import NameReference
from capstan.api.meta import Condition
from capstan.api.objects import GroupKind, Obj, Resource
from capstan.api.rules.conditions import find_condition, put_conditions
from capstan.api.rules.contract import External
from capstan.api.rules.quorum import majority
from capstan.api.struct import decode, encode
from capstan.providers.talos.channel import ClientCredentials
from capstan.providers.talos.client import EtcdMember, Service
from capstan.providers.talos.taloscontrolplane.names import ETCD_HOOK
from capstan.providers.talos.taloscontrolplane.plan import find_outdated, plan
from capstan.providers.talos.taloscontrolplane.plan.actions import (
    BootstrapEtcd,
    LeaveEtcd,
    RemoveEtcdMember,
    WriteKubeconfig,
)
from capstan.providers.talos.taloscontrolplane.plan.upgrade import find_version_problem
from capstan.providers.talos.taloscontrolplane.snapshot import ControlPlaneMachine, ControlPlaneSnapshot, TalosView
from capstan.providers.talos.taloscontrolplane.status import compute_status
from capstan.runtime.plan import Action, Create, Delete, Emit, Outcome, Outcomes, Update

START = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
CREDENTIALS = ClientCredentials(b"ca", b"certificate", b"key")
MADE = Resource("infrastructure.cluster.x-k8s.io", "v1beta1", "labmachines", "LabMachine")
TEMPLATE = External(
    GroupKind(MADE.group, "LabMachineTemplate"),
    "template",
    Resource(MADE.group, "v1beta1", "labmachinetemplates", "LabMachineTemplate"),
    "v1beta1",
    {
        "apiVersion": MADE.api_version,
        "kind": "LabMachineTemplate",
        "metadata": {
            "name": "template",
            "namespace": "default",
            "uid": "t",
            "ownerReferences": [
                {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Cluster", "name": "c", "uid": "cluster"}
            ],
        },
        "spec": {"template": {"spec": {}}},
    },
)


@dataclass(slots=True)
class Host:
    """What a Machine stands for. `data`: its etcd directory is not empty. `serving`: its kube-apiserver runs."""

    address: str
    booted: bool = False
    reachable: bool = True
    data: bool = False
    member: int = 0
    serving: bool = True


@dataclass(slots=True)
class Model:
    control_plane: TalosControlPlane
    cluster: Cluster
    now: datetime = START
    machines: dict[str, Machine] = field(default_factory=dict)
    configs: dict[str, TalosConfig] = field(default_factory=dict)
    infrastructure: dict[str, Obj] = field(default_factory=dict)
    hosts: dict[str, Host] = field(default_factory=dict)
    members: dict[int, str] = field(default_factory=dict)
    bootstraps: list[str] = field(default_factory=list)
    initialized: bool = False
    broken: list[str] = field(default_factory=list)
    uids: int = 0
    most: int = 0

    # -- what happens in the machines

    def boot(self) -> None:
        for host in self.hosts.values():
            host.booted = True

    def join(self) -> None:
        """Etcd takes one booted machine more, if it has a quorum. Then there is an API server."""
        if not self.members or not self.has_quorum():
            return
        self.initialized = True
        for name, host in self.hosts.items():
            if host.booted and host.reachable and not host.data and self._stays_on(name):
                self.add_member(name)
                return

    def _stays_on(self, name: str) -> bool:
        """A Machine that may go is switched off at once."""
        meta = self.machines[name].metadata
        return meta.deletion_timestamp is None or ETCD_HOOK in meta.annotations

    def judge(self, name: str, *, healthy: bool) -> None:
        """What a MachineHealthCheck says of a Machine."""
        machine = self.machines[name]
        if healthy and find_condition(machine.status.conditions, "HealthCheckSucceeded") is None:
            return
        new = [Condition(type="HealthCheckSucceeded", status="True" if healthy else "False", reason="Judged")]
        if not healthy and find_condition(machine.status.conditions, "OwnerRemediated") is None:
            new.append(Condition(type="OwnerRemediated", status="False", reason="WaitingForRemediation"))
        conditions = put_conditions(machine.status.conditions, new, generation=1, now=START)
        status = msgspec.structs.replace(machine.status, conditions=conditions)
        self.machines[name] = msgspec.structs.replace(machine, status=status)

    def is_quiet(self) -> bool:
        """Nothing is left to do, and nothing is under way."""
        snapshot = self.snapshot()
        is_whole = len(self.members) == len(self.machines) == snapshot.desired and self.has_quorum()
        return is_whole and not snapshot.going and not find_outdated(snapshot) and plan(snapshot).actions == ()

    def refused(self) -> bool:
        """Whether the version that is wished for cannot be gone to."""
        return bool(find_version_problem(self.snapshot()))

    def add_member(self, name: str) -> None:
        self.uids += 1
        host = self.hosts[name]
        host.member, host.data = self.uids, True
        self.members[self.uids] = name
        machine = self.machines[name]
        status = msgspec.structs.replace(machine.status, node_ref=NameReference(name=name))
        self.machines[name] = msgspec.structs.replace(machine, status=status)

    def is_healthy(self, member: int) -> bool:
        host = self.hosts.get(self.members[member])
        return host is not None and host.reachable and host.booted

    def has_quorum(self) -> bool:
        return sum(map(self.is_healthy, self.members)) >= majority(len(self.members)) if self.members else False

    def finish_deletions(self) -> None:
        """The Machine controller: it waits for the hook, then the machine is gone with its data."""
        for name, machine in list(self.machines.items()):
            if machine.metadata.deletion_timestamp is None:
                continue
            if ETCD_HOOK in machine.metadata.annotations:
                waiting = Condition(type="Deleting", status="True", reason="WaitingForPreTerminateHook")
                conditions = put_conditions(machine.status.conditions, (waiting,), generation=1, now=START)
                status = msgspec.structs.replace(machine.status, conditions=conditions)
                self.machines[name] = msgspec.structs.replace(machine, status=status)
                continue
            host = self.hosts.pop(name)
            others = [n for n in self.machines if n != name]
            deleting = self.control_plane.metadata.deletion_timestamp is not None
            if host.member in self.members and others and not deleting:
                self.broken.append(f"{name} went with its etcd member")
            del self.machines[name]
            self.configs.pop(name, None)
            self.infrastructure.pop(name, None)
            if not others or deleting:
                self.members.pop(host.member, None)

    # -- a reconcile

    def reconcile(self, stop_before: int = -1) -> int:
        """One round; `stop_before` an action the process dies. Gives how many actions there were."""
        self.now += timedelta(seconds=1)
        snapshot = self.snapshot()
        made = plan(snapshot)
        if plan(snapshot) != made:
            self.broken.append("the same snapshot gave another plan")
        outcomes = []
        for number, action in enumerate(made.actions):
            if number == stop_before:
                return len(made.actions)
            outcomes.append(Outcome(action, self.apply(action)))
        if stop_before != len(made.actions):
            after = compute_status(snapshot, Outcomes(tuple(outcomes)))
            if after is not None:
                self.control_plane = msgspec.structs.replace(self.control_plane, status=after.status)
        return len(made.actions)

    def snapshot(self) -> ControlPlaneSnapshot:
        status = self.control_plane.status
        answers = self.initialized and self.has_quorum()
        known = status.bootstrapped is True or status.initialized is True or answers
        leftovers = [c for name, c in sorted(self.configs.items()) if name not in self.machines]
        return ControlPlaneSnapshot(
            control_plane=self.control_plane,
            now=self.now,
            cluster=self.cluster,
            template=TEMPLATE,
            made=MADE,
            machines=tuple(self._view(name, known) for name in sorted(self.machines)),
            leftover_configs=tuple(leftovers),
            leftover_infrastructure=tuple(o for n, o in sorted(self.infrastructure.items()) if n not in self.machines),
            has_authority=True,
            kubeconfig=b"kubeconfig",
            credentials=CREDENTIALS,
            nodes=tuple(map(ready_node, self._ready())) if answers else None,
        )

    def _ready(self) -> list[str]:
        return [name for name, host in sorted(self.hosts.items()) if host.member in self.members and host.reachable]

    def _view(self, name: str, bootstrapped: bool) -> ControlPlaneMachine:
        host = self.hosts[name]
        view = TalosView(problem="no answer")
        if host.booted and host.reachable:
            running = host.member in self.members
            healthy = running and self.has_quorum()
            state = "Running" if running else "Preparing"
            view = TalosView(
                services=(Service("etcd", state, healthy),),
                etcd_data=None if bootstrapped else host.data,
                members=self._listed() if bootstrapped and healthy else None,
                own_member_id=host.member if running else 0,
                static_pods="" if host.serving else f"kube-system/kube-apiserver-{name} not ready",
            )
        return ControlPlaneMachine(
            machine=self.machines[name],
            config=self.configs.get(name),
            infrastructure=self.infrastructure.get(name),
            address=host.address,
            addresses=(host.address,),
            talos=view,
        )

    def _listed(self) -> tuple[EtcdMember, ...]:
        def address(name: str) -> str:
            return self.hosts[name].address if name in self.hosts else "10.9.9.9"

        return tuple(
            EtcdMember(number, name, (f"https://{address(name)}:2380",), False)
            for number, name in sorted(self.members.items())
        )

    def apply(self, action: Action) -> object:
        match action:
            case Create():
                self._create(action)
            case Update():
                self._update(action)
            case Delete():
                self._delete(action.target.key.name, action.target.resource.kind)
            case BootstrapEtcd():
                self._bootstrap(action.machine)
            case LeaveEtcd():
                self._remove(self.hosts[action.machine].member, action.machine)
            case RemoveEtcdMember():
                self._remove(action.member_id, action.machine)
            case Emit() | WriteKubeconfig():
                pass
            case _:
                raise AssertionError(f"unknown action {action}")
        return None

    def _create(self, action: Create) -> None:
        name = action.object["metadata"]["name"]
        self.uids += 1
        obj = {**action.object, "metadata": {**action.object["metadata"], "uid": f"u{self.uids}"}}
        if action.resource.kind == "TalosConfig":
            self.configs.setdefault(name, decode(obj, TalosConfig))
        elif action.resource.kind == "LabMachine":
            self.infrastructure.setdefault(name, obj)
        elif name not in self.machines:
            machine = decode(obj, Machine)
            metadata = msgspec.structs.replace(machine.metadata, creation_timestamp=self.now)
            self.machines[name] = msgspec.structs.replace(machine, metadata=metadata)
            self.hosts[name] = Host(f"10.0.0.{len(self.hosts) + self.uids}")
            active = sum(m.metadata.deletion_timestamp is None for m in self.machines.values())
            self.most = max(self.most, active)

    def _update(self, action: Update) -> None:
        if isinstance(action.after, TalosControlPlane):
            self.control_plane = msgspec.structs.replace(action.after, status=self.control_plane.status)
        elif isinstance(action.after, Machine):
            self.machines[action.after.metadata.name] = action.after

    def _delete(self, name: str, kind: str) -> None:
        if kind == "Machine" and name in self.machines:
            machine = self.machines[name]
            metadata = msgspec.structs.replace(machine.metadata, deletion_timestamp=self.now)
            self.machines[name] = msgspec.structs.replace(machine, metadata=metadata)
        elif kind == TALOS_CONFIG.kind:
            self.configs.pop(name, None)
        else:
            self.infrastructure.pop(name, None)

    def _bootstrap(self, name: str) -> None:
        host = self.hosts[name]
        if host.data:
            return
        if self.members or any(h.data for h in self.hosts.values()):
            self.broken.append(f"a second etcd was bootstrapped, on {name}")
        self.bootstraps.append(name)
        self.add_member(name)

    def _remove(self, member: int, asked: str) -> None:
        if member not in self.members or not self.has_quorum() or not self.hosts[asked].reachable:
            return
        gone = self.members.pop(member)
        if gone in self.hosts:
            self.hosts[gone].member = 0
        if self.members and not self.has_quorum():
            self.broken.append(f"without the member of {gone} there is no quorum")


def control_plane(replicas: int = 1) -> TalosControlPlane:
    return decode(
        {
            "apiVersion": "controlplane.cluster.x-k8s.io/v1alpha3",
            "kind": "TalosControlPlane",
            "metadata": {
                "name": "cp",
                "namespace": "default",
                "uid": "control-plane",
                "generation": 1,
                "finalizers": ["talos.controlplane.cluster.x-k8s.io"],
            },
            "spec": {
                "replicas": replicas,
                "version": "v1.33.4",
                "infrastructureTemplate": {
                    "apiVersion": MADE.api_version,
                    "kind": "LabMachineTemplate",
                    "name": "template",
                },
                "controlPlaneConfig": {"controlplane": {"generateType": "controlplane", "talosVersion": "v1.11"}},
            },
        },
        TalosControlPlane,
    )


def cluster() -> Cluster:
    return decode(
        {
            "apiVersion": "cluster.x-k8s.io/v1beta2",
            "kind": "Cluster",
            "metadata": {"name": "c", "namespace": "default", "uid": "cluster"},
            "spec": {"controlPlaneEndpoint": {"host": "10.0.0.100", "port": 6443}},
            "status": {"initialization": {"infrastructureProvisioned": True}},
        },
        Cluster,
    )


def with_replicas(found: TalosControlPlane, replicas: int) -> TalosControlPlane:
    return msgspec.structs.replace(found, spec=msgspec.structs.replace(found.spec, replicas=replicas))


def with_spec(found: TalosControlPlane, **changes: object) -> TalosControlPlane:
    return msgspec.structs.replace(found, spec=msgspec.structs.replace(found.spec, **changes))


def with_surge(found: TalosControlPlane, surge: int | None, type: str = "RollingUpdate") -> TalosControlPlane:
    strategy = TalosRolloutStrategy(type=type, rolling_update=TalosRollingUpdate(max_surge=surge))
    return with_spec(found, rollout_strategy=strategy)


def model(replicas: int = 1) -> Model:
    return Model(control_plane(replicas), cluster())


def ready_node(name: str) -> Node:
    return decode(
        {
            "metadata": {"name": name, "labels": {"node-role.kubernetes.io/control-plane": ""}},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        },
        Node,
    )


__all__ = ["Host", "Model", "cluster", "control_plane", "encode", "model", "ready_node", "with_replicas"]
