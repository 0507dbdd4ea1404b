"""etcd's majority: how many members may be lost, and which one may go (Raft; talos.md 6.6)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """A member as it was observed. Learners have no vote; `healthy` means that it answers and has a leader."""

    id: int
    healthy: bool
    learner: bool = False


def majority(voters: int) -> int:
    """How many voters must agree."""
    return voters // 2 + 1


def tolerated_losses(voters: int) -> int:
    """How many voters may fail before nothing can be written any more."""
    return max(voters - majority(voters), 0)


def has_quorum(members: Sequence[Member]) -> bool:
    """Whether the healthy voters are a majority of all voters."""
    voters = _voters(members)
    return sum(m.healthy for m in voters) >= majority(len(voters)) if voters else False


def is_removable(members: Sequence[Member], member_id: int) -> bool:
    """Whether a member may be removed: the voters have a majority now, which the removal needs, and those that
    remain have one afterwards. The last voter never may. A member that is not there has been removed already."""
    if all(m.id != member_id for m in members):
        return True
    remaining = [m for m in members if m.id != member_id]
    if not _voters(remaining):
        return False
    return has_quorum(members) and has_quorum(remaining)


def removable(members: Sequence[Member], candidates: Collection[int]) -> tuple[int, ...]:
    """Those of the candidates that may be removed now, one of them at a time; unhealthy ones first."""
    allowed = [m for m in members if m.id in candidates and is_removable(members, m.id)]
    return tuple(m.id for m in sorted(allowed, key=lambda m: (m.healthy, m.id)))


def _voters(members: Sequence[Member]) -> list[Member]:
    return [m for m in members if not m.learner]
