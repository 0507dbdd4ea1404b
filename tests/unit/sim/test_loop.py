"""The virtual loop: time jumps, order is kept, nothing real is touched, a stuck world says so."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from capstan.sim import loop
from capstan.sim.clock import EPOCH, VirtualClock


def test_hours_pass_in_no_time() -> None:
    async def main() -> float:
        await asyncio.sleep(36_000)
        return asyncio.get_running_loop().time()

    begin = time.monotonic()
    assert loop.run(main()) == 36_000.0
    assert time.monotonic() - begin < 1.0


def test_the_clock_counts_from_its_epoch() -> None:
    async def main() -> float:
        clock = VirtualClock()
        await clock.sleep(90)
        return (clock.now() - EPOCH).total_seconds()

    assert loop.run(main()) == 90.0


def test_timers_of_one_instant_keep_their_order() -> None:
    async def main() -> list[int]:
        seen: list[int] = []
        running = asyncio.get_running_loop()
        for number in range(50):
            running.call_at(5.0, seen.append, number)
        await asyncio.sleep(6)
        return seen

    assert loop.run(main()) == list(range(50))


def test_a_cancelled_timer_does_not_hold_the_clock() -> None:
    async def main() -> float:
        running = asyncio.get_running_loop()
        running.call_later(10, print).cancel()
        await asyncio.sleep(20)
        return running.time()

    assert loop.run(main()) == 20.0


def test_stuck_names_what_waits() -> None:
    async def waits_for_ever() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(loop.Stuck, match="waits_for_ever"):
        loop.run(waits_for_ever())


def test_timeouts_are_virtual() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(300):
                await asyncio.get_running_loop().create_future()
        return asyncio.get_running_loop().time()

    assert loop.run(main()) == 300.0


def test_executors_run_in_place() -> None:
    async def main() -> tuple[int, str]:
        running = asyncio.get_running_loop()
        number = await running.run_in_executor(None, sum, [1, 2])
        with pytest.raises(ZeroDivisionError):
            await running.run_in_executor(None, divmod, 1, 0)
        return number, await asyncio.to_thread(str.upper, "done")

    assert loop.run(main()) == (3, "DONE")


def test_there_are_no_sockets() -> None:
    async def main() -> None:
        running = asyncio.get_running_loop()
        with pytest.raises(RuntimeError, match="no sockets"):
            await asyncio.open_connection("127.0.0.1", 1)
        with pytest.raises(RuntimeError, match="no name service"):
            await running.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)

    loop.run(main())
