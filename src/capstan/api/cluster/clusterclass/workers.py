"""What the workers of a class are made from."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capstan.api.cluster.clusterclass.controlplane import ClassNaming, TemplateOfClass
from capstan.api.cluster.deletion import MachineDeletion
from capstan.api.cluster.gates import ConditionGate
from capstan.api.cluster.healthcheck import HealthChecks, MachineDeploymentHealthRemediation
from capstan.api.cluster.rollout import RolloutStrategy
from capstan.api.cluster.taint import MachineTaint
from capstan.api.cluster.template import TemplateMetadata
from capstan.api.cluster.topology import MachineDeploymentTopologyDeletion
from capstan.api.facts import (
    ATOMIC_LIST,
    Facts,
    NonNegative32,
    Required,
    Text256,
    entries,
    items,
    keyed_by,
)
from capstan.api.struct import Struct


class MachineDeploymentClassHealthCheck(Struct, frozen=True, kw_only=True):
    """When worker Machines count as unhealthy, and what is done then.

    checks: what is checked.
    remediation: what is done with unhealthy Machines.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    checks: HealthChecks = HealthChecks()
    remediation: MachineDeploymentHealthRemediation = MachineDeploymentHealthRemediation()


class ClassRollout(Struct, frozen=True, kw_only=True):
    """How Machines are replaced after a change.

    strategy: the way of replacing Machines.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    strategy: RolloutStrategy = RolloutStrategy()


class MachineDeploymentClass(Struct, frozen=True, kw_only=True):
    """One class of MachineDeployments.

    bootstrap: what gives the Machines their instructions.
    class_: its name.
    deletion: how Machines are deleted.
    failure_domain: the failure domain that Machines are made in.
    health_check: when Machines count as unhealthy, and what is done then.
    infrastructure: what the Machines run on.
    metadata: labels and annotations that are handed down.
    min_ready_seconds: how long a Machine must be Ready before it is Available.
    naming: how the objects are called.
    readiness_gates: conditions that must hold as well before a Machine is Ready.
    rollout: how Machines are replaced after a change.
    taints: taints that the nodes get.
    """

    bootstrap: Required[TemplateOfClass] = TemplateOfClass()
    class_: Required[Text256] = ""
    deletion: MachineDeploymentTopologyDeletion = MachineDeploymentTopologyDeletion()
    failure_domain: Text256 = ""
    health_check: MachineDeploymentClassHealthCheck = MachineDeploymentClassHealthCheck()
    infrastructure: Required[TemplateOfClass] = TemplateOfClass()
    metadata: TemplateMetadata = TemplateMetadata()
    min_ready_seconds: NonNegative32 | None = None
    naming: ClassNaming = ClassNaming()
    readiness_gates: Annotated[tuple[ConditionGate, ...], items(1, 32), keyed_by("conditionType")] = ()
    rollout: ClassRollout = ClassRollout()
    taints: Annotated[tuple[MachineTaint, ...], items(1, 64), keyed_by("key", "effect")] = ()


class MachinePoolClass(Struct, frozen=True, kw_only=True):
    """One class of MachinePools.

    bootstrap: what gives the machines their instructions.
    class_: its name.
    deletion: how machines are deleted.
    failure_domains: where the machines may run.
    infrastructure: what the machines run on.
    metadata: labels and annotations that are handed down.
    min_ready_seconds: how long a machine must be Ready before it is Available.
    naming: how the objects are called.
    taints: taints that the nodes get.
    """

    bootstrap: Required[TemplateOfClass] = TemplateOfClass()
    class_: Required[Text256] = ""
    deletion: MachineDeletion = MachineDeletion()
    failure_domains: Annotated[tuple[Text256, ...], items(None, 100), ATOMIC_LIST] = ()
    infrastructure: Required[TemplateOfClass] = TemplateOfClass()
    metadata: TemplateMetadata = TemplateMetadata()
    min_ready_seconds: NonNegative32 | None = None
    naming: ClassNaming = ClassNaming()
    taints: Annotated[tuple[MachineTaint, ...], items(1, 64), keyed_by("key", "effect")] = ()


class WorkersClass(Struct, frozen=True, kw_only=True):
    """The classes of workers.

    machine_deployments: classes of MachineDeployments.
    machine_pools: classes of MachinePools.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    machine_deployments: Annotated[tuple[MachineDeploymentClass, ...], items(1, 100), keyed_by("class")] = ()
    machine_pools: Annotated[tuple[MachinePoolClass, ...], items(1, 100), keyed_by("class")] = ()
