"""The work queue: once, never twice at a time, later when delayed or failed."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from capstan.runtime.queue import LONGEST_DELAY_SECONDS, LONGEST_LAZY_SECONDS, Pace, WorkQueue
from capstan.sim.loop import VirtualLoop, run

PACE = Pace(first=1, growth=2, longest=8, peace=16, hurried=3)


def test_a_key_waits_once_however_often_it_is_added() -> None:
    async def story() -> None:
        queue: WorkQueue[str] = WorkQueue()
        for _ in range(3):
            queue.add("a")
        assert await queue.get() == "a"
        assert len(queue) == 0

    run(story())


def test_a_key_added_while_it_is_worked_on_comes_back_when_done() -> None:
    async def story() -> None:
        queue: WorkQueue[str] = WorkQueue()
        queue.add("a")
        assert await queue.get() == "a"
        queue.add("a")
        assert len(queue) == 0, "never handed out twice at a time"
        queue.done("a")
        assert await queue.get() == "a"
        queue.done("a")
        assert queue.idle

    run(story())


def test_the_earlier_of_two_timers_wins_and_an_add_cancels_both() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        queue: WorkQueue[str] = WorkQueue()
        queue.add_after("a", 5)
        queue.add_after("a", 2)
        queue.add_after("a", 9)
        assert await queue.get() == "a"
        assert loop.time() == 2
        queue.done("a")
        queue.add_after("a", 5)
        queue.add("a")
        assert await queue.get() == "a"
        assert queue.next_timer() is None

    run(story())


def test_back_off_doubles_up_to_its_cap_and_starts_anew_after_success() -> None:
    async def story() -> None:
        queue: WorkQueue[str] = WorkQueue()
        waits = [queue.add_failed("a") for _ in range(60)]
        assert waits[:4] == [0.005, 0.01, 0.02, 0.04]
        assert waits[-1] == LONGEST_DELAY_SECONDS
        queue.forget("a")
        assert queue.add_failed("a") == 0.005

    run(story())


def test_closing_releases_every_worker() -> None:
    async def story() -> None:
        queue: WorkQueue[str] = WorkQueue()
        workers = [asyncio.ensure_future(queue.get()) for _ in range(3)]
        await asyncio.sleep(0)
        queue.close()
        assert await asyncio.gather(*workers) == [None, None, None]
        queue.add("late")
        assert len(queue) == 0

    run(story())


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["add", "after", "failed"])), max_size=30))
def test_every_key_that_was_added_is_worked_on_after_its_last_add(steps: list[tuple[str, str]]) -> None:
    async def story() -> None:
        queue: WorkQueue[str] = WorkQueue()
        loop = asyncio.get_running_loop()
        last_added: dict[str, float] = {}
        worked: dict[str, float] = {}
        busy: set[str] = set()

        async def worker() -> None:
            while (key := await queue.get()) is not None:
                assert key not in busy
                busy.add(key)
                await asyncio.sleep(0.1)
                worked[key] = loop.time()
                busy.discard(key)
                queue.done(key)

        workers = [loop.create_task(worker()) for _ in range(2)]
        for key, step in steps:
            last_added[key] = loop.time()
            _add(queue, key, step)
            await asyncio.sleep(0.03)
        await asyncio.sleep(1000)
        queue.close()
        await asyncio.gather(*workers)
        assert worked.keys() == last_added.keys()
        assert all(worked[key] >= last_added[key] for key in worked)

    run(story())


def _add(queue: WorkQueue[str], key: str, step: str) -> None:
    match step:
        case "add":
            queue.add(key)
        case "after":
            queue.add_after(key, 0.05)
        case _:
            queue.add_failed(key)


def test_a_key_that_comes_again_and_again_is_handed_out_at_growing_distances() -> None:
    async def story() -> list[float]:
        loop = asyncio.get_running_loop()
        queue: WorkQueue[str] = WorkQueue(PACE)
        times = []
        for _ in range(6):
            queue.add("a")
            assert await queue.get() == "a"
            times.append(loop.time())
            queue.add("a")
            queue.done("a")
            assert not queue.idle, "a key that keeps its distance still waits"
        return times

    assert distances(run(story())) == [1, 2, 4, 8, 8]


def test_after_a_time_of_peace_a_key_is_handed_out_at_once() -> None:
    async def story() -> list[float]:
        loop = asyncio.get_running_loop()
        queue: WorkQueue[str] = WorkQueue(PACE)
        times = []
        for pause in (0, 0, 0, 17, 0):
            await asyncio.sleep(pause)
            queue.add("a")
            assert await queue.get() == "a"
            times.append(loop.time())
            queue.done("a")
        return times

    assert distances(run(story())) == [1, 2, 17, 1]


def test_a_key_that_gets_on_begins_anew_and_one_that_hurries_comes_early_once() -> None:
    async def story() -> list[float]:
        loop = asyncio.get_running_loop()
        queue: WorkQueue[str] = WorkQueue(PACE)
        times = []
        for step in ("", "", "", "progressed", "", "", "", "hurry", ""):
            queue.add("a")
            assert await queue.get() == "a"
            times.append(loop.time())
            queue.done("a")
            if step:
                getattr(queue, step)("a")
        return times

    assert distances(run(story())) == [1, 2, 4, 1, 2, 4, 8, 3]


def test_another_key_is_not_held_up_by_the_distance_of_the_first() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        queue: WorkQueue[str] = WorkQueue(PACE)
        for key in ("a", "b"):
            queue.add(key)
            assert await queue.get() == key
            queue.done(key)
        assert loop.time() == 0

    run(story())


def test_a_hurry_reaches_a_key_that_already_keeps_its_distance() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        queue: WorkQueue[str] = WorkQueue(PACE)
        for _ in range(4):
            queue.add("a")
            assert await queue.get() == "a"
            queue.done("a")
        began = loop.time()
        queue.add("a")
        queue.hurry("a")
        queue.add("a")
        assert await queue.get() == "a"
        assert loop.time() - began == 3

    run(story())


def distances(times: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(times)]


def test_what_can_wait_comes_with_the_next_time_or_in_a_while() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        queue: WorkQueue[str] = WorkQueue()
        queue.add_lazily("a", 5)
        queue.add_lazily("a", 9)
        assert not queue.idle, "there is something left to do"
        assert await queue.get() == "a"
        assert loop.time() == 5
        queue.add_lazily("a", 5)
        queue.add("a")
        queue.done("a")
        assert await queue.get() == "a"
        assert loop.time() == 5, "the next time came before"
        queue.done("a")
        queue.add("b")
        queue.add_lazily("b", 5)
        assert await queue.get() == "b"
        queue.done("b")
        assert queue.idle and queue.next_timer() is None, "what waits anyway sees everything"

    run(story())


def test_what_can_wait_does_so_longer_while_the_loop_is_late() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        queue: WorkQueue[str] = WorkQueue()
        queue.add_lazily("a", 1)
        loop.skip(1.5)
        assert await queue.get() == "a"
        assert loop.time() == 2.5, "it was late, and then it was not"
        queue.done("a")
        queue.add_lazily("a", 1)
        waiting = asyncio.ensure_future(queue.get())
        while not waiting.done():
            loop.skip(1.2)
            await asyncio.sleep(0.01)
        assert loop.time() <= 2.5 + LONGEST_LAZY_SECONDS + 1.3, "not for ever"
        queue.done("a")
        since = loop.time()
        queue.add_after("b", 1)
        loop.skip(1.5)
        assert await queue.get() == "b"
        assert loop.time() == since + 1.5, "what cannot wait comes late, and at once"

    run(story())


def test_what_is_gone_is_not_worked_on() -> None:
    async def story() -> None:
        queue: WorkQueue[str] = WorkQueue(PACE)
        for key in ("waiting", "kept"):
            queue.add(key)
        queue.add_after("delayed", 5)
        queue.add_failed("failed")
        for key in ("waiting", "delayed", "failed", "unknown"):
            queue.discard(key)
        assert len(queue) == 1 and queue.next_timer() is None
        assert await queue.get() == "kept"
        queue.add("kept")
        queue.discard("kept")
        queue.done("kept")
        assert queue.idle
        queue.add("kept")
        assert await queue.get() == "kept", "unless it comes to exist again"

    run(story())
