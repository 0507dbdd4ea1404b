"""Measures the creation of clusters, all at once: start, time to Ready, writes, reconciles, memory, idling."""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

import apsw
from clusters import Watching, apply
from plane import Plane, cpu_seconds, memory_mb, running

from capstan.runtime.client.http import HttpClient

AIMS = {
    "start s": 1.0,
    "start RSS MB": 100.0,
    "writes/machine": 25.0,
    "reconciles/machine": 40.0,
}
READY_AIMS = {1: 2.0, 100: 20.0}


@dataclass
class Figures:
    """What one run measured."""

    clusters: int
    key: str
    start: float = 0.0
    working: float = 0.0
    start_rss: float = 0.0
    applied: float = 0.0
    ready: float = 0.0
    each: list[float] = field(default_factory=list)
    machines: int = 0
    posted: int = 0
    writes: int = 0
    reconciles: int = 0
    plane_cpu: float = 0.0
    lab_cpu: float = 0.0
    peak_rss: float = 0.0
    end_rss: float = 0.0
    settled: float = 0.0
    idle_writes: int = 0
    idle_reconciles: int = 0
    log: list[tuple[str, int]] = field(default_factory=list)
    by_controller: dict[str, int] = field(default_factory=dict)


async def create(count: int, key: str, options: argparse.Namespace, directory: Path) -> Figures:
    """One lab, one plane, `count` clusters."""
    figures = Figures(count, key, machines=count * (1 + options.workers))
    async with running(directory, key, profile=options.profile, profile_lab=options.profile_lab) as (plane, lab_pid):
        figures.start, figures.working = plane.start, plane.working
        await measure(plane, lab_pid, figures, options)
    figures.log = written(directory / "state.db")
    return figures


async def measure(plane: Plane, lab_pid: int, figures: Figures, options: argparse.Namespace) -> None:
    await plane.settle(0.5)
    figures.start_rss = memory_mb(plane.pid, "VmRSS")
    revision, counts = await plane.metrics()
    cpu, lab_cpu = cpu_seconds(plane.pid), cpu_seconds(lab_pid)
    client = HttpClient(plane.config)
    try:
        watching = Watching(client, figures.clusters, figures.machines)
        waiting = asyncio.create_task(watching.wait(options.longest))
        began = time.monotonic()
        gate = asyncio.Semaphore(16)

        async def one(number: int) -> int:
            async with gate:
                return await apply(client, number, options.workers)

        figures.posted = sum(await asyncio.gather(*(one(number) for number in range(1, figures.clusters + 1))))
        figures.applied = time.monotonic() - began
        await waiting
        figures.ready = time.monotonic() - began
    finally:
        await client.aclose()
    await plane.settle()
    figures.settled = time.monotonic() - began - 2.0
    figures.plane_cpu, figures.lab_cpu = cpu_seconds(plane.pid) - cpu, cpu_seconds(lab_pid) - lab_cpu
    after, after_counts = await plane.metrics()
    figures.writes = after - revision - figures.posted
    figures.reconciles = sum(after_counts.values()) - sum(counts.values())
    figures.by_controller = {name: n - counts.get(name, 0) for name, n in sorted(after_counts.items())}
    figures.end_rss = memory_mb(plane.pid, "VmRSS")
    await asyncio.sleep(options.idle)
    idle, idle_counts = await plane.metrics()
    figures.idle_writes = idle - after
    figures.idle_reconciles = sum(idle_counts.values()) - sum(after_counts.values())
    figures.peak_rss = memory_mb(plane.pid, "VmHWM")


def written(database: Path) -> list[tuple[str, int]]:
    """Retained revisions by resource."""
    connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READWRITE)
    rows = connection.execute("SELECT prefix, count(*) FROM revisions GROUP BY prefix ORDER BY 2 DESC")
    return [(str(prefix), int(str(count))) for prefix, count in rows]


def ratio(value: float, aim: float | None) -> str:
    return f"{value / aim:5.2f} of {aim:g}" if aim else ""


def report(figures: Figures, breakdown: bool) -> None:
    machines = max(1, figures.machines)
    print(f"\n{figures.clusters} cluster(s), {machines} machines, service account keys {figures.key}")
    for name, value, aim in (
        ("start s", figures.start, AIMS["start s"]),
        ("working s", figures.working, None),
        ("start RSS MB", figures.start_rss, AIMS["start RSS MB"]),
        ("applied s", figures.applied, None),
        ("Ready s", figures.ready, READY_AIMS.get(figures.clusters)),
        ("Ready s/cluster", figures.ready / figures.clusters, None),
        ("settled s", figures.settled, None),
        ("plane CPU s/cluster", figures.plane_cpu / figures.clusters, None),
        ("lab CPU s/cluster", figures.lab_cpu / figures.clusters, None),
        ("writes/machine", figures.writes / machines, AIMS["writes/machine"]),
        ("reconciles/machine", figures.reconciles / machines, AIMS["reconciles/machine"]),
        ("peak RSS MB", figures.peak_rss, None),
        ("end RSS MB", figures.end_rss, None),
        ("idle writes", figures.idle_writes, None),
        ("idle reconciles", figures.idle_reconciles, None),
    ):
        print(f"  {name:<20} {value:9.2f}  {ratio(value, aim)}".rstrip())
    if breakdown:
        print("  revisions kept, by machine:")
        for prefix, count in figures.log:
            print(f"    {prefix:<70} {count / machines:6.2f}")
        print("  reconciles, by machine:")
        for name, count in figures.by_controller.items():
            print(f"    {name:<70} {count / machines:6.2f}")
