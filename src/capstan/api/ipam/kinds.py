"""Kinds of IP address management and of the in-cluster provider, and how tables show them."""

from __future__ import annotations

from capstan.api.cluster.names import CONTRACT_V1BETA1_LABEL, CONTRACT_V1BETA2_LABEL, PROVIDER_LABEL
from capstan.api.ipam.admission import (
    admit_global_in_cluster_ip_pool,
    admit_in_cluster_ip_pool,
    admit_in_cluster_prefix_pool,
    admit_ip_address,
    admit_ip_address_claim,
    lookups_in_cluster_ip_pool,
    lookups_in_cluster_prefix_pool,
    lookups_ip_address,
)
from capstan.api.ipam.conversion import (
    convert_globalinclusterippool,
    convert_inclusterippool,
    convert_ipaddress,
    convert_ipaddressclaim,
)
from capstan.api.ipam.globalinclusterippool import GlobalInClusterIPPool
from capstan.api.ipam.globalinclusterprefixpool import GlobalInClusterPrefixPool
from capstan.api.ipam.inclusterippool import InClusterIPPool
from capstan.api.ipam.inclusterprefixpool import InClusterPrefixPool
from capstan.api.ipam.ipaddress import IPAddress
from capstan.api.ipam.ipaddressclaim import IPAddressClaim
from capstan.api.ipam.names import GROUP
from capstan.api.ipam.v1alpha1.globalinclusterippool import GlobalInClusterIPPool as GlobalInClusterIPPoolV1Alpha1
from capstan.api.ipam.v1alpha1.inclusterippool import InClusterIPPool as InClusterIPPoolV1Alpha1
from capstan.api.ipam.v1alpha1.ipaddress import IPAddress as IPAddressV1Alpha1
from capstan.api.ipam.v1alpha1.ipaddressclaim import IPAddressClaim as IPAddressClaimV1Alpha1
from capstan.api.ipam.v1beta1.ipaddress import IPAddress as IPAddressV1Beta1
from capstan.api.ipam.v1beta1.ipaddressclaim import IPAddressClaim as IPAddressClaimV1Beta1
from capstan.api.kinds import AGE, Column, Kind, Version

_IP_ADDRESS_COLUMNS = (
    Column("Address", ".spec.address"),
    Column("Pool Name", ".spec.poolRef.name"),
    Column("Pool Kind", ".spec.poolRef.kind"),
    AGE,
)

_LABELS = {PROVIDER_LABEL: "cluster-api", CONTRACT_V1BETA1_LABEL: "v1beta1", CONTRACT_V1BETA2_LABEL: "v1beta2"}

IP_ADDRESS = Kind(
    group=GROUP,
    kind="IPAddress",
    plural="ipaddresses",
    versions=(
        Version("v1beta2", IPAddress, storage=True, columns=_IP_ADDRESS_COLUMNS, status=False),
        Version("v1alpha1", IPAddressV1Alpha1, columns=_IP_ADDRESS_COLUMNS, status=False),
        Version("v1beta1", IPAddressV1Beta1, deprecated=True, columns=_IP_ADDRESS_COLUMNS, status=False),
    ),
    categories=("cluster-api",),
    labels=_LABELS,
    convert=convert_ipaddress,
    admit=admit_ip_address,
    lookups=lookups_ip_address,
)

_IP_ADDRESS_CLAIM_COLUMNS = (
    Column("Pool Name", ".spec.poolRef.name"),
    Column("Pool Kind", ".spec.poolRef.kind"),
    AGE,
)

IP_ADDRESS_CLAIM = Kind(
    group=GROUP,
    kind="IPAddressClaim",
    plural="ipaddressclaims",
    versions=(
        Version("v1beta2", IPAddressClaim, storage=True, columns=_IP_ADDRESS_CLAIM_COLUMNS),
        Version("v1alpha1", IPAddressClaimV1Alpha1, columns=_IP_ADDRESS_CLAIM_COLUMNS),
        Version("v1beta1", IPAddressClaimV1Beta1, deprecated=True, columns=_IP_ADDRESS_CLAIM_COLUMNS),
    ),
    categories=("cluster-api",),
    labels=_LABELS,
    convert=convert_ipaddressclaim,
    admit=admit_ip_address_claim,
)

_IN_CLUSTER_IP_POOL_COLUMNS = (
    Column("Addresses", ".spec.addresses"),
    Column("Total", ".status.ipAddresses.total", "integer"),
    Column("Free", ".status.ipAddresses.free", "integer"),
    Column("Used", ".status.ipAddresses.used", "integer"),
)

_IN_CLUSTER_IP_POOL_COLUMNS_V1ALPHA1 = (
    Column("Subnet", ".spec.subnet"),
    Column("First", ".spec.first"),
    Column("Last", ".spec.last"),
    Column("Addresses", ".spec.addresses"),
    Column("Total", ".status.ipAddresses.total", "integer"),
    Column("Free", ".status.ipAddresses.free", "integer"),
    Column("Used", ".status.ipAddresses.used", "integer"),
)

_POOL_LABELS = {
    PROVIDER_LABEL: "ipam-in-cluster",
    CONTRACT_V1BETA1_LABEL: "v1alpha2",
    CONTRACT_V1BETA2_LABEL: "v1alpha2",
}

IN_CLUSTER_IP_POOL = Kind(
    group=GROUP,
    kind="InClusterIPPool",
    plural="inclusterippools",
    versions=(
        Version("v1alpha2", InClusterIPPool, storage=True, columns=_IN_CLUSTER_IP_POOL_COLUMNS),
        Version("v1alpha1", InClusterIPPoolV1Alpha1, deprecated=True, columns=_IN_CLUSTER_IP_POOL_COLUMNS_V1ALPHA1),
    ),
    categories=("cluster-api",),
    labels=_POOL_LABELS,
    convert=convert_inclusterippool,
    admit=admit_in_cluster_ip_pool,
    lookups=lookups_in_cluster_ip_pool,
)

_GLOBAL_IN_CLUSTER_IP_POOL_COLUMNS_V1ALPHA1 = (
    Column("Subnet", ".spec.subnet"),
    Column("First", ".spec.first"),
    Column("Last", ".spec.last"),
    Column("Total", ".status.ipAddresses.total", "integer"),
    Column("Free", ".status.ipAddresses.free", "integer"),
    Column("Used", ".status.ipAddresses.used", "integer"),
)

GLOBAL_IN_CLUSTER_IP_POOL = Kind(
    group=GROUP,
    kind="GlobalInClusterIPPool",
    plural="globalinclusterippools",
    versions=(
        Version("v1alpha2", GlobalInClusterIPPool, storage=True, columns=_IN_CLUSTER_IP_POOL_COLUMNS),
        Version(
            "v1alpha1",
            GlobalInClusterIPPoolV1Alpha1,
            deprecated=True,
            columns=_GLOBAL_IN_CLUSTER_IP_POOL_COLUMNS_V1ALPHA1,
        ),
    ),
    categories=("cluster-api",),
    namespaced=False,
    labels=_POOL_LABELS,
    convert=convert_globalinclusterippool,
    admit=admit_global_in_cluster_ip_pool,
    lookups=lookups_in_cluster_ip_pool,
)

_PREFIX_POOL_COLUMNS = (
    Column("Prefixes", ".spec.prefixes"),
    Column("Total", ".status.ipAddresses.total", "integer"),
    Column("Free", ".status.ipAddresses.free", "integer"),
    Column("Used", ".status.ipAddresses.used", "integer"),
)

IN_CLUSTER_PREFIX_POOL = Kind(
    group=GROUP,
    kind="InClusterPrefixPool",
    plural="inclusterprefixpools",
    versions=(Version("v1alpha2", InClusterPrefixPool, storage=True, columns=_PREFIX_POOL_COLUMNS),),
    categories=("cluster-api",),
    labels=_POOL_LABELS,
    admit=admit_in_cluster_prefix_pool,
    lookups=lookups_in_cluster_prefix_pool,
)

GLOBAL_IN_CLUSTER_PREFIX_POOL = Kind(
    group=GROUP,
    kind="GlobalInClusterPrefixPool",
    plural="globalinclusterprefixpools",
    versions=(Version("v1alpha2", GlobalInClusterPrefixPool, storage=True, columns=_PREFIX_POOL_COLUMNS),),
    categories=("cluster-api",),
    namespaced=False,
    labels=_POOL_LABELS,
    admit=admit_in_cluster_prefix_pool,
    lookups=lookups_in_cluster_prefix_pool,
)

KINDS = (
    IP_ADDRESS,
    IP_ADDRESS_CLAIM,
    IN_CLUSTER_IP_POOL,
    GLOBAL_IN_CLUSTER_IP_POOL,
    IN_CLUSTER_PREFIX_POOL,
    GLOBAL_IN_CLUSTER_PREFIX_POOL,
)
