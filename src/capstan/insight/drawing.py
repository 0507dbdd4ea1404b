"""Draws a tree as aligned text, the way clusterctl does, and lists what is not done with what it waits for."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from datetime import datetime, timedelta

from capstan.insight.standing import Standing, conditions_of, is_good
from capstan.insight.tree import Row

COLUMNS = ("NAME", "REPLICAS", "AVAILABLE", "READY", "UP TO DATE", "STATUS", "REASON", "SINCE", "MESSAGE")
MESSAGE_WIDTH = 100
#: Conditions whose True means that something which was asked for is not carried out.
HOLDING = frozenset(("Paused", "RollingOut"))
CONDITION_INDENT = 10

_COLOURS = {"good": "\x1b[32m", "bad": "\x1b[31m", "unknown": "\x1b[33m"}
_RESET = "\x1b[0m"
_ANSI = re.compile(r"\x1b\[\d+m")


def draw(root: Row, now: datetime, *, colour: bool = False) -> str:
    """The whole tree with its header."""
    lines = [list(COLUMNS), *_lines(root, "", "", now, colour)]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(COLUMNS))]
    return "\n".join(_join(line, widths) for line in lines) + "\n"


def _join(line: list[str], widths: list[int]) -> str:
    cells = [cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)]
    return "  ".join(cells).rstrip()


def _width(text: str) -> int:
    return len(_ANSI.sub("", text))


def _lines(row: Row, prefix: str, below: str, now: datetime, colour: bool) -> Iterator[list[str]]:
    name = "Ready"
    continued = below + ("│ " if row.children else "  ")
    yield from _cells(prefix + row.name, row, row.standing, name, continued, now, colour)
    for condition, standing in row.conditions:
        indented = f"{continued}{' ' * CONDITION_INDENT}{condition}"
        yield from _cells(indented, None, standing, condition, continued, now, colour)
    for number, child in enumerate(row.children):
        is_last = number == len(row.children) - 1
        yield from _lines(child, below + ("└─" if is_last else "├─"), below + ("  " if is_last else "│ "), now, colour)


def _cells(
    name: str, row: Row | None, standing: Standing, condition: str, continued: str, now: datetime, colour: bool
) -> Iterator[list[str]]:
    counts = [row.replicas, row.available, row.ready, row.up_to_date] if row else [""] * 4
    status = _coloured(standing.status, condition) if colour else standing.status
    first, *rest = _wrapped(standing.message) or [""]
    yield [name, *counts, status, standing.reason, age(standing.since, now), first]
    for line in rest:
        yield [continued, "", "", "", "", "", "", "", line]


def _wrapped(message: str) -> list[str]:
    """Wrapped at 100 characters; line breaks and the indentation of bullets stay."""
    lines: list[str] = []
    for line in message.splitlines():
        indent = " " * (len(line) - len(line.lstrip(" *")))
        lines += textwrap.wrap(line, MESSAGE_WIDTH, subsequent_indent=indent) or [""]
    return lines


def _coloured(status: str, condition: str) -> str:
    if not status:
        return ""
    kind = "unknown" if status == "Unknown" else "good" if is_good(condition, status) else "bad"
    return f"{_COLOURS[kind]}{status}{_RESET}"


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
        if _is_holding(condition, held):
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
    cause = f"{_first_cause(row)}; " if row.standing.status and row.standing.status != "True" else ""
    since = Standing(since=datetime.fromisoformat(meta["deletionTimestamp"]))
    return f"Deleting: {cause}it goes when {held} is taken off it{_since(since, now)}"


def _is_holding(condition: str, held: Standing) -> bool:
    """Whether it says more than the condition that the tree shows: what is asked for and not done, Machines that are
    to be made and cannot, an error that is one of several parts."""
    if held.status == "True":
        return condition in HOLDING or (condition == "ScalingUp" and "blocked because" in held.message)
    return held.severity == "Error" and condition != "Ready"


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


def _in_one_line(message: str) -> str:
    """The bullets of a message behind each other; a bullet that only heads others keeps its colon."""
    parts = [line.strip().removeprefix("* ") for line in message.splitlines() if line.strip()]
    text = ""
    for part in parts:
        text += part if not text else f" {part}" if text.endswith(":") else f"; {part}"
    return text
