"""What claims are given, and what they wait for."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capstan.api.ipam.inclusterippool import InClusterIPPool
from capstan.api.ipam.ipaddress import IPAddress
from capstan.api.ipam.ipaddressclaim import IPAddressClaim
from capstan.api.ipam.names import ADDRESS_FINALIZER, CLAIM_FINALIZER, POOL_FINALIZER
from capstan.api.objects import Key
from capstan.providers.ipam.ipaddressclaim.controller import IPAddressClaimController
from tests.unit.providers.ipam.world import CONTROLLERS, World


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
