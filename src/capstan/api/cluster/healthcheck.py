"""Health checks of a topology."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from capstan.api.cluster.conditiontype import UnhealthyConditionType
from capstan.api.cluster.reference import TemplateReference
from capstan.api.facts import (
    ATOMIC_LIST,
    ConditionStatus,
    Facts,
    NonNegative32,
    Required,
    entries,
    items,
    length,
    pattern,
)
from capstan.api.struct import Struct


class UnhealthyMachineCondition(Struct, frozen=True, kw_only=True):
    """A condition of the Machine that makes it unhealthy when it lasts.

    status: the value that is unhealthy.
    timeout_seconds: how long it must last.
    type: the type.
    """

    status: Required[ConditionStatus] = ""
    timeout_seconds: Required[NonNegative32] = msgspec.field(default_factory=int)
    type: Required[UnhealthyConditionType] = ""


class UnhealthyNodeCondition(Struct, frozen=True, kw_only=True):
    """A condition of the node that makes its Machine unhealthy when it lasts.

    status: the value that is unhealthy.
    timeout_seconds: how long it must last.
    type: the type.
    """

    status: Required[Annotated[str, length(1)]] = ""
    timeout_seconds: Required[NonNegative32] = msgspec.field(default_factory=int)
    type: Required[Annotated[str, length(1)]] = ""


class HealthChecks(Struct, frozen=True, kw_only=True):
    """When a Machine counts as unhealthy.

    node_startup_timeout_seconds: how long a Machine may take to become a node; 0 means for ever.
    unhealthy_machine_conditions: conditions of the Machine that make it unhealthy.
    unhealthy_node_conditions: conditions of the node that make its Machine unhealthy.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    node_startup_timeout_seconds: NonNegative32 | None = None
    unhealthy_machine_conditions: Annotated[tuple[UnhealthyMachineCondition, ...], items(1, 100), ATOMIC_LIST] = ()
    unhealthy_node_conditions: Annotated[tuple[UnhealthyNodeCondition, ...], items(1, 100), ATOMIC_LIST] = ()


class RemediationTrigger(Struct, frozen=True, kw_only=True):
    """Up to how many unhealthy Machines remediation is tried.

    unhealthy_in_range: a range of numbers of unhealthy Machines, such as [3-5].
    unhealthy_less_than_or_equal_to: a number or percentage of unhealthy Machines.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    unhealthy_in_range: Annotated[str, length(1, 32), pattern(r"^\[[0-9]+-[0-9]+\]$")] = ""
    unhealthy_less_than_or_equal_to: int | str | None = None


class ControlPlaneRemediation(Struct, frozen=True, kw_only=True):
    """What is done with unhealthy control plane Machines.

    template_ref: the template of the object that remediates.
    trigger_if: up to how many unhealthy Machines remediation is tried.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    template_ref: TemplateReference | None = None
    trigger_if: RemediationTrigger = RemediationTrigger()


class ControlPlaneHealthCheck(Struct, frozen=True, kw_only=True):
    """When control plane Machines count as unhealthy, and what is done then.

    checks: what is checked.
    enabled: whether Machines are checked.
    remediation: what is done with unhealthy Machines.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    checks: HealthChecks = HealthChecks()
    enabled: bool | None = None
    remediation: ControlPlaneRemediation = ControlPlaneRemediation()


class MachineDeploymentHealthRemediation(Struct, frozen=True, kw_only=True):
    """What is done with unhealthy worker Machines.

    max_in_flight: how many Machines, or which part, are remediated at one time.
    template_ref: the template of the object that remediates.
    trigger_if: up to how many unhealthy Machines remediation is tried.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    max_in_flight: int | str | None = None
    template_ref: TemplateReference | None = None
    trigger_if: RemediationTrigger = RemediationTrigger()


class MachineDeploymentHealthCheck(Struct, frozen=True, kw_only=True):
    """When worker Machines count as unhealthy, and what is done then.

    checks: what is checked.
    enabled: whether Machines are checked.
    remediation: what is done with unhealthy Machines.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    checks: HealthChecks = HealthChecks()
    enabled: bool | None = None
    remediation: MachineDeploymentHealthRemediation = MachineDeploymentHealthRemediation()
