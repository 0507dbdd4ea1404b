"""How much at once: rooms by who asks and what for, watches by user, and how many Events a user may write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from capstan.api.errors import ApiError
from capstan.api.verbs import User
from capstan.apiserver.authorization import MASTERS
from capstan.apiserver.fairness import Lane, Room
from capstan.apiserver.requestinfo import RequestInfo

LEASES = "leader-election"
SYSTEM = "system"
WORKLOAD = "workload"
EXEMPT = "exempt"
LEVELS = (LEASES, SYSTEM, WORKLOAD)

_SYSTEM_GROUPS = frozenset((MASTERS, "system:nodes", "system:serviceaccounts:kube-system"))
#: Which room a request was in, as clients of Kubernetes' flow control are told it.
FLOW_HEADERS: Mapping[str, Mapping[str, str]] = {
    level: {
        "X-Kubernetes-Pf-Flowschema-Uid": f"00000000-0000-4000-8000-0000000000{number}1",
        "X-Kubernetes-Pf-Prioritylevel-Uid": f"00000000-0000-4000-8000-0000000000{number}2",
    }
    for number, level in enumerate((EXEMPT, LEASES, SYSTEM, WORKLOAD), 1)
}


def _rooms() -> Mapping[str, Room]:
    return {
        "read": Room(seats=400, waiting=600),
        # A list keeps the processor to itself: two in a turn of the loop, so that small requests come between.
        "list": Room(seats=2, waiting=400, patience_seconds=10.0),
        "write": Room(seats=200, waiting=400),
    }


@dataclass(frozen=True, slots=True)
class Limits:
    """`rooms` are those of each level, by what is asked for: read, list or write."""

    rooms: Mapping[str, Room] = field(default_factory=_rooms)
    watches_per_user: int = 1_000
    events_per_second: float = 50.0
    events_at_once: int = 1_000
    known_users: int = 4_096


class Admission:
    """The limits in use by one server."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lanes = {(level, side): Lane(room) for level in LEVELS for side, room in limits.rooms.items()}
        self._watches: Counter[str] = Counter()
        self._events: dict[str, tuple[float, float]] = {}
        self.rejected: Counter[tuple[str, str]] = Counter()

    async def enter(self, info: RequestInfo, user: User) -> Lane:
        """A seat; `leave` it in the end. Raises 429."""
        info.level = level_of(info, user)
        lane = self._lanes[(info.level, side_of(info))]
        if not lane.take() and not await lane.wait(user.name):
            raise self._too_many(info.level, "queue-full")
        return lane

    def begin_watch(self, info: RequestInfo, user: User) -> None:
        """Count a watch until `end_watch`. Raises 429 when the user has too many."""
        info.level = level_of(info, user)
        if self._watches[user.name] >= self._limits.watches_per_user:
            raise self._too_many(info.level, "watches")
        self._watches[user.name] += 1

    def end_watch(self, user: User) -> None:
        self._watches[user.name] -= 1
        if self._watches[user.name] <= 0:
            del self._watches[user.name]

    def check_event(self, user: User, now: float) -> None:
        """Count one write of an Event at this time in seconds. Raises 429 when there were too many."""
        limits = self._limits
        if len(self._events) > limits.known_users:
            self._events.clear()
        left, before = self._events.get(user.name, (float(limits.events_at_once), now))
        left = min(float(limits.events_at_once), left + max(0.0, now - before) * limits.events_per_second)
        if left < 1.0:
            self._events[user.name] = (left, now)
            self.rejected[(WORKLOAD, "events")] += 1
            raise ApiError(
                429,
                "TooManyRequests",
                f"limit reached on type User for key {user.name}: too many events, please try again later",
                retry_after_seconds=1,
            )
        self._events[user.name] = (left - 1.0, now)

    def in_flight(self) -> Mapping[str, int]:
        """Requests that have a seat, as metrics name them."""
        counts = {"readOnly": 0, "mutating": 0}
        for (_, side), lane in self._lanes.items():
            counts["mutating" if side == "write" else "readOnly"] += lane.used
        return counts

    def waiting(self) -> Iterator[tuple[str, int]]:
        for level in LEVELS:
            yield level, sum(lane.waiting for (name, _), lane in self._lanes.items() if name == level)

    def watches(self) -> int:
        return self._watches.total()

    def _too_many(self, level: str, why: str) -> ApiError:
        self.rejected[(level, why)] += 1
        message = "too many requests, please try again later"
        return ApiError(429, "TooManyRequests", message, retry_after_seconds=1)


def side_of(info: RequestInfo) -> str:
    if info.verb == "list":
        return "list"
    return "read" if info.is_read else "write"


def level_of(info: RequestInfo, user: User) -> str:
    """Leases first: who cannot renew its lease stops working, and all that follows costs more than the request."""
    route = info.route
    if route is not None and route.plural == "leases" and route.group == "coordination.k8s.io":
        return LEASES
    if user.name.startswith(("system:kube-", "system:capstan:")) or not _SYSTEM_GROUPS.isdisjoint(user.groups):
        return SYSTEM
    return WORKLOAD
