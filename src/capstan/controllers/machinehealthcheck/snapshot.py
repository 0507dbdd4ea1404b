"""All that a decision about one MachineHealthCheck needs, and the questions that plan and status both ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.kinds import MACHINE_HEALTH_CHECK
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinehealthcheck import MachineHealthCheck
from capstan.api.cluster.names import PAUSED_ANNOTATION
from capstan.api.core.node import Node
from capstan.api.objects import Key, Obj, Resource
from capstan.api.rules.conditions import is_true
from capstan.api.rules.contract import External
from capstan.runtime.plan import ObjectRef

RESOURCE = MACHINE_HEALTH_CHECK.resource()


@dataclass(frozen=True, slots=True)
class Target:
    """A Machine that is checked. `node` is None before it joined; `node_missing` says that it had one."""

    machine: Machine
    node: Node | None = None
    node_missing: bool = False

    @property
    def name(self) -> str:
        return self.machine.metadata.name


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheckSnapshot:
    """`targets` are the Machines that are checked, by name. `nodes_problem` says why their nodes are not known;
    empty when they are, or when nobody can know them yet. `template` is the one that remediation objects are made
    from, `made` the resource of those objects, `requests` those that exist, by the name of their Machine."""

    check: MachineHealthCheck
    now: datetime
    cluster: Cluster | None = None
    targets: tuple[Target, ...] = ()
    nodes_problem: str = ""
    template: External | None = None
    made: Resource | None = None
    requests: Mapping[str, Obj] = field(default_factory=dict)

    @property
    def subject(self) -> ObjectRef:
        meta = self.check.metadata
        return ObjectRef(RESOURCE, Key(meta.namespace, meta.name), meta.uid)

    @property
    def paused(self) -> bool:
        cluster_paused = self.cluster is not None and self.cluster.spec.paused is True
        return cluster_paused or PAUSED_ANNOTATION in self.check.metadata.annotations

    @property
    def blind(self) -> bool:
        """Nothing can be said about the Machines now."""
        return self.cluster is None or bool(self.nodes_problem)

    @property
    def initialized(self) -> bool:
        return self.cluster is not None and is_true(self.cluster.status.conditions, "ControlPlaneInitialized")
