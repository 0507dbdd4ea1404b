"""What happens to workers after the first day, in simulated time: replaced one by one, and replaced when they fail."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from tests.golden.text import assert_golden
from tests.sim.homelab import WORKERS, HomeLab, documents, small, state
from tests.sim.journeys import (
    NEW_MEMORY_MIB,
    change_workers,
    create,
    health_check,
    pull_the_plug,
    settle,
    worker_vm,
    workers_of,
)


def _told(*, title: str, story: Callable[[Teller], Awaitable[None]], workers: int = 2) -> str:
    lab = HomeLab(manifests=small(documents(), 1, workers))
    told: list[str] = [f"# {title}", ""]

    async def scenario(lab: HomeLab) -> None:
        await create(lab)
        await settle(lab)
        await story(Teller(lab, told))

    lab.run(scenario)
    return "\n".join(told) + "\n"


class Teller:
    """Writes down what of the trace concerns machines, with seconds from the beginning and names that can be told
    apart; after each change how many workers are there and ready."""

    def __init__(self, lab: HomeLab, told: list[str]) -> None:
        self.lab = lab
        self._told = told
        self._names: dict[str, str] = {}
        self._begin = lab.world.loop.time()
        self._line = len(lab.world.trace.lines)
        self._counted = ""
        self._made: set[str] = set()

    async def meet(self) -> None:
        """Name the workers that are there."""
        self._made.update(found["metadata"]["name"] for found in await self.lab.all("MachineSet"))
        for name in await workers_of(self.lab):
            self._made.add(name)
            self.say(f"{self._named(name)} is there")
        await self.look()

    def say(self, text: str) -> None:
        self._told.append(f"{self.lab.world.loop.time() - self._begin:6.0f} s  {text}")

    async def look(self) -> bool:
        """Write down what is new; for a check that is made after every effect."""
        lines = self.lab.world.trace.lines
        for line in lines[self._line :]:
            self._write(line)
        self._line = len(lines)
        await self._count()
        return False

    def _write(self, line: str) -> None:
        for pattern, text in _EVENTS:
            found = re.search(pattern, line)
            if found:
                seconds = float(line[:10]) - self._begin
                if text == _MADE and found["name"] in self._made:
                    return  # it is kept as its set or its deployment wants it
                self._made.add(found["name"])
                words = {name: self._named(value) for name, value in found.groupdict().items()}
                self._told.append(f"{seconds:6.0f} s  {text.format(**words)}")
                return

    async def _count(self) -> None:
        found = [m for m in await self.lab.all("Machine") if WORKERS in m["metadata"]["name"]]
        leaving = sum("deletionTimestamp" in m["metadata"] for m in found)
        ready = sum(state(m, "Ready") == "True" for m in found)
        counted = f"{len(found)} workers, {ready} ready" + (f", {leaving} being deleted" if leaving else "")
        if counted != self._counted:
            self._counted = counted
            self.say(f"          {counted}")

    def _named(self, name: str) -> str:
        """Worker A, worker B, in the order of their appearance; MachineSets likewise."""
        found = re.fullmatch(rf"{WORKERS}-(\w{{5}})(-\w{{5}})?", name)
        if found is None:
            return name
        kind = "worker" if found[2] else "MachineSet"
        if name not in self._names:
            letter = chr(ord("A") + sum(value.startswith(kind) for value in self._names.values()))
            self._names[name] = f"{kind} {letter}"
        return self._names[name]


_N = rf"(?P<name>{WORKERS}\S*)"
_MADE = "{name} is made"
_EVENTS: tuple[tuple[str, str], ...] = (
    (rf"api      apply (machinesets|machines) default/{_N}", _MADE),
    (rf"api      delete machines default/{_N}", "{name} is to go"),
    (rf"api      delete machinesets default/{_N}", "{name} goes"),
    (rf"node     \S+/{_N} registered", "{name} has joined the cluster"),
    (rf"node     \S+/{_N} Ready", "{name} is Ready in the cluster"),
    (rf"node     \S+/{_N} NotReady", "{name} is not heard of any more: NotReady"),
    (rf"user     VM \d+ {_N} (?P<what>.*)", "the VM of {name} {what}"),
    (rf"workload default/homelab delete nodes {_N}", "the Node of {name} is removed"),
    (rf"api      commit machinehealthchecks default/{_N}", "the health check has counted"),
)


async def _follow(teller: Teller, done: Callable[[], Awaitable[bool]]) -> None:
    async def check() -> bool:
        await teller.look()
        return await done()

    await teller.lab.until(check)


def _strategy(surge: int, unavailable: int) -> dict[str, Any]:
    parts = {"maxSurge": surge, "maxUnavailable": unavailable}
    return {"spec": {"rollout": {"strategy": {"type": "RollingUpdate", "rollingUpdate": parts}}}}


def _rolling(surge: int, unavailable: int) -> Callable[[Teller], Awaitable[None]]:
    async def story(teller: Teller) -> None:
        lab = teller.lab
        await teller.meet()
        await lab.patch("MachineDeployment", WORKERS, _strategy(surge, unavailable))
        await change_workers(lab)
        teller.say("a new template with more memory is named in the MachineDeployment")

        async def done() -> bool:
            found = [m for m in await lab.all("ProxmoxMachine") if WORKERS in m["metadata"]["name"]]
            return all(m["spec"]["memoryMiB"] == NEW_MEMORY_MIB for m in found) and await lab.is_ready(1, 2)

        await _follow(teller, done)
        teller.say("done")

    return story


async def _remediation(teller: Teller) -> None:
    lab = teller.lab
    await teller.meet()
    await lab.add(health_check())
    teller.say("a MachineHealthCheck: a worker whose Node is not Ready for 60 s is unhealthy")
    vm = worker_vm(lab)
    pull_the_plug(lab, vm)

    async def done() -> bool:
        names = [m["metadata"]["name"] for m in await lab.all("Machine")]
        return vm.name not in names and await lab.is_ready(1, 2)

    await _follow(teller, done)
    teller.say("done")


def test_workers_are_replaced_with_one_more_at_a_time() -> None:
    title = "Two workers get a new template: maxSurge 1, maxUnavailable 0"
    assert_golden("workers_rolling_surge.txt", _told(title=title, story=_rolling(1, 0)))


def test_workers_are_replaced_with_one_less_at_a_time() -> None:
    title = "Two workers get a new template: maxSurge 0, maxUnavailable 1"
    assert_golden("workers_rolling_without_surge.txt", _told(title=title, story=_rolling(0, 1)))


def test_a_worker_that_fails_is_replaced() -> None:
    title = "The VM of one of two workers loses its power, and a health check has the worker replaced"
    assert_golden("workers_remediation.txt", _told(title=title, story=_remediation))
