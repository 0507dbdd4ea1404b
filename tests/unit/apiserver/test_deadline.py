"""The deadlines of requests that run: one timer for all, and each is cancelled when its own time is up."""

from __future__ import annotations

import asyncio

from capstan.apiserver.deadline import Clockwork


async def limited(clockwork: Clockwork, seconds: float, work: float) -> str:
    running = clockwork.begin(seconds)
    try:
        await asyncio.sleep(work)
        return "done"
    except asyncio.CancelledError:
        if running.is_ours():
            return "late"
        raise
    finally:
        clockwork.end(running)


def test_each_request_has_its_own_end() -> None:
    async def scenario() -> None:
        clockwork = Clockwork()
        asked = [limited(clockwork, 30.0, 0.05), limited(clockwork, 0.01, 5.0), limited(clockwork, 0.02, 5.0)]
        assert await asyncio.gather(*asked) == ["done", "late", "late"]

    asyncio.run(scenario())


def test_a_shorter_deadline_does_not_wait_for_a_longer_one() -> None:
    async def scenario() -> None:
        clockwork = Clockwork()
        long = asyncio.ensure_future(limited(clockwork, 30.0, 30.0))
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            assert await limited(clockwork, 0.01, 30.0) == "late"
        assert not long.done()
        long.cancel()
        assert isinstance((await asyncio.gather(long, return_exceptions=True))[0], asyncio.CancelledError)

    asyncio.run(scenario())
