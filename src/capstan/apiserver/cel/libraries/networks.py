"""IP addresses and networks: `ip()`, `cidr()` and what can be asked of them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from capstan.apiserver.cel import types as t
from capstan.apiserver.cel.errors import CelEvaluationError
from capstan.apiserver.cel.functions import Functions, Overload, function, member
from capstan.apiserver.cel.values import Opaque

IP_TYPE, CIDR_TYPE = t.opaque("net.IP"), t.opaque("net.CIDR")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_BITS = re.compile(r"0|[1-9]\d{0,2}", re.ASCII)


class IP(Opaque):
    """An address."""

    __slots__ = ("address",)
    cel_type = IP_TYPE

    def __init__(self, address: Address) -> None:
        self.address = address

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IP) and self.address == other.address

    def __hash__(self) -> int:
        return hash(self.address)

    def __str__(self) -> str:
        return str(self.address)


class CIDR(Opaque):
    """An address with the length of its prefix; bits behind the prefix are kept."""

    __slots__ = ("address", "bits")
    cel_type = CIDR_TYPE

    def __init__(self, address: Address, bits: int) -> None:
        self.address = address
        self.bits = bits

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CIDR) and (self.address, self.bits) == (other.address, other.bits)

    def __hash__(self) -> int:
        return hash((self.address, self.bits))

    def __str__(self) -> str:
        return f"{self.address}/{self.bits}"

    def prefix(self, address: Address, bits: int) -> int:
        return int(address) >> (address.max_prefixlen - bits)

    def holds(self, address: Address) -> bool:
        same = address.version == self.address.version
        return same and self.prefix(address, self.bits) == self.prefix(self.address, self.bits)


def _read(text: str) -> Address:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        raise CelEvaluationError(f'ParseAddr("{text}"): unable to parse IP') from None
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id is not None:
            raise CelEvaluationError(f'IP address "{text}" with zone value is not allowed')
        if found.ipv4_mapped is not None:
            raise CelEvaluationError(f'IPv4-mapped IPv6 address "{text}" is not allowed')
    return found


def ip(text: str) -> IP:
    """Errors: CelEvaluationError."""
    try:
        return IP(_read(text))
    except CelEvaluationError as error:
        shown = f'IP Address "{text}" parse error during conversion from string: {error}'
        raise CelEvaluationError(shown) from None


def cidr(text: str) -> CIDR:
    """Errors: CelEvaluationError."""
    address, slash, bits = text.partition("/")
    wrong = CelEvaluationError(
        f'network address parse error during conversion from string: netip.ParsePrefix("{text}"): no prefix'
    )
    if not slash or not _BITS.fullmatch(bits):
        raise wrong
    try:
        found = _read(address)
    except CelEvaluationError as error:
        raise CelEvaluationError(f"network address parse error during conversion from string: {error}") from None
    if int(bits) > found.max_prefixlen:
        raise wrong
    return CIDR(found, int(bits))


def _reads(read: Callable[[str], Any]) -> Callable[[str], bool]:
    def run(text: str) -> bool:
        try:
            read(text)
        except CelEvaluationError:
            return False
        return True

    return run


def _is_canonical(text: str) -> bool:
    return str(ip(text).address) == text


def _link_local_multicast(of: IP) -> bool:
    packed = of.address.packed
    return packed[:3] == b"\xe0\x00\x00" if of.address.version == 4 else packed[0] == 0xFF and packed[1] & 0x0F == 2


def _link_local_unicast(of: IP) -> bool:
    packed = of.address.packed
    return packed[:2] == b"\xa9\xfe" if of.address.version == 4 else packed[0] == 0xFE and packed[1] & 0xC0 == 0x80


def _global_unicast(of: IP) -> bool:
    address = of.address
    if address.version == 4 and address.packed == b"\xff" * 4:
        return False
    return not (address.is_unspecified or address.is_loopback or address.is_multicast or _link_local_unicast(of))


def _contains_network(outer: CIDR, inner: CIDR) -> bool:
    return outer.bits <= inner.bits and outer.holds(inner.address)


def _masked(of: CIDR) -> CIDR:
    spare = of.address.max_prefixlen - of.bits
    return CIDR(type(of.address)((int(of.address) >> spare) << spare), of.bits)


def _asked(id: str, ask: Callable[[IP], bool]) -> tuple[Overload]:
    return (member(id, (IP_TYPE,), t.BOOL, ask),)


NETWORKS: Functions = {
    "ip": (
        function("string_to_ip", (t.STRING,), IP_TYPE, ip),
        member("cidr_ip", (CIDR_TYPE,), IP_TYPE, lambda c: IP(c.address)),
    ),
    "isIP": (function("is_ip", (t.STRING,), t.BOOL, _reads(ip)),),
    "ip.isCanonical": (function("ip_is_canonical", (t.STRING,), t.BOOL, _is_canonical),),
    "family": (member("ip_family", (IP_TYPE,), t.INT, lambda i: i.address.version),),
    "isUnspecified": _asked("ip_is_unspecified", lambda i: i.address.is_unspecified),
    "isLoopback": _asked("ip_is_loopback", lambda i: i.address.is_loopback),
    "isLinkLocalMulticast": _asked("ip_is_link_local_multicast", _link_local_multicast),
    "isLinkLocalUnicast": _asked("ip_is_link_local_unicast", _link_local_unicast),
    "isGlobalUnicast": _asked("ip_is_global_unicast", _global_unicast),
    "cidr": (function("string_to_cidr", (t.STRING,), CIDR_TYPE, cidr),),
    "isCIDR": (function("is_cidr", (t.STRING,), t.BOOL, _reads(cidr)),),
    "containsIP": (
        member("cidr_contains_ip_string", (CIDR_TYPE, t.STRING), t.BOOL, lambda c, i: c.holds(_read(i))),
        member("cidr_contains_ip_ip", (CIDR_TYPE, IP_TYPE), t.BOOL, lambda c, i: c.holds(i.address)),
    ),
    "containsCIDR": (
        member("cidr_contains_cidr_string", (CIDR_TYPE, t.STRING), t.BOOL, lambda c, o: _contains_network(c, cidr(o))),
        member("cidr_contains_cidr", (CIDR_TYPE, CIDR_TYPE), t.BOOL, _contains_network),
    ),
    "prefixLength": (member("cidr_prefix_length", (CIDR_TYPE,), t.INT, lambda c: c.bits),),
    "masked": (member("cidr_masked", (CIDR_TYPE,), CIDR_TYPE, _masked),),
    "string": (
        function("ip_to_string", (IP_TYPE,), t.STRING, str),
        function("cidr_to_string", (CIDR_TYPE,), t.STRING, str),
    ),
}
