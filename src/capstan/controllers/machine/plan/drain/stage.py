"""Where a deletion stands: shared by the plan and the condition `Deleting`."""

from __future__ import annotations

from dataclasses import dataclass

from capstan.controllers.machine.plan.drain.round import Round
from capstan.runtime.plan import Action


@dataclass(frozen=True, slots=True)
class Stage:
    """The reason and message of `Deleting`, and what to do now. `round` is the drain that goes on, `failed` says that
    it, or the wait for volumes, could not even look; `drained` and `detached` that this look found nothing left."""

    reason: str
    message: str
    actions: tuple[Action, ...] = ()
    requeue_after: float | None = None
    round: Round | None = None
    failed: bool = False
    drained: bool = False
    detached: bool = False
