"""Event: what happened to an object, for people."""

from __future__ import annotations

from datetime import datetime

from capstan.api.core.reference import ObjectReference
from capstan.api.facts import Int32, Required
from capstan.api.meta import TypedObject
from capstan.api.struct import Struct


class EventSource(Struct, frozen=True, kw_only=True):
    """Who said so.

    component: the program.
    host: the node that it runs on.
    """

    component: str = ""
    host: str = ""


class EventSeries(Struct, frozen=True, kw_only=True):
    """Repetitions of the same event.

    count: how often it happened.
    last_observed_time: when it happened last.
    """

    count: Int32 | None = None
    last_observed_time: datetime | None = None


class Event(TypedObject, frozen=True, kw_only=True):
    """Something that happened to an object, for people; kept for a while only.

    involved_object: what it happened to.
    reason: what happened, in one CamelCase word.
    message: what happened, for people.
    type: Normal or Warning.
    source: who said so.
    first_timestamp: when it happened first.
    last_timestamp: when it happened last.
    count: how often it happened.
    event_time: when it happened, to the microsecond.
    series: repetitions of the same event.
    action: what was done.
    related: another object that plays a part.
    reporting_component: the controller that reports.
    reporting_instance: which of its processes reports.
    """

    involved_object: Required[ObjectReference] = ObjectReference()
    reason: str = ""
    message: str = ""
    source: EventSource = EventSource()
    first_timestamp: datetime | None = None
    last_timestamp: datetime | None = None
    count: Int32 | None = None
    type: str = ""
    event_time: datetime | None = None
    series: EventSeries | None = None
    action: str = ""
    related: ObjectReference | None = None
    reporting_component: str = ""
    reporting_instance: str = ""
