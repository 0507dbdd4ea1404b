"""Health checks of a topology, as v1beta1 has it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from capstan.api.cluster.conditiontype import UnhealthyConditionType
from capstan.api.core.reference import ObjectReference
from capstan.api.facts import ATOMIC_LIST, ConditionStatus, Required, items, length, pattern
from capstan.api.struct import Struct


class UnhealthyNodeCondition(Struct, frozen=True, kw_only=True):
    """A condition of the node that makes its Machine unhealthy when it lasts.

    status: the value that is unhealthy.
    timeout: how long it must last.
    type: the type.
    """

    status: Required[Annotated[str, length(1)]] = ""
    timeout: Required[str] = msgspec.field(default_factory=str)
    type: Required[Annotated[str, length(1)]] = ""


class UnhealthyMachineCondition(Struct, frozen=True, kw_only=True):
    """A condition of the Machine that makes it unhealthy when it lasts.

    status: the value that is unhealthy.
    timeout: how long it must last.
    type: the type.
    """

    status: Required[ConditionStatus] = ""
    timeout: Required[str] = msgspec.field(default_factory=str)
    type: Required[UnhealthyConditionType] = ""


class ClassHealthCheck(Struct, frozen=True, kw_only=True):
    """When Machines of a class count as unhealthy, and what is done then.

    max_unhealthy: up to how many unhealthy Machines remediation is tried.
    node_startup_timeout: how long a Machine may take to become a node.
    remediation_template: the template of the object that remediates.
    unhealthy_conditions: conditions of the node that make its Machine unhealthy.
    unhealthy_machine_conditions: conditions of the Machine that make it unhealthy.
    unhealthy_range: how many unhealthy Machines remediation is tried for, such as [3-5].
    """

    max_unhealthy: int | str | None = None
    node_startup_timeout: str = ""
    remediation_template: ObjectReference | None = None
    unhealthy_conditions: Annotated[tuple[UnhealthyNodeCondition, ...], items(None, 100)] = ()
    unhealthy_machine_conditions: Annotated[tuple[UnhealthyMachineCondition, ...], items(1, 100), ATOMIC_LIST] = ()
    unhealthy_range: Annotated[str, length(1, 32), pattern(r"^\[[0-9]+-[0-9]+\]$")] = ""


class ControlPlaneHealthCheck(ClassHealthCheck, frozen=True, kw_only=True):
    """When control plane Machines count as unhealthy, and what is done then.

    enable: whether Machines are checked.
    """

    enable: bool | None = None
