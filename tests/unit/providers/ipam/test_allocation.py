"""Claims and pools in a small world: what is given out, kept, refused and taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capstan.api.cluster.cluster import Cluster
from capstan.api.ipam.globalinclusterippool import GlobalInClusterIPPool
from capstan.api.ipam.inclusterippool import InClusterIPPool
from capstan.api.ipam.ipaddress import IPAddress
from capstan.api.ipam.ipaddressclaim import IPAddressClaim
from capstan.api.ipam.names import ADDRESS_FINALIZER, CLAIM_FINALIZER, POOL_FINALIZER
from capstan.api.meta import Condition
from capstan.api.objects import Key, Obj
from capstan.api.struct import decode, encode
from capstan.providers.ipam.inclusterippool.controller import GlobalInClusterIPPoolController, InClusterIPPoolController
from capstan.providers.ipam.ipaddressclaim.controller import IPAddressClaimController
from capstan.runtime.plan import Action, Create, Delete, Emit, Outcome, Outcomes, Update

START = datetime(2026, 1, 1, tzinfo=UTC)
CONTROLLERS: tuple[Any, ...] = (
    IPAddressClaimController(),
    InClusterIPPoolController(),
    GlobalInClusterIPPoolController(),
)
STRUCTS: dict[str, Any] = {
    "IPAddressClaim": IPAddressClaim,
    "InClusterIPPool": InClusterIPPool,
    "GlobalInClusterIPPool": GlobalInClusterIPPool,
    "IPAddress": IPAddress,
    "Cluster": Cluster,
}


class World:
    """Objects by kind and key. Writes follow the API server's rules for uids, finalizers and deletion."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, Key], Obj] = {}
        self.time = START
        self.counter = 0
        self.events: list[str] = []

    # What the controllers read

    def now(self) -> datetime:
        return self.time

    def get(self, kind: type[Any], namespace: str, name: str) -> Any:
        obj = self.objects.get((kind.__name__, Key(namespace, name)))
        return None if obj is None else decode(obj, kind)

    def list_indexed(self, kind: type[Any], index: str, value: str) -> tuple[Any, ...]:
        indexes: dict[str, Any] = {}
        for controller in CONTROLLERS:
            indexes |= controller.indexes if controller.kind is kind else {}
            for watch in controller.watches:
                indexes |= watch.indexes if watch.kind is kind else {}
        views = (decode(o, kind) for (name, _), o in sorted(self.objects.items()) if name == kind.__name__)
        return tuple(view for view in views if value in indexes[index](view))

    # What users and the executor write

    def put(self, kind: str, name: str, *, namespace: str = "lab", spec: Obj, **metadata: Any) -> None:
        self.counter += 1
        meta = {"name": name, "uid": f"uid-{self.counter}", "creationTimestamp": self.time.isoformat()}
        meta |= {"namespace": namespace} if namespace else {}
        self.objects[kind, Key(namespace, name)] = {"kind": kind, "metadata": meta | metadata, "spec": spec}

    def delete(self, kind: str, name: str, namespace: str = "lab") -> None:
        key = (kind, Key(namespace, name))
        obj = self.objects.get(key)
        if obj is not None:
            metadata = {"deletionTimestamp": self.time.isoformat()} | obj["metadata"]
            self._store(key, {**obj, "metadata": metadata})

    def _store(self, key: tuple[str, Key], obj: Obj) -> None:
        gone = "deletionTimestamp" in obj["metadata"] and not obj["metadata"].get("finalizers")
        if gone:
            self.objects.pop(key, None)
        else:
            self.objects[key] = obj

    def carry_out(self, action: Action) -> None:
        if isinstance(action, Create):
            metadata = dict(action.object["metadata"])
            assert (action.resource.kind, Key(metadata["namespace"], metadata["name"])) not in self.objects
            name, namespace = metadata.pop("name"), metadata.pop("namespace")
            self.put(action.resource.kind, name, namespace=namespace, spec=action.object["spec"], **metadata)
        elif isinstance(action, Update):
            meta = action.after.metadata
            self._store((action.resource.kind, Key(meta.namespace, meta.name)), encode(action.after))
        elif isinstance(action, Delete):
            self.delete(action.target.resource.kind, action.target.key.name, action.target.key.namespace)
        else:
            assert isinstance(action, Emit)
            self.events.append(f"{action.name}: {action.reason}")

    def reconcile(self, controller: Any, key: Key) -> bool:
        """One round of one controller; whether it changed anything."""
        before = dict(self.objects)
        snapshot = asyncio.run(controller.observe(self, key))
        if snapshot is None:
            return False
        plan = controller.plan(snapshot)
        assert controller.plan(snapshot) == plan
        for action in plan.actions:
            self.carry_out(action)
        outcomes = Outcomes(tuple(Outcome(action) for action in plan.actions))
        after = controller.compute_status(snapshot, outcomes)
        place = (controller.kind.__name__, key)
        if after is not None and place in self.objects:
            status = {"status": encode(after)["status"]}
            self.objects[place] = self.objects[place] | status
        return before != self.objects

    def settle(self) -> int:
        """Reconcile everything until nothing changes; the number of rounds that changed something."""
        for rounds in range(50):
            changed = False
            for controller in CONTROLLERS:
                for kind, key in list(self.objects):
                    if kind == controller.kind.__name__:
                        changed |= self.reconcile(controller, key)
            if not changed:
                return rounds
        raise AssertionError("does not settle")

    # Shorthands

    def pool(self, addresses: Iterable[str] = ("10.0.0.10-10.0.0.12",), **spec: Any) -> None:
        self.put("InClusterIPPool", "pool", spec={"addresses": list(addresses), "prefix": 24} | spec)

    def claim(self, name: str, kind: str = "InClusterIPPool", namespace: str = "lab", **metadata: Any) -> None:
        ref = {"apiGroup": "ipam.cluster.x-k8s.io", "kind": kind, "name": "pool"}
        self.put("IPAddressClaim", name, namespace=namespace, spec={"poolRef": ref}, **metadata)

    def address(self, name: str, namespace: str = "lab") -> str:
        view = self.get(IPAddress, namespace, name)
        return "" if view is None else view.spec.address

    def ready(self, name: str) -> Condition:
        (condition,) = self.get(IPAddressClaim, "lab", name).status.conditions
        assert isinstance(condition, Condition)
        return condition

    def counts(self) -> tuple[int, int, int, int]:
        counts = self.get(InClusterIPPool, "lab", "pool").status.ip_addresses
        return counts.total, counts.used, counts.free, counts.out_of_range


def test_a_claim_gets_the_lowest_free_address() -> None:
    world = World()
    world.pool(["10.0.0.20-10.0.0.30", "10.0.0.8"], gateway="10.0.0.1")
    world.claim("a", labels={"cluster.x-k8s.io/cluster-name": "homelab"})
    world.claim("b")
    world.put("Cluster", "homelab", spec={})
    world.settle()
    assert (world.address("a"), world.address("b")) == ("10.0.0.8", "10.0.0.20")
    address = world.get(IPAddress, "lab", "a")
    assert address.spec.gateway == "10.0.0.1"
    assert address.spec.prefix == 24
    assert address.metadata.labels == {"cluster.x-k8s.io/cluster-name": "homelab"}
    assert address.metadata.finalizers == (ADDRESS_FINALIZER,)
    assert [(o.kind, o.controller, o.block_owner_deletion) for o in address.metadata.owner_references] == [
        ("IPAddressClaim", True, True),
        ("InClusterIPPool", False, True),
    ]
    claim = world.get(IPAddressClaim, "lab", "a")
    assert claim.status.address_ref.name == "a"
    assert claim.metadata.finalizers == (CLAIM_FINALIZER,)
    assert (world.ready("a").status, world.ready("a").reason) == ("True", "Ready")
    assert world.counts() == (12, 2, 10, 0)
    assert world.get(InClusterIPPool, "lab", "pool").metadata.finalizers == (POOL_FINALIZER,)
    assert world.settle() == 0


def test_a_claim_is_told_its_address_only_when_it_has_come_back() -> None:
    world = World()
    world.pool()
    world.claim("a")
    claims = CONTROLLERS[0]
    world.reconcile(claims, Key("lab", "a"))
    assert world.address("a") == "10.0.0.10"
    assert world.get(IPAddressClaim, "lab", "a").status.address_ref is None
    world.reconcile(claims, Key("lab", "a"))
    assert world.get(IPAddressClaim, "lab", "a").status.address_ref.name == "a"


def test_an_exhausted_pool_says_what_to_do_and_recovers() -> None:
    world = World()
    world.pool()
    for name in "abcd":
        world.claim(name)
    world.settle()
    assert world.ready("d").reason == "PoolExhausted"
    assert "can give out 3 and 3 are in use. Add to its spec.addresses" in world.ready("d").message
    assert len(world.events) == 1
    world.delete("IPAddressClaim", "b")
    world.settle()
    assert world.address("d") == "10.0.0.11"
    assert world.ready("d").status == "True"
    assert world.counts() == (3, 3, 0, 0)


def test_what_waits_is_woken_and_nothing_else() -> None:
    world = World()
    world.pool()
    for name in "abcd":
        world.claim(name)
    world.settle()
    wakes = {watch.kind: watch.wakes for watch in IPAddressClaimController.watches}
    held = world.get(IPAddress, "lab", "a")
    assert list(wakes[IPAddress](world, held)) == [Key("lab", "a")]  # type: ignore[arg-type]
    pool = world.get(InClusterIPPool, "lab", "pool")
    assert list(wakes[InClusterIPPool](world, pool)) == [Key("lab", "d")]  # type: ignore[arg-type]
    world.delete("IPAddress", "a")
    going = world.get(IPAddress, "lab", "a")
    assert list(wakes[IPAddress](world, going)) == [Key("lab", "a"), Key("lab", "d")]  # type: ignore[arg-type]


def test_claims_that_go_do_not_wake_each_other() -> None:
    world = World()
    world.pool(addressReuseGracePeriodSeconds=60)
    for name in "abc":
        world.claim(name)
    world.settle()
    for name in "abc":
        world.delete("IPAddressClaim", name)
    wakes = {watch.kind: watch.wakes for watch in IPAddressClaimController.watches}
    pool = world.get(InClusterIPPool, "lab", "pool")
    assert list(wakes[InClusterIPPool](world, pool)) == []  # type: ignore[arg-type]
    world.settle()
    assert list(wakes[InClusterIPPool](world, pool)) == []  # type: ignore[arg-type]
    world.delete("InClusterIPPool", "pool")
    going = world.get(InClusterIPPool, "lab", "pool")
    assert len(list(wakes[InClusterIPPool](world, going))) == 3  # type: ignore[arg-type]
    world.settle()
    assert world.objects == {}


def test_a_missing_pool_is_waited_for() -> None:
    world = World()
    world.claim("a")
    world.settle()
    assert world.ready("a").reason == "PoolNotReady"
    world.pool()
    world.settle()
    assert world.address("a") == "10.0.0.10"


def test_a_claim_for_another_provider_is_left_alone() -> None:
    world = World()
    world.claim("a", kind="InfobloxIPPool")
    assert world.settle() == 0


def test_a_global_pool_serves_all_namespaces() -> None:
    world = World()
    world.put("GlobalInClusterIPPool", "pool", namespace="", spec={"addresses": ["fd00::/64"], "prefix": 64})
    world.claim("a", "GlobalInClusterIPPool", "one")
    world.claim("a", "GlobalInClusterIPPool", "two")
    world.settle()
    assert (world.address("a", "one"), world.address("a", "two")) == ("fd00::1", "fd00::2")


def test_a_deleted_claim_gives_its_address_back_after_the_grace_period() -> None:
    world = World()
    world.pool(addressReuseGracePeriodSeconds=60)
    world.claim("a")
    world.settle()
    world.delete("IPAddressClaim", "a")
    world.settle()
    assert world.ready("a").reason == "AddressReuseGracePeriod"
    assert world.address("a") == "10.0.0.10"
    world.time += timedelta(seconds=60)
    world.settle()
    assert [kind for kind, _ in world.objects] == ["InClusterIPPool"]


def test_an_address_deleted_by_hand_stays_while_its_claim_does() -> None:
    world = World()
    world.pool()
    world.claim("a")
    world.settle()
    world.delete("IPAddress", "a")
    world.settle()
    assert world.address("a") == "10.0.0.10"
    world.delete("IPAddressClaim", "a")
    world.settle()
    assert world.address("a") == ""


@pytest.mark.parametrize("paused", ["cluster", "claim", "pool"])
def test_nothing_happens_while_paused(paused: str) -> None:
    world = World()
    annotation = {"cluster.x-k8s.io/paused": "true"}
    world.put("Cluster", "homelab", spec={"paused": paused == "cluster"})
    world.pool()
    if paused == "pool":
        world.objects["InClusterIPPool", Key("lab", "pool")]["metadata"]["annotations"] = annotation
    extra = {"annotations": annotation} if paused == "claim" else {}
    world.claim("a", labels={"cluster.x-k8s.io/cluster-name": "homelab"}, **extra)
    world.settle()
    assert world.address("a") == ""
    assert world.ready("a").reason == "Paused"
    assert world.events == []


def test_a_missing_cluster_is_waited_for_but_does_not_hold_a_deletion() -> None:
    world = World()
    world.pool()
    world.claim("a", labels={"cluster.x-k8s.io/cluster-name": "homelab"}, finalizers=[CLAIM_FINALIZER])
    world.settle()
    assert world.ready("a").reason == "WaitingForCluster"
    world.delete("IPAddressClaim", "a")
    world.settle()
    assert world.get(IPAddressClaim, "lab", "a") is None


def test_a_pool_waits_for_its_addresses() -> None:
    world = World()
    world.pool()
    world.claim("a")
    world.settle()
    world.delete("InClusterIPPool", "pool")
    world.claim("b")
    world.settle()
    assert world.get(InClusterIPPool, "lab", "pool") is not None
    assert world.ready("b").reason == "PoolNotReady"
    world.delete("IPAddressClaim", "a")
    world.settle()
    assert world.get(InClusterIPPool, "lab", "pool") is None


def test_addresses_out_of_range_stay_and_are_counted() -> None:
    world = World()
    world.pool()
    for name in "abc":
        world.claim(name)
    world.settle()
    pool = world.objects["InClusterIPPool", Key("lab", "pool")]
    world.objects["InClusterIPPool", Key("lab", "pool")] = pool | {"spec": {"addresses": ["10.0.0.12"], "prefix": 24}}
    world.settle()
    assert world.address("a") == "10.0.0.10"
    assert world.counts() == (1, 3, -2, 2)


def test_of_two_with_one_address_the_younger_gives_it_up() -> None:
    world = World()
    world.pool()
    world.claim("a")
    world.claim("b")
    world.reconcile(CONTROLLERS[0], Key("lab", "a"))
    stale = World()
    stale.objects = {key: obj for key, obj in world.objects.items() if key[0] != "IPAddress"}
    stale.counter, stale.time = 100, START + timedelta(seconds=1)
    stale.reconcile(CONTROLLERS[0], Key("lab", "b"))
    twin = ("IPAddress", Key("lab", "b"))
    world.objects |= {twin: stale.objects[twin]}
    assert world.address("a") == world.address("b") == "10.0.0.10"
    world.settle()
    assert (world.address("a"), world.address("b")) == ("10.0.0.10", "10.0.0.11")


def test_a_double_that_was_told_is_reported_and_not_moved() -> None:
    world = World()
    world.pool()
    world.claim("a")
    world.claim("b")
    world.settle()
    twin = world.objects["IPAddress", Key("lab", "b")]
    world.objects["IPAddress", Key("lab", "b")] = twin | {"spec": twin["spec"] | {"address": "10.0.0.10"}}
    world.settle()
    assert world.ready("a").status == "True"
    assert world.ready("b").reason == "AllocationFailed"
    assert "also held by IPAddress lab/a" in world.ready("b").message


def test_what_a_vanished_claim_left_is_let_go() -> None:
    world = World()
    world.pool()
    world.claim("a")
    world.settle()
    del world.objects["IPAddressClaim", Key("lab", "a")]
    world.delete("IPAddress", "a")
    world.settle()
    assert world.address("a") == ""
    assert world.counts() == (3, 0, 3, 0)


def test_an_address_moved_to_another_plane_is_adopted() -> None:
    world = World()
    world.pool()
    world.claim("a")
    world.settle()
    world.claim("a")  # the same objects with other uids
    world.settle()
    assert world.ready("a").status == "True"
    owners = world.get(IPAddress, "lab", "a").metadata.owner_references
    assert owners[0].uid == world.get(IPAddressClaim, "lab", "a").metadata.uid
    assert len(owners) == 2


def test_an_address_of_another_pool_is_in_the_way() -> None:
    world = World()
    world.pool()
    ref = {"apiGroup": "ipam.cluster.x-k8s.io", "kind": "InClusterIPPool", "name": "other"}
    spec = {"address": "10.1.1.1", "prefix": 24, "poolRef": ref, "claimRef": {"name": "a"}}
    world.put("IPAddress", "a", spec=spec)
    world.claim("a")
    world.settle()
    assert world.ready("a").reason == "AllocationFailed"
    assert "InClusterIPPool other" in world.ready("a").message


STEPS = st.lists(st.tuples(st.sampled_from(["claim", "delete", "one", "settle"]), st.integers(0, 7)), max_size=25)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_no_address_is_ever_given_twice(steps: list[tuple[str, int]]) -> None:
    world = World()
    world.pool(["10.0.0.10-10.0.0.13"], gateway="10.0.0.12")
    for step, number in steps:
        name = f"c{number}"
        if step == "claim" and ("IPAddressClaim", Key("lab", name)) not in world.objects:
            world.claim(name)
        elif step == "delete":
            world.delete("IPAddressClaim", name)
        elif step == "one":
            world.reconcile(CONTROLLERS[0], Key("lab", name))
        elif step == "settle":
            world.settle()
        given_out = [o["spec"]["address"] for (kind, _), o in world.objects.items() if kind == "IPAddress"]
        assert len(given_out) == len(set(given_out)) <= 3
        assert "10.0.0.12" not in given_out
    world.settle()
    alive = sum(kind == "IPAddressClaim" for kind, _ in world.objects)
    assert sum(kind == "IPAddress" for kind, _ in world.objects) == min(alive, 3)
