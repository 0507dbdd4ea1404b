"""How much work a machine is: writes and reconciles for each, counted in a world where every run is the same."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass

import pytest

from capstan.sim.datacenter import DatacenterSettings
from capstan.sim.talos.delays import MachineDelays
from tests.sim.homelab import WORKERS, HomeLab, document, documents, small
from tests.sim.journeys import change_workers, workers_of

#: Nothing takes time but a moment at each step, so that what could be told together is not by chance.
SETTINGS = DatacenterSettings(seed=7, machine_delays=MachineDelays.scaled(0.05), host_memory_gib=1024, host_cpus=512)


@dataclass(frozen=True)
class Counts:
    """For each machine: writes, and reconciles by controller."""

    writes: float
    reconciles: dict[str, float]

    @property
    def all(self) -> float:
        return sum(self.reconciles.values())


class Counting:
    def __init__(self, lab: HomeLab) -> None:
        self._lab = lab
        self._revision, self._before = lab.world.store.revision, Counter(lab.reconciles())

    def end(self, machines: int) -> Counts:
        done = Counter(self._lab.reconciles()) - self._before
        writes = self._lab.world.store.revision - self._revision
        return Counts(writes / machines, {name: count / machines for name, count in sorted(done.items())})


def count(workers: int) -> tuple[Counts, Counts]:
    """The creation of a cluster with so many workers, and their rolling replacement, two at a time."""
    found: list[Counts] = []

    async def story(lab: HomeLab) -> None:
        counting = Counting(lab)
        await lab.apply()
        await lab.ready(1, workers)
        await asyncio.sleep(20)
        found.append(counting.end(workers + 1))
        counting = Counting(lab)
        old = set(await workers_of(lab))
        await change_workers(lab)

        async def is_replaced() -> bool:
            return not old & set(await workers_of(lab)) and await lab.is_ready(1, workers)

        await lab.until(is_replaced)
        await asyncio.sleep(20)
        found.append(counting.end(workers))

    manifests = small(documents(), 1, workers)
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2, "maxUnavailable": 0}}
    document(manifests, "MachineDeployment", WORKERS)["spec"]["rollout"] = {"strategy": strategy}
    document(manifests, "ProxmoxCluster")["spec"]["ipv4Config"]["addresses"] = ["192.168.0.31-192.168.0.90"]
    HomeLab(SETTINGS, manifests).run(story)
    created, replaced = found
    return created, replaced


@pytest.fixture(scope="module")
def few() -> tuple[Counts, Counts]:
    return count(4)


@pytest.fixture(scope="module")
def many() -> tuple[Counts, Counts]:
    return count(12)


def test_the_creation_of_a_machine(many: tuple[Counts, Counts]) -> None:
    created, _ = many
    assert created.writes <= 30
    assert created.all <= 32, created


def test_the_replacement_of_a_worker(many: tuple[Counts, Counts]) -> None:
    _, replaced = many
    assert replaced.writes <= 68
    assert replaced.all <= 65, replaced


def test_the_others_do_not_concern_a_machine(few: tuple[Counts, Counts], many: tuple[Counts, Counts]) -> None:
    """What a machine costs its own controllers does not grow with the number of the others."""
    for before, after in zip(few, many, strict=True):
        for name in ("machine", "proxmoxmachine", "talosconfig", "ipaddressclaim", "machineset", "machinedeployment"):
            assert after.reconciles[name] <= 1.1 * before.reconciles[name], name
