"""Which addresses a machine claims, from which pools, and what came of the claims (proxmox.md 2.7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from capstan.api.cluster.address import MachineAddress
from capstan.api.cluster.reference import ContractReference
from capstan.api.infrastructure.addresses import ZonePools
from capstan.api.infrastructure.network import NetworkDevice
from capstan.api.infrastructure.proxmoxcluster import ProxmoxCluster
from capstan.api.infrastructure.proxmoxmachine import DeviceAddresses, ProxmoxMachine
from capstan.api.ipam.ipaddressclaim import IPAddressClaim, IPAddressClaimSpec
from capstan.api.ipam.names import CLAIM_FINALIZER
from capstan.api.meta import ObjectMeta, OwnerReference
from capstan.providers.proxmox.proxmoxmachine.snapshot import Address
from capstan.providers.proxmox.resources import (
    CLAIMS,
    CLUSTER_LABEL,
    DEFAULT_ZONE,
    GATEWAY_ANNOTATION,
    IPAM,
    OFFSET_ANNOTATION,
    PROXMOX_MACHINES,
    ZONE_LABEL,
)


@dataclass(frozen=True, slots=True)
class PoolClaim:
    """One address that a device draws: `offset` counts the pools of the device, `default` ones give the gateway."""

    device: str
    offset: int
    pool_kind: str
    pool_name: str
    default: bool


@dataclass(frozen=True, slots=True)
class NoPool:
    """The zone has no pool that a device needs. `message` says what to do."""

    message: str


def devices_of(machine: ProxmoxMachine) -> tuple[NetworkDevice, ...]:
    return machine.spec.network.network_devices


def device_name(device: NetworkDevice, index: int) -> str:
    return device.name or f"net{index}"


def pool_claims(machine: ProxmoxMachine, infra: ProxmoxCluster) -> tuple[PoolClaim, ...] | NoPool:
    """Every address that the machine draws, device by device; or why that cannot be said."""
    devices = devices_of(machine)
    nobody_is_default = not any(d.default_ipv4 or d.default_ipv6 for d in devices)
    result: list[PoolClaim] = []
    for index, device in enumerate(devices):
        name = device_name(device, index)
        both = nobody_is_default and index == 0
        pools: list[tuple[str, str, bool]] = []
        if both or device.default_ipv4 or device.default_ipv6:
            defaults = _default_pools(
                machine, infra, both or bool(device.default_ipv4), both or bool(device.default_ipv6)
            )
            if isinstance(defaults, NoPool):
                return defaults
            pools += [("InClusterIPPool", pool, True) for pool in defaults]
        pools += [(ref.kind, ref.name, False) for ref in device.ip_pool_ref]
        result += [PoolClaim(name, i, kind, pool, default) for i, (kind, pool, default) in enumerate(pools)]
    return tuple(result)


def _default_pools(machine: ProxmoxMachine, infra: ProxmoxCluster, v4: bool, v6: bool) -> list[str] | NoPool:
    zone = machine.spec.network.zone or DEFAULT_ZONE
    pools = next((ref for ref in infra.status.in_cluster_zone_ref if (ref.zone or DEFAULT_ZONE) == zone), None)
    if pools is None:
        known = ", ".join(ref.zone or DEFAULT_ZONE for ref in infra.status.in_cluster_zone_ref) or "none yet"
        return NoPool(
            f"ProxmoxCluster {infra.metadata.name} has no address pools for zone {zone} (it has: {known}): correct "
            "spec.network.zone or add the zone to spec.zoneConfig of the ProxmoxCluster"
        )
    names = _names(pools, v4, v6)
    if not names:
        return NoPool(f"zone {zone} of ProxmoxCluster {infra.metadata.name} has no address pool of the wanted family")
    return names


def _names(pools: ZonePools, v4: bool, v6: bool) -> list[str]:
    """The pools of the wanted families; a family that the cluster does not have is left out."""
    wanted = (pools.in_cluster_ip_pool_ref_v4 if v4 else None, pools.in_cluster_ip_pool_ref_v6 if v6 else None)
    return [ref.name for ref in wanted if ref is not None and ref.name]


def claim_name(machine: ProxmoxMachine, claim: PoolClaim) -> str:
    return f"{machine.metadata.name}-{claim.device}-{claim.offset:02d}-inet"


def new_claim(machine: ProxmoxMachine, cluster_name: str, claim: PoolClaim) -> IPAddressClaim:
    """The IPAddressClaim to create, owned by the machine. It is made with the finalizer that the provider of its pool
    would put on it first."""
    labels = {CLUSTER_LABEL: cluster_name}
    annotations = {OFFSET_ANNOTATION: str(claim.offset)}
    if claim.default:
        labels[ZONE_LABEL] = machine.spec.network.zone or DEFAULT_ZONE
        annotations[GATEWAY_ANNOTATION] = "true"
    owner = OwnerReference(
        api_version=PROXMOX_MACHINES.api_version,
        kind=PROXMOX_MACHINES.kind,
        name=machine.metadata.name,
        uid=machine.metadata.uid,
        controller=True,
        block_owner_deletion=True,
    )
    return IPAddressClaim(
        api_version=CLAIMS.api_version,
        kind=CLAIMS.kind,
        metadata=ObjectMeta(
            name=claim_name(machine, claim),
            namespace=machine.metadata.namespace,
            labels=labels,
            annotations=annotations,
            finalizers=(CLAIM_FINALIZER,),
            owner_references=(owner,),
        ),
        spec=IPAddressClaimSpec(
            cluster_name=cluster_name,
            pool_ref=ContractReference(api_group=IPAM, kind=claim.pool_kind, name=claim.pool_name),
        ),
    )


def find_conflict(machine: ProxmoxMachine, claim: PoolClaim, found: Address) -> str:
    """Why an existing claim with the wanted name is not the wanted claim; empty when it is."""
    existing = found.claim
    owner = next((ref for ref in existing.metadata.owner_references if ref.controller), None)
    if owner is None or owner.uid != machine.metadata.uid:
        return f"IPAddressClaim {existing.metadata.name} belongs to somebody else: delete it if it is left over"
    pool = existing.spec.pool_ref
    if (pool.kind, pool.name) != (claim.pool_kind, claim.pool_name):
        return (
            f"IPAddressClaim {existing.metadata.name} is for pool {pool.name}, the machine wants {claim.pool_name}: "
            "delete the Machine to replace it"
        )
    return ""


def why_pending(found: Address | None, name: str, pool: str) -> str:
    """What a claim without an address waits for, in the IPAM provider's own words if it has any."""
    if found is None:
        return f"IPAddressClaim {name} is being created"
    ready = next((c for c in found.claim.status.conditions if c.type == "Ready" and c.status != "True"), None)
    told = f": {ready.message or ready.reason}" if ready is not None else ""
    return f"IPAddressClaim {name} has no address from pool {pool} yet{told}"


def device_addresses(
    claims: Iterable[PoolClaim], addresses: Mapping[str, Address], machine: ProxmoxMachine
) -> tuple[DeviceAddresses, ...]:
    """`status.ipAddresses`: by device, and those of the default pools together as net `default`."""
    v4: dict[str, list[str]] = {}
    v6: dict[str, list[str]] = {}
    for claim in claims:
        found = addresses.get(claim_name(machine, claim))
        if found is None or found.address is None:
            continue
        address = found.address.spec.address
        family = v4 if ip_address(address).version == 4 else v6
        for net in (claim.device, "default") if claim.default else (claim.device,):
            family.setdefault(net, []).append(address)
    nets = sorted({*v4, *v6})
    return tuple(DeviceAddresses(net=net, ipv4=tuple(v4.get(net, ())), ipv6=tuple(v6.get(net, ()))) for net in nets)


def machine_addresses(machine: ProxmoxMachine, by_device: Iterable[DeviceAddresses]) -> tuple[MachineAddress, ...]:
    """Hostname is the machine's name, InternalIP only those of the default pools, so never a VIP."""
    default = next((entry for entry in by_device if entry.net == "default"), None)
    internal = (*default.ipv4, *default.ipv6) if default is not None else ()
    return (
        MachineAddress(type="Hostname", address=machine.metadata.name),
        *(MachineAddress(type="InternalIP", address=address) for address in internal),
    )
