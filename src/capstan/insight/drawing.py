"""Draws a tree as aligned text, the way clusterctl does, and lists what is not done with what it waits for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from capstan.apiserver.columns import human_duration
from capstan.insight.standing import Standing, conditions_of, is_good
from capstan.insight.tree import Row

COLUMNS = ("NAME", "REPLICAS", "AVAILABLE", "READY", "UP TO DATE", "STATUS", "REASON", "SINCE", "MESSAGE")
#: The columns for clients of v1beta1.
OLDER_COLUMNS = ("NAME", "READY", "SEVERITY", "REASON", "SINCE", "MESSAGE")
MESSAGE_WIDTH = 100
#: Conditions whose True means that something which was asked for is not carried out.
HOLDING = frozenset(("Paused", "RollingOut"))
#: Conditions whose False says why the shown one is not good.
_CAUSES = frozenset(("MachinesBootstrapped",))
#: Reasons that upstream leaves without a message, in words.
_WORDS = {"ConnectionDown": "nothing is heard of its cluster"}
SCALING = frozenset(("ScalingUp", "ScalingDown"))
#: A control plane that works may have lost some of what it is safe by.
HEALTH = frozenset(("EtcdClusterHealthyCondition",))
CONDITION_INDENT = 10

_COLOURS = {"good": "\x1b[32m", "bad": "\x1b[31m", "unknown": "\x1b[33m"}
_RESET = "\x1b[0m"
_ANSI = re.compile(r"\x1b\[\d+m")


def draw(root: Row, now: datetime, *, colour: bool = False, older: bool = False) -> str:
    """The whole tree with its header; `older` is the table for clients of v1beta1."""
    columns, cells = (OLDER_COLUMNS, _older_cells) if older else (COLUMNS, _cells)
    lines = [list(columns), *_lines(root, "", "", cells, now, colour)]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(columns))]
    gap = " " if older else "  "
    return "\n".join(_join(line, widths, gap) for line in lines) + "\n"


def _join(line: list[str], widths: list[int], gap: str) -> str:
    cells = [cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)]
    return gap.join(cells).rstrip()


def _width(text: str) -> int:
    return len(_ANSI.sub("", text))


#: The lines of one row or condition: its name, the row (None for a condition), how it stands, which condition that is.
_Cells = Callable[[str, Row | None, Standing, str, datetime, bool], list[list[str]]]


def _lines(row: Row, prefix: str, below: str, cells: _Cells, now: datetime, colour: bool) -> Iterator[list[str]]:
    continued = below + ("│ " if row.children else "  ")
    first, *rest = cells(prefix + row.name, row, row.standing, "Ready", now, colour)
    yield first
    yield from ([continued, *line[1:]] for line in rest)
    for number, (condition, standing) in enumerate(row.conditions):
        is_last = number == len(row.conditions) - 1
        indent = f"{continued}{' ' * CONDITION_INDENT}"
        name = f"{indent}{'└─' if is_last else '├─'}{condition}"
        first, *rest = cells(name, None, standing, condition, now, colour)
        yield first
        yield from ([indent + ("" if is_last else "│ "), *line[1:]] for line in rest)
    for number, child in enumerate(row.children):
        is_last = number == len(row.children) - 1
        inner = below + ("  " if is_last else "│ ")
        yield from _lines(child, below + ("└─" if is_last else "├─"), inner, cells, now, colour)


def _cells(
    name: str, row: Row | None, standing: Standing, condition: str, now: datetime, colour: bool
) -> list[list[str]]:
    """A row whose conditions are shown below it says of itself only how many there are."""
    counts = [row.replicas, row.available, row.ready, row.up_to_date] if row else [""] * 4
    if row is not None and row.opened:
        standing = Standing()
    status = _coloured(standing.status, condition) if colour else standing.status
    first, *rest = wrapped(standing.message).split("\n")
    lines = [[name, *counts, status, standing.reason, since(standing, now), first]]
    return lines + [["", "", "", "", "", "", "", "", line] for line in rest]


def _older_cells(
    name: str, row: Row | None, standing: Standing, condition: str, now: datetime, colour: bool
) -> list[list[str]]:
    """One line, whatever there is to say."""
    message = standing.message.replace("\n", " ")
    if len(message) > MESSAGE_WIDTH:
        message = f"{message[:MESSAGE_WIDTH]} ..."
    stated = [standing.status, standing.severity, standing.reason]
    if colour:
        stated = [_painted(text, _older_colour(standing)) for text in stated]
    return [[name, *stated, since(standing, now), message]]


def _older_colour(standing: Standing) -> str:
    if standing.status == "True":
        return "good"
    return {"Error": "bad", "Warning": "unknown"}.get(standing.severity, "")


def wrapped(message: str) -> str:
    """Wrapped at 100 characters between words; line breaks stay, and what continues a bullet stands below its text."""
    lines: list[str] = []
    for line in message.split("\n"):
        indent = line[: len(line) - len(line.lstrip(" "))]
        text = indent
        if line.strip().startswith("* "):
            indent += "  "
        for word in line.split():
            if text.strip() and len(text) + len(word) >= MESSAGE_WIDTH:
                lines.append(text)
                text = indent + word
            else:
                text += f" {word}" if text.strip() else word
        lines.append(text)
    return "\n".join(lines)


def _coloured(status: str, condition: str) -> str:
    if not status:
        return ""
    kind = "unknown" if status == "Unknown" else "good" if is_good(condition, status) else "bad"
    return _painted(status, kind)


def _painted(text: str, kind: str) -> str:
    return f"{_COLOURS[kind]}{text}{_RESET}" if text and kind else text


def since(standing: Standing, now: datetime) -> str:
    """The age of a condition as kubectl writes ages."""
    return human_duration(max(now - standing.since, timedelta())) if standing.since is not None else ""


def age(since: datetime | None, now: datetime) -> str:
    """How long ago, in the largest unit: 12s, 5m, 3h, 2d."""
    if since is None:
        return ""
    span = max(now - since, timedelta())
    for seconds, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if span.total_seconds() >= seconds:
            return f"{int(span.total_seconds() // seconds)}{unit}"
    return f"{int(span.total_seconds())}s"


def waiting(root: Row, now: datetime) -> list[str]:
    """For everything that is not done, from the leaves up: what it waits for, and since when."""
    lines: list[str] = []
    for child in root.children:
        lines += waiting(child, now)
    if root.object is None:
        return lines
    standing = root.standing
    meta = root.object["metadata"]
    name = f"{root.object['kind']} {meta.get('namespace', '')}/{meta['name']}"
    deletion = _deletion(root, now)
    if deletion:
        lines.append(f"{name}: {deletion}")
    elif standing.status and standing.status != "True":
        lines.append(f"{name}: {_first_cause(root)}{_since(standing, now)}")
    # An object can be Available and yet not do what its spec says: because it is paused, or not rolled out.
    for condition, held in conditions_of(root.object).items():
        if _is_holding(root.object["kind"], condition, held):
            lines.append(f"{name}: {condition}: {_in_one_line(held.message) or held.reason}{_since(held, now)}")
    return lines


def _deletion(row: Row, now: datetime) -> str:
    """What a deletion waits for; empty when nothing is deleted."""
    meta = row.object["metadata"] if row.object is not None else {}
    if row.object is None or not meta.get("deletionTimestamp"):
        return ""
    going = conditions_of(row.object).get("Deleting", Standing())
    if going.status == "True" and (going.message or not row.standing.message):
        return f"Deleting: {_in_one_line(going.message) or going.reason}{_since(going, now)}"
    held = ", ".join(meta.get("finalizers") or ())
    if not held:
        return ""
    cause = _cause_of_deletion(row)
    since = Standing(since=datetime.fromisoformat(meta["deletionTimestamp"]))
    return f"Deleting: {cause}it goes when {held} is taken off it{_since(since, now)}"


def _cause_of_deletion(row: Row) -> str:
    """What an object that is held by its own finalizer says of it, to be read before that; empty when nothing."""
    if row.standing.status and row.standing.status != "True":
        return f"{_first_cause(row)}; "
    # Control planes of older contracts say it where they tell of their size, and may be available all the while.
    told = conditions_of(row.object) if row.object is not None else {}
    said = next((held.message for held in told.values() if held.reason == "Deleting" and held.message), "")
    return f"{_in_one_line(said)}; " if said else ""


def _is_holding(kind: str, condition: str, held: Standing) -> bool:
    """Whether it says more than the condition that the tree shows: what is asked for and not done, Machines that are
    to be made and cannot, an error that is one of several parts."""
    if held.status == "True":
        # Scaling by itself is work that goes on; a control plane says in lines below it what it waits for.
        says_why = kind.endswith("ControlPlane") and "\n* " in held.message
        waits = condition in SCALING and (says_why or "blocked because" in held.message)
        return condition in HOLDING or waits
    if condition in _CAUSES:
        return held.status == "False" and bool(held.message)
    return (held.severity == "Error" and condition != "Ready") or (held.severity == "Warning" and condition in HEALTH)


def _since(standing: Standing, now: datetime) -> str:
    return f" (for {age(standing.since, now)})" if standing.since else ""


def _first_cause(row: Row) -> str:
    """The text of the condition that says most: the shown one, or the first bad one beside it."""
    if row.standing.message:
        return _in_one_line(row.standing.message)
    if row.object is not None:
        for name, standing in conditions_of(row.object).items():
            if standing.message and not is_good(name, standing.status):
                return f"{name}: {_in_one_line(standing.message)}"
    return row.standing.reason or "nothing reported yet"


def _in_words(part: str) -> str:
    """A part that is a condition and its reason, with what the reason means."""
    words = _WORDS.get(part.rpartition(": ")[2])
    return f"{part} ({words})" if words else part


def _in_one_line(message: str) -> str:
    """The bullets of a message behind each other; a bullet that only heads others keeps its colon."""
    parts = [_in_words(line.strip().removeprefix("* ")) for line in message.splitlines() if line.strip()]
    text = ""
    for part in parts:
        text += part if not text else f" {part}" if text.endswith(":") else f"; {part}"
    return text
