"""The services of a simulated machine, with the states, events and health that ServiceList shows (talos.md 7.4)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from capstan.runtime.clock import Clock

State = Literal[
    "Initialized", "Waiting", "Preparing", "Starting", "Running", "Stopping", "Finished", "Failed", "Skipped"
]

#: Services without a health check: their health is unknown for ever.
_NO_HEALTH = frozenset({"dashboard"})


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    state: str
    message: str
    at: datetime


@dataclass(slots=True)
class Service:
    """`healthy` is None while unknown."""

    id: str
    state: State = "Initialized"
    healthy: bool | None = None
    health_message: str = ""
    health_changed: datetime | None = None
    events: deque[ServiceEvent] = field(default_factory=lambda: deque(maxlen=64))

    @property
    def is_running_healthy(self) -> bool:
        return self.state == "Running" and (self.healthy is True or self.id in _NO_HEALTH)


class Services:
    """The services of one boot, in the order of their start."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._services: dict[str, Service] = {}

    def __iter__(self) -> Iterator[Service]:
        return iter(list(self._services.values()))

    def get(self, name: str) -> Service | None:
        return self._services.get(name)

    def is_healthy(self, name: str) -> bool:
        service = self._services.get(name)
        return service is not None and service.is_running_healthy

    def enter(self, name: str, state: State, message: str = "") -> None:
        """A service changes its state. One that stops running is of unknown health again."""
        service = self._services.setdefault(name, Service(name))
        service.state = state
        service.events.append(ServiceEvent(state, message or _DEFAULT_MESSAGES.get(state, state), self._clock.now()))
        if state != "Running" and service.healthy is not None:
            self._set_health(service, None, "")

    def run(self, name: str, message: str = "Started task") -> None:
        """Running, and healthy as soon as somebody looks."""
        self.enter(name, "Running", message)
        service = self._services[name]
        if name not in _NO_HEALTH and not name.startswith("ext-"):
            self._set_health(service, True, "")
            service.events.append(ServiceEvent("Running", "Health check successful", self._clock.now()))

    def fail_health(self, name: str, message: str) -> None:
        service = self._services.get(name)
        if service is not None and service.healthy is not False:
            self._set_health(service, False, message)

    def _set_health(self, service: Service, healthy: bool | None, message: str) -> None:
        service.healthy, service.health_message = healthy, message
        service.health_changed = self._clock.now()


_DEFAULT_MESSAGES = {
    "Preparing": "Running pre state",
    "Starting": "Starting service",
    "Stopping": "Sending SIGTERM to task",
    "Finished": "Service finished successfully",
}
