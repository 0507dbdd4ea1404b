"""Pools that admission lets in and pools that it refuses, namespaced and global alike."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.api.ipam.admission import (
    admit_global_in_cluster_ip_pool,
    admit_in_cluster_ip_pool,
    admit_in_cluster_prefix_pool,
    lookups_in_cluster_prefix_pool,
)
from capstan.api.kinds import AdmissionRequest
from capstan.api.objects import Obj

GROUP = "ipam.cluster.x-k8s.io"


def pool(*addresses: str, prefix: int = 24, gateway: str = "10.0.0.1", **spec: Any) -> Obj:
    stated = {"addresses": list(addresses), "prefix": prefix, **({"gateway": gateway} if gateway else {}), **spec}
    return {"kind": "InClusterIPPool", "metadata": {"name": "pool", "namespace": "lab"}, "spec": stated}


V4, V6 = ("10.0.0.25", "10.0.0.26", "10.0.0.27"), ("fe01::2", "fe01::3-fe01::5", "fe01::1:1/126")
MIXED_GATEWAY = "provided gateway and addresses are of mixed IP families"
ELSEWHERE = "provided address belongs to a different subnet than others"
UNREADABLE = "provided address is not a valid IP, range, nor CIDR"


@pytest.mark.parametrize(
    "declared",
    [
        pool(*V4, gateway="10.0.0.24", prefix=28),
        pool(*V4, gateway="", prefix=28),
        pool(*V4, gateway="", prefix=28, excludedAddresses=["10.0.0.23", "10.0.0.24"]),
        pool(*V6, gateway="fe01::1", prefix=28),
        pool(*V6, gateway="", prefix=28),
        pool(*V6, gateway="", prefix=28, excludedAddresses=["fe01::4", "fe01::6-fe01::8", "fe01::1:10/126"]),
        pool(*V4, gateway="10.0.0.24", prefix=28, addressReuseGracePeriodSeconds=60),
        pool("10.0.0.10-10.0.0.20", prefix=0),
    ],
)
def test_good_pools_are_let_in_as_they_are(declared: Obj) -> None:
    for admit in (admit_in_cluster_ip_pool, admit_global_in_cluster_ip_pool):
        admission = admit(AdmissionRequest("CREATE", None, declared))
        assert (admission.causes, admission.object) == ((), declared)


@pytest.mark.parametrize(
    ("declared", "field", "text"),
    [
        (pool(), "spec.addresses", "addresses is required"),
        (pool(*V4, gateway="invalid"), "spec.gateway", 'Invalid value: "invalid": not a valid IP address'),
        (pool("10.0.0.25", "10.0.0.26", "10.0.1.27"), "spec.addresses", ELSEWHERE),
        (pool("10.0.0.25", "10.0.0.26", "garbage"), "spec.addresses", UNREADABLE),
        (pool("10.0.0.25", prefix=-1), "spec.prefix", "a valid prefix is required"),
        (pool("10.0.0.25", prefix=9999), "spec.prefix", "provided prefix is not valid"),
        (pool("10.0.0.10-10.0.0.5"), "spec.addresses", UNREADABLE),
        (pool("10.0.0.10/33"), "spec.addresses", UNREADABLE),
        (pool("10.0.1.0", "10.0.0.10-10.0.0.20"), "spec.addresses", ELSEWHERE),
        (pool("10.0.1.0", "10.0.2.10-10.0.2.20"), "spec.addresses", ELSEWHERE),
        (pool("10.0.1.0", "10.0.0.20-10.0.1.20"), "spec.addresses", ELSEWHERE),
        (pool("10.0.1.0", "10.0.1.20-10.0.2.20"), "spec.addresses", ELSEWHERE),
        (pool("10.0.1.0", "10.0.0.1/24"), "spec.addresses", ELSEWHERE),
        (pool("10.0.1.0", "10.0.2.1/24"), "spec.addresses", ELSEWHERE),
        (pool("10.0.1.0", "10.0.0.0/23"), "spec.addresses", ELSEWHERE),
        (pool("10.0.1.0", "10.0.1.0/23"), "spec.addresses", ELSEWHERE),
        (pool("10.0.0.2-10.0.0.250", gateway="fd00::1"), "spec.gateway", MIXED_GATEWAY),
        (pool("fd00::1", "fd00::100-fd00::200"), "spec.gateway", MIXED_GATEWAY),
        (pool("fd00::1", "10.0.0.2-10.0.0.250"), "spec.addresses", "provided addresses are of mixed IP families"),
        (
            pool("10.0.0.2-10.0.0.250", excludedAddresses=["fd00::1", "10.0.0.4"]),
            "spec.excludedAddresses",
            "addresses are of mixed IP families",
        ),
        (
            pool("10.0.0.2-10.0.0.250", excludedAddresses=["fd00::1"]),
            "spec.excludedAddresses",
            "addresses and excluded addresses are of mixed IP families",
        ),
        (
            pool("10.0.0.10-10.0.0.20", addressReuseGracePeriodSeconds=-1),
            "spec.addressReuseGracePeriodSeconds",
            "greater than or equal to 0",
        ),
    ],
)
def test_bad_pools_are_refused_when_made_and_when_changed(declared: Obj, field: str, text: str) -> None:
    for request in (
        AdmissionRequest("CREATE", None, declared),
        AdmissionRequest("UPDATE", pool("10.0.0.10"), declared),
    ):
        causes = {cause.field: cause.message for cause in admit_in_cluster_ip_pool(request).causes}
        assert text in causes[field]
    assert admit_in_cluster_ip_pool(AdmissionRequest("DELETE", declared, None)).causes == ()


def networks(*prefixes: str, length: int | None = None, **spec: Any) -> Obj:
    stated = {"prefixes": list(prefixes), **({} if length is None else {"allocationPrefixLength": length}), **spec}
    return {"kind": "InClusterPrefixPool", "metadata": {"name": "pool", "namespace": "lab"}, "spec": stated}


@pytest.mark.parametrize(
    ("declared", "field"),
    [
        (networks("fd00::1"), "spec.prefixes"),
        (networks("fd00::1/64"), "spec.prefixes"),
        (networks("fd00::/65"), "spec.prefixes"),
        (networks("10.0.0.0/24"), "spec.prefixes"),
        (networks("fd00::/64", gateway="10.0.0.1"), "spec.gateway"),
        (networks("fd00::/64", excludedPrefixes=["10.0.0.1"]), "spec.excludedPrefixes"),
        (networks("fd00::/64", "fd01::/64"), ""),
        (networks("fd00::/48", length=56), ""),
        (networks("fd00::/48", length=96), ""),
        (networks("fd00::/48", length=128), ""),
        (networks("fd00::/48", length=64), ""),
    ],
)
def test_prefix_pools(declared: Obj, field: str) -> None:
    causes = admit_in_cluster_prefix_pool(AdmissionRequest("CREATE", None, declared)).causes
    assert [cause.field for cause in causes] == ([field] if field else [])


@pytest.mark.parametrize(
    ("old", "new", "held", "field"),
    [
        (networks("fd00::/62"), networks("fd00:0:0:1::/64"), "fd00::", "spec.prefixes"),
        (networks("fd10::/62"), networks("fd10::/63"), "fd10::", ""),
        (networks("fd20::/62"), networks("fd20::/62", excludedPrefixes=["fd20:0:0:2::/64"]), "fd20::", ""),
        (networks("fd30::/62"), networks("fd30::/62", excludedPrefixes=["fd30::/64"]), "fd30::", "spec.prefixes"),
        (networks("fd00::/48", length=56), networks("fd00::/48", length=60), "", "spec.allocationPrefixLength"),
    ],
)
def test_a_prefix_pool_keeps_what_it_gave_out(old: Obj, new: Obj, held: str, field: str) -> None:
    ref = {"apiGroup": GROUP, "kind": "InClusterPrefixPool", "name": "pool"}
    given = [{"metadata": {"namespace": "lab"}, "spec": {"address": held, "prefix": 64, "poolRef": ref}}]
    (query,) = lookups_in_cluster_prefix_pool(new)
    causes = admit_in_cluster_prefix_pool(AdmissionRequest("UPDATE", old, new, {query: given if held else []})).causes
    assert [cause.field for cause in causes] == ([field] if field else [])


@pytest.mark.parametrize(
    ("declared", "count"),
    [
        (networks("fd40::/64", length=128, gateway="fd40::1"), 2),
        (networks("fd40::/64", length=128), 1),
        (networks("fd50::/64", gateway="fd51::1"), 0),
        (networks("fd50::/64"), 0),
        (networks("fd50::/64", gateway="fd50::1"), 1),
    ],
)
def test_what_is_probably_not_meant_is_warned_of(declared: Obj, count: int) -> None:
    assert len(admit_in_cluster_prefix_pool(AdmissionRequest("CREATE", None, declared)).warnings) == count
