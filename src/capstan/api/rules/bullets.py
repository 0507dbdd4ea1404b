"""How messages of several conditions become one text: bullets, indents, shortened lists of names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from capstan.api.rules.nouns import counted, plural

_BULLET = re.compile(r"\s*\*\s+")
_GROUPS_SHOWN = 3
_NAMES_SHOWN = 3
#: How many names upstream shows where a kind has a line of its own.
NAMES_OF_A_LINE: Final = 5
_REST = ("with other issues", "with status unknown", "with additional info")


def bullet(head: str, message: str) -> str:
    """`* head: message`, or the lines of the message indented below it."""
    return f"* {head}:{indent(message)}"


def indent(message: str) -> str:
    """A message as it follows a colon: on the same line, or as bullets of its own, two spaces deeper."""
    lines = message.split("\n")
    if len(lines) == 1 and not _BULLET.match(message):
        return f" {message}"
    mixed = any(not _BULLET.match(line) for line in lines)
    return "".join(f"\n  {_mark(line) if mixed else ''}{line}" for line in lines)


def _mark(line: str) -> str:
    """Where plain lines get a bullet, lines that have one move below it."""
    return "  " if _BULLET.match(line) else "* "


def names(items: Sequence[str], shown: int = _NAMES_SHOWN) -> str:
    """The first names, and how many more there are."""
    text = ", ".join(items[:shown])
    return text if len(items) <= shown else f"{text}, ... ({len(items) - shown} more)"


def group_bullets(reports: Iterable[tuple[str, str, bool, int, str]]) -> list[str]:
    """One bullet for each distinct message of many objects: (kind, name, control plane, rank, message).

    Control plane first, then the worse rank, then the larger group, then the names. Three groups are spelled
    out over all kinds, the rest is counted.
    """
    by_kind: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    rank_of: dict[str, int] = {}
    first: set[str] = set()
    control_plane: set[str] = set()
    for kind, name, is_control_plane, rank, message in reports:
        by_kind[kind][message].append(name)
        rank_of[message] = min(rank, rank_of.get(message, rank))
        if is_control_plane:
            first.add(message)
            control_plane.add(name)
    lines: list[str] = []
    left = _GROUPS_SHOWN
    for kind in sorted(by_kind):
        groups = {
            message: sorted(owners, key=lambda name: (name not in control_plane, name))
            for message, owners in by_kind[kind].items()
        }
        order = sorted(groups, key=lambda m: (m not in first, rank_of[m], -len(groups[m]), ",".join(groups[m])))
        for message in order[:left]:
            owners = groups[message]
            noun = kind if len(owners) == 1 else plural(kind)
            lines.append(bullet(f"{noun} {names(owners)}", message))
        lines.extend(_count_rest(kind, groups, rank_of, order[left:]))
        left = max(left - len(order), 0)
    return lines


def _count_rest(kind: str, groups: dict[str, list[str]], rank_of: dict[str, int], rest: Sequence[str]) -> list[str]:
    lines = []
    for rank, text in enumerate(_REST):
        count = sum(len(groups[m]) for m in rest if rank_of[m] == rank)
        if count:
            lines.append(f"And {counted(count, kind)} {text}")
    return lines
