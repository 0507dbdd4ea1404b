"""What the workers of a class are made from, as v1beta1 has it."""

from __future__ import annotations

from typing import Annotated

from capstan.api.cluster.gates import ConditionGate
from capstan.api.cluster.taint import MachineTaint
from capstan.api.cluster.v1beta1.clusterclass.controlplane import ClassNaming, TemplateOfClass
from capstan.api.cluster.v1beta1.healthcheck import ClassHealthCheck
from capstan.api.cluster.v1beta1.rollout import DeploymentStrategy
from capstan.api.cluster.v1beta1.template import TemplateMetadata
from capstan.api.facts import Int32, Required, Text256, items, keyed_by
from capstan.api.struct import Struct


class WorkerTemplates(Struct, frozen=True, kw_only=True):
    """What workers are made from.

    bootstrap: what gives the Machines their instructions.
    infrastructure: what the Machines run on.
    metadata: labels and annotations that are handed down.
    """

    bootstrap: Required[TemplateOfClass] = TemplateOfClass()
    infrastructure: Required[TemplateOfClass] = TemplateOfClass()
    metadata: TemplateMetadata = TemplateMetadata()


class MachineDeploymentClass(Struct, frozen=True, kw_only=True):
    """One class of MachineDeployments.

    class_: its name.
    failure_domain: the failure domain that Machines are made in.
    machine_health_check: when Machines count as unhealthy, and what is done then.
    min_ready_seconds: how long a Machine must be Ready before it is Available.
    naming_strategy: how the objects are called.
    node_deletion_timeout: how long deleting the node object is tried; 0s means for ever.
    node_drain_timeout: how long draining the node may take; 0s means for ever.
    node_volume_detach_timeout: how long detaching its volumes may take; 0s means for ever.
    readiness_gates: conditions that must hold as well before a Machine is Ready.
    strategy: the way of replacing Machines.
    taints: taints that the nodes get.
    template: what the Machines are made from.
    """

    class_: Required[Text256] = ""
    failure_domain: Text256 = ""
    machine_health_check: ClassHealthCheck = ClassHealthCheck()
    min_ready_seconds: Int32 | None = None
    naming_strategy: ClassNaming = ClassNaming()
    node_deletion_timeout: str = ""
    node_drain_timeout: str = ""
    node_volume_detach_timeout: str = ""
    readiness_gates: Annotated[tuple[ConditionGate, ...], items(None, 32), keyed_by("conditionType")] = ()
    strategy: DeploymentStrategy = DeploymentStrategy()
    taints: Annotated[tuple[MachineTaint, ...], items(1, 64), keyed_by("key", "effect")] = ()
    template: Required[WorkerTemplates] = WorkerTemplates()


class MachinePoolClass(Struct, frozen=True, kw_only=True):
    """One class of MachinePools.

    class_: its name.
    failure_domains: where the machines may run.
    min_ready_seconds: how long a machine must be Ready before it is Available.
    naming_strategy: how the objects are called.
    node_deletion_timeout: how long deleting the node object is tried; 0s means for ever.
    node_drain_timeout: how long draining the node may take; 0s means for ever.
    node_volume_detach_timeout: how long detaching its volumes may take; 0s means for ever.
    taints: taints that the nodes get.
    template: what the machines are made from.
    """

    class_: Required[Text256] = ""
    failure_domains: Annotated[tuple[Text256, ...], items(None, 100)] = ()
    min_ready_seconds: Int32 | None = None
    naming_strategy: ClassNaming = ClassNaming()
    node_deletion_timeout: str = ""
    node_drain_timeout: str = ""
    node_volume_detach_timeout: str = ""
    taints: Annotated[tuple[MachineTaint, ...], items(1, 64), keyed_by("key", "effect")] = ()
    template: Required[WorkerTemplates] = WorkerTemplates()


class WorkersClass(Struct, frozen=True, kw_only=True):
    """The classes of workers.

    machine_deployments: classes of MachineDeployments.
    machine_pools: classes of MachinePools.
    """

    machine_deployments: Annotated[tuple[MachineDeploymentClass, ...], items(None, 100), keyed_by("class")] = ()
    machine_pools: Annotated[tuple[MachinePoolClass, ...], items(None, 100), keyed_by("class")] = ()
