"""Tells the changes that a reconcile hears of while it works apart: the echo of its own writes, and news."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from capstan.api.objects import Obj
from capstan.runtime.informer import Entry
from capstan.runtime.significance import Interest, Weight


@dataclass(slots=True)
class Round:
    """A reconcile that has nothing to do, or nothing more after its actions.

    `interest` is what the next plan reads of its own writes; None: nothing follows from them. A watch may tell of a
    write before its answer is there, so `heard` is sorted out at the end, by the revisions in `own`.

    `found_by` says by what others find the subject. What concerned it before it could be found so has woken nobody,
    and may have come after it was observed: a write that changes this is never an echo.
    """

    interest: Interest | None
    found_by: Callable[[Entry], object]
    own: set[int] = field(default_factory=set)
    heard: list[tuple[Entry | None, Entry | None, Weight]] = field(default_factory=list)

    def wrote(self, answer: Obj) -> None:
        self.own.add(int(answer["metadata"].get("resourceVersion") or 0))

    def hear(self, old: Entry | None, new: Entry | None, weight: Weight = Weight.SOON) -> None:
        self.heard.append((old, new, weight))

    def news(self) -> Weight:
        """How soon the subject has to be looked at again for what others wrote meanwhile."""
        found = (weight for old, new, weight in self.heard if not self._is_echo(old, new))
        return max(found, default=Weight.NOTHING)

    def _is_echo(self, old: Entry | None, new: Entry | None) -> bool:
        if new is None or new.revision not in self.own:
            return False
        if old is not None and self.found_by(old) != self.found_by(new):
            return False
        if self.interest is None:
            return True
        return old is not None and self.interest.weigh(old.object, new.object) < Weight.SOON
