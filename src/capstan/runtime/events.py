"""Events for users: recorded as core/v1 Events, the same one counted instead of repeated, never more often than useful.

An Event that is said again is patched (count, lastTimestamp) at growing distances, so that a state that lasts for
hours costs a handful of writes. Recording never fails a reconcile.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from capstan.api.errors import ApiError, TransientError, is_not_found
from capstan.api.objects import Obj, Resource
from capstan.runtime.client.protocol import Client
from capstan.runtime.clock import Clock
from capstan.runtime.eventlog import EventLog
from capstan.runtime.plan import ObjectRef

log = EventLog(__name__)

EVENTS = Resource("", "v1", "events", "Event")
FIRST_REPEAT_SECONDS = 60.0
KEPT_SERIES = 4096


@dataclass(slots=True)
class _Series:
    name: str
    count: int
    written_at: float
    silence: float


class Recorder:
    """Writes Events in the name of one component (`source.component`)."""

    def __init__(self, client: Client, clock: Clock, component: str = "capstan") -> None:
        self._client = client
        self._clock = clock
        self._component = component
        self._series: dict[tuple[str, str, str, str], _Series] = {}

    async def record(self, about: ObjectRef, type_: str, reason: str, message: str) -> None:
        """Say it. `type_` is Normal or Warning, `reason` CamelCase, `message` plain words without secrets."""
        identity = (about.uid, str(about.key), reason, message)
        now = self._clock.monotonic()
        series = self._series.get(identity)
        try:
            if series is not None:
                series.count += 1
                if now - series.written_at < series.silence or await self._is_counted(about, series):
                    return
                # Events are kept for an hour: what is said again after that is said for the first time.
                self._series.pop(identity, None)
            name = await self._create(about, type_, reason, message)
            if len(self._series) >= KEPT_SERIES:
                self._series.pop(next(iter(self._series)))
            self._series[identity] = _Series(name, 1, now, FIRST_REPEAT_SECONDS)
        except (ApiError, TransientError) as error:
            log.debug("event not recorded", about=str(about), reason=reason, error=str(error))

    async def _create(self, about: ObjectRef, type_: str, reason: str, message: str) -> str:
        at = self._clock.now()
        # Derived, not random: the same thing said again after a restart finds its Event.
        digest = hashlib.sha256("\n".join((about.uid, reason, message)).encode()).hexdigest()[:16]
        name = f"{about.key.name[:200]}.{digest}"
        stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        event: Obj = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": about.key.namespace or "default"},
            "involvedObject": {
                "apiVersion": about.resource.api_version,
                "kind": about.resource.kind,
                "name": about.key.name,
                "namespace": about.key.namespace,
                "uid": about.uid,
            },
            "reason": reason,
            "message": message[:1024],
            "type": type_,
            "source": {"component": self._component},
            "reportingComponent": self._component,
            "reportingInstance": self._component,
            "firstTimestamp": stamp,
            "lastTimestamp": stamp,
            "count": 1,
        }
        try:
            await self._client.create(EVENTS, event)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
        return name

    async def _is_counted(self, about: ObjectRef, series: _Series) -> bool:
        """False when the Event is not there any more."""
        series.written_at, series.silence = self._clock.monotonic(), series.silence * 2
        stamp = self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        patch = {"count": series.count, "lastTimestamp": stamp}
        try:
            await self._client.patch(EVENTS, about.key.namespace or "default", series.name, patch)
        except ApiError as error:
            if not is_not_found(error):
                raise
            return False
        return True
