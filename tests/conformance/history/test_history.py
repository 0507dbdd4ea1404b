"""No violation in recorded histories: linearizability and the nine watch rules, under load, crashes and compaction."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from capstan.apiserver import watch as watch_module
from tests.conformance.etcd import Cluster, needs_etcd
from tests.conformance.history.linearizability import check_history
from tests.conformance.history.plants import EtcdPlant, SqlitePlant
from tests.conformance.history.record import History
from tests.conformance.history.traffic import Mix, Traffic
from tests.conformance.history.watchrules import check_watches


def run(tmp_path: Path, mix: Mix, *, http: bool = False) -> History:
    async def main() -> History:
        async with SqlitePlant(tmp_path / "store.db", mix.seed, http=http) as plant:
            traffic = Traffic(plant, mix)
            await traffic.run()
        traffic.history.log = plant.tail.log
        assert plant.crashes == mix.faults
        return traffic.history

    return asyncio.run(main())


def check(history: History, mix: Mix) -> None:
    """No violation, and the run was one that could have had some."""
    assert [str(violation) for violation in (*check_history(history), *check_watches(history))] == []
    outcomes: Counter[tuple[str, str]] = Counter((op.kind, op.outcome) for op in history.operations)
    wanted = [("update", "ok"), ("create", "ok"), ("delete", "ok"), ("get", "ok"), ("update", "conflict")]
    assert all(outcomes[one] > mix.operations / 2000 for one in wanted), outcomes
    assert outcomes["update", "unknown"] and len(history.log) > mix.operations / 10
    events = Counter(event.type for watch in history.watches for event in watch.events)
    assert min(events["ADDED"], events["MODIFIED"], events["DELETED"]) > mix.operations / 200, events
    assert sum(1 for watch in history.watches if watch.after and watch.events) >= mix.faults


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_hundred_thousand_operations(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In four parts, which can run at the same time."""
    monkeypatch.setattr(watch_module, "MAX_BEHIND", 500)
    mix = Mix(seed=seed, operations=25_000)
    check(run(tmp_path, mix), mix)


def test_over_http(tmp_path: Path) -> None:
    mix = Mix(seed=9, operations=3_000, faults=3, compactions=4, clients=6)
    check(run(tmp_path, mix, http=True), mix)


def run_on_etcd(tmp_path: Path, mix: Mix) -> History:
    async def main() -> History:
        with Cluster(tmp_path, 3) as cluster:
            async with EtcdPlant(cluster, "/history", mix.seed) as plant:
                traffic = Traffic(plant, mix)
                await asyncio.wait_for(traffic.run(), 3000)
            assert plant.kills == mix.faults
        traffic.history.log = plant.tail.log
        return traffic.history

    return asyncio.run(main())


@needs_etcd
def test_two_servers_over_three_members_that_are_killed(tmp_path: Path) -> None:
    mix = Mix(seed=21, operations=4_000, faults=2, compactions=3)
    check(run_on_etcd(tmp_path, mix), mix)


@pytest.mark.full
@needs_etcd
@pytest.mark.parametrize("seed", range(30, 34))
def test_two_servers_over_three_members_for_longer(tmp_path: Path, seed: int) -> None:
    mix = Mix(seed=seed, operations=25_000, faults=25, compactions=25)
    check(run_on_etcd(tmp_path, mix), mix)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(10, 20))
def test_a_million_operations(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "MAX_BEHIND", 500)
    mix = Mix(seed=seed, operations=100_000, faults=100, compactions=100, clients=8 + seed, keys=seed)
    check(run(tmp_path, mix), mix)
