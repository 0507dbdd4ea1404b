"""How many requests go at once, and how many a second after that."""

from __future__ import annotations

import asyncio

from capstan.runtime.throttle import Throttle
from capstan.sim.loop import run


def moments(throttle: Throttle, count: int, before: float = 0.0) -> list[float]:
    """When each of so many requests that are made at once may go."""

    async def story() -> list[float]:
        loop = asyncio.get_running_loop()
        gone: list[float] = []

        async def one() -> None:
            await throttle.enter()
            gone.append(round(loop.time(), 3))

        if before:
            for _ in range(count):
                await throttle.enter()
            await asyncio.sleep(before)
            began = loop.time()
        else:
            began = loop.time()
        await asyncio.gather(*(one() for _ in range(count)))
        return [round(at - began, 3) for at in gone]

    return run(story())


def test_the_first_go_at_once_and_the_others_one_by_one() -> None:
    assert moments(Throttle(20, 3), 6) == [0.0, 0.0, 0.0, 0.05, 0.1, 0.15]


def test_the_bucket_fills_up_again_but_never_over() -> None:
    assert moments(Throttle(10, 2), 3, before=60) == [0.0, 0.0, 0.1]
    assert moments(Throttle(10, 2), 2, before=0.1) == [0.0, 0.1]
