"""One step of a control plane: what to do, what to wait for, and whether to ask the machines again soon."""

from __future__ import annotations

from dataclasses import dataclass

from capstan.providers.talos.taloscontrolplane.snapshot import ControlPlaneSnapshot
from capstan.runtime.plan import Action, Waiting

FASTEST_SECONDS = 0.2
SLOWEST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Step:
    """`polls`: what is waited for happens inside of a machine, where nothing can be watched."""

    actions: tuple[Action, ...] = ()
    waiting_on: tuple[Waiting, ...] = ()
    polls: bool = False


def wait(condition: str, reason: str, message: str, *, polls: bool = True) -> Step:
    return Step(waiting_on=(Waiting(condition, reason, message),), polls=polls)


def poll_seconds(snapshot: ControlPlaneSnapshot) -> float:
    """A tenth of the time since the newest Machine came or began to go: quick for what is quick, never hot."""
    moments = [m.machine.metadata.creation_timestamp for m in snapshot.machines]
    moments += [m.machine.metadata.deletion_timestamp for m in snapshot.machines]
    latest = max((moment for moment in moments if moment is not None), default=snapshot.now)
    age = (snapshot.now - latest).total_seconds()
    return min(max(age / 10, FASTEST_SECONDS), SLOWEST_SECONDS)
