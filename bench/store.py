"""How fast the store is by itself: durable puts, one at a time and many at once, opening, and a key rotation.

Run it with `python bench/store.py [directory]`; the directory decides which disk is measured.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from capstan.store.protocol import Put
from capstan.store.sealing import EVERYTHING, Encryption
from capstan.store.sqlite import SqliteStore

VALUE_BYTES = 2_048
WRITERS = (1, 8, 32, 128)
PUTS = 20_000
OBJECTS = 27_000
SECRETS = 10_000


def value(name: str) -> bytes:
    head = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"%s"},"data":{"x":"' % name.encode()
    return head + b"x" * (VALUE_BYTES - len(head) - 3) + b'"}}'


def fsyncs(directory: Path, count: int = 300) -> float:
    """Seconds of one write of two pages with its fsync: what a durable commit costs at least."""
    path = directory / "fsync"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.pwrite(descriptor, b"x" * 8192 * 400, 0)
        os.fsync(descriptor)
        start = time.perf_counter()
        for i in range(count):
            os.pwrite(descriptor, b"y" * 8192, 8192 * i)
            os.fsync(descriptor)
        return (time.perf_counter() - start) / count
    finally:
        os.close(descriptor)
        path.unlink()


async def puts(store: SqliteStore, writers: int, count: int) -> tuple[float, list[float], float]:
    """Each writer creates one object after the other. Gives puts a second, their latencies, and CPU seconds a put."""
    latencies: list[float] = []

    async def write(writer: int) -> None:
        for i in range(count // writers):
            name = f"w{writers}-{writer}-{i}"
            began = time.perf_counter()
            await store.commit([Put("/configmaps", "default", name, value(name), 0)])
            latencies.append(time.perf_counter() - began)

    start, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(write(i) for i in range(writers)))
    return len(latencies) / (time.perf_counter() - start), sorted(latencies), (time.process_time() - cpu) / count


async def measure(directory: Path) -> None:
    floor = fsyncs(directory)
    print(f"fsync of 8 KiB: {floor * 1e6:.0f} us; values of {VALUE_BYTES} bytes, synchronous=FULL")
    for label, encryption in (("plain", None), ("encrypted", Encryption(b"k" * 32, (EVERYTHING,)))):
        for writers in WRITERS:
            store = await SqliteStore.open(directory / f"{label}-{writers}.db", encryption=encryption)
            count = PUTS if writers > 1 else PUTS // 10
            rate, latencies, cpu = await puts(store, writers, count)
            await store.close()
            p50, p99 = latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100]
            print(
                f"{label:9} {writers:3} writers: {rate:7.0f} puts/s, {rate * floor:5.2f} per fsync time, "
                f"p50 {p50 * 1e3:.2f} ms, p99 {p99 * 1e3:.2f} ms, {cpu * 1e6:.0f} us of CPU a put"
            )
    await opening(directory)
    await rotation(directory)


async def opening(directory: Path) -> None:
    path = directory / "opening.db"
    store = await SqliteStore.open(path)
    for start in range(0, OBJECTS, 100):
        names = [f"o{i}" for i in range(start, start + 100)]
        await store.commit([Put("/configmaps", "default", name, value(name), 0) for name in names])
    await store.close()
    began = time.perf_counter()
    store = await SqliteStore.open(path)
    print(f"opening {OBJECTS} objects: {time.perf_counter() - began:.2f} s, {path.stat().st_size / 1e6:.0f} MB")
    await store.close()


async def rotation(directory: Path) -> None:
    store = await SqliteStore.open(directory / "rotation.db", encryption=Encryption(b"k" * 32))
    for start in range(0, SECRETS, 100):
        names = [f"s{i}" for i in range(start, start + 100)]
        await store.commit([Put("/secrets", "default", name, value(name), 0) for name in names])
    began = time.perf_counter()
    rotating = asyncio.ensure_future(store.rotate_key())
    waits: list[float] = []
    while not rotating.done():
        wrote = time.perf_counter()
        name = f"during-{len(waits)}"
        await store.commit([Put("/secrets", "default", name, value(name), 0)])
        waits.append(time.perf_counter() - wrote)
    done = await rotating
    print(
        f"rotating the key of {SECRETS} Secrets: {time.perf_counter() - began:.2f} s for {done.rewritten} rows, "
        f"meanwhile {len(waits)} puts one at a time, the longest {max(waits) * 1e3:.1f} ms"
    )
    await store.close()


def main() -> None:
    parent = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    directory = Path(tempfile.mkdtemp(prefix="capstan-bench-", dir=parent))
    try:
        uvloop.run(measure(directory))
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
