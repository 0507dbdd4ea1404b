"""Prefix pools: networks of one length, cut from larger ones, around what is excluded and what is given out."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from capstan.api.ipam.inclusterprefixpool import InClusterPrefixPool
from capstan.api.ipam.ipaddress import IPAddress
from capstan.api.ipam.prefixes import block_of, block_text, pool_blocks
from capstan.api.objects import Key
from tests.unit.providers.ipam.world import World


def world_with(prefixes: tuple[str, ...] = ("2001:db8::/62",), **spec: Any) -> World:
    world = World()
    world.put("InClusterPrefixPool", "pool", spec={"prefixes": list(prefixes)} | spec)
    return world


def claim(world: World, *names: str) -> list[str]:
    for name in names:
        world.claim(name, kind="InClusterPrefixPool")
    world.settle()
    return [world.address(name) for name in names]


def counts(world: World) -> tuple[int, int, int, int]:
    found = world.get(InClusterPrefixPool, "lab", "pool").status.ip_addresses
    return found.total, found.used, found.free, found.out_of_range


def test_networks_are_given_out_from_the_lowest() -> None:
    world = world_with(gateway="2001:db8::1")
    assert claim(world, "a", "b") == ["2001:db8::", "2001:db8:0:1::"]
    spec = world.get(IPAddress, "lab", "a").spec
    assert (spec.prefix, spec.gateway) == (64, "2001:db8::1")
    assert counts(world) == (4, 2, 2, 0)


def test_whatever_touches_an_exclusion_stays() -> None:
    world = world_with(excludedPrefixes=["2001:db8::5", "2001:db8:0:2::-2001:db8:0:2::ff"])
    assert claim(world, "a", "b", "c") == ["2001:db8:0:1::", "2001:db8:0:3::", ""]
    assert world.ready("c").reason == "PoolExhausted"
    assert "it can give out 2 and 2 are in use. Add to its spec.prefixes" in world.ready("c").message


def test_networks_of_another_length_are_counted_outside_and_never_given_again() -> None:
    world = world_with()
    claim(world, "a")
    held = world.objects["IPAddress", Key("lab", "a")]
    world.objects["IPAddress", Key("lab", "a")] = held | {"spec": held["spec"] | {"prefix": 63}}
    assert claim(world, "b") == ["2001:db8:0:2::"]
    assert counts(world) == (4, 2, 3, 1)


def test_a_huge_pool_costs_nothing() -> None:
    world = world_with(("2000::/8",))
    assert claim(world, "a") == ["2000::"]
    assert counts(world)[0] == 2**56


def test_the_pool_stays_until_its_networks_are_back() -> None:
    world = world_with()
    claim(world, "a")
    world.delete("InClusterPrefixPool", "pool")
    world.settle()
    assert world.get(InClusterPrefixPool, "lab", "pool") is not None
    world.delete("IPAddressClaim", "a")
    world.settle()
    assert world.objects == {}


def test_a_global_prefix_pool_serves_all_namespaces() -> None:
    world = World()
    world.put("GlobalInClusterPrefixPool", "pool", namespace="", spec={"prefixes": ["2001:db8::/60"]})
    world.claim("a", kind="GlobalInClusterPrefixPool", namespace="one")
    world.claim("a", kind="GlobalInClusterPrefixPool", namespace="two")
    world.settle()
    assert (world.address("a", "one"), world.address("a", "two")) == ("2001:db8::", "2001:db8:0:1::")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.integers(0, 4),
    st.lists(st.tuples(st.integers(0, 255), st.integers(118, 128)), max_size=4),
    st.lists(st.tuples(st.integers(0, 255), st.integers(118, 128)), max_size=4),
)
def test_nothing_that_is_given_out_touches_anything_else(
    wider: int, excluded: list[tuple[int, int]], held: list[tuple[int, int]]
) -> None:
    """Against the plain way: every network of the length, in order, compared address by address."""
    length = 120 + wider
    base = int.from_bytes(bytes.fromhex("20010db8" + "0" * 24))

    def covered(number: int, prefix: int) -> set[int]:
        room = 128 - prefix
        first = (base + number) >> room << room
        return set(range(first, first + (1 << room)))

    gone = [f"{block_text(base + number, 128)}/{prefix}" for number, prefix in excluded]
    blocks = pool_blocks(["2001:db8::/120"], length=length, excluded=gone)
    taken = [block_of(block_text(base + number, 128), prefix, length) for number, prefix in held]
    busy = set().union(*(covered(*each) for each in (*excluded, *held)))
    plain = [n for n in range(base, base + 256, 1 << (128 - length)) if not covered(n - base, length) & busy]
    ours = [
        block << (128 - length)
        for first, last in blocks.spans
        for block in range(first, last + 1)
        if not any(pair is not None and pair[0] <= block <= pair[1] for pair in taken)
    ]
    assert ours == plain
