"""On what a manager's controllers work, how many at a time, and when they look again though nothing changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.kinds import CLUSTER, MACHINE_HEALTH_CHECK
from capstan.api.cluster.machinehealthcheck import MachineHealthCheck, MachineHealthCheckStatus
from capstan.api.meta import Condition
from capstan.api.objects import Key, Obj
from capstan.api.scheme import SCHEME
from capstan.api.verbs import User
from capstan.apiserver.server import ApiServer
from capstan.runtime.client.local import LocalClient
from capstan.runtime.controller import Controller, Watch
from capstan.runtime.manager import Manager
from capstan.runtime.plan import Emit, ObjectRef, Outcomes, Plan, Waiting
from capstan.runtime.reader import Reader
from capstan.runtime.significance import Interest
from capstan.sim.clock import VirtualClock
from capstan.sim.keys import SeededKeys
from capstan.sim.loop import run
from capstan.store.memory import MemoryStore

FILTER = "cluster.x-k8s.io/watch-filter"
CHECKS = MACHINE_HEALTH_CHECK.resource()
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    key: Key


class Looker(Controller[MachineHealthCheck, Seen]):
    """Notes what it is asked to look at, each for a second."""

    kind = MachineHealthCheck
    watches = (Watch(Cluster, lambda _reader, _cluster: ()),)

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.most = self._now = 0

    async def observe(self, reader: Reader, key: Key) -> Seen:
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(1)
        self._now -= 1
        self.seen.append(key.name)
        return Seen(key)

    def plan(self, snapshot: Seen) -> Plan:
        return Plan(ObjectRef(CHECKS, snapshot.key, ""))

    def compute_status(self, snapshot: Seen, outcomes: Outcomes) -> MachineHealthCheck | None:
        return None


class Teller(Looker):
    """Tells the words that it is given."""

    told = Interest(conditions=("RemediationAllowed",))

    def __init__(self) -> None:
        super().__init__()
        self.state, self.words = "False", "first"

    def compute_status(self, snapshot: Seen, outcomes: Outcomes) -> MachineHealthCheck:
        condition = Condition(
            type="RemediationAllowed",
            status=self.state,
            reason="Told",
            message=self.words,
            last_transition_time=EPOCH,
        )
        return MachineHealthCheck(status=MachineHealthCheckStatus(conditions=(condition,)))


class Owned(Teller):
    """Does nothing for what has no owner yet."""

    first_patience = 5.0
    awaited_owner = "Cluster"


class Waiter(Teller):
    """Waits for another, and warns when it is told to."""

    first_patience = 5.0

    def plan(self, snapshot: Seen) -> Plan:
        subject = ObjectRef(CHECKS, snapshot.key, "")
        warning = Emit(name="Stuck", type="Warning", reason="it cannot go on")
        warnings = (warning,) if snapshot.key.name == "stuck" else ()
        return Plan(subject, warnings, (Waiting("RemediationAllowed", "Told", self.words),))


def check(name: str, cluster: str = "homelab", namespace: str = "default", **labels: str) -> Obj:
    spec = {"clusterName": cluster, "selector": {"matchLabels": {"a": "b"}}}
    spec["checks"] = {"nodeStartupTimeoutSeconds": 600}
    own = {"cluster.x-k8s.io/cluster-name": cluster, **labels}
    meta = {"name": name, "namespace": namespace, "labels": own}
    return {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "MachineHealthCheck", "metadata": meta, "spec": spec}


def cluster(name: str, **labels: str) -> Obj:
    ref = {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "LabCluster", "name": name}
    meta = {"name": name, "namespace": "default", "labels": labels}
    spec = {"infrastructureRef": ref}
    return {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Cluster", "metadata": meta, "spec": spec}


L = TypeVar("L", bound=Looker)


def play(
    story: Callable[[LocalClient, L], Coroutine[Any, Any, None]],
    workers: int = 0,
    kind: type[L] = Looker,  # type: ignore[assignment]
    **options: Any,
) -> None:
    async def whole() -> None:
        clock = VirtualClock(asyncio.get_running_loop())
        server = ApiServer(MemoryStore(), scheme=SCHEME, clock=clock.now, token=SeededKeys(1).token)
        await server.start()
        client = LocalClient(server.verbs(User("admin", ("system:masters",))))
        manager, looker = Manager(client, SCHEME, clock, **options), kind()
        manager.add(looker, workers)
        await manager.start()
        await story(client, looker)
        await manager.stop()
        await server.stop()

    run(whole())


def test_only_what_the_filter_names_by_itself_or_by_its_cluster() -> None:
    async def story(client: LocalClient, looker: Looker) -> None:
        await client.create(CLUSTER.resource(), cluster("homelab"))
        await client.create(CLUSTER.resource(), cluster("mine", **{FILTER: "me"}))
        await client.create(CHECKS, check("plain"))
        await client.create(CHECKS, check("labelled", **{FILTER: "me"}))
        await client.create(CHECKS, check("inherits", "mine"))
        await client.create(CHECKS, check("others", "mine", **{FILTER: "you"}))
        await asyncio.sleep(30)
        assert sorted(looker.seen) == ["inherits", "labelled"]
        await client.patch(CLUSTER.resource(), "default", "homelab", {"metadata": {"labels": {FILTER: "me"}}})
        await asyncio.sleep(30)
        assert looker.seen[2:] == ["plain", "labelled"] or looker.seen[2:] == ["labelled", "plain"]

    play(story, watch_filter="me")


def test_without_a_filter_everything() -> None:
    async def story(client: LocalClient, looker: Looker) -> None:
        await client.create(CHECKS, check("plain"))
        await client.create(CHECKS, check("labelled", **{FILTER: "me"}))
        await asyncio.sleep(30)
        assert sorted(looker.seen) == ["labelled", "plain"]

    play(story)


def test_one_namespace() -> None:
    async def story(client: LocalClient, looker: Looker) -> None:
        await client.create(CHECKS, check("here"))
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}
        namespaces = SCHEME.by_kind("", "Namespace")
        assert namespaces is not None
        await client.create(namespaces.resource(), space)
        await client.create(CHECKS, check("there", namespace="other"))
        await asyncio.sleep(30)
        assert looker.seen == ["there"]

    play(story, namespace="other")


@pytest.mark.parametrize(("period", "looks"), [(0.0, 1), (600.0, 7)])
def test_everything_is_looked_at_again_each_period(period: float, looks: int) -> None:
    async def story(client: LocalClient, looker: Looker) -> None:
        for number in range(120):
            await client.create(CHECKS, check(f"c{number}"))
        await asyncio.sleep(3660)
        assert len(looker.seen) == 120 * looks
        assert looker.seen.count("c7") == looks

    play(story, sync_seconds=period)


@pytest.mark.parametrize("workers", [1, 3])
def test_so_many_at_a_time(workers: int) -> None:
    async def story(client: LocalClient, looker: Looker) -> None:
        for number in range(9):
            await client.create(CHECKS, check(f"c{number}"))
        await asyncio.sleep(9.5 / workers)
        assert (looker.most, len(looker.seen)) == (workers, 9)

    play(story, workers=workers)


async def _said(client: LocalClient, name: str = "one") -> tuple[str, str]:
    conditions = (await client.get(CHECKS, "default", name)).get("status", {}).get("conditions") or [{}]
    return conditions[0].get("status", ""), conditions[0].get("message", "")


async def _wake(client: LocalClient, number: int) -> None:
    """The look takes a second."""
    await client.patch(CHECKS, "default", "one", {"metadata": {"annotations": {"number": str(number)}}})
    await asyncio.sleep(1.05)


def test_mere_wording_waits_for_more_to_tell_and_a_turn_of_a_condition_does_not() -> None:
    async def story(client: LocalClient, teller: Teller) -> None:
        await client.create(CHECKS, check("one"))
        await asyncio.sleep(5)
        assert await _said(client) == ("False", "first")
        teller.words = "second"
        await _wake(client, 1)
        assert await _said(client) == ("False", "first"), "it waits"
        await asyncio.sleep(3)
        assert await _said(client) == ("False", "second"), "for a second, until the next look at its end"
        teller.state, teller.words = "True", "third"
        await _wake(client, 2)
        assert await _said(client) == ("True", "third")

    play(story, kind=Teller)


def test_who_awaits_its_owner_is_left_alone_for_a_while() -> None:
    async def story(client: LocalClient, teller: Owned) -> None:
        await client.create(CHECKS, check("one"))
        await asyncio.sleep(4)
        assert teller.seen == []
        uid = (await client.create(CLUSTER.resource(), cluster("homelab")))["metadata"]["uid"]
        owner = {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Cluster", "name": "homelab", "uid": uid}
        await client.patch(CHECKS, "default", "one", {"metadata": {"ownerReferences": [owner]}})
        await asyncio.sleep(1.05)
        assert teller.seen == ["one"]
        assert await _said(client) == ("False", "first")
        await client.create(CHECKS, check("stray"))
        await asyncio.sleep(7)
        assert "stray" in teller.seen, "it is looked at in the end, to say what it waits for"

    play(story, kind=Owned)


def test_a_first_wait_is_told_late_but_a_warning_at_once() -> None:
    async def story(client: LocalClient, waiter: Waiter) -> None:
        for name in ("stuck", "one"):
            await client.create(CHECKS, check(name))
        await asyncio.sleep(2)
        assert await _said(client, "stuck") == ("False", "first")
        assert await _said(client) == ("", "")
        await asyncio.sleep(6)
        assert await _said(client) == ("False", "first")

    play(story, kind=Waiter)
