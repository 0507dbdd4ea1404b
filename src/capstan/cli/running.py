"""Running a command's coroutine: the event loop, and the signals that end it."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import Coroutine
from typing import Any


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop. What asyncio itself would print of broken connections is not for users."""
    import uvloop

    logging.getLogger("asyncio").setLevel(logging.ERROR)
    # What is imported stays: the collector need not look at it again, nor at young objects every 700 allocations.
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    uvloop.run(main)
