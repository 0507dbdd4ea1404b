"""What is in a pool: which addresses and networks, which comes next, and how full the pool is."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import Any

import pytest

from capstan.api.ipam.addresses import MAX_COUNT, AddressSet, parse_address
from capstan.api.ipam.ipaddress import IPAddress
from capstan.api.ipam.pool import IPPoolCounts, IPPoolSpec
from capstan.api.ipam.prefixpool import PrefixPoolSpec
from capstan.api.struct import decode
from capstan.providers.ipam.stock import stock_of


def addresses(*entries: str, prefix: int = 24, gateway: str = "192.168.0.1", **spec: Any) -> IPPoolSpec:
    return decode({"addresses": list(entries), "prefix": prefix, "gateway": gateway, **spec}, IPPoolSpec)


def networks(*prefixes: str, length: int | None = None, **spec: Any) -> PrefixPoolSpec:
    stated = {} if length is None else {"allocationPrefixLength": length}
    return decode({"prefixes": list(prefixes), **stated, **spec}, PrefixPoolSpec)


def given(*texts: str, prefix: int = 24) -> list[IPAddress]:
    return [decode({"spec": {"address": text, "prefix": prefix}}, IPAddress) for text in texts]


V4 = ("192.168.0.3-192.168.0.4", "192.168.0.6/31")
V6 = ("fd01::3-fd01::4", "fd01::6/127")
RESERVED = {"allocateReservedIPAddresses": True}


@pytest.mark.parametrize(
    ("spec", "size", "inside", "outside"),
    [
        (addresses("192.168.0.3-192.168.0.10", prefix=0), 8, ["192.168.0.3", "192.168.0.7"], []),
        (addresses("192.168.0.2", *V4), 5, ["192.168.0.2", "192.168.0.4", "192.168.0.6", "192.168.0.7"], []),
        (addresses("192.168.0.0", *V4), 4, [], ["192.168.0.0"]),
        (
            addresses("192.168.1.0", "192.168.0.255", *V4, "192.168.255.255", prefix=16),
            6,
            ["192.168.1.0", "192.168.0.255"],
            ["192.168.255.255"],
        ),
        (addresses("192.168.0.1", *V4), 4, [], ["192.168.0.1"]),
        (
            addresses("192.168.0.0", "192.168.0.1", *V4, "192.168.0.255", **RESERVED),
            6,
            ["192.168.0.0", "192.168.0.255"],
            ["192.168.0.1"],
        ),
        (
            addresses("192.168.0.0-192.168.0.10", excludedAddresses=["192.168.0.5", "192.168.0.6", "192.168.0.7"]),
            6,
            ["192.168.0.2", "192.168.0.4", "192.168.0.8", "192.168.0.10"],
            ["192.168.0.5", "192.168.0.7", "192.168.0.11"],
        ),
        (
            addresses("192.168.0.0/24", excludedAddresses=["192.168.0.128/25"]),
            126,
            ["192.168.0.2", "192.168.0.127"],
            ["192.168.0.128", "192.168.0.254"],
        ),
        (
            addresses("192.168.0.0/24", excludedAddresses=["192.168.0.2-192.168.0.20"]),
            234,
            ["192.168.0.21", "192.168.0.254"],
            ["192.168.0.2", "192.168.0.20"],
        ),
        (addresses("fd01::2", *V6, prefix=120, gateway="fd01::1"), 5, ["fd01::2", "fd01::7"], ["fd01::5"]),
        (addresses("fd01::0", *V6, prefix=120, gateway="fd01::1"), 4, [], ["fd01::"]),
        # There is no broadcast in IPv6.
        (
            addresses("fd01::ffff", "fd01::1:0", *V6, "fd01::ffff:ffff", prefix=112, gateway="fd01::1"),
            7,
            ["fd01::ffff", "fd01::1:0", "fd01::ffff:ffff"],
            [],
        ),
        (addresses("fd01::1", *V6, prefix=120, gateway="fd01::1"), 4, [], ["fd01::1"]),
        (
            addresses("fd01::0", "fd01::1", *V6, "fd01::ffff:ffff", prefix=120, gateway="fd01::1", **RESERVED),
            6,
            ["fd01::", "fd01::ffff:ffff"],
            ["fd01::1"],
        ),
    ],
)
def test_which_addresses_a_pool_has(spec: IPPoolSpec, size: int, inside: list[str], outside: list[str]) -> None:
    stock = stock_of(spec)
    assert stock.size == size
    assert all(stock.reach.contains(*(parse_address(text) or (0, 0))) for text in inside)
    assert not any(stock.reach.contains(*(parse_address(text) or (0, 0))) for text in outside)


RANGE = addresses("10.0.0.10-10.0.0.20", gateway="")
TWO = addresses("10.0.0.20", "10.0.0.10-10.0.0.12", gateway="")


def span(first: int, last: int) -> list[str]:
    return [f"10.0.0.{number}" for number in range(first, last + 1)]


@pytest.mark.parametrize(
    ("spec", "taken", "expected"),
    [
        (RANGE, [], "10.0.0.10"),
        (RANGE, span(10, 11), "10.0.0.12"),
        (RANGE, span(10, 19), "10.0.0.20"),
        (RANGE, span(10, 20), None),
        (addresses("10.0.1.10", gateway=""), [], "10.0.1.10"),
        (addresses("10.0.1.10", gateway=""), ["10.0.1.10"], None),
        # The lowest, in whatever order they are listed.
        (TWO, [], "10.0.0.10"),
        (TWO, span(10, 12), "10.0.0.20"),
        (TWO, [*span(10, 12), "10.0.0.20"], None),
    ],
)
def test_the_lowest_free_address_is_next(spec: IPPoolSpec, taken: list[str], expected: str | None) -> None:
    chosen = stock_of(spec).lowest_free(given(*taken))
    assert (chosen.address if chosen is not None else None) == expected


@pytest.mark.parametrize(
    ("entries", "count"),
    [
        ([], 0),
        (["192.168.1.1"], 1),
        (["192.168.1.1", "192.168.1.2"], 2),
        (["192.168.1.1-192.168.1.10", "192.168.1.20-192.168.1.25"], 16),
        (["192.168.1.1-192.168.1.10", "192.168.1.5-192.168.1.15"], 15),
        (["192.168.1.1/24", "192.168.2.1/31"], 258),
        (["fe80::1/126"], 4),
    ],
)
def test_entries_that_overlap_count_once(entries: list[str], count: int) -> None:
    assert AddressSet.of_entries(entries).size == count


@pytest.mark.parametrize("entry", ["fe80::1/20", "fe80::1/65"])
def test_counts_end_where_their_numbers_do(entry: str) -> None:
    counts = stock_of(addresses(entry, prefix=20, gateway="")).counts([])
    assert (counts.total, counts.free) == (MAX_COUNT, MAX_COUNT)


WIDE = ("10.0.0.0-10.0.0.255",)


@pytest.mark.parametrize(
    ("spec", "used", "expected"),
    [
        # total, used, free, out of range
        (RANGE, span(10, 10), (11, 1, 10, 0)),
        (RANGE, span(10, 11), (11, 2, 9, 0)),
        (addresses("10.0.0.10-10.0.0.20", gateway="10.0.0.10"), span(11, 11), (10, 1, 9, 0)),
        (addresses("10.0.0.10-10.0.0.20", gateway="10.0.0.1"), span(10, 10), (11, 1, 10, 0)),
        (addresses("10.0.0.0-10.0.0.1", gateway="10.0.0.2"), span(1, 1), (1, 1, 0, 0)),
        (addresses("10.0.0.254-10.0.0.255", gateway="10.0.0.1"), span(254, 254), (1, 1, 0, 0)),
        (addresses("fe80::ffff", prefix=120, gateway="fe80::a"), ["fe80::ffff"], (1, 1, 0, 0)),
        # What is out of range counts as used all the same.
        (addresses("10.0.0.13-10.0.0.20", gateway="10.0.0.1"), span(10, 14), (8, 5, 3, 3)),
        (addresses("10.0.0.1-10.0.0.255", gateway="10.0.0.1", **RESERVED), span(2, 5), (254, 4, 250, 0)),
        (
            addresses("10.0.0.0", "10.0.0.2-10.0.0.255", gateway="10.0.0.1", **RESERVED),
            ["10.0.0.0", *span(1, 4)],
            (255, 5, 250, 1),
        ),
        (addresses("10.0.0.251-10.0.0.254", gateway="10.0.0.1", **RESERVED), span(251, 255), (4, 5, -1, 1)),
        (RANGE, ["not an address", *span(10, 10)], (11, 2, 9, 0)),
    ],
)
def test_how_full_a_pool_is(spec: IPPoolSpec, used: list[str], expected: tuple[int, int, int, int]) -> None:
    assert numbers(stock_of(spec).counts(given(*used))) == expected


def numbers(counts: IPPoolCounts) -> tuple[int | None, ...]:
    return (counts.total, counts.used, counts.free, counts.out_of_range)


MERGED = networks("fd00::/63", "fd00::/62", "fd00:0:0:8::/62")


@pytest.mark.parametrize(
    ("spec", "used", "size", "expected"),
    [
        (MERGED, [], 8, "fd00::"),
        (MERGED, ["fd00::", "fd00:0:0:1::", "fd00:0:0:2::", "fd00:0:0:3::"], 8, "fd00:0:0:8::"),
        (networks("fd00::/62"), ["fd00::"], 4, "fd00:0:0:1::"),
        # The gateway is for information: it keeps nothing from being given out.
        (networks("fd00::/62", gateway="fd00::1", excludedPrefixes=["fd00:0:0:1::/64"]), [], 3, "fd00::"),
        (networks("fd00::/62", excludedPrefixes=["fd00::/64"]), [], 3, "fd00:0:0:1::"),
        (networks("fd00::/64"), ["fd00::"], 1, None),
        (networks("fd00::/48", length=56), [], 256, "fd00::"),
        (networks("fd00::/48", length=56), ["fd00::"], 256, "fd00:0:0:100::"),
    ],
)
def test_networks_of_one_length_from_the_lowest(
    spec: PrefixPoolSpec, used: list[str], size: int, expected: str | None
) -> None:
    stock, length = stock_of(spec), spec.allocation_prefix_length or 64
    chosen = stock.lowest_free(given(*used, prefix=length))
    assert stock.size == size
    assert (chosen and (chosen.address, chosen.prefix)) == (expected and (parsed(expected), length))


def parsed(text: str) -> str:
    return str(IPv6Address(text))


@pytest.mark.parametrize(
    ("spec", "used", "expected"),
    [
        (networks("fd00::/62"), [], (4, 0, 4, 0)),
        (networks("fd00::/62"), ["fd00::"], (4, 1, 3, 0)),
        (networks("fd40::/48", length=56), ["fd40::"], (256, 1, 255, 0)),
        # What is out of range takes nothing from what is there.
        (networks("fd01:0:0:1::/64"), ["fd01::"], (1, 1, 1, 1)),
        (networks("fd03::/62", excludedPrefixes=["fd03::/64"], gateway="fd03:0:0:1::1"), ["fd03::"], (3, 1, 3, 1)),
    ],
)
def test_how_full_a_prefix_pool_is(spec: PrefixPoolSpec, used: list[str], expected: tuple[int, int, int, int]) -> None:
    length = spec.allocation_prefix_length or 64
    assert numbers(stock_of(spec).counts(given(*used, prefix=length))) == expected


@pytest.mark.parametrize(
    ("text", "prefix", "outside"),
    [("fd00:0:0:2::", 64, False), ("fd00:0:0:3::", 64, True), ("fd00::", 63, True), ("fd00:0:0:2::1234", 64, False)],
)
def test_what_a_prefix_pool_would_give_out(text: str, prefix: int, outside: bool) -> None:
    stock = stock_of(networks("fd00::/62", excludedPrefixes=["fd00:0:0:3::/64"]))
    (address,) = given(text, prefix=prefix)
    assert stock.is_outside(address) is outside


@pytest.mark.parametrize(
    "spec",
    [networks("not-a-cidr"), networks("fd00::/65"), addresses("192.168.1.25", "192.168.1.2612")],
)
def test_what_cannot_be_read_is_no_pool(spec: IPPoolSpec | PrefixPoolSpec) -> None:
    with pytest.raises(ValueError, match=r"is (not|smaller|neither)"):
        stock_of(spec)
