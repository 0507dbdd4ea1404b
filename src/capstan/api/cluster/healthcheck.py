"""TODO cluster/healthcheck"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from capstan.api.cluster.reference import TemplateReference
from capstan.api.facts import (
    ATOMIC_LIST,
    ConditionStatus,
    Facts,
    NonNegative32,
    Required,
    cel,
    entries,
    items,
    length,
    pattern,
)
from capstan.api.struct import Struct


class UnhealthyMachineCondition(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.controlPlane.healthCheck.checks.unhealthyMachineConditions[]']"""

    status: Required[ConditionStatus] = ""
    timeout_seconds: Required[NonNegative32] = msgspec.field(default_factory=int)
    type: Required[
        Annotated[
            str,
            length(1, 316),
            pattern(
                r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"
            ),
            cel(
                "!(self in ['Ready','Available','HealthCheckSucceeded','OwnerRemediated','ExternallyRemediated'])",
                "type must not be one of: Ready, Available, HealthCheckSucceeded, OwnerRemediated, ExternallyRemediated",
            ),
        ]
    ] = ""


class UnhealthyNodeCondition(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.controlPlane.healthCheck.checks.unhealthyNodeConditions[]']"""

    status: Required[Annotated[str, length(1)]] = ""
    timeout_seconds: Required[NonNegative32] = msgspec.field(default_factory=int)
    type: Required[Annotated[str, length(1)]] = ""


class HealthChecks(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.controlPlane.healthCheck.checks']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    node_startup_timeout_seconds: NonNegative32 | None = None
    unhealthy_machine_conditions: Annotated[tuple[UnhealthyMachineCondition, ...], items(1, 100), ATOMIC_LIST] = ()
    unhealthy_node_conditions: Annotated[tuple[UnhealthyNodeCondition, ...], items(1, 100), ATOMIC_LIST] = ()


class RemediationTrigger(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.controlPlane.healthCheck.remediation.triggerIf']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    unhealthy_in_range: Annotated[str, length(1, 32), pattern(r"^\[[0-9]+-[0-9]+\]$")] = ""
    unhealthy_less_than_or_equal_to: int | str | None = None


class ControlPlaneRemediation(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.controlPlane.healthCheck.remediation']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    template_ref: TemplateReference | None = None
    trigger_if: RemediationTrigger = RemediationTrigger()


class ControlPlaneHealthCheck(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.controlPlane.healthCheck']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    checks: HealthChecks = HealthChecks()
    enabled: bool | None = None
    remediation: ControlPlaneRemediation = ControlPlaneRemediation()


class MachineDeploymentHealthRemediation(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.workers.machineDeployments[].healthCheck.remediation']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    max_in_flight: int | str | None = None
    template_ref: TemplateReference | None = None
    trigger_if: RemediationTrigger = RemediationTrigger()


class MachineDeploymentHealthCheck(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.workers.machineDeployments[].healthCheck']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    checks: HealthChecks = HealthChecks()
    enabled: bool | None = None
    remediation: MachineDeploymentHealthRemediation = MachineDeploymentHealthRemediation()
