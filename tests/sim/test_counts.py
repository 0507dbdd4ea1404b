"""How much work a machine is: writes and reconciles for each, counted in a world where every run is the same."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass

import pytest
import yaml

from capstan.api.objects import Obj
from capstan.sim.datacenter import DatacenterSettings
from capstan.sim.talos.delays import MachineDelays
from tests.sim.homelab import WORKERS, HomeLab, document, documents, small, state, text
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


def count_clusters(clusters: int) -> Counts:
    """The creation of so many clusters at once, each of a control plane and three workers."""
    manifests = [obj for number in range(1, clusters + 1) for obj in _cluster(number)]
    found: list[Counts] = []

    async def story(lab: HomeLab) -> None:
        counting = Counting(lab)
        await lab.apply()

        async def are_ready() -> bool:
            machines, made = await lab.all("Machine"), await lab.all("Cluster")
            ready = len(machines) == 4 * clusters and all(state(m, "Ready") == "True" for m in machines)
            return ready and all(state(cluster, "Available") == "True" for cluster in made)

        await lab.until(are_ready)
        await asyncio.sleep(20)
        found.append(counting.end(4 * clusters))

    HomeLab(SETTINGS, manifests).run(story)
    return found[0]


def _cluster(number: int) -> list[Obj]:
    """The home lab under another name and in another network, in the same Proxmox VE."""
    found, name = text(small(documents(), 1, 3)), f"lab-{number}"
    found = found.replace("homelab", name).replace(f"!{name}", "!homelab").replace("192.168.0.", f"10.{number}.0.")
    return list(yaml.safe_load_all(found))


@pytest.fixture(scope="module")
def few() -> tuple[Counts, Counts]:
    return count(4)


@pytest.fixture(scope="module")
def many() -> tuple[Counts, Counts]:
    return count(12)


def test_the_creation_of_a_machine(many: tuple[Counts, Counts]) -> None:
    created, _ = many
    assert created.writes <= 25
    assert created.all <= 25, created


def test_the_replacement_of_a_worker(many: tuple[Counts, Counts]) -> None:
    _, replaced = many
    assert replaced.writes <= 55
    assert replaced.all <= 55, replaced


def test_the_others_do_not_concern_a_machine(few: tuple[Counts, Counts], many: tuple[Counts, Counts]) -> None:
    """What a machine costs its own controllers does not grow with the number of the others."""
    for before, after in zip(few, many, strict=True):
        for name in ("machine", "proxmoxmachine", "talosconfig", "ipaddressclaim", "machineset", "machinedeployment"):
            assert after.reconciles[name] <= 1.1 * before.reconciles[name] + 0.5, name


def test_the_other_clusters_do_not_concern_a_machine() -> None:
    """However many clusters are made at once, a machine costs the same."""
    alone, beside = count_clusters(1), count_clusters(6)
    assert alone.writes <= 35
    assert alone.all <= 36, alone
    assert beside.writes <= 1.05 * alone.writes, (alone, beside)
    assert beside.all <= 1.05 * alone.all, (alone, beside)
