"""How conditions are set, ordered, summarised, aggregated and mirrored (cluster-api-core.md 0.6).

A condition's polarity says which value is the good one. Merging ranks every condition as an issue (bad value),
unknown, or info (good value); the worst rank decides the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

import msgspec

from capstan.api.meta import Condition
from capstan.api.rules.bullets import bullet, group_bullets

TRUE = "True"
FALSE = "False"
UNKNOWN = "Unknown"

NOT_YET_REPORTED = "NotYetReported"

#: The house order; types that are not in it stand alphabetically at the place of the empty string.
_ORDER = (
    "Available",
    "Ready",
    "UpToDate",
    "RemoteConnectionProbe",
    "BootstrapConfigReady",
    "InfrastructureReady",
    "ControlPlaneInitialized",
    "ControlPlaneAvailable",
    "WorkersAvailable",
    "CertificatesAvailable",
    "Initialized",
    "EtcdClusterHealthy",
    "ControlPlaneComponentsHealthy",
    "NodeHealthy",
    "NodeReady",
    "NodeKubeadmLabelsAndTaintsSet",
    "EtcdPodHealthy",
    "EtcdMemberHealthy",
    "APIServerPodHealthy",
    "ControllerManagerPodHealthy",
    "SchedulerPodHealthy",
    "HealthCheckSucceeded",
    "OwnerRemediated",
    "TopologyReconciled",
    "Updating",
    "RollingOut",
    "Remediating",
    "ScalingDown",
    "ScalingUp",
    "MachinesReady",
    "ControlPlaneMachinesReady",
    "WorkerMachinesReady",
    "MachinesUpToDate",
    "ControlPlaneMachinesUpToDate",
    "WorkerMachinesUpToDate",
    "",
    "Paused",
    "Deleting",
)
_RANK = {name: rank for rank, name in enumerate(_ORDER)}


class Priority(IntEnum):
    """How much a condition matters when several are merged; the lowest number wins."""

    ISSUE = 0
    UNKNOWN = 1
    INFO = 2


Ranking = Callable[[Condition], Priority]


@dataclass(frozen=True, slots=True)
class Reasons:
    """The reason of a merged condition, by the worst rank that was found."""

    issue: str = "IssuesReported"
    unknown: str = "UnknownReported"
    info: str = "InfoReported"


@dataclass(frozen=True, slots=True)
class Source:
    """The conditions of one object among many, and how messages name it."""

    kind: str
    name: str
    conditions: Sequence[Condition]
    control_plane: bool = False


def find_condition(conditions: Iterable[Condition], type: str) -> Condition | None:
    """The condition of that type, if it is reported."""
    for condition in conditions:
        if condition.type == type:
            return condition
    return None


def is_true(conditions: Iterable[Condition], type: str) -> bool:
    found = find_condition(conditions, type)
    return found is not None and found.status == TRUE


def is_false(conditions: Iterable[Condition], type: str) -> bool:
    found = find_condition(conditions, type)
    return found is not None and found.status == FALSE


def sort_conditions(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """The house order: Available and Ready first, Paused and Deleting last."""
    return tuple(sorted(conditions, key=_order))


def _order(condition: Condition) -> tuple[int, str]:
    return _RANK.get(condition.type, _RANK[""]), condition.type


def put_condition(
    conditions: Sequence[Condition], new: Condition, *, generation: int, now: datetime
) -> tuple[Condition, ...]:
    """Set `new`. Its transition time is kept from the old one while the status stays, else its own or `now`."""
    return put_conditions(conditions, (new,), generation=generation, now=now)


def set_condition(
    conditions: tuple[Condition, ...],
    *,
    type: str,
    status: str,
    reason: str,
    message: str = "",
    generation: int,
    now: datetime,
) -> tuple[Condition, ...]:
    """Set one condition by its parts; the whole list comes back in the house order."""
    new = Condition(type=type, status=status, reason=reason, message=message)
    return put_condition(conditions, new, generation=generation, now=now)


def put_conditions(
    conditions: Sequence[Condition], new: Iterable[Condition], *, generation: int, now: datetime
) -> tuple[Condition, ...]:
    """Set several, each as `put_condition` does."""
    placed = {condition.type: condition for condition in conditions}
    for condition in new:
        placed[condition.type] = _placed(placed.get(condition.type), condition, generation, now)
    return sort_conditions(placed.values())


def _placed(old: Condition | None, new: Condition, generation: int, now: datetime) -> Condition:
    if old is not None and old.status == new.status:
        since = old.last_transition_time or now
    else:
        since = new.last_transition_time or now
    since = since.replace(microsecond=0)
    return msgspec.structs.replace(new, last_transition_time=since, observed_generation=generation)


def drop_condition(conditions: Sequence[Condition], type: str) -> tuple[Condition, ...]:
    return tuple(c for c in conditions if c.type != type)


def ranking(negative: Iterable[str] = ()) -> Ranking:
    """The default ranking: False is the issue, for types of negative polarity True is."""
    bad_when_true = frozenset(negative)

    def rank(condition: Condition) -> Priority:
        if condition.status not in (TRUE, FALSE):
            return Priority.UNKNOWN
        bad = TRUE if condition.type in bad_when_true else FALSE
        return Priority.ISSUE if condition.status == bad else Priority.INFO

    return rank


def summarize(
    conditions: Sequence[Condition],
    target: str,
    types: Sequence[str],
    *,
    negative: Iterable[str] = (),
    ignore_if_missing: Iterable[str] = (),
    overrides: Mapping[str, Condition] | None = None,
    reasons: Reasons | None = None,
    rank: Ranking | None = None,
    transform: Callable[[list[str]], list[str]] | None = None,
) -> Condition:
    """Merge several types of one object into `target` (positive polarity).

    A missing type counts as unknown unless it may be missing; an override stands in for the reported condition.
    `transform` may rewrite the bullets. Raises ValueError when nothing is there to be summarised, or `target` is one
    of `types`.
    """
    if target in types:
        raise ValueError(f"{target} cannot be a summary of itself")
    rank = rank or ranking(negative)
    optional = frozenset(ignore_if_missing)
    scope: list[Condition] = []
    # A type that is named twice has the place of its last name.
    for name in reversed(dict.fromkeys(reversed(types))):
        found = (overrides or {}).get(name) or find_condition(conditions, name)
        if found is not None:
            scope.append(found)
        elif name not in optional:
            # Without its type: the bullet begins with it.
            scope.append(_not_reported(name, "Condition not yet reported"))
    worst = _worst(map(rank, scope))
    lines = [
        bullet(f"{c.type}", c.message or c.reason)
        for c in scope
        if rank(c) != Priority.INFO or (worst == Priority.INFO and c.message)
    ]
    if transform is not None:
        lines = transform(lines)
    return _merged(target, worst, reasons or Reasons(), "\n".join(lines), good=TRUE)


def aggregate(
    sources: Sequence[Source],
    type: str,
    *,
    target: str = "",
    negative: bool = False,
    target_negative: bool | None = None,
    reasons: Reasons | None = None,
    rank: Ranking | None = None,
) -> Condition:
    """Merge one type of many objects into `target` (the same type unless named). `sources` must not be empty.

    Equal messages are grouped, at most three groups are spelled out. A target has the polarity of its source
    unless `target_negative` says otherwise.
    """
    rank = rank or ranking([type] if negative else [])
    found = [
        (s, find_condition(s.conditions, type) or _not_reported(type, f"Condition {type} not yet reported"))
        for s in sources
    ]
    worst = _worst(rank(c) for _, c in found)
    shown = [
        (s.kind, s.name, s.control_plane, int(rank(c)), c.message)
        for s, c in found
        if (rank(c) != Priority.INFO) == (worst != Priority.INFO) and (worst != Priority.INFO or c.message)
    ]
    inverted = negative if target_negative is None else target_negative
    return _merged(
        target or type, worst, reasons or Reasons(), "\n".join(group_bullets(shown)), good=FALSE if inverted else TRUE
    )


def mirror(source: Condition | None, target: str, *, fallback: Condition | None = None, type: str = "") -> Condition:
    """Copy a condition of another object under the type `target`, transition time included.

    `fallback` stands in when it is not reported; without one the result is Unknown. `type` is the source's type.
    """
    if source is not None:
        return msgspec.structs.replace(source, type=target, observed_generation=0)
    if fallback is not None:
        return msgspec.structs.replace(fallback, type=target)
    return _not_reported(target, f"Condition {type or target} not yet reported")


def _not_reported(type: str, message: str) -> Condition:
    return Condition(type=type, status=UNKNOWN, reason=NOT_YET_REPORTED, message=message)


def _worst(ranks: Iterable[Priority]) -> Priority:
    """Raises ValueError for none: what nobody reports is not good."""
    return min(ranks)


def _merged(target: str, worst: Priority, reasons: Reasons, message: str, *, good: str) -> Condition:
    bad = FALSE if good == TRUE else TRUE
    status, reason = {
        Priority.ISSUE: (bad, reasons.issue),
        Priority.UNKNOWN: (UNKNOWN, reasons.unknown),
        Priority.INFO: (good, reasons.info),
    }[worst]
    return Condition(type=target, status=status, reason=reason, message=message)
