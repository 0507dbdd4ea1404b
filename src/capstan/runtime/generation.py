"""Which generation of the subject a status speaks of, when the same commit also changes its spec."""

from __future__ import annotations

from typing import Any

from capstan.api.meta import TypedObject
from capstan.runtime.plan import Outcomes, Update


def spoken_generation(subject: TypedObject, outcomes: Outcomes) -> int:
    """The observed generation; one more when the plan's trailing Update of the subject writes its spec, for then the
    status is committed on top of it. (Saying so at once spares a second write that only says so.)"""
    generation = subject.metadata.generation
    last = outcomes.items[-1].action if outcomes.items and outcomes.error is None else None
    if not generation or not isinstance(last, Update) or last.before is not subject:
        return generation
    return generation + 1 if _spec(last.before) != _spec(last.after) else generation


def _spec(view: Any) -> Any:
    return getattr(view, "spec", None)
