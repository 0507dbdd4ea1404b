"""The nine promises of watches, each checked by itself against the log of revisions.

They are those of etcd's robustness suite, said of what clients of Kubernetes see: events of a scope (a namespace, a
label selector) with the type that the change has for that scope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.conformance.history.linearizability import Violation
from tests.conformance.history.record import Expected, History, Log, Seen, Watched

Rule = Callable[[Watched, Log], Iterator[str]]


def filtered(watch: Watched, log: Log) -> Iterator[str]:
    """Only what the watch asked for."""
    first, _, live = watch.start()
    for event in (*first, *live):
        if event.type == "BOOKMARK":
            continue
        shown = event.value
        if event.type == "DELETED":
            # It tells of an object that was selected until then; what it has become may be anything.
            shown = log.before.get(event.revision) or shown
        if not watch.scope.matches(event.key, shown):
            yield f"{event} is not of {watch.scope}"


def bookmarkable(watch: Watched, log: Log) -> Iterator[str]:
    """A bookmark says that everything up to its revision was sent, and nothing up to it comes later. The one that
    ends a streaming list says it of the state that was sent."""
    first, start, live = watch.start()
    seen = {event.revision for event in live if event.type != "BOOKMARK"}
    sent = start
    for event in live:
        if event.type != "BOOKMARK":
            if event.revision <= sent and sent > start:
                yield f"{event} comes after the bookmark of {sent}"
            continue
        if event.revision < sent:
            yield f"the bookmark of {event.revision} comes after that of {sent}"
        missed = [e for e in log.between(watch.scope, sent, event.revision) if e.revision not in seen]
        if missed:
            yield f"the bookmark of {event.revision} comes before {missed[0]}"
        sent = max(sent, event.revision)
    if not watch.after and start:
        yield from _first_state(watch, log, first, start)


def _first_state(watch: Watched, log: Log, first: list[Seen], revision: int) -> Iterator[str]:
    keys = [event.key for event in first]
    if keys != sorted(keys):
        yield "the first state is not in the order of its keys"
    selected = {key: kept for key, kept in log.state_at(revision).items() if watch.scope.matches(key, kept[1])}
    if {event.key: (event.revision, event.value) for event in first} != selected:
        yield f"the first state is not that of {revision}"


def ordered(watch: Watched, log: Log) -> Iterator[str]:
    """Revisions never go back."""
    _, last, live = watch.start()
    for event in live:
        if event.revision < last:
            yield f"{event} comes after revision {last}"
        last = event.revision


def unique(watch: Watched, log: Log) -> Iterator[str]:
    """No change twice."""
    _, start, live = watch.start()
    seen = set()
    for event in live:
        if event.type == "BOOKMARK":
            continue
        if event.revision in seen or event.revision == start:
            yield f"{event} came before"
        seen.add(event.revision)


def atomic(watch: Watched, log: Log) -> Iterator[str]:
    """An event is one whole revision: key and value are those that were written together."""
    first, _, live = watch.start()
    for event in (*first, *live):
        if event.type == "BOOKMARK":
            continue
        entry = log.by_revision.get(event.revision)
        if entry is None:
            yield f"{event} is no revision"
        elif entry.key != event.key or (event.type != "DELETED" and entry.value != event.value):
            yield f"{event} mixes what is {entry}"


def reliable(watch: Watched, log: Log) -> Iterator[str]:
    """Between two events of a watch nothing is left out."""
    _, _, live = watch.start()
    changes = [event.revision for event in live if event.type != "BOOKMARK"]
    if changes:
        seen = set(changes)
        for wanted in log.between(watch.scope, min(changes), max(changes)):
            if wanted.revision not in seen:
                yield f"{wanted} was left out"


def resumable(watch: Watched, log: Log) -> Iterator[str]:
    """A watch goes on right after the revision that it names, as long as that is kept."""
    _, start, live = watch.start()
    if watch.expired:
        if watch.after and watch.after >= watch.compacted and not watch.slow:
            yield f"410 for {watch.after}, and only {watch.compacted} and before are gone"
        return
    changes = [event.revision for event in live if event.type != "BOOKMARK"]
    if start and changes:
        missed = log.between(watch.scope, start, max(changes) - 1)
        if missed and missed[0].revision < min(changes):
            yield f"after {start} the first event is {min(changes)} and not {missed[0]}"


def previous(watch: Watched, log: Log) -> Iterator[str]:
    """A deletion carries the last state with the revision of the delete; what left the selection carries what it
    has become."""
    for event in watch.start()[2]:
        if event.type != "DELETED":
            continue
        wanted = _wanted(watch, log, event)
        if wanted is not None and wanted.type == "DELETED" and wanted.value != event.value:
            yield f"{event} should carry {wanted.value}"


def created(watch: Watched, log: Log) -> Iterator[str]:
    """ADDED is what appears for this watch, MODIFIED what it had, DELETED what it loses."""
    for event in watch.start()[2]:
        if event.type == "BOOKMARK":
            continue
        wanted = _wanted(watch, log, event)
        if wanted is not None and wanted.type != event.type:
            yield f"{event} should be {wanted.type}"


def _wanted(watch: Watched, log: Log, event: Seen) -> Expected | None:
    found = log.between(watch.scope, event.revision - 1, event.revision)
    return found[0] if found else None


RULES: dict[str, Rule] = {
    "filter": filtered,
    "bookmarkable": bookmarkable,
    "ordered": ordered,
    "unique": unique,
    "atomic": atomic,
    "reliable": reliable,
    "resumable": resumable,
    "previous": previous,
    "created": created,
}


def check_watches(history: History) -> list[Violation]:
    """All rules for all watches."""
    log = Log(history.log)
    return [
        Violation(name, what) for watch in history.watches for name, rule in RULES.items() for what in rule(watch, log)
    ]
