"""Rules of prefix pools by themselves (kubeadm-clusterctl-ipam.md 5.5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from capstan.api.errors import FieldCause
from capstan.api.ipam.addresses import parse_address, parse_entry
from capstan.api.ipam.prefixes import DEFAULT_LENGTH, parse_prefix
from capstan.api.objects import Obj
from capstan.api.rules.causes import invalid_value, required_value
from capstan.api.rules.fields import mapping_at


def prefix_pool_causes(spec: Mapping[str, Any]) -> Iterator[FieldCause]:
    """Aligned IPv6 networks that are no smaller than what is given out of them."""
    length = spec.get("allocationPrefixLength") or DEFAULT_LENGTH
    if not 1 <= length <= 128:
        yield invalid_value("spec.allocationPrefixLength", length, "must be between 1 and 128")
    prefixes = spec.get("prefixes") or ()
    if not prefixes:
        yield required_value("spec.prefixes", "prefixes is required: name at least one IPv6 network, as in fd00::/48")
    for prefix in prefixes:
        try:
            own = parse_prefix(prefix)[2]
        except ValueError as error:
            yield invalid_value("spec.prefixes", prefix, str(error))
            continue
        if own > length:
            why = f"a /{own} is smaller than the /{length} of spec.allocationPrefixLength"
            yield invalid_value("spec.prefixes", prefix, why)
    yield from _gateway_causes(spec)
    for excluded in spec.get("excludedPrefixes") or ():
        try:
            family = parse_entry(excluded)[0]
        except ValueError as error:
            yield invalid_value("spec.excludedPrefixes", excluded, str(error))
            continue
        if family != 6:
            yield invalid_value("spec.excludedPrefixes", excluded, "must be IPv6, as the pool's prefixes are")


def _gateway_causes(spec: Mapping[str, Any]) -> Iterator[FieldCause]:
    gateway = spec.get("gateway") or ""
    address = parse_address(gateway) if gateway else None
    if gateway and (address is None or address[0] != 6):
        yield invalid_value("spec.gateway", gateway, "not a valid IPv6 address: write one as in fd00::1")


def prefix_pool_warnings(pool: Obj) -> Iterator[str]:
    """What is allowed and probably not meant."""
    spec = mapping_at(pool, "spec")
    if spec.get("allocationPrefixLength") == 128:
        yield "spec.allocationPrefixLength is 128: every claim gets a single address"
    address = parse_address(spec.get("gateway") or "")
    for prefix in spec.get("prefixes") or ():
        try:
            first, last, _ = parse_prefix(prefix)
        except ValueError:
            continue
        if address is not None and address[0] == 6 and first <= address[1] <= last:
            yield f"spec.gateway {spec['gateway']} lies in {prefix}, and a network that holds it may be given out"
