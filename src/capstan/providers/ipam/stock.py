"""What a pool may give out, whatever its kind: single addresses, or networks of one length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from capstan.api.ipam.addresses import (
    MAX_COUNT,
    AddressSet,
    format_address,
    parse_address,
    pool_addresses,
    spans_of,
)
from capstan.api.ipam.ipaddress import IPAddress
from capstan.api.ipam.pool import IPPoolCounts, IPPoolSpec
from capstan.api.ipam.prefixes import DEFAULT_LENGTH, block_of, block_text, pool_blocks
from capstan.api.ipam.prefixpool import PrefixPoolSpec


@dataclass(frozen=True, slots=True)
class Choice:
    """What a claim gets."""

    address: str
    prefix: int
    gateway: str


class Stock(Protocol):
    """The contents of one pool."""

    @property
    def size(self) -> int: ...

    @property
    def reach(self) -> AddressSet:
        """Every single address that may be given out, to compare pools by."""
        ...

    def lowest_free(self, given: Iterable[IPAddress]) -> Choice | None:
        """What is given out next when all of `given` is in use; None when nothing is left."""
        ...

    def is_outside(self, address: IPAddress) -> bool:
        """Whether the pool would not give this out today. What is no address is not counted."""
        ...

    def counts(self, given: Iterable[IPAddress]) -> IPPoolCounts: ...


@dataclass(frozen=True, slots=True)
class AddressStock:
    """Single addresses."""

    available: AddressSet
    prefix: int
    gateway: str

    @property
    def size(self) -> int:
        return self.available.size

    @property
    def reach(self) -> AddressSet:
        return self.available

    def lowest_free(self, given: Iterable[IPAddress]) -> Choice | None:
        parsed = (parse_address(address.spec.address) for address in given)
        taken = sorted(number for family, number in filter(None, parsed) if family == self.available.family)
        number = self.available.first_free(taken)
        if number is None:
            return None
        return Choice(format_address(self.available.family, number), self.prefix, self.gateway)

    def is_outside(self, address: IPAddress) -> bool:
        parsed = parse_address(address.spec.address)
        return parsed is not None and not self.available.contains(*parsed)

    def counts(self, given: Iterable[IPAddress]) -> IPPoolCounts:
        """Addresses out of range count against `free`."""
        held = tuple(given)
        outside = sum(map(self.is_outside, held))
        return _counts(self.size, len(held), self.size - len(held), outside)


@dataclass(frozen=True, slots=True)
class PrefixStock:
    """Networks of one length; `available` are their numbers."""

    available: AddressSet
    length: int
    gateway: str

    @property
    def size(self) -> int:
        return self.available.size

    @property
    def reach(self) -> AddressSet:
        room = 128 - self.length
        spans = ((first << room, ((last + 1) << room) - 1) for first, last in self.available.spans)
        return AddressSet(self.available.family, tuple(spans))

    def lowest_free(self, given: Iterable[IPAddress]) -> Choice | None:
        """A network that somebody has, of whatever length, is never given out, nor anything inside or around it."""
        free = self.available.minus(AddressSet(6, spans_of(self._blocks(given))))
        return Choice(block_text(free.lowest, self.length), self.length, self.gateway) if free else None

    def _blocks(self, given: Iterable[IPAddress]) -> Iterator[tuple[int, int]]:
        for address in given:
            blocks = block_of(address.spec.address, address.spec.prefix, self.length)
            if blocks is not None:
                yield blocks

    def is_outside(self, address: IPAddress) -> bool:
        blocks = block_of(address.spec.address, address.spec.prefix, self.length)
        if blocks is None:
            return False
        return address.spec.prefix != self.length or not self.available.contains(6, blocks[0])

    def counts(self, given: Iterable[IPAddress]) -> IPPoolCounts:
        """Networks out of range do not count against `free`."""
        held = tuple(given)
        outside = sum(map(self.is_outside, held))
        return _counts(self.size, len(held), max(0, self.size - len(held) + outside), outside)


def _counts(total: int, used: int, free: int, outside: int) -> IPPoolCounts:
    return IPPoolCounts(total=min(total, MAX_COUNT), used=used, free=min(free, MAX_COUNT), out_of_range=outside)


def stock_of(spec: IPPoolSpec | PrefixPoolSpec) -> Stock:
    """The contents of a pool. Raises ValueError for entries that cannot be read (admission refuses them)."""
    if isinstance(spec, PrefixPoolSpec):
        length = spec.allocation_prefix_length or DEFAULT_LENGTH
        return PrefixStock(_blocks(spec.prefixes, length, spec.excluded_prefixes), length, spec.gateway)
    reserved = bool(spec.allocate_reserved_ip_addresses)
    members = _members(spec.addresses, spec.prefix, spec.gateway, spec.excluded_addresses, reserved)
    return AddressStock(members, spec.prefix, spec.gateway)


@lru_cache(maxsize=1024)
def _blocks(prefixes: tuple[str, ...], length: int, excluded: tuple[str, ...]) -> AddressSet:
    return pool_blocks(prefixes, length=length, excluded=excluded)


@lru_cache(maxsize=1024)
def _members(
    addresses: tuple[str, ...], prefix: int, gateway: str, excluded: tuple[str, ...], allocate_reserved: bool
) -> AddressSet:
    return pool_addresses(
        addresses, prefix=prefix, gateway=gateway, excluded=excluded, allocate_reserved=allocate_reserved
    )
