"""The address pools of a cluster: one for each zone and family, as its ProxmoxCluster says (proxmox.md 2.1, 2.7)."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from capstan.api.core.reference import LocalReference
from capstan.api.infrastructure.addresses import IPv4Config, IPv6Config, ZonePools
from capstan.api.infrastructure.proxmoxcluster import ProxmoxCluster
from capstan.api.ipam.inclusterippool import InClusterIPPool
from capstan.api.ipam.pool import IPPoolSpec
from capstan.api.meta import ObjectMeta, controller_of
from capstan.api.rules.owners import owner_reference, with_owner
from capstan.providers.proxmox.resources import (
    CLUSTER_LABEL,
    DEFAULT_ZONE,
    FAMILY_ANNOTATION,
    METRIC_ANNOTATION,
    POOLS,
    PROXMOX_CLUSTERS,
    ZONE_LABEL,
)

#: How long a released address rests before it is given to another machine.
GRACE_SECONDS = 60
DEFAULT_METRIC = 100


@dataclass(frozen=True, slots=True)
class WantedPool:
    """One pool to keep: its name, zone, family (`v4`, `v6`) and what the cluster says of it."""

    name: str
    zone: str
    family: str
    config: IPv4Config | IPv6Config


def wanted_pools(infra: ProxmoxCluster) -> tuple[WantedPool, ...]:
    """The default zone first, then the others as they are listed."""
    name = infra.metadata.name
    found = _of_zone(name, DEFAULT_ZONE, infra.spec.ipv4_config, infra.spec.ipv6_config)
    for zone in infra.spec.zone_config:
        found += _of_zone(f"{name}-{zone.zone}", zone.zone, zone.ipv4_config, zone.ipv6_config)
    return tuple(found)


def _of_zone(prefix: str, zone: str, v4: IPv4Config | None, v6: IPv6Config | None) -> list[WantedPool]:
    configs: tuple[tuple[str, IPv4Config | IPv6Config | None], ...] = (("v4", v4), ("v6", v6))
    return [
        WantedPool(f"{prefix}-{family}-icip", zone, family, config)
        for family, config in configs
        if config is not None and config.addresses
    ]


def new_pool(infra: ProxmoxCluster, wanted: WantedPool) -> InClusterIPPool:
    """The pool as it should be, owned by the cluster."""
    owner = owner_reference(PROXMOX_CLUSTERS.api_version, PROXMOX_CLUSTERS.kind, infra.metadata, controller=True)
    labels = {ZONE_LABEL: wanted.zone}
    cluster = infra.metadata.labels.get(CLUSTER_LABEL, "")
    if cluster:
        labels[CLUSTER_LABEL] = cluster
    metric = wanted.config.metric
    return InClusterIPPool(
        api_version=POOLS.api_version,
        kind=POOLS.kind,
        metadata=ObjectMeta(
            name=wanted.name,
            namespace=infra.metadata.namespace,
            labels=labels,
            annotations={
                FAMILY_ANNOTATION: f"ip{wanted.family}",
                METRIC_ANNOTATION: str(DEFAULT_METRIC if metric is None else metric),
            },
            owner_references=(owner,),
        ),
        spec=IPPoolSpec(
            addresses=wanted.config.addresses,
            prefix=wanted.config.prefix,
            gateway=wanted.config.gateway,
            address_reuse_grace_period_seconds=GRACE_SECONDS,
        ),
    )


def corrected(existing: InClusterIPPool, wanted: InClusterIPPool) -> InClusterIPPool | None:
    """The existing pool with what the cluster says of it; None when nothing differs. What others set stays."""
    spec = msgspec.structs.replace(
        existing.spec, addresses=wanted.spec.addresses, prefix=wanted.spec.prefix, gateway=wanted.spec.gateway
    )
    annotations = {**existing.metadata.annotations, **wanted.metadata.annotations}
    labels = {**existing.metadata.labels, **wanted.metadata.labels}
    owners = existing.metadata.owner_references
    if controller_of(existing.metadata) is None:
        # A backup keeps no owners; a pool of somebody else's keeps its own.
        owners = with_owner(owners, wanted.metadata.owner_references[0])
    meta = msgspec.structs.replace(existing.metadata, annotations=annotations, labels=labels, owner_references=owners)
    after = msgspec.structs.replace(existing, spec=spec, metadata=meta)
    return None if after == existing else after


def zone_references(pools: tuple[WantedPool, ...]) -> tuple[ZonePools, ...]:
    """`status.inClusterZoneRef`: which pools a machine of a zone draws from."""
    zones: dict[str, dict[str, LocalReference]] = {}
    for pool in pools:
        zones.setdefault(pool.zone, {})[f"in_cluster_ip_pool_ref_{pool.family}"] = LocalReference(name=pool.name)
    return tuple(ZonePools(zone=zone, **refs) for zone, refs in zones.items())
