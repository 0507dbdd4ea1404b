"""What is kept, counted, refused and taken back once it has been given."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from capstan.api.ipam.inclusterippool import InClusterIPPool
from capstan.api.ipam.ipaddress import IPAddress
from capstan.api.ipam.ipaddressclaim import IPAddressClaim
from capstan.api.ipam.names import CLAIM_FINALIZER
from capstan.api.objects import Key
from tests.unit.providers.ipam.world import CONTROLLERS, START, World


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
    extra: dict[str, Any] = {"annotations": annotation} if paused == "claim" else {}
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
