"""What is written down of a run: operations with their times and answers, watches with their events, and the log."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

Kind = Literal["get", "create", "update", "delete"]
#: `unknown`: the answer never came, so the operation may have happened, may happen still, or never.
Outcome = Literal["ok", "missing", "exists", "conflict", "unknown"]
Key = tuple[str, str]

#: The time at which an operation without an answer ends.
NEVER = float("inf")
_MARK = 100


@dataclass(slots=True)
class Operation:
    """One request about one key. `value` is what was written or read; no two writes write the same one.
    `expected` is the resourceVersion that the request named, 0 for none; `revision` that of the answer. A `dry`
    one must change nothing."""

    client: int
    kind: Kind
    key: Key
    invoked: float
    returned: float = NEVER
    outcome: Outcome = "unknown"
    value: str = ""
    expected: int = 0
    revision: int = 0
    dry: bool = False


@dataclass(slots=True)
class Listing:
    """One whole list: what it showed, and the revision that it claims to show."""

    client: int
    scope: Scope
    invoked: float
    returned: float
    revision: int
    found: dict[Key, tuple[int, str]]
    #: Whether it asked for the newest state; otherwise it may be any that was.
    newest: bool = True


@dataclass(frozen=True, slots=True)
class Scope:
    """What a watch or list is about: one namespace or all, one colour or all."""

    namespace: str = ""
    colour: str = ""

    def matches(self, key: Key, value: str) -> bool:
        return (not self.namespace or key[0] == self.namespace) and (not self.colour or colour_of(value) == self.colour)


def colour_of(value: str) -> str:
    """Values are `colour:unique`; the colour is the object's label, which selectors select by."""
    return value.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Seen:
    """One event of a watch. A bookmark has only a revision; `initial_end` marks the end of a streaming list's
    first part."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    revision: int
    key: Key = ("", "")
    value: str = ""
    initial_end: bool = False


@dataclass(slots=True)
class Watched:
    """One watch from its beginning to its end. `after` is the revision that it was asked to follow, 0 for one that
    starts with a streaming list, which was asked at `invoked`. `expired` when it was answered with 410."""

    scope: Scope
    after: int
    invoked: float
    events: list[Seen] = field(default_factory=list)
    expired: bool = False
    #: Whether it read slowly: such a one may be ended with 410 at any time, but nothing may be left out before.
    slow: bool = False
    #: How far history was compacted, at most, when the watch ended.
    compacted: int = 0

    def start(self) -> tuple[list[Seen], int, list[Seen]]:
        """The events of the first state, the revision that it shows, and what followed it."""
        if self.after:
            return [], self.after, self.events
        for at, event in enumerate(self.events):
            if event.initial_end:
                return self.events[:at], event.revision, self.events[at + 1 :]
        return self.events, 0, []


@dataclass(frozen=True, slots=True)
class Revision:
    """One line of the log. For a delete `value` is the last state."""

    revision: int
    key: Key
    value: str
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Expected:
    """What a scope sees of one revision."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    revision: int
    key: Key
    value: str


class Log:
    """All revisions of a run, in order, and what follows from them."""

    def __init__(self, revisions: Sequence[Revision]) -> None:
        self.revisions = list(revisions)
        self._scopes: dict[Scope, list[Expected]] = {}

    @cached_property
    def by_revision(self) -> dict[int, Revision]:
        return {entry.revision: entry for entry in self.revisions}

    @cached_property
    def by_value(self) -> dict[str, Revision]:
        return {entry.value: entry for entry in self.revisions if not entry.deleted}

    @cached_property
    def before(self) -> dict[int, str | None]:
        """The value that the key of a revision had before it."""
        present: dict[Key, str] = {}
        found: dict[int, str | None] = {}
        for entry in self.revisions:
            found[entry.revision] = present.get(entry.key)
            if entry.deleted:
                present.pop(entry.key, None)
            else:
                present[entry.key] = entry.value
        return found

    def expected(self, scope: Scope) -> list[Expected]:
        """Every event that the scope has, by the rules of selectors."""
        known = self._scopes.get(scope)
        if known is None:
            known = self._scopes[scope] = [e for entry in self.revisions if (e := self._event(scope, entry))]
        return known

    def between(self, scope: Scope, after: int, until: int) -> list[Expected]:
        """Those with a revision above `after` and up to `until`."""
        events = self.expected(scope)
        start, end = (bisect_right(events, at, key=_revision_of) for at in (after, until))
        return events[start:end]

    def _event(self, scope: Scope, entry: Revision) -> Expected | None:
        old = self.before[entry.revision]
        matched = old is not None and scope.matches(entry.key, old)
        matches = not entry.deleted and scope.matches(entry.key, entry.value)
        if matches:
            return Expected("MODIFIED" if matched else "ADDED", entry.revision, entry.key, entry.value)
        return Expected("DELETED", entry.revision, entry.key, entry.value) if matched else None

    def state_at(self, revision: int) -> dict[Key, tuple[int, str]]:
        """Everything that was there at a revision."""
        end = bisect_right(self.revisions, revision, key=lambda entry: entry.revision)
        mark = end // _MARK
        present = dict(self._marks[mark])
        _replay(present, self.revisions[mark * _MARK : end])
        return present

    @cached_property
    def _marks(self) -> list[dict[Key, tuple[int, str]]]:
        """The state before every so many revisions."""
        present: dict[Key, tuple[int, str]] = {}
        marks: list[dict[Key, tuple[int, str]]] = [{}]
        for start in range(0, len(self.revisions), _MARK):
            _replay(present, self.revisions[start : start + _MARK])
            marks.append(dict(present))
        return marks


def _replay(present: dict[Key, tuple[int, str]], revisions: Sequence[Revision]) -> None:
    for entry in revisions:
        if entry.deleted:
            present.pop(entry.key, None)
        else:
            present[entry.key] = (entry.revision, entry.value)


def _revision_of(event: Expected) -> int:
    return event.revision


@dataclass(slots=True)
class History:
    """Everything of one run."""

    operations: list[Operation] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    watches: list[Watched] = field(default_factory=list)
    log: list[Revision] = field(default_factory=list)
