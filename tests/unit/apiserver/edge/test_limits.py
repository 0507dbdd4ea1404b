"""Rooms, fair queues, counts by user: who waits, who is refused, who is not held up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from capstan.api.errors import ApiError
from capstan.api.verbs import User
from capstan.apiserver.exchange import Request
from capstan.apiserver.fairness import Lane, Room
from capstan.apiserver.limits import Admission, Limits, level_of
from capstan.apiserver.requestinfo import request_info
from capstan.store.memory import MemoryStore

from .place import MAPS, Edge, running

LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
EVENTS = "/api/v1/namespaces/default/events"


def run(body: Callable[[Edge], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        async with running(**options) as edge:
            await body(edge)

    asyncio.run(main())


def turns(count: int = 5) -> Awaitable[None]:
    async def pass_by() -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    return pass_by()


def test_who_waits_is_taken_by_user_in_turn() -> None:
    async def main() -> None:
        lane = Lane(Room(seats=1, waiting=100))
        assert lane.take() and not lane.take()
        order: list[str] = []

        async def work(flow: str) -> None:
            assert await lane.wait(flow)
            order.append(flow)
            lane.leave()

        tasks = [asyncio.create_task(work(flow)) for flow in ("a", "a", "a", "b", "b", "c")]
        await turns()
        assert lane.waiting == 6
        lane.leave()
        await asyncio.gather(*tasks)
        assert order == ["a", "b", "c", "a", "b", "a"]
        assert (lane.used, lane.waiting) == (0, 0)

    asyncio.run(main())


def test_a_full_queue_takes_from_who_has_most() -> None:
    async def main() -> None:
        lane = Lane(Room(seats=1, waiting=3))
        assert lane.take()
        greedy = [asyncio.create_task(lane.wait("greedy")) for _ in range(3)]
        await turns()
        assert not await lane.wait("greedy")
        modest = asyncio.create_task(lane.wait("modest"))
        await turns()
        assert [task.done() for task in greedy] == [False, False, True] and not greedy[2].result()
        lane.leave()
        assert await greedy[0]
        lane.leave()
        assert await modest

    asyncio.run(main())


def test_nobody_waits_longer_than_is_bearable() -> None:
    async def main() -> None:
        lane = Lane(Room(seats=1, waiting=3, patience_seconds=0.01))
        assert lane.take()
        assert not await lane.wait("a")
        assert lane.waiting == 0
        lane.leave()
        assert lane.used == 0

    asyncio.run(main())


def test_a_request_that_is_given_up_keeps_no_seat() -> None:
    async def main() -> None:
        lane = Lane(Room(seats=1, waiting=3))
        assert lane.take()
        waiting = [asyncio.create_task(lane.wait("a")) for _ in range(2)]
        await turns()
        waiting[0].cancel()
        await turns()
        assert lane.waiting == 1
        lane.leave()
        # The seat is handed over in the turn in which its taker is given up.
        waiting[1].cancel()
        await turns()
        assert (lane.used, lane.waiting) == (0, 0)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("path", "user", "level"),
    [
        (LEASES + "/x", User("anybody"), "leader-election"),
        (MAPS, User("anybody"), "workload"),
        (MAPS, User("admin", ("system:masters",)), "system"),
        (MAPS, User("system:kube-controller-manager"), "system"),
        (MAPS, User("system:serviceaccount:kube-system:x", ("system:serviceaccounts:kube-system",)), "system"),
        (MAPS, User("system:serviceaccount:default:x", ("system:serviceaccounts:default",)), "workload"),
    ],
)
def test_rooms(path: str, user: User, level: str) -> None:
    assert level_of(request_info(Request("GET", path)), user) == level


def test_events_of_one_user_are_slowed_down() -> None:
    admission = Admission(Limits(events_per_second=10.0, events_at_once=5))
    noisy, quiet = User("noisy"), User("quiet")
    for _ in range(5):
        admission.check_event(noisy, 0.0)
    with pytest.raises(ApiError) as refused:
        admission.check_event(noisy, 0.0)
    assert (refused.value.code, refused.value.retry_after_seconds) == (429, 1)
    admission.check_event(quiet, 0.0)
    admission.check_event(noisy, 0.1)
    with pytest.raises(ApiError):
        admission.check_event(noisy, 0.1)
    # A clock that is set back gives nothing and takes nothing.
    with pytest.raises(ApiError):
        admission.check_event(noisy, -86_400.0)


def test_events_on_the_wire() -> None:
    async def body(edge: Edge) -> None:
        answers = []
        for number in range(4):
            event = {"metadata": {"name": f"e{number}"}, "involvedObject": {"namespace": "default"}, "reason": "x"}
            answers.append((await edge.call("POST", EVENTS, event, {"x-user": "noisy"})).status)
        assert answers == [201, 201, 429, 429]
        assert (await edge.call("GET", EVENTS, headers={"x-user": "noisy"})).status == 200
        text = (await edge.call("GET", "/metrics")).body.decode()
        assert 'rejected_requests_total{priority_level="workload",reason="events"} 2' in text

    run(body, limits=Limits(events_per_second=0.0, events_at_once=2), by_header=True)


class Stuck:
    """Holds writes up until it is told to let them go."""

    def __init__(self, store: MemoryStore) -> None:
        self.go = asyncio.Event()
        self.waiting = 0
        self._commit = store.commit
        store.commit = self.commit  # type: ignore[method-assign]

    async def commit(self, batch: Any) -> Any:
        if "leases" not in batch[0].prefix:
            self.waiting += 1
            await self.go.wait()
        return await self._commit(batch)


def test_twice_as_much_as_there_is_room_for() -> None:
    """Writers that do not come through: so many run, so many wait, the rest is told to come back; leases and reads
    go on."""
    rooms = {"read": Room(10), "list": Room(2, 10), "write": Room(seats=4, waiting=4)}

    async def body(edge: Edge) -> None:
        await edge.call("POST", LEASES, {"metadata": {"name": "mine"}, "spec": {"leaseDurationSeconds": 15}})
        stuck = Stuck(edge.store)
        writes = [
            asyncio.create_task(edge.call("POST", MAPS, {"metadata": {"name": f"m{i}"}}, {"x-user": f"u{i % 3}"}))
            for i in range(16)
        ]
        while sum(task.done() for task in writes) < 8 or stuck.waiting < 4:
            await edge.call("GET", "/livez")
        text = (await edge.call("GET", "/metrics")).body.decode()
        assert 'apiserver_current_inflight_requests{request_kind="mutating"} 4' in text
        assert 'apiserver_current_inqueue_requests{priority_level="system"} 4' in text
        assert (await edge.call("GET", MAPS)).status == 200
        renewed = {"metadata": {"name": "mine"}, "spec": {"leaseDurationSeconds": 16}}
        assert (await edge.call("PUT", f"{LEASES}/mine", renewed)).status == 200
        stuck.go.set()
        answers = await asyncio.gather(*writes)
        assert sorted(answer.status for answer in answers) == [201] * 8 + [429] * 8
        for answer in answers:
            if answer.status == 429:
                assert answer.headers["retry-after"] == "1" and answer.json["reason"] == "TooManyRequests"
                assert answer.json["details"]["retryAfterSeconds"] == 1

    run(body, limits=Limits(rooms=rooms), by_header=True)


def test_lists_take_turns_with_small_requests() -> None:
    async def body(edge: Edge) -> None:
        await edge.make("a")
        lists = [asyncio.create_task(edge.call("GET", MAPS)) for _ in range(40)]
        small = asyncio.create_task(edge.call("GET", f"{MAPS}/a"))
        await small
        assert sum(task.done() for task in lists) < 40
        assert {answer.status for answer in await asyncio.gather(*lists)} == {200}

    run(body)
