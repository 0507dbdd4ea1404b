"""The networks of one length that a prefix pool may give out, as numbered blocks: a /48 costs as much as one /64.

Block `n` of length 64 is the network whose first address is n shifted left by 64 bits.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address

from capstan.api.ipam.addresses import AddressSet, parse_address, parse_entry, spans_of

DEFAULT_LENGTH = 64
_BITS = 128


def parse_prefix(text: str) -> tuple[int, int, int]:
    """First and last address, and prefix length, of an IPv6 network. Raises ValueError with the reason in words."""
    base, slash, length_text = text.partition("/")
    if not slash or not length_text.isdigit():
        raise ValueError(f"{text} is not a CIDR")
    family, first, last = parse_entry(text)
    if family != 6:
        raise ValueError(f"{text} is not an IPv6 network")
    address = parse_address(base)
    if address is None or address[1] != first:
        right = f"{IPv6Address(first)}/{length_text}"
        raise ValueError(f"{text} is not aligned to its length: {right} is the network that holds it")
    return first, last, int(length_text)


def pool_blocks(prefixes: Iterable[str], *, length: int, excluded: Iterable[str] = ()) -> AddressSet:
    """The blocks of that length that lie in `prefixes` and touch nothing of `excluded`. Raises ValueError."""
    shift = _BITS - length
    wide = []
    for text in prefixes:
        first, last, own = parse_prefix(text)
        if own > length:
            raise ValueError(f"{text} is smaller than a /{length}")
        wide.append((first >> shift, last >> shift))
    gone = [(first >> shift, last >> shift) for _, first, last in map(parse_entry, excluded)]
    return AddressSet(6, spans_of(wide)).minus(AddressSet(6, spans_of(gone)))


def block_of(address: str, prefix: int, length: int) -> tuple[int, int] | None:
    """The first and last block of that length which a network touches; None when it is no IPv6 network."""
    parsed = parse_address(address)
    if parsed is None or parsed[0] != 6 or not 0 <= prefix <= _BITS:
        return None
    room = _BITS - prefix
    first = parsed[1] >> room << room
    return first >> (_BITS - length), (first + (1 << room) - 1) >> (_BITS - length)


def block_text(block: int, length: int) -> str:
    """The address of a block."""
    return str(IPv6Address(block << (_BITS - length)))
