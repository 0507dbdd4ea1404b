"""Address sets against the plain sets that they stand for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstan.api.ipam.addresses import AddressSet, format_address, parse_address, parse_entry, pool_addresses

NUMBERS = st.integers(0, 60)
SPANS = st.lists(st.tuples(NUMBERS, NUMBERS).map(lambda pair: (min(pair), max(pair))), max_size=6)


def entries(spans: list[tuple[int, int]]) -> list[str]:
    return [f"10.0.0.{first}-10.0.0.{last}" for first, last in spans]


def plain(spans: list[tuple[int, int]]) -> set[int]:
    return {number for first, last in spans for number in range(first, last + 1)}


def numbers(members: AddressSet) -> set[int]:
    return {n & 0xFF for first, last in members.spans for n in range(first, last + 1)}


@given(SPANS, SPANS)
def test_union_and_difference(left: list[tuple[int, int]], right: list[tuple[int, int]]) -> None:
    members = AddressSet.of_entries(entries(left))
    assert numbers(members) == plain(left)
    assert members.size == len(plain(left))
    assert all(a[1] + 1 < b[0] for a, b in zip(members.spans, members.spans[1:], strict=False))
    assert numbers(members.minus(AddressSet.of_entries(entries(right)))) == plain(left) - plain(right)


@given(SPANS, st.sets(NUMBERS))
def test_the_first_free_is_the_lowest(spans: list[tuple[int, int]], taken: set[int]) -> None:
    base = 10 << 24
    found = AddressSet.of_entries(entries(spans)).first_free(sorted(base + number for number in taken))
    free = plain(spans) - taken
    assert found == (base + min(free) if free else None)


@given(SPANS, NUMBERS)
def test_membership(spans: list[tuple[int, int]], number: int) -> None:
    members = AddressSet.of_entries(entries(spans))
    assert members.contains(4, (10 << 24) + number) == (number in plain(spans))
    assert not members.contains(6, (10 << 24) + number)


def test_a_huge_pool_costs_nothing() -> None:
    members = pool_addresses(["10.0.0.0/8", "10.3.0.0/16"], prefix=8, gateway="10.0.0.1")
    assert members.size == 2**24 - 3
    assert format_address(4, members.first_free([]) or 0) == "10.0.0.2"


def test_reserved_addresses_of_ipv4_are_network_and_broadcast() -> None:
    members = pool_addresses(["10.0.0.0/29"], prefix=29, gateway="10.0.0.3", excluded=["10.0.0.5-10.0.0.6"])
    assert [format_address(4, n) for first, last in members.spans for n in range(first, last + 1)] == [
        "10.0.0.1",
        "10.0.0.2",
        "10.0.0.4",
    ]


def test_reserved_address_of_ipv6_is_the_anycast_address() -> None:
    members = pool_addresses(["2001:db8::/126"], prefix=64)
    assert [format_address(6, n) for n in range(members.lowest, members.highest + 1)] == [
        "2001:db8::1",
        "2001:db8::2",
        "2001:db8::3",
    ]


def test_reserved_addresses_may_be_asked_for() -> None:
    members = pool_addresses(["10.0.0.0/30"], prefix=30, allocate_reserved=True)
    assert members.size == 4


@pytest.mark.parametrize("text", ["", "10.0.0", "10.0.0.1/33", "10.0.0.9-10.0.0.1", "10.0.0.1-::1", "a-b", "1-2-3"])
def test_bad_entries_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is (not|neither)"):
        parse_entry(text)


def test_families_do_not_mix() -> None:
    with pytest.raises(ValueError, match="cannot be mixed"):
        AddressSet.of_entries(["10.0.0.1", "::1"])


def test_text_that_is_no_address_is_none() -> None:
    assert parse_address("x") is None
    assert parse_address("::1") == (6, 1)
