"""What a MachineHealthCheck asks of whoever remediates Machines from outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from capstan.api.objects import Key, Obj, Resource
from capstan.runtime.plan import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`object` asks for the remediation of `machine`. Whether the last try failed is in `failed_before`."""

    machine: Key
    object: Obj
    failed_before: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRemediations(Action):
    """Create the requests, each whatever becomes of the others; a Machine whose request cannot be created says so."""

    resource: Resource
    requests: tuple[Request, ...]
    now: datetime

    @property
    def summary(self) -> str:
        names = ", ".join(request.machine.name for request in self.requests)
        return f"create {self.resource.kind} {names}"
