"""Real processes killed with SIGKILL in the middle of their writes: what they acknowledged over a pipe is there.

The writers use the store itself, not HTTP: a process per kill that had to start a whole plane would make fewer kills.
`tests/e2e/test_kill.py` kills whole planes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from types import TracebackType

import pytest

KILLS = 200
LONG_KILLS = 10_000
LANES = 8
SEED = 20260116

#: Forks a new writer for each line that it reads; the writer says what it found, opens and acknowledges.
_NURSERY = """
import asyncio, os, sys, time
import apsw, cryptography.hazmat.primitives.ciphers.aead
from capstan.store.protocol import Put
from capstan.store.sealing import Encryption
from capstan.store.sqlite import SqliteStore

path, fill, lanes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

def say(text):
    os.write(1, text.encode() + b"\\n")

def filler_value(name):
    return b'{"metadata":{"name":"%s"},"v":"%s"}' % (name.encode(), b"y" * 2000)

async def write(store, lane):
    name = f"lane-{lane}"
    entry = await store.get("/secrets", "a", name)
    count, at = (entry.object["n"], entry.revision) if entry else (0, 0)
    while True:
        count += 1
        pad = b"x" * (count * 37 % 900)
        value = b'{"metadata":{"name":"%s"},"n":%d,"pad":"%s"}' % (name.encode(), count, pad)
        (entry,) = await store.commit([Put("/secrets", "a", name, value, at)])
        at = entry.revision
        say(f"ack {lane} {count} {at}")

async def main():
    began = time.monotonic()
    store = await SqliteStore.open(path, retain=500, encryption=Encryption(b"k" * 32))
    say(f"open {time.monotonic() - began:.3f} {store.revision}")
    for lane in range(lanes):
        entry = await store.get("/secrets", "a", f"lane-{lane}")
        if entry is not None:
            say(f"found {lane} {entry.object['n']} {entry.revision}")
    last = store.compacted
    for change in await (await store.watch("", last)).next(0):
        assert change.revision > last
        last = change.revision
    assert last == store.revision
    filler = await store.list("/configmaps")
    for start in range(len(filler.entries), fill, 100):
        names = [f"f{i}" for i in range(start, start + 100)]
        await store.commit([Put("/configmaps", "a", n, filler_value(n), 0) for n in names])
    say("begin")
    await asyncio.gather(*(write(store, lane) for lane in range(lanes)))

while sys.stdin.readline():
    child = os.fork()
    if not child:
        try:
            asyncio.run(main())
        except BaseException as error:
            say(f"error {error!r}")
        os._exit(1)
    say(f"pid {child}")
    _, status = os.waitpid(child, 0)
    say(f"end {os.WTERMSIG(status)}")
"""


class Nursery:
    """Writers, one after the other, and what they have acknowledged."""

    def __init__(self, path: Path, seed: int, fill: int = 0) -> None:
        command = [sys.executable, "-c", _NURSERY, str(path), str(fill), str(LANES)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._random = Random(seed)
        self.acknowledged: dict[int, tuple[int, int]] = {}
        self.newest = 0
        self.slowest_open = 0.0

    def __enter__(self) -> Nursery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        with self._process:
            pass

    def kill_one(self) -> None:
        """A writer's whole life."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        lines = self._process.stdout
        child = 0
        left = self._random.randrange(1, 60)
        begun = False
        # It is killed in the middle, also while it opens; what it said before it died counts.
        dies_opening = bool(self.acknowledged) and self._random.random() < 0.1
        for line in lines:
            word, *rest = line.split()
            if word == "pid":
                child = int(rest[0])
                if dies_opening:
                    os.kill(child, signal.SIGKILL)
            elif word == "end":
                assert int(rest[0]) == signal.SIGKILL
                return
            elif word == "begin":
                begun = True
            else:
                self._heard(word, rest)
            left -= word == "ack"
            if begun and child and left <= 0:
                os.kill(child, signal.SIGKILL)
                left = 1_000_000

    def _heard(self, word: str, rest: list[str]) -> None:
        if word == "open":
            self.slowest_open = max(self.slowest_open, float(rest[0]))
            assert int(rest[1]) >= self.newest
        elif word == "found":
            lane, count, revision = map(int, rest)
            known = self.acknowledged.get(lane, (0, 0))
            # The write that was under way may be there; any other that is not acknowledged may not.
            assert (count, revision) == known or (count == known[0] + 1 and revision > known[1])
            self.acknowledged[lane] = (count, revision)
        elif word == "ack":
            lane, count, revision = map(int, rest)
            assert revision > self.acknowledged.get(lane, (0, 0))[1]
            self.acknowledged[lane] = (count, revision)
            self.newest = max(self.newest, revision)
        else:
            raise AssertionError(f"{word} {rest}")


def _kill(path: Path, seed: int, kills: int) -> Nursery:
    with Nursery(path, seed) as nursery:
        for _ in range(kills):
            nursery.kill_one()
    assert len(nursery.acknowledged) == LANES and nursery.newest > kills
    return nursery


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    _kill(tmp_path / "store.db", SEED, KILLS)


def test_ten_thousand_objects_are_there_at_once_after_a_kill(tmp_path: Path) -> None:
    with Nursery(tmp_path / "store.db", SEED + 1, fill=10_000) as nursery:
        for _ in range(4):
            nursery.kill_one()
    assert nursery.slowest_open < 5


@pytest.mark.full
@pytest.mark.parametrize("part", range(4))
def test_ten_thousand_kills(tmp_path: Path, part: int) -> None:
    _kill(tmp_path / "store.db", SEED + 10 + part, LONG_KILLS // 4)
