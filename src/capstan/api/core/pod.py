"""Pod, as far as draining a node needs it; everything else in it is kept as it is."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec

from capstan.api.core.conditions import CoreCondition
from capstan.api.facts import KEEP_UNKNOWN, Facts, Int64
from capstan.api.meta import TypedObject
from capstan.api.struct import Struct


class PodSpec(Struct, frozen=True, kw_only=True):
    """What runs in the pod, and where.

    node_name: the node that the pod is on.
    service_account_name: the identity of its programs.
    restart_policy: Always, OnFailure or Never.
    termination_grace_period_seconds: how long it may take to stop.
    host_network: whether it shares the node's network.
    """

    schema_facts: ClassVar[Facts] = (KEEP_UNKNOWN,)

    node_name: str = ""
    service_account_name: str = ""
    restart_policy: str = ""
    termination_grace_period_seconds: Int64 | None = None
    host_network: bool | None = None


class PodStatus(Struct, frozen=True, kw_only=True):
    """How the pod is.

    phase: Pending, Running, Succeeded, Failed or Unknown.
    conditions: what is observed of the pod.
    reason: why, in one CamelCase word.
    message: why, for people.
    host_ip: the address of its node.
    pod_ip: its own address.
    start_time: when the node took it.
    """

    schema_facts: ClassVar[Facts] = (KEEP_UNKNOWN,)

    phase: str = ""
    conditions: tuple[CoreCondition, ...] = ()
    reason: str = ""
    message: str = ""
    host_ip: str = msgspec.field(default="", name="hostIP")
    pod_ip: str = msgspec.field(default="", name="podIP")
    start_time: datetime | None = None


class Pod(TypedObject, frozen=True, kw_only=True):
    """Containers that run together on one node.

    spec: what runs in the pod, and where.
    status: how the pod is.
    """

    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()
