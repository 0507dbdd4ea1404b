"""Defaults and rules of the IPAM kinds (cluster-api-core.md 15, kubeadm-clusterctl-ipam.md 5.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from capstan.api.errors import FieldCause
from capstan.api.ipam.addresses import (
    AddressSet,
    format_address,
    parse_address,
    parse_entry,
    pool_addresses,
    subnet_span,
)
from capstan.api.ipam.names import GROUP, SKIP_DELETE_CHECK_ANNOTATION
from capstan.api.ipam.prefixes import DEFAULT_LENGTH, block_of, pool_blocks
from capstan.api.ipam.prefixrules import prefix_pool_causes, prefix_pool_warnings
from capstan.api.kinds import Admission, AdmissionRequest, Query
from capstan.api.objects import Obj
from capstan.api.rules.causes import forbidden_value, immutable_value, invalid_value, required_value
from capstan.api.rules.fields import mapping_at, text_at, value_at

#: How many addresses a message names before it only counts them.
_NAMED: Final = 5
_NO_ADDRESS: Final = "not a valid IP address: write one as in 10.0.0.10 or fd00::10"
_NO_ENTRY: Final = (
    "provided address is not a valid IP, range, nor CIDR: write 10.0.0.10, 10.0.0.10-10.0.0.20 or 10.0.0.0/24"
)


def admit_ip_address(request: AdmissionRequest) -> Admission:
    """An IPAddress holds a real address of its claim's pool, and never changes."""
    new = request.new
    if new is None or request.subresource == "status":
        return Admission(new)
    if request.operation == "UPDATE":
        return Admission(new, tuple(_immutable(request, "IPAddress")))
    return Admission(new, (*_address_causes(new), *_claim_causes(request, new)))


def lookups_ip_address(new: Obj) -> Sequence[Query]:
    """The claim that the address is for."""
    name = text_at(new, "spec.claimRef.name")
    return (_claim_query(new, name),) if name else ()


def admit_ip_address_claim(request: AdmissionRequest) -> Admission:
    """A claim never changes what it asks for."""
    if request.new is None or request.operation != "UPDATE":
        return Admission(request.new)
    return Admission(request.new, tuple(_immutable(request, "IPAddressClaim")))


def admit_in_cluster_ip_pool(request: AdmissionRequest) -> Admission:
    """A pool, namespaced or global, is one readable range of one subnet that holds what was given out of it."""
    return _admit_pool(request, _pool_causes, _allocated_causes)


def admit_in_cluster_prefix_pool(request: AdmissionRequest) -> Admission:
    """A prefix pool, namespaced or global, is aligned IPv6 networks that hold what was given out of it."""
    admission = _admit_pool(request, prefix_pool_causes, _allocated_prefix_causes)
    return replace(admission, warnings=tuple(prefix_pool_warnings(request.new))) if request.new else admission


def _admit_pool(
    request: AdmissionRequest,
    spec_causes: Callable[[Mapping[str, Any]], Iterable[FieldCause]],
    allocated_causes: Callable[[AdmissionRequest, Obj], Iterable[FieldCause]],
) -> Admission:
    if request.operation == "DELETE":
        return Admission(None, tuple(_deletion_causes(request)))
    new, old = request.new, request.old
    if new is None or request.subresource == "status":
        return Admission(new)
    if old is not None and old.get("spec") == new.get("spec"):
        return Admission(new)
    causes = tuple(spec_causes(mapping_at(new, "spec")))
    if not causes and old is not None:
        causes = (*allocated_causes(request, new),)
    return Admission(new, causes)


def lookups_in_cluster_ip_pool(new: Obj) -> Sequence[Query]:
    """The addresses that may have been given out of the pool."""
    return (_addresses_query(new),)


admit_global_in_cluster_ip_pool = admit_in_cluster_ip_pool
lookups_global_in_cluster_ip_pool = lookups_in_cluster_ip_pool
lookups_in_cluster_prefix_pool = lookups_in_cluster_ip_pool


def _claim_query(address: Obj, name: str) -> Query:
    return Query(GROUP, "IPAddressClaim", text_at(address, "metadata.namespace"), name)


def _addresses_query(pool: Obj) -> Query:
    return Query(GROUP, "IPAddress", text_at(pool, "metadata.namespace"))


def _immutable(request: AdmissionRequest, kind: str) -> Iterator[FieldCause]:
    if request.old is not None and request.new is not None and request.old.get("spec") != request.new.get("spec"):
        yield forbidden_value("spec", f"the spec of {kind} is immutable: delete it and make a new one")


def _address_causes(new: Obj) -> Iterator[FieldCause]:
    text, prefix, gateway = text_at(new, "spec.address"), value_at(new, "spec.prefix"), text_at(new, "spec.gateway")
    address = parse_address(text)
    if address is None:
        yield invalid_value("spec.address", text, _NO_ADDRESS)
    if isinstance(prefix, int):
        if prefix < 0:
            yield invalid_value("spec.prefix", prefix, "prefix cannot be negative")
        if address is not None and prefix > _bits(address[0]):
            why = f"prefix is too large for an IPv{address[0]} address: at most {_bits(address[0])}"
            yield invalid_value("spec.prefix", prefix, why)
    if gateway and parse_address(gateway) is None:
        yield invalid_value("spec.gateway", gateway, _NO_ADDRESS)


def _claim_causes(request: AdmissionRequest, new: Obj) -> Iterator[FieldCause]:
    """A claim that does not exist yet is no fault: backups restore in any order."""
    found = request.found.get(_claim_query(new, text_at(new, "spec.claimRef.name")), ())
    ref = mapping_at(new, "spec.poolRef")
    for claim in found:
        wanted = mapping_at(claim, "spec.poolRef")
        if wanted != ref:
            named = f"IPAddressClaim {text_at(claim, 'metadata.name')} names {wanted.get('kind')} {wanted.get('name')}"
            why = f"the referenced pool is different from the claim's pool: {named}"
            yield invalid_value("spec.poolRef", ref, why)


def _pool_causes(spec: Any) -> Iterator[FieldCause]:
    entries = spec.get("addresses") or ()
    if not entries:
        yield required_value("spec.addresses", "addresses is required: name at least one address, range or network")
        return
    families, unreadable = _families(entries)
    for entry in unreadable:
        yield invalid_value("spec.addresses", entry, _NO_ENTRY)
    if len(families) > 1:
        why = "provided addresses are of mixed IP families: make a pool of each"
        yield invalid_value("spec.addresses", entries, why)
    others = (*_gateway_causes(spec, families), *_exclusion_causes(spec, families), *_number_causes(spec))
    yield from others
    if not unreadable and len(families) == 1 and not others:
        yield from _subnet_causes(entries, spec.get("prefix") or 0)


def _families(entries: Sequence[str]) -> tuple[set[int], list[str]]:
    """The address families of the entries, and the entries that cannot be read."""
    families: set[int] = set()
    unreadable = []
    for entry in entries:
        try:
            families.add(parse_entry(entry)[0])
        except ValueError:
            unreadable.append(entry)
    return families, unreadable


def _gateway_causes(spec: Any, families: set[int]) -> Iterator[FieldCause]:
    gateway = spec.get("gateway") or ""
    address = parse_address(gateway)
    if gateway and address is None:
        yield invalid_value("spec.gateway", gateway, _NO_ADDRESS)
    elif address is not None and families - {address[0]}:
        why = f"provided gateway and addresses are of mixed IP families: {_named_families(families)}"
        yield invalid_value("spec.gateway", gateway, why)


def _exclusion_causes(spec: Any, families: set[int]) -> Iterator[FieldCause]:
    excluded = spec.get("excludedAddresses") or ()
    other, unreadable = _families(excluded)
    for entry in unreadable:
        yield invalid_value("spec.excludedAddresses", entry, _NO_ENTRY)
    if len(other) > 1 or (families and other - families):
        why = f"addresses and excluded addresses are of mixed IP families: {_named_families(families)}"
        yield invalid_value("spec.excludedAddresses", excluded, why)


def _number_causes(spec: Any) -> Iterator[FieldCause]:
    prefix, grace = spec.get("prefix") or 0, spec.get("addressReuseGracePeriodSeconds") or 0
    if prefix < 0:
        yield invalid_value("spec.prefix", prefix, "a valid prefix is required when using addresses")
    if grace < 0:
        why = "must be greater than or equal to 0"
        yield invalid_value("spec.addressReuseGracePeriodSeconds", grace, why)


def _subnet_causes(entries: Sequence[str], prefix: int) -> Iterator[FieldCause]:
    """The lowest address and the prefix make the subnet; every entry must lie in it."""
    members = AddressSet.of_entries(entries)
    if prefix > _bits(members.family):
        why = f"provided prefix is not valid: 0 to {_bits(members.family)} for IPv{members.family}"
        yield invalid_value("spec.prefix", prefix, why)
        return
    first, last = subnet_span(members.family, members.lowest, prefix)
    subnet = f"{format_address(members.family, first)}-{format_address(members.family, last)}"
    for entry in entries:
        _, low, high = parse_entry(entry)
        if low < first or high > last:
            why = (
                "provided address belongs to a different subnet than others: "
                f"the lowest one and spec.prefix {prefix} make {subnet}"
            )
            yield invalid_value("spec.addresses", entry, why)


def _allocated_causes(request: AdmissionRequest, new: Obj) -> Iterator[FieldCause]:
    spec = mapping_at(new, "spec")
    available = pool_addresses(
        spec.get("addresses") or (),
        prefix=spec.get("prefix") or 0,
        gateway=spec.get("gateway") or "",
        excluded=spec.get("excludedAddresses") or (),
        allocate_reserved=bool(spec.get("allocateReservedIPAddresses")),
    )
    parsed = (parse_address(text_at(address, "spec.address")) for address in _allocated(request, new))
    lost = sorted({address for address in parsed if address is not None and not available.contains(*address)})
    if lost:
        why = f"pool addresses do not contain allocated addresses: {_some(format_address(*one) for one in lost)}"
        yield forbidden_value("spec.addresses", f"{why}; keep them, or delete what uses them first")


def _allocated_prefix_causes(request: AdmissionRequest, new: Obj) -> Iterator[FieldCause]:
    spec = mapping_at(new, "spec")
    length = spec.get("allocationPrefixLength") or DEFAULT_LENGTH
    if length != (value_at(request.old, "spec.allocationPrefixLength") or DEFAULT_LENGTH):
        before = value_at(request.old, "spec.allocationPrefixLength") or DEFAULT_LENGTH
        yield immutable_value("spec.allocationPrefixLength", before, "make a new pool instead")
        return
    available = pool_blocks(spec.get("prefixes") or (), length=length, excluded=spec.get("excludedPrefixes") or ())
    lost = []
    for allocated in _allocated(request, new):
        text, prefix = text_at(allocated, "spec.address"), value_at(allocated, "spec.prefix")
        block = block_of(text, prefix, length) if isinstance(prefix, int) else None
        if block is not None and (prefix != length or not available.contains(6, block[0])):
            lost.append(f"{text}/{prefix}")
    if lost:
        why = f"pool prefixes do not contain allocated prefixes: {_some(sorted(lost))}"
        yield forbidden_value("spec.prefixes", f"{why}; keep them, or delete what uses them first")


def _deletion_causes(request: AdmissionRequest) -> Iterator[FieldCause]:
    pool = request.old
    if pool is None or SKIP_DELETE_CHECK_ANNOTATION in mapping_at(pool, "metadata.annotations"):
        return
    used = sorted(_used(address) for address in _allocated(request, pool))
    if used:
        why = "Pool has IPAddresses allocated. Cannot delete Pool until all IPAddresses have been removed."
        yield forbidden_value("metadata.name", f"{why} In use: {_some(used)}.")


def _used(address: Obj) -> str:
    """An address and who has it."""
    holder = f"{text_at(address, 'metadata.namespace')}/{text_at(address, 'spec.claimRef.name')}"
    return f"{text_at(address, 'spec.address')} (IPAddressClaim {holder})"


def _some(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    known = list(names)
    more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
    return ", ".join(known[:_NAMED]) + more


def _bits(family: int) -> int:
    return 32 if family == 4 else 128


def _named_families(families: set[int]) -> str:
    return "the addresses are " + " and ".join(f"IPv{family}" for family in sorted(families))


def _allocated(request: AdmissionRequest, pool: Obj) -> Iterator[Obj]:
    """The IPAddresses that were given out of the pool."""
    ref = {"apiGroup": GROUP, "kind": pool.get("kind"), "name": text_at(pool, "metadata.name")}
    for address in request.found.get(_addresses_query(pool), ()):
        if mapping_at(address, "spec.poolRef") == ref:
            yield address
