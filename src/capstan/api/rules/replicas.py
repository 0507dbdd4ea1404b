"""How many of a set of machines are ready, available, up to date, and of which versions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from capstan.api.meta import Condition, LabelSelector, ObjectMeta
from capstan.api.rules.conditions import find_condition, is_true
from capstan.api.rules.selectors import holds
from capstan.api.rules.semver import order_key

#: So long a new machine may go without the condition UpToDate before that counts as unknown.
YOUTH = timedelta(seconds=10)


def count_true(condition_lists: Iterable[Sequence[Condition]], type: str) -> int:
    """How many objects report `type` as True."""
    return sum(is_true(conditions, type) for conditions in condition_lists)


def count_versions(versions: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """(version, replicas), summed by version and in semantic order; empty versions do not count."""
    totals: dict[str, int] = {}
    for version, replicas in versions:
        if version and replicas:
            totals[version] = totals.get(version, 0) + replicas
    return tuple(sorted(totals.items(), key=lambda entry: order_key(entry[0])))


def minor_version(version: str) -> tuple[int, int] | None:
    """Major and minor of `v1.33.2`; None for what is no version."""
    match = re.match(r"v?(\d+)\.(\d+)(\.|$)", version)
    return (int(match.group(1)), int(match.group(2))) if match else None


def selector_text(selector: LabelSelector) -> str:
    """The string form of a selector, as status.selector and the scale subresource have it."""
    parts = [f"{name}={value}" for name, value in sorted(selector.match_labels.items())]
    for expression in sorted(selector.match_expressions, key=lambda e: e.key):
        values = ",".join(sorted(expression.values))
        match expression.operator:
            case "In":
                parts.append(f"{expression.key} in ({values})")
            case "NotIn":
                parts.append(f"{expression.key} notin ({values})")
            case "Exists":
                parts.append(expression.key)
            case "DoesNotExist":
                parts.append(f"!{expression.key}")
    return ",".join(parts)


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether the selector takes an object with these labels. An empty selector takes none here."""
    if not selector.match_labels and not selector.match_expressions:
        return False
    if not selector.match_labels.items() <= labels.items():
        return False
    return all(holds(e.operator, labels.get(e.key), e.values) for e in selector.match_expressions)


def is_compared(meta: ObjectMeta, conditions: Sequence[Condition], now: datetime) -> bool:
    """Whether a machine counts for UpToDate: it reports the condition, or is old enough to have to."""
    return find_condition(conditions, "UpToDate") is not None or _youth_left(meta, now) <= 0


def seconds_of_youth(machines: Iterable[tuple[ObjectMeta, Sequence[Condition]]], now: datetime) -> float | None:
    """When the next of the machines that are not compared yet starts to count; None when all do."""
    left = [_youth_left(meta, now) for meta, conditions in machines if not is_compared(meta, conditions, now)]
    return min(left, default=None)


def _youth_left(meta: ObjectMeta, now: datetime) -> float:
    since = meta.creation_timestamp or now
    return (since + YOUTH - now).total_seconds()
