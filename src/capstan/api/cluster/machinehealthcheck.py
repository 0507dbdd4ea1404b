"""MachineHealthCheck, when Machines count as unhealthy and what is done then."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capstan.api.cluster.healthcheck import HealthChecks, RemediationTrigger
from capstan.api.cluster.reference import TemplateReference
from capstan.api.facts import (
    ATOMIC_LIST,
    Facts,
    Int64,
    NonNegative32,
    Required,
    Text63,
    between,
    entries,
    items,
    keyed_by,
    length,
)
from capstan.api.meta import Condition, LabelSelector, LegacyCondition, TypedObject
from capstan.api.struct import Struct


class Remediation(Struct, frozen=True, kw_only=True):
    """What is done with unhealthy Machines.

    template_ref: the template of the object that remediates; without one the owner of the Machine does.
    trigger_if: up to how many unhealthy Machines remediation is tried.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    template_ref: TemplateReference | None = None
    trigger_if: RemediationTrigger = RemediationTrigger()


class MachineHealthCheckSpec(Struct, frozen=True, kw_only=True):
    """Which Machines are checked, for what, and what follows.

    checks: what is checked.
    cluster_name: the Cluster that it belongs to.
    remediation: what is done with unhealthy Machines.
    selector: which Machines are checked.
    """

    checks: HealthChecks = HealthChecks()
    cluster_name: Required[Text63] = ""
    remediation: Remediation = Remediation()
    selector: Required[LabelSelector] = LabelSelector()


class MachineHealthCheckV1Beta1Status(Struct, frozen=True, kw_only=True):
    """What clients of v1beta1 see.

    conditions: how things stand, one by one.
    """

    conditions: tuple[LegacyCondition, ...] = ()


class MachineHealthCheckDeprecatedStatus(Struct, frozen=True, kw_only=True):
    """What only older contracts ask for.

    v1beta1: what clients of v1beta1 see.
    """

    v1beta1: MachineHealthCheckV1Beta1Status = MachineHealthCheckV1Beta1Status()


class MachineHealthCheckStatus(Struct, frozen=True, kw_only=True):
    """What is observed of the Machines that are checked.

    conditions: how things stand, one by one.
    current_healthy: how many Machines are healthy.
    deprecated: what only older contracts ask for.
    expected_machines: how many Machines are checked.
    observed_generation: the metadata.generation that this status is about.
    remediations_allowed: how many more Machines may become unhealthy before remediation stops.
    targets: the names of the Machines that are checked.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    conditions: Annotated[tuple[Condition, ...], items(None, 32), keyed_by("type")] = ()
    current_healthy: NonNegative32 | None = None
    deprecated: MachineHealthCheckDeprecatedStatus = MachineHealthCheckDeprecatedStatus()
    expected_machines: NonNegative32 | None = None
    observed_generation: Annotated[Int64, between(1)] | None = None
    remediations_allowed: NonNegative32 | None = None
    targets: Annotated[tuple[Annotated[str, length(1, 253)], ...], items(None, 10000), ATOMIC_LIST] = ()


class MachineHealthCheck(TypedObject, frozen=True, kw_only=True):
    """Tells which Machines are unhealthy, so that they are replaced or repaired.

    spec: what is wanted.
    status: what is observed.
    """

    spec: Required[MachineHealthCheckSpec] = MachineHealthCheckSpec()
    status: MachineHealthCheckStatus = MachineHealthCheckStatus()
