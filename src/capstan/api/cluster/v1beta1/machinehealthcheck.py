"""MachineHealthCheck, when Machines count as unhealthy and what is done then, as v1beta1 has it."""

from __future__ import annotations

from typing import Annotated

from capstan.api.cluster.v1beta1.conditions import ConditionsV1Beta2Status
from capstan.api.cluster.v1beta1.healthcheck import UnhealthyMachineCondition, UnhealthyNodeCondition
from capstan.api.core.reference import ObjectReference
from capstan.api.facts import (
    ATOMIC_LIST,
    Int64,
    NonNegative32,
    Required,
    Text63,
    items,
    length,
    pattern,
)
from capstan.api.meta import LabelSelector, LegacyCondition, TypedObject
from capstan.api.struct import Struct


class MachineHealthCheckSpec(Struct, frozen=True, kw_only=True):
    """Which Machines are checked, for what, and what follows.

    cluster_name: the Cluster that it belongs to.
    max_unhealthy: up to how many unhealthy Machines remediation is tried.
    node_startup_timeout: how long a Machine may take to become a node; 0 means for ever.
    remediation_template: the template of the object that remediates.
    selector: which Machines are checked.
    unhealthy_conditions: conditions of the node that make its Machine unhealthy.
    unhealthy_machine_conditions: conditions of the Machine that make it unhealthy.
    unhealthy_range: how many unhealthy Machines remediation is tried for, such as [3-5].
    """

    cluster_name: Required[Text63] = ""
    max_unhealthy: int | str | None = None
    node_startup_timeout: str = ""
    remediation_template: ObjectReference | None = None
    selector: Required[LabelSelector] = LabelSelector()
    unhealthy_conditions: Annotated[tuple[UnhealthyNodeCondition, ...], items(None, 100)] = ()
    unhealthy_machine_conditions: Annotated[tuple[UnhealthyMachineCondition, ...], items(1, 100), ATOMIC_LIST] = ()
    unhealthy_range: Annotated[str, length(1, 32), pattern(r"^\[[0-9]+-[0-9]+\]$")] = ""


class MachineHealthCheckStatus(Struct, frozen=True, kw_only=True):
    """What is observed of the Machines that are checked.

    conditions: how things stand, one by one.
    current_healthy: how many Machines are healthy.
    expected_machines: how many Machines are checked.
    observed_generation: the metadata.generation that this status is about.
    remediations_allowed: how many more Machines may become unhealthy before remediation stops.
    targets: the names of the Machines that are checked.
    v1beta2: what clients of v1beta2 see.
    """

    conditions: tuple[LegacyCondition, ...] = ()
    current_healthy: NonNegative32 | None = None
    expected_machines: NonNegative32 | None = None
    observed_generation: Int64 | None = None
    remediations_allowed: NonNegative32 | None = None
    targets: Annotated[tuple[Annotated[str, length(1, 253)], ...], items(None, 10000)] = ()
    v1beta2: ConditionsV1Beta2Status = ConditionsV1Beta2Status()


class MachineHealthCheck(TypedObject, frozen=True, kw_only=True):
    """Tells which Machines are unhealthy, so that they are replaced or repaired.

    spec: what is wanted.
    status: what is observed.
    """

    spec: MachineHealthCheckSpec = MachineHealthCheckSpec()
    status: MachineHealthCheckStatus = MachineHealthCheckStatus()
