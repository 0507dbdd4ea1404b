"""Measures the management plane against the simulated lab: start, time to Ready, writes, reconciles, memory, idling.

Method. Everything runs as users run it, as processes of their own:

* `capstan lab up --instant`: the simulated Proxmox VE and machines on real sockets; nothing takes time there but the
  work itself. Its CPU time is printed apart, since on a small machine it competes with the plane.
* `capstan up`: SQLite store with durability FULL on the disk of --directory, TLS, all controllers. A new data
  directory for each run. Keys of service accounts are ECDSA P-256; RSA-4096, which Talos 1.11 makes, is beside it.
* This script: posts the manifests of N clusters (from `capstan.generate`; 1 control plane, --workers workers) over
  HTTPS with the admin's client certificate, all at once, and watches Clusters and Machines until every Cluster is
  Available and every Machine Ready.

`start` is from the start of the process to the first 200 of /readyz; `working` until the line "Capstan is ready",
when all controllers work. `writes` are revisions of the store without the posted ones, `reconciles` the sum of
controller_runtime_reconcile_total, both from /metrics, until the plane has settled (two seconds without a write), by
machine. `idle writes` are those of the --idle seconds after that, `idle reconciles` likewise. `RSS` is VmRSS, `peak`
VmHWM of the plane. Each figure is also printed as a ratio to its aim: below 1.00 is better than the aim.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shlex
import ssl
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import apsw

from capstan.api.objects import Obj, Resource
from capstan.generate import ControlPlane, Network, Parameters, Proxmox, Workers, cluster_manifests
from capstan.runtime.client.http import HttpClient
from capstan.runtime.client.kubeconfig import Kubeconfig, parse_kubeconfig

CLUSTERS = Resource("cluster.x-k8s.io", "v1beta2", "clusters", "Cluster")
MACHINES = Resource("cluster.x-k8s.io", "v1beta2", "machines", "Machine")
#: The installed command beside this interpreter.
CAPSTAN = str(Path(sys.executable).with_name("capstan"))
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
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


# -- processes


@asynccontextmanager
async def process(command: Sequence[str], environment: Mapping[str, str], log: Path) -> AsyncIterator[Any]:
    """A child whose standard output is read line by line; it is told to end at the end."""
    with log.open("wb") as errors:
        child = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, **environment}, stdout=asyncio.subprocess.PIPE, stderr=errors
        )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.terminate()
            try:
                await asyncio.wait_for(child.wait(), 60)
            except TimeoutError:
                child.kill()
                await child.wait()


async def until_line(child: Any, text: str, log: Path) -> list[str]:
    """The lines up to the one that holds `text`."""
    lines: list[str] = []
    while True:
        line = (await asyncio.wait_for(child.stdout.readline(), 60)).decode()
        if not line:
            raise SystemExit(f"the process ended early: {tail(log)}")
        lines.append(line)
        if text in line:
            return lines


def tail(log: Path) -> str:
    return log.read_text()[-4000:]


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def memory_mb(pid: int, name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


# -- the clusters


def manifests(number: int, workers: int) -> list[Obj]:
    """One cluster in a network of its own: 10.<number>.0.0/16."""
    network = f"10.{number}.0"
    parameters = Parameters(
        name=f"bench-{number:03d}",
        network=Network(
            vip=f"{network}.10", addresses=(f"{network}.20-{network}.250",), gateway=f"{network}.1", prefix=16
        ),
        proxmox=Proxmox(nodes=("pve1", "pve2", "pve3"), template_id=9000, storage="tank"),
        control_plane=ControlPlane(replicas=1),
        workers=(Workers(replicas=workers),),
    )
    return cluster_manifests(parameters, "v1beta2")


def resource_of(obj: Obj) -> Resource:
    group, _, version = obj["apiVersion"].rpartition("/")
    return Resource(group, version, obj["kind"].lower() + "s", obj["kind"])


async def apply(client: HttpClient, number: int, workers: int) -> int:
    made = manifests(number, workers)
    for obj in made:
        await client.create(resource_of(obj), obj)
    return len(made)


class Watching:
    """Follows Clusters and Machines, and knows when all are ready."""

    def __init__(self, client: HttpClient, clusters: int, machines: int) -> None:
        self._client = client
        self._wanted = {CLUSTERS: clusters, MACHINES: machines}
        self._ready: dict[Resource, set[str]] = {CLUSTERS: set(), MACHINES: set()}
        self.ready_at: dict[str, float] = {}
        self._done = asyncio.Event()
        self.changes = 0

    async def wait(self, seconds: float) -> None:
        tasks = [asyncio.create_task(self._follow(resource)) for resource in self._wanted]
        try:
            await asyncio.wait_for(self._done.wait(), seconds)
        except TimeoutError:
            counts = ", ".join(f"{len(found)}/{self._wanted[r]} {r.plural}" for r, found in self._ready.items())
            raise SystemExit(f"not ready within {seconds:.0f} s: {counts}") from None
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, resource: Resource) -> None:
        wanted = "Available" if resource is CLUSTERS else "Ready"
        async for event in self._client.watch(resource):
            self.changes += 1
            name = event.object["metadata"].get("name", "")
            conditions = (event.object.get("status") or {}).get("conditions") or ()
            if event.type != "BOOKMARK":
                is_ready = any(c["type"] == wanted and c["status"] == "True" for c in conditions)
                self._note(resource, name, is_ready and event.type != "DELETED")

    def _note(self, resource: Resource, name: str, is_ready: bool) -> None:
        found = self._ready[resource]
        if is_ready:
            found.add(name)
            self.ready_at[name] = time.monotonic()
        else:
            found.discard(name)
        if all(len(self._ready[r]) >= count for r, count in self._wanted.items()):
            self._done.set()


# -- the plane


@dataclass
class Plane:
    """The running plane as this script sees it."""

    pid: int
    config: Kubeconfig
    session: aiohttp.ClientSession
    context: ssl.SSLContext

    async def metrics(self) -> tuple[int, dict[str, int]]:
        """The store's revision, and reconciles by controller."""
        async with self.session.get(self.config.server + "/metrics", ssl=self.context) as answer:
            text = await answer.text()
        revision = re.search(r"^capstan_store_revision (\d+)", text, re.M)
        counts: dict[str, int] = {}
        for name, count in re.findall(
            r'^controller_runtime_reconcile_total\{controller="([^"]+)".*?\} (\S+)', text, re.M
        ):
            counts[name] = counts.get(name, 0) + int(float(count))
        return int(revision[1]) if revision else 0, counts

    async def settle(self, quiet: float = 2.0, longest: float = 60.0) -> None:
        """Wait until nothing has been written for `quiet` seconds."""
        end = time.monotonic() + longest
        revision, since = (await self.metrics())[0], time.monotonic()
        while time.monotonic() - since < quiet and time.monotonic() < end:
            await asyncio.sleep(0.2)
            now = (await self.metrics())[0]
            if now != revision:
                revision, since = now, time.monotonic()


async def readyz(port: int, began: float) -> float:
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"https://127.0.0.1:{port}/readyz", ssl=False) as answer:
                    if answer.status == 200:
                        return time.monotonic() - began
            except aiohttp.ClientError:
                await asyncio.sleep(0.005)


def free_port() -> int:
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def plane_command(directory: Path, port: int, key: str, profile: str) -> list[str]:
    python = [sys.executable, *(["-m", "cProfile", "-o", profile] if profile else [])]
    return [*python, CAPSTAN, "up", "--data-dir", str(directory), "--port", str(port),
            "--service-account-key", key]  # fmt: skip


async def run(count: int, key: str, options: argparse.Namespace, directory: Path) -> Figures:
    """One lab, one plane, `count` clusters."""
    figures = Figures(count, key, machines=count * (1 + options.workers))
    lab_command = [sys.executable, *(["-m", "cProfile", "-o", options.profile_lab] if options.profile_lab else []),
                   CAPSTAN, "lab", "up", "--instant", "--pve-port", "0", "--proxy-port", "0",
                   "--host-memory", "4096"]  # fmt: skip
    async with process(lab_command, {}, directory / "lab.log") as lab:
        lines = await until_line(lab, "export NO_PROXY", directory / "lab.log")
        exports = dict(shlex.split(line)[1].split("=", 1) for line in lines if line.startswith("export "))
        exports["PROXMOX_INSECURE"] = "true"
        port, log = free_port(), directory / "plane.log"
        began = time.monotonic()
        async with process(plane_command(directory, port, key, options.profile), exports, log) as child:
            figures.start = await readyz(port, began)
            await until_line(child, "Capstan is ready", log)
            figures.working = time.monotonic() - began
            config = parse_kubeconfig((directory / "kubeconfig").read_bytes())
            async with aiohttp.ClientSession() as session:
                plane = Plane(child.pid, config, session, config.ssl_context())
                try:
                    await measure(plane, lab.pid, figures, options)
                except SystemExit as error:
                    raise SystemExit(f"{error}\nthe plane's log ends with:\n{tail(log)}") from None
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


# -- the report


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


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clusters", type=int, nargs="*", default=[1, 10, 100], help="runs with ECDSA keys")
    parser.add_argument("--rsa", type=int, nargs="*", default=[1, 10], help="runs with RSA-4096 keys")
    parser.add_argument("--workers", type=int, default=3, help="workers of each cluster")
    parser.add_argument("--idle", type=float, default=10.0, help="seconds of idling that are looked at")
    parser.add_argument("--longest", type=float, default=300.0, help="seconds after which a run is given up")
    parser.add_argument("--directory", help="where the data directories are made; by default a temporary directory")
    parser.add_argument("--breakdown", action="store_true", help="writes by resource, reconciles by controller")
    parser.add_argument("--profile", default="", help="run the plane under cProfile and write it there")
    parser.add_argument("--profile-lab", default="", help="the same for the lab")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    found: list[Figures] = []
    with tempfile.TemporaryDirectory(prefix="capstan-bench-", dir=options.directory) as root:
        for key, counts in (("ecdsa-p256", options.clusters), ("rsa-4096", options.rsa)):
            for count in counts:
                directory = Path(root) / f"{key}-{count}"
                directory.mkdir()
                figures = asyncio.run(run(count, key, options, directory))
                report(figures, options.breakdown)
                found.append(figures)
    times = {f.clusters: f.ready / f.clusters for f in found if f.key == "ecdsa-p256"}
    if 10 in times and 100 in times:
        print(f"\ntime per cluster, 100 to 10: {times[100] / times[10]:.2f} (flat: 1.00)")


if __name__ == "__main__":
    main()
