"""The condition that Kubernetes' own older kinds have: no observed generation, and looser texts."""

from __future__ import annotations

from datetime import datetime

from capstan.api.facts import Int64, Required
from capstan.api.struct import Struct


class CoreCondition(Struct, frozen=True, kw_only=True):
    """One thing that is observed of a Namespace, Node, Pod or CustomResourceDefinition.

    type: what is observed.
    status: True, False or Unknown.
    reason: why, in one CamelCase word.
    message: why, for people.
    last_transition_time: when the status last changed.
    last_heartbeat_time: when the condition was last reported.
    last_probe_time: when the condition was last looked at.
    observed_generation: the metadata.generation that this is about.
    """

    type: Required[str]
    status: Required[str]
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None
    last_heartbeat_time: datetime | None = None
    last_probe_time: datetime | None = None
    observed_generation: Int64 | None = None
