"""Measures a rolling replacement of workers against the simulated lab, alone and beside other clusters.

Method. The processes are those of `plane.py`. One cluster of 1 control plane and --rollout workers is made, and
--beside other clusters (1 control plane, 3 workers) beside it; when everything is Ready and nothing has been written
for two seconds, the workers' MachineDeployment (maxSurge --surge, maxUnavailable 0) gets a ProxmoxMachineTemplate of
another name and more memory. The replacement has ended when every Machine of it is of the new template and available
and no other is left (as `capstan rollout status` says), and nothing has been written for two seconds.

`writes` are revisions of the store, `reconciles` the sum of controller_runtime_reconcile_total, both for each machine
that was replaced: making the new one and removing the old one. The figures of the creation of the same cluster, alone,
stand beside them. The last lines are ratios: a replacement to a creation, and beside others to alone (flat: 1.00).
Counts do not depend on what else the machine is doing; seconds and CPU do.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from clusters import Watching, apply, manifests, resource_of
from plane import Plane, cpu_seconds, running

from capstan.api.objects import Obj, Resource
from capstan.insight.rollout import progress
from capstan.runtime.client.http import HttpClient

DEPLOYMENTS = Resource("cluster.x-k8s.io", "v1beta2", "machinedeployments", "MachineDeployment")
NUMBER, OTHER_WORKERS = 1, 3


@dataclass
class Counted:
    """What one part of a run took: seconds, CPU of the plane, and counts for each machine."""

    machines: int
    seconds: float = 0.0
    cpu: float = 0.0
    writes: float = 0.0
    reconciles: float = 0.0
    by_controller: dict[str, float] | None = None


class Counting:
    """Counts from here to `end`."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    async def begin(self) -> Counting:
        self._revision, self._reconciles = await self._plane.metrics()
        self._cpu, self._began = cpu_seconds(self._plane.pid), time.monotonic()
        return self

    async def end(self, machines: int, posted: int = 0) -> Counted:
        seconds = time.monotonic() - self._began
        await self._plane.settle()
        revision, reconciles = await self._plane.metrics()
        by_controller = {name: (n - self._reconciles.get(name, 0)) / machines for name, n in sorted(reconciles.items())}
        return Counted(
            machines,
            seconds,
            cpu_seconds(self._plane.pid) - self._cpu,
            (revision - self._revision - posted) / machines,
            sum(by_controller.values()),
            by_controller,
        )


async def create(client: HttpClient, plane: Plane, workers: int, longest: float) -> Counted:
    counting = await Counting(plane).begin()
    waiting = asyncio.create_task(Watching(client, 1, workers + 1).wait(longest))
    posted = await apply(client, NUMBER, workers)
    await waiting
    return await counting.end(workers + 1, posted)


async def make_others(client: HttpClient, plane: Plane, workers: int, beside: int, longest: float) -> None:
    if not beside:
        return
    wanted = workers + 1 + beside * (OTHER_WORKERS + 1)
    waiting = asyncio.create_task(Watching(client, 1 + beside, wanted).wait(longest))
    await asyncio.gather(*(apply(client, NUMBER + 1 + other, OTHER_WORKERS) for other in range(beside)))
    await waiting
    await plane.settle()


def templates(workers: int) -> tuple[Obj, Obj]:
    """The MachineDeployment of the cluster, and a new template for its machines."""
    made = manifests(NUMBER, workers)
    deployment = next(obj for obj in made if obj["kind"] == "MachineDeployment")
    name = deployment["spec"]["template"]["spec"]["infrastructureRef"]["name"]
    template = next(obj for obj in made if (obj["kind"], obj["metadata"]["name"]) == ("ProxmoxMachineTemplate", name))
    template["metadata"]["name"] = f"{name}-next"
    template["spec"]["template"]["spec"]["memoryMiB"] += 1024
    return deployment, template


async def replace(client: HttpClient, plane: Plane, options: argparse.Namespace) -> Counted:
    deployment, template = templates(options.rollout)
    namespace, name = deployment["metadata"].get("namespace", "default"), deployment["metadata"]["name"]
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": options.surge, "maxUnavailable": 0}}
    await client.patch(DEPLOYMENTS, namespace, name, {"spec": {"rollout": {"strategy": rolling}}})
    await client.create(resource_of(template), template)
    await plane.settle()
    counting = await Counting(plane).begin()
    patch = {"spec": {"template": {"spec": {"infrastructureRef": {"name": template["metadata"]["name"]}}}}}
    patched = await client.patch(DEPLOYMENTS, namespace, name, patch)
    try:
        await asyncio.wait_for(rolled(client, name, patched["metadata"]["generation"]), options.longest)
    except TimeoutError:
        found = progress(await client.get(DEPLOYMENTS, namespace, name))
        raise SystemExit(f"not replaced within {options.longest:.0f} s: {found.text}") from None
    return await counting.end(options.rollout, 1)


async def rolled(client: HttpClient, name: str, generation: int) -> None:
    """Wait until all Machines are of the new template and available, and no others are left."""
    async for event in client.watch(DEPLOYMENTS, field_selector=f"metadata.name={name}"):
        obj = event.object
        if event.type != "BOOKMARK" and obj["metadata"]["generation"] >= generation and progress(obj).done:
            return


async def run(beside: int, options: argparse.Namespace, directory: Path) -> tuple[Counted, Counted]:
    """Creation and replacement, with so many other clusters there during the replacement."""
    async with running(directory, "ecdsa-p256") as (plane, _lab_pid):
        client = HttpClient(plane.config)
        try:
            await plane.settle(0.5)
            created = await create(client, plane, options.rollout, options.longest)
            await make_others(client, plane, options.rollout, beside, options.longest)
            return created, await replace(client, plane, options)
        finally:
            await client.aclose()


def report(title: str, counted: Counted, breakdown: bool) -> None:
    print(f"\n{title}, {counted.machines} machines")
    print(f"  seconds              {counted.seconds:9.2f}")
    print(f"  plane CPU s/machine  {counted.cpu / counted.machines:9.3f}")
    print(f"  writes/machine       {counted.writes:9.2f}")
    print(f"  reconciles/machine   {counted.reconciles:9.2f}")
    for name, count in (counted.by_controller or {}).items():
        if breakdown:
            print(f"    {name:<30} {count:7.2f}")


def measure(options: argparse.Namespace, root: Path) -> None:
    """All runs, each beside another number of clusters, and what they are to each other."""
    found: dict[int, Counted] = {}
    for beside in options.beside:
        directory = root / f"beside-{beside}"
        directory.mkdir()
        created, found[beside] = asyncio.run(run(beside, options, directory))
        report("creation, alone", created, options.breakdown)
        report(f"rolling replacement beside {beside} clusters", found[beside], options.breakdown)
        print(f"  replacement to creation: writes {found[beside].writes / created.writes:.2f}, ", end="")
        print(f"reconciles {found[beside].reconciles / created.reconciles:.2f}")
    if len(found) > 1:
        first, last = found[options.beside[0]], found[options.beside[-1]]
        print(f"\nbeside {options.beside[-1]} clusters to beside {options.beside[0]} (flat: 1.00): ", end="")
        print(f"writes {last.writes / first.writes:.2f}, reconciles {last.reconciles / first.reconciles:.2f}, ", end="")
        print(f"CPU {last.cpu / first.cpu:.2f}")
