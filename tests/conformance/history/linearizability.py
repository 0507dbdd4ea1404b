"""Whether a history is linearizable: for each key, an order of its operations that one register could have had.

The search is that of Wing and Gong with Lowe's memory of configurations that led nowhere; keys are independent of each
other, so each is searched by itself. Lists, which show many keys at once, are held against the log of revisions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tests.conformance.history.record import NEVER, History, Key, Log, Operation

#: The value of the register, None when there is no object, and the last revision that it is known to have had.
State = tuple[str | None, int]
_ABSENT: State = (None, 0)


def step(state: State, op: Operation) -> State | None:
    """The register after an operation that was answered like this; None when it cannot answer so."""
    value, revision = state
    if op.outcome == "missing":
        return state if value is None and op.kind != "create" else None
    if op.outcome == "exists":
        return state if value is not None and op.kind == "create" else None
    if op.outcome == "conflict":
        return state if value is not None and op.expected not in (0, revision) else None
    if op.kind == "get":
        return state if value == op.value and revision == op.revision else None
    if op.kind == "create":
        return _written(state, op) if value is None else None
    if value is None or op.expected not in (0, revision):
        return None
    if op.kind == "delete":
        return state if op.dry else (None, revision)
    return _written(state, op)


def _written(state: State, op: Operation) -> State | None:
    if op.dry:
        return state
    return (op.value, op.revision) if op.revision > state[1] else None


class _Node:
    """A call or return in the list of what is still to be placed."""

    __slots__ = ("after", "before", "bit", "op", "open", "returned")

    def __init__(self, op: Operation, bit: int, open_ended: bool) -> None:
        self.op = op
        self.bit = bit
        self.open = open_ended
        self.returned: _Node | None = None
        self.before: _Node
        self.after: _Node | None = None


def find_order(operations: Sequence[Operation]) -> list[Operation] | None:
    """An order that explains all answers, or None when there is none."""
    head = _linked(operations)
    left = sum(1 for op in operations if op.returned != NEVER)
    tried: set[tuple[int, int, int, State]] = set()
    chosen: list[tuple[_Node, State, int, int, int]] = []
    state, base, bits, open_bits = _ABSENT, 0, 0, 0
    node = head.after
    while left:
        assert node is not None, "an operation that was answered has a return in the list"
        if node.returned is None and not node.open:
            # A return whose call could not be placed: the last choice was wrong.
            if not chosen:
                return None
            placed, state, base, bits, open_bits = chosen.pop()
            _put_back(placed)
            left += not placed.open
            node = placed.after
            continue
        after = step(state, node.op)
        if after is not None:
            now = _with(base, bits, open_bits, node)
            if (*now, after) not in tried:
                tried.add((*now, after))
                chosen.append((node, state, base, bits, open_bits))
                state, (base, bits, open_bits) = after, now
                _take_out(node)
                left -= not node.open
                node = head.after
                continue
        node = node.after
    return [placed[0].op for placed in chosen]


def _with(base: int, bits: int, open_bits: int, node: _Node) -> tuple[int, int, int]:
    """What has been placed, one more: a count of all up to a point, a set above it, and the open-ended ones."""
    if node.open:
        return base, bits, open_bits | 1 << node.bit
    bits |= 1 << (node.bit - base)
    while bits & 1:
        bits >>= 1
        base += 1
    return base, bits, open_bits


def _linked(operations: Sequence[Operation]) -> _Node:
    """Calls and returns in the order of their times, behind a head; at equal times calls come first."""
    moments: list[tuple[float, int, int, _Node]] = []
    closed = opened = 0
    for number, op in enumerate(sorted(operations, key=lambda op: op.invoked)):
        ends = op.returned != NEVER
        call = _Node(op, closed if ends else opened, not ends)
        moments.append((op.invoked, 0, number, call))
        if ends:
            call.returned = _Node(op, 0, False)
            moments.append((op.returned, 1, number, call.returned))
            closed += 1
        else:
            opened += 1
    head = last = _Node(operations[0], 0, True)
    for *_, node in sorted(moments, key=lambda moment: moment[:3]):
        last.after, node.before = node, last
        last = node
    return head


def _take_out(node: _Node) -> None:
    for one in (node, node.returned):
        if one is not None:
            one.before.after = one.after
            if one.after is not None:
                one.after.before = one.before


def _put_back(node: _Node) -> None:
    for one in (node.returned, node):
        if one is not None:
            one.before.after = one
            if one.after is not None:
                one.after.before = one


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that must not be. `rule` says which promise it breaks."""

    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}"


def check_registers(history: History) -> list[Violation]:
    """Each key as a register."""
    by_key: dict[Key, list[Operation]] = defaultdict(list)
    for op in resolved(history.operations, Log(history.log)):
        by_key[op.key].append(op)
    return [
        Violation("linearizable", f"no order explains the {len(ops)} operations on {key[0]}/{key[1]}")
        for key, ops in sorted(by_key.items())
        if find_order(ops) is None
    ]


def resolved(operations: Iterable[Operation], log: Log) -> Iterable[Operation]:
    """Writes without an answer get the revision that the log has of them; those that it has not never happened.
    A delete without an answer stays one that may have happened."""
    seen_by: dict[str, float] = {}
    waiting = []
    for op in operations:
        if op.kind == "get" and op.outcome == "ok":
            seen_by[op.value] = min(seen_by.get(op.value, NEVER), op.returned)
        if op.outcome != "unknown":
            yield op
        elif op.kind in ("create", "update") and not op.dry:
            waiting.append(op)
        elif op.kind == "delete" and not op.dry:
            yield replace(op, outcome="ok")
    for op in waiting:
        entry = log.by_value.get(op.value)
        if entry is not None:
            # Whoever read it read it after it happened, so it had happened by then.
            yield replace(op, outcome="ok", revision=entry.revision, returned=seen_by.get(op.value, NEVER))


def check_history(history: History) -> list[Violation]:
    """All that can be said of operations and lists; watches are checked by `watchrules`."""
    return [*check_log(history), *check_registers(history), *check_listings(history)]


def check_log(history: History) -> list[Violation]:
    """Every acknowledged write is in the log as it was acknowledged, and nothing is there that nobody wrote."""
    log, found = Log(history.log), []
    last = 0
    for entry in history.log:
        if entry.revision <= last:
            found.append(Violation("log", f"revision {entry.revision} comes after {last}"))
        last = entry.revision
        if entry.deleted and log.before[entry.revision] != entry.value:
            found.append(Violation("log", f"revision {entry.revision} deletes what is not there"))
    written = {op.value: op for op in history.operations if op.kind in ("create", "update") and not op.dry}
    for value, entry in log.by_value.items():
        op = written.get(value)
        if op is None or op.key != entry.key or op.outcome not in ("ok", "unknown"):
            found.append(Violation("log", f"revision {entry.revision} has {value}, which nobody wrote there"))
    for op in written.values():
        kept = log.by_value.get(op.value)
        if op.outcome == "ok" and (kept is None or kept.revision != op.revision):
            found.append(Violation("log", f"{op.value} was acknowledged at {op.revision} and is not there"))
    return found


def check_listings(history: History) -> list[Violation]:
    """A list is the state at its revision, and at least as new as all that was acknowledged before it was asked."""
    found: list[Violation] = []
    log = Log(history.log)
    for listing in history.listings:
        scope, revision = listing.scope, listing.revision
        state = log.state_at(revision)
        if listing.found != {key: kept for key, kept in state.items() if scope.matches(key, kept[1])}:
            found.append(Violation("snapshot", f"the list of {scope} at {revision} is not the state at it"))
    for asked, revision, what in _reads_of_now(history):
        if revision < asked:
            found.append(
                Violation("fresh", f"{what} shows {revision}, and {asked} was acknowledged before it was asked")
            )
    return found


def _reads_of_now(history: History) -> Iterable[tuple[int, int, str]]:
    """For each read of the newest state: the newest revision acknowledged before it, and the one that it shows."""
    acknowledged = [(op.returned, op.revision) for op in history.operations if op.outcome == "ok" and op.revision]
    reads = [(one.invoked, one.revision, f"the list of {one.scope}") for one in history.listings if one.newest]
    for watch in history.watches:
        _, revision, _ = watch.start()
        if not watch.after and revision:
            reads.append((watch.invoked, revision, f"the streaming list of {watch.scope}"))
    acknowledged.sort()
    at = newest = 0
    for invoked, revision, what in sorted(reads):
        while at < len(acknowledged) and acknowledged[at][0] < invoked:
            newest = max(newest, acknowledged[at][1])
            at += 1
        yield newest, revision, what
