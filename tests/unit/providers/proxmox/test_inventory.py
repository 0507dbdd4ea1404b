"""The list of VMs that readers share."""

from __future__ import annotations

import asyncio
import gc
from datetime import UTC, datetime
from typing import Any

from capstan.api.errors import TransientError
from capstan.providers.proxmox.inventory import Inventory
from capstan.sim.clock import VirtualClock
from capstan.sim.loop import run


def test_a_failure_that_nobody_waits_for_any_more_is_no_trace_in_the_log() -> None:
    """The readers are stopped while Proxmox VE does not answer."""
    loose: list[dict[str, Any]] = []

    async def story() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: loose.append(context))

        async def silent() -> list[dict[str, Any]]:
            await asyncio.sleep(30)
            raise TransientError("Proxmox VE cannot be reached")

        inventory = Inventory(silent, VirtualClock(loop, datetime(2026, 1, 1, tzinfo=UTC)))
        reader = asyncio.create_task(inventory.rows())
        await asyncio.sleep(1)
        reader.cancel()
        await asyncio.sleep(60)
        gc.collect()

    run(story())
    assert loose == []
