"""The older conditions (with severity) that v1beta2 objects keep in `status.deprecated.v1beta1` (0.7).

They are worked on in a shape of their own and turned into the kind's field by whoever owns the field.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from capstan.api.meta import Condition
from capstan.api.meta import LegacyCondition as LegacyCondition

ERROR = "Error"
WARNING = "Warning"
INFO = "Info"


def find_legacy(conditions: Iterable[LegacyCondition], type: str) -> LegacyCondition | None:
    return next((c for c in conditions if c.type == type), None)


def legacy_true(type: str) -> LegacyCondition:
    return LegacyCondition(type=type, status="True")


def legacy_false(type: str, reason: str, severity: str = INFO, message: str = "") -> LegacyCondition:
    return LegacyCondition(type=type, status="False", severity=severity, reason=reason, message=message)


def legacy_unknown(type: str, reason: str, message: str = "") -> LegacyCondition:
    return LegacyCondition(type=type, status="Unknown", reason=reason, message=message)


def put_legacy(
    conditions: Sequence[LegacyCondition], new: LegacyCondition, *, now: datetime
) -> tuple[LegacyCondition, ...]:
    """Set one; its transition time moves only with its status. Ready comes first, the rest by name."""
    old = find_legacy(conditions, new.type)
    if old is not None and old.status == new.status:
        since = old.last_transition_time or now
    else:
        since = new.last_transition_time or now
    placed = msgspec.structs.replace(new, last_transition_time=since.replace(microsecond=0))
    rest = [c for c in conditions if c.type != new.type]
    return tuple(sorted([*rest, placed], key=lambda c: (c.type != "Ready", c.type)))


def put_legacies(
    conditions: Sequence[LegacyCondition], new: Iterable[LegacyCondition | None], *, now: datetime
) -> tuple[LegacyCondition, ...]:
    """Set several; None stands for one that is not reported now and leaves what is there."""
    placed = tuple(conditions)
    for condition in new:
        if condition is not None:
            placed = put_legacy(placed, condition, now=now)
    return placed


_SEVERITIES = {ERROR: 0, WARNING: 1, INFO: 2}
_STATUSES = {"True": 3, "Unknown": 4}


def _rank(condition: LegacyCondition) -> int:
    """The worst is lowest. What is False without a severity counts as an information, where upstream puts it behind
    what is good."""
    if condition.status == "False":
        return _SEVERITIES.get(condition.severity, _SEVERITIES[INFO])
    return _STATUSES.get(condition.status, _STATUSES["Unknown"])


def summarize_legacy(
    conditions: Sequence[LegacyCondition], types: Sequence[str], *, steps: int = 0
) -> LegacyCondition | None:
    """`Ready` from the listed types in order of priority; None when none of them is reported.

    `steps` is the number of steps for a counter ("x of y completed"); 0 shows the first message instead.
    """
    scope = [c for name in types if (c := find_legacy(conditions, name)) is not None]
    if not scope:
        return None
    top = min(scope, key=_rank)
    if top.status == "True":
        return legacy_true("Ready")
    message = top.message
    if steps:
        message = f"{sum(c.status == 'True' for c in scope)} of {steps} completed"
    return LegacyCondition(type="Ready", status=top.status, severity=top.severity, reason=top.reason, message=message)


def aggregate_legacy(reported: Sequence[tuple[str, LegacyCondition | None]], target: str) -> LegacyCondition | None:
    """The `Ready` of many objects ("Kind/name") under the type `target`: the worst one's reason, marked with whose it
    is, and how many are done. None when none of them is reported."""
    scope = [(owner, condition) for owner, condition in reported if condition is not None]
    if not scope:
        return None
    owner, top = min(scope, key=lambda found: _rank(found[1]))
    done = f"{sum(c.status == 'True' for _, c in scope)} of {len(reported)} completed"
    if top.status == "True":
        return legacy_true(target)
    reason = top.reason if "@" in top.reason else f"{top.reason} @ {owner}"
    return msgspec.structs.replace(top, type=target, reason=reason, message=done, last_transition_time=None)


def mirror_legacy(
    source: LegacyCondition | None,
    target: str,
    *,
    fallback_done: bool | None = None,
    fallback_reason: str = "",
    fallback_severity: str = INFO,
    fallback_message: str = "",
) -> LegacyCondition | None:
    """The `Ready` of another object under the type `target`, as it is.

    Without a source the fallback is a boolean; without both the result is None.
    """
    if source is not None:
        return msgspec.structs.replace(source, type=target)
    if fallback_done is None:
        return None
    if fallback_done:
        return legacy_true(target)
    return legacy_false(target, fallback_reason, fallback_severity, fallback_message)


def as_legacy(condition: Condition) -> LegacyCondition:
    """A newer condition where only the older shape has a place: with its reason, without a severity."""
    return LegacyCondition(
        type=condition.type, status=condition.status, reason=condition.reason, message=condition.message
    )
