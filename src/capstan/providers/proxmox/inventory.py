"""The cluster-wide list of VMs, read once for all who look at the same time; and the VMIDs that are being taken.

`GET /cluster/resources` is one call for any number of VMs, and some seconds old: good enough to see that a VM that
was running still is. What it does not show is always checked at the VM itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from capstan.runtime.clock import Clock

Rows = dict[int, dict[str, Any]]
#: How old the list may be, in seconds, for a look at a VM that is settled.
SETTLED_AGE = 8.0
#: How long a VMID stays taken in this process, in seconds, for whoever picked it and has not written it down yet.
RESERVED_SECONDS = 120.0


@dataclass(slots=True)
class Inventory:
    """The VMs and containers by VMID. Concurrent readers share one call."""

    read: Callable[[], Awaitable[list[dict[str, Any]]]]
    clock: Clock
    _rows: Rows = field(default_factory=dict)
    _read_at: float | None = None
    _reading: asyncio.Task[Rows] | None = None

    async def rows(self, max_age: float = SETTLED_AGE) -> Rows:
        """The list, at most `max_age` seconds old; 0 reads again."""
        if self._read_at is not None and max_age and self.clock.monotonic() - self._read_at <= max_age:
            return self._rows
        if self._reading is None or not max_age:
            self._reading = asyncio.create_task(self._refresh(), name="list of VMs")
            self._reading.add_done_callback(_heard)
        return await asyncio.shield(self._reading)

    async def _refresh(self) -> Rows:
        try:
            rows = await self.read()
            self._rows = {int(row["vmid"]): row for row in rows if "vmid" in row}
            self._read_at = self.clock.monotonic()
            return self._rows
        finally:
            self._reading = None


def _heard(ended: asyncio.Task[Rows]) -> None:
    """Why it failed is told to those who wait; the last of them may be gone."""
    if not ended.cancelled():
        ended.exception()


@dataclass(slots=True)
class Reservations:
    """VMIDs that machines of this process picked a moment ago, so that two of them do not try for the same one.

    Only to avoid useless attempts: what decides is Proxmox VE, which refuses the second clone with the same VMID.
    """

    clock: Clock
    _taken: dict[int, tuple[str, float]] = field(default_factory=dict)
    _places: dict[str, tuple[Any, float]] = field(default_factory=dict)

    def pick(self, holder: str, candidates: Iterator[int]) -> int | None:
        """The first candidate that nobody else holds; the same one again for the same holder."""
        now = self.clock.monotonic()
        self._taken = {vmid: (who, until) for vmid, (who, until) in self._taken.items() if until > now}
        for vmid in candidates:
            who = self._taken.get(vmid, (holder, 0.0))[0]
            if who == holder:
                self._taken[vmid] = (holder, now + RESERVED_SECONDS)
                return vmid
        return None

    def place(self, holder: str, place: Any) -> None:
        """Where `holder` is about to go, until it is written down for all to see."""
        self._places[holder] = (place, self.clock.monotonic() + RESERVED_SECONDS)

    def places(self, holder: str) -> list[Any]:
        """Where the others are about to go."""
        now = self.clock.monotonic()
        self._places = {who: entry for who, entry in self._places.items() if entry[1] > now}
        return [place for who, (place, _) in self._places.items() if who != holder]
