"""The power goes off at any operation of any commit, checkpoint, compaction or start, again and again: what was
acknowledged is there, nothing else is, and the file is sound."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from capstan.store.protocol import MismatchError, Put, Remove, StoreError
from capstan.store.sealing import Encryption
from capstan.store.sqlite import SqliteStore

from .disk import Disk

SEED = 20260115
CUTS = 500
LONG_CUTS = 10_000
PREFIX = "/secrets"
KEYS = 12

#: A key's state: its value (None: not there) and the revision that made it so.
State = tuple[int | None, int]


@dataclass
class Ledger:
    """What was acknowledged, and what was asked for when the power went."""

    states: dict[str, State] = field(default_factory=dict)
    asked: dict[str, list[int | None]] = field(default_factory=dict)
    batches: list[tuple[str, str]] = field(default_factory=list)
    newest: int = 0
    commits: int = 0


class Machine:
    """One machine with its disk and what its users remember."""

    def __init__(self, seed: int, directory: Path) -> None:
        self.random = Random(seed)
        self.disk = Disk(f"disk-{seed}-{directory.name}")
        self.path = directory / "store.db"
        self.ledger = Ledger()
        self.counter = 0
        encryption = Encryption(b"k" * 32, token=self.random.randbytes) if seed % 2 else None
        self.options: dict[str, Any] = {"retain": 20, "checkpoint_pages": 12, "encryption": encryption}

    async def life(self) -> None:
        """From one start to the next cut."""
        random = self.random
        self.disk.cut_after(random.choice((random.randrange(30), random.randrange(300), random.randrange(300))))
        store: SqliteStore | None = None
        with contextlib.suppress(StoreError):
            store = await SqliteStore.open(self.path, vfs=self.disk.name, **self.options)
        if store is not None:
            await self._check(store)
            await asyncio.gather(*(self._write(store, lane) for lane in range(4)))
            assert store.failure is not None
            with contextlib.suppress(StoreError):
                await store.close()
        assert self.disk.off, "only the power ends a life"
        self.disk.power_on(random)

    async def _write(self, store: SqliteStore, lane: int) -> None:
        """Writers have keys of their own: each has one write at most that is not answered."""
        ledger, random = self.ledger, self.random
        mine = [f"{lane}-{i}" for i in range(KEYS // 4)]
        while True:
            names = random.sample(mine, random.choice((1, 1, 2)))
            batch: list[Put | Remove] = []
            for name in names:
                value, revision = ledger.states.get(name, (None, 0))
                self.counter += 1
                if value is not None and random.random() < 0.2:
                    batch.append(Remove(PREFIX, "ns", name, revision))
                    ledger.asked[name] = [None]
                else:
                    expected = revision if value is not None else 0
                    batch.append(Put(PREFIX, "ns", name, _value(name, self.counter, random), expected))
                    ledger.asked[name] = [self.counter]
            if len(names) == 2:
                ledger.batches.append((names[0], names[1]))
            try:
                entries = await store.commit(batch)
            except MismatchError:
                raise AssertionError("nobody else writes these keys") from None
            except StoreError:
                return
            if len(names) == 2:
                ledger.batches.remove((names[0], names[1]))
            for name, entry in zip(names, entries, strict=True):
                (value,) = ledger.asked.pop(name)
                ledger.states[name] = (value, entry.revision)
                ledger.newest = max(ledger.newest, entry.revision)
            ledger.commits += 1

    async def _check(self, store: SqliteStore) -> None:
        """After a start: acknowledged is there, unanswered is there or not (a batch as a whole), nothing else is."""
        ledger = self.ledger
        found = {e.name: (int(e.object["n"]), e.revision) for e in (await store.list(PREFIX)).entries}
        took: dict[str, bool] = {}
        for name in {*ledger.states, *ledger.asked, *found}:
            acknowledged = ledger.states.get(name, (None, 0))
            now = found.get(name)
            is_old = (now is None and acknowledged[0] is None) or now == acknowledged
            if not is_old:
                assert name in ledger.asked, f"{name} is {now}, acknowledged was {acknowledged}, nobody asked for more"
                assert (None if now is None else now[0]) == ledger.asked[name][0]
                assert now is None or now[1] > acknowledged[1]
            took[name] = not is_old
            ledger.states[name] = now if now is not None else (None, acknowledged[1])
        for one, other in ledger.batches:
            assert took[one] == took[other], "half a batch"
        assert store.revision >= ledger.newest
        assert store.unreadable == ()
        await self._check_history(store)
        with contextlib.suppress(StoreError):
            await store.check()
            assert self.disk.off or store.failure is None
        ledger.asked.clear()
        ledger.batches.clear()
        ledger.newest = store.revision

    async def _check_history(self, store: SqliteStore) -> None:
        """Replayed from the oldest revision, the changes give the present."""
        if self.disk.off:
            return
        base = await store.list(PREFIX, revision=store.compacted or store.revision)
        state = {entry.name: entry.revision for entry in base.entries}
        last = store.compacted
        if store.compacted:
            for change in await (await store.watch(PREFIX, store.compacted)).next(0):
                assert change.revision > last
                last = change.revision
                assert (change.previous.revision if change.previous else 0) == state.get(change.entry.name, 0)
                if change.deleted:
                    del state[change.entry.name]
                else:
                    state[change.entry.name] = change.revision
        assert state == {entry.name: entry.revision for entry in (await store.list(PREFIX)).entries}


def _value(name: str, number: int, random: Random) -> bytes:
    padding = "x" * random.choice((10, 300, 300, 5000))
    return f'{{"metadata":{{"name":"{name}"}},"n":{number},"pad":"{padding}"}}'.encode()


def _run(seed: int, cuts: int, directory: Path) -> Machine:
    machine = Machine(seed, directory)

    async def main() -> None:
        for _ in range(cuts):
            await machine.life()

    asyncio.run(main())
    return machine


@pytest.mark.parametrize("part", range(2))
def test_no_power_cut_loses_or_invents_a_write(tmp_path: Path, part: int) -> None:
    machine = _run(SEED + part, CUTS // 2, tmp_path)
    # The cuts fell into work, not into empty lives.
    assert machine.ledger.commits > CUTS


@pytest.mark.full
@pytest.mark.parametrize("part", range(10))
def test_ten_thousand_power_cuts(tmp_path: Path, part: int) -> None:
    assert _run(SEED + 100 + part, LONG_CUTS // 10, tmp_path).ledger.commits > LONG_CUTS // 10
