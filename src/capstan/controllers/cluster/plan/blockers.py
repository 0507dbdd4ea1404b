"""Names what holds up a deletion: the finalizers of others, and what a machine itself says once it takes long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

from capstan.api.cluster.machine import Machine
from capstan.api.cluster.names import MACHINE_DEPLOYMENT_FINALIZER, MACHINE_FINALIZER, MACHINE_SET_FINALIZER
from capstan.api.meta import TypedObject
from capstan.api.rules.conditions import TRUE, find_condition
from capstan.api.rules.contract import External, InvalidConditionError, conditions_of
from capstan.controllers.cluster.snapshot import ClusterSnapshot

T = TypeVar("T", bound=TypedObject)

#: A machine that is drained and switched off within this time is no news.
PATIENCE: Final = timedelta(minutes=5)
_SHOWN: Final = 3
#: Which condition of a Machine speaks of the object that its deletion waits for, by the reason of `Deleting`.
_PARTS: Final = {
    "WaitingForInfrastructureDeletion": "InfrastructureReady",
    "WaitingForBootstrapDeletion": "BootstrapConfigReady",
}
_OWN: Final = frozenset(
    {
        MACHINE_FINALIZER,
        MACHINE_SET_FINALIZER,
        MACHINE_DEPLOYMENT_FINALIZER,
        "machinepool.cluster.x-k8s.io",
        "foregroundDeletion",
    }
)


def held_by(kind: str, name: str, finalizers: Iterable[str]) -> str:
    """That finalizers keep an object; empty without any."""
    listed = list(finalizers)
    noun = "finalizer" if len(listed) == 1 else "finalizers"
    return f"{kind} {name} is held by {noun} {', '.join(listed)}" if listed else ""


def holding_children(snapshot: ClusterSnapshot) -> list[str]:
    """A line for each child that does not go by itself; three at most, and how many more there are."""
    lines = [*_foreign(snapshot), *_slow(snapshot)]
    more = len(lines) - _SHOWN
    return [*lines[:_SHOWN], f"And {more} more"] if more > 0 else lines


def until_slow(snapshot: ClusterSnapshot) -> float | None:
    """Seconds until the next machine takes long."""
    waits = [(_slow_from(machine) - snapshot.now).total_seconds() for machine in _leaving(snapshot.machines)]
    return min((seconds for seconds in waits if seconds > 0), default=None)


def holding_provider(found: External) -> str:
    """What keeps a provider's object: its finalizers, and what it says of its deletion."""
    assert found.object is not None
    held = held_by(found.kind, found.name, found.object["metadata"].get("finalizers") or ())
    try:
        said = find_condition(conditions_of(found.object), "Deleting")
    except InvalidConditionError:
        said = None
    message = said.message if said is not None and said.status == TRUE else ""
    return ": ".join(part for part in (held, message) if part)


def _foreign(snapshot: ClusterSnapshot) -> Iterator[str]:
    children: list[tuple[str, Sequence[TypedObject]]] = [
        ("MachineDeployment", snapshot.deployments),
        ("MachineSet", snapshot.machine_sets),
        ("MachinePool", snapshot.pools),
        ("Machine", snapshot.machines),
    ]
    for kind, objects in children:
        for child in _leaving(objects):
            held = held_by(kind, child.metadata.name, (f for f in child.metadata.finalizers if f not in _OWN))
            if held:
                yield f"* {held}"


def _slow(snapshot: ClusterSnapshot) -> Iterator[str]:
    for machine in _leaving(snapshot.machines):
        told = find_condition(machine.status.conditions, "Deleting")
        if told is not None and told.status == TRUE and snapshot.now >= _slow_from(machine):
            said = [told.message or told.reason, _of_part(machine, told.reason)]
            yield f"* Machine {machine.metadata.name}: {': '.join(_in_one_line(part) for part in said if part)}"


def _of_part(machine: Machine, reason: str) -> str:
    """What the provider's object that a machine waits for says of itself."""
    type_ = _PARTS.get(reason)
    found = find_condition(machine.status.conditions, type_) if type_ else None
    return found.message if found is not None and found.status != TRUE else ""


def _leaving(objects: Sequence[T]) -> list[T]:
    return [o for o in objects if o.metadata.deletion_timestamp is not None]


def _slow_from(machine: Machine) -> datetime:
    assert machine.metadata.deletion_timestamp is not None
    return machine.metadata.deletion_timestamp + PATIENCE


def _in_one_line(message: str) -> str:
    return "; ".join(line.strip().removeprefix("* ") for line in message.splitlines() if line.strip())
