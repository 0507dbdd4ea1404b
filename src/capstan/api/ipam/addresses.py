"""Sets of IP addresses as sorted, disjoint spans: what a pool may give out, and the lowest address that is free.

A span is two numbers, so a /8 or a /64 costs as much as a single address.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

#: Counts in a pool's status are int64.
MAX_COUNT = 2**63 - 1

Span = tuple[int, int]


@lru_cache(maxsize=65536)
def parse_address(text: str) -> tuple[int, int] | None:
    """Family (4 or 6) and number of one address; None for anything else."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.version, int(address)


def format_address(family: int, number: int) -> str:
    return str(IPv4Address(number) if family == 4 else IPv6Address(number))


def parse_entry(text: str) -> tuple[int, int, int]:
    """Family, first and last address of an entry: an address, a CIDR or a range `from-to`.

    Raises ValueError with the reason in words.
    """
    if "/" in text:
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            raise ValueError(f"{text} is not a CIDR") from None
        return network.version, int(network.network_address), int(network.broadcast_address)
    first_text, dash, last_text = text.partition("-")
    first = parse_address(first_text.strip())
    last = parse_address(last_text.strip()) if dash else first
    if first is None or last is None:
        raise ValueError(f"{text} is neither an IP address, nor a CIDR, nor a range from-to")
    if first[0] != last[0] or first[1] > last[1]:
        raise ValueError(f"{text} is not a range: its end must be of the same family and not below its start")
    return first[0], first[1], last[1]


@dataclass(frozen=True, slots=True)
class AddressSet:
    """Addresses of one family. `spans` are sorted, disjoint and not adjacent; `family` is 0 when it is empty."""

    family: int = 0
    spans: tuple[Span, ...] = ()

    @staticmethod
    def of_entries(entries: Iterable[str]) -> AddressSet:
        """The union of entries. Raises ValueError when one cannot be read or the families are mixed."""
        parsed = [parse_entry(entry) for entry in entries]
        families = {family for family, _, _ in parsed}
        if len(families) > 1:
            raise ValueError("IPv4 and IPv6 addresses cannot be mixed")
        return AddressSet(min(families, default=0), spans_of((first, last) for _, first, last in parsed))

    @property
    def size(self) -> int:
        return sum(last - first + 1 for first, last in self.spans)

    @property
    def lowest(self) -> int:
        return self.spans[0][0]

    @property
    def highest(self) -> int:
        return self.spans[-1][1]

    def __bool__(self) -> bool:
        return bool(self.spans)

    def contains(self, family: int, number: int) -> bool:
        at = bisect_right(self.spans, (number, 2**128)) - 1
        return family == self.family and at >= 0 and number <= self.spans[at][1]

    def overlap(self, other: AddressSet) -> Span | None:
        """The lowest addresses that both have, as far as they reach without a gap; None when there are none."""
        if self.family != other.family:
            return None
        found = ((max(a, c), min(b, d)) for a, b in self.spans for c, d in other.spans)
        return min((span for span in found if span[0] <= span[1]), default=None)

    def minus(self, other: AddressSet) -> AddressSet:
        """What is left without the addresses of `other`."""
        if not other or other.family != self.family:
            return self
        return AddressSet(self.family, tuple(_left_over(self.spans, other.spans)))

    def minus_numbers(self, numbers: Iterable[int]) -> AddressSet:
        return self.minus(AddressSet(self.family, spans_of((n, n) for n in numbers)))

    def first_free(self, taken: Sequence[int]) -> int | None:
        """The lowest address that is not in `taken` (sorted numbers of this family)."""
        for first, last in self.spans:
            candidate = first
            at = bisect_left(taken, first)
            while at < len(taken) and taken[at] <= candidate:
                candidate = max(candidate, taken[at] + 1)
                at += 1
            if candidate <= last:
                return candidate
        return None


def subnet_span(family: int, number: int, prefix: int) -> Span:
    """First and last address of the subnet of that prefix length which holds an address."""
    bits = (32 if family == 4 else 128) - prefix
    first = number >> bits << bits
    return first, first + (1 << bits) - 1


def pool_addresses(
    addresses: Iterable[str],
    *,
    prefix: int,
    gateway: str = "",
    excluded: Iterable[str] = (),
    allocate_reserved: bool = False,
) -> AddressSet:
    """What an in-cluster pool may give out: its addresses without exclusions, gateway and reserved addresses.

    Reserved are the first address of the subnet and, for IPv4, the last. The subnet is the one of the pool's lowest
    address. Raises ValueError as `AddressSet.of_entries` does.
    """
    members = AddressSet.of_entries(addresses)
    if not members:
        return members
    numbers = []
    if not allocate_reserved and 0 <= prefix <= (32 if members.family == 4 else 128):
        first, last = subnet_span(members.family, members.lowest, prefix)
        numbers = [first, last] if members.family == 4 else [first]
    way_out = parse_address(gateway) if gateway else None
    if way_out is not None and way_out[0] == members.family:
        numbers.append(way_out[1])
    return members.minus(AddressSet.of_entries(excluded)).minus_numbers(numbers)


def spans_of(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans in order, with those that overlap or touch made one."""
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def _left_over(spans: Sequence[Span], removed: Sequence[Span]) -> Iterator[Span]:
    at = 0
    for first, last in spans:
        while at < len(removed) and removed[at][1] < first:
            at += 1
        index = at
        while first <= last and index < len(removed) and removed[index][0] <= last:
            if removed[index][0] > first:
                yield first, removed[index][0] - 1
            first = removed[index][1] + 1
            index += 1
        if first <= last:
            yield first, last
