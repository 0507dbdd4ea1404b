"""Admission of IPAddress, IPAddressClaim and pools."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.api.ipam.admission import (
    admit_in_cluster_ip_pool,
    admit_in_cluster_prefix_pool,
    admit_ip_address,
    admit_ip_address_claim,
    lookups_in_cluster_ip_pool,
    lookups_in_cluster_prefix_pool,
    lookups_ip_address,
)
from capstan.api.kinds import Admission, AdmissionRequest

GROUP = "ipam.cluster.x-k8s.io"
REF = {"apiGroup": GROUP, "kind": "InClusterIPPool", "name": "pool"}


def obj(kind: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": "pool", "namespace": "lab"} | metadata, "spec": spec}


def pool(**spec: Any) -> dict[str, Any]:
    return obj("InClusterIPPool", {"addresses": ["10.0.0.10-10.0.0.20"], "prefix": 24} | spec)


def address(text: str, **spec: Any) -> dict[str, Any]:
    given = {"address": text, "prefix": 24, "poolRef": REF, "claimRef": {"name": "a"}} | spec
    return obj("IPAddress", given, name="a")


def refused(admission: Admission) -> dict[str, str]:
    return {cause.field: cause.message for cause in admission.causes}


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        ({"addresses": []}, "spec.addresses", "Required value: addresses is required"),
        (
            {"addresses": ["x"]},
            "spec.addresses",
            'Invalid value: "x": provided address is not a valid IP, range, nor CIDR',
        ),
        ({"addresses": ["10.0.0.1", "::1"]}, "spec.addresses", "provided addresses are of mixed IP families"),
        ({"addresses": ["10.0.0.1", "10.0.1.1"]}, "spec.addresses", "belongs to a different subnet than others"),
        ({"prefix": 33}, "spec.prefix", "provided prefix is not valid"),
        ({"gateway": "x"}, "spec.gateway", "not a valid IP address"),
        ({"gateway": "fd00::1"}, "spec.gateway", "gateway and addresses are of mixed IP families"),
        ({"excludedAddresses": ["x"]}, "spec.excludedAddresses", "not a valid IP, range, nor CIDR"),
        ({"excludedAddresses": ["fd00::1"]}, "spec.excludedAddresses", "mixed IP families"),
        ({"addressReuseGracePeriodSeconds": -1}, "spec.addressReuseGracePeriodSeconds", "greater than or equal to 0"),
    ],
)
def test_a_bad_pool_is_refused(spec: dict[str, Any], field: str, message: str) -> None:
    causes = refused(admit_in_cluster_ip_pool(AdmissionRequest("CREATE", None, pool(**spec))))
    assert list(causes) == [field]
    assert message in causes[field]


@pytest.mark.parametrize(
    "spec",
    [{}, {"gateway": "10.0.0.1", "excludedAddresses": ["10.0.0.12"]}, {"addresses": ["fd00::/64"], "prefix": 64}],
)
def test_a_good_pool_is_let_in(spec: dict[str, Any]) -> None:
    assert admit_in_cluster_ip_pool(AdmissionRequest("CREATE", None, pool(**spec))).causes == ()


def test_a_pool_keeps_what_it_gave_out() -> None:
    old, new = pool(), pool(excludedAddresses=["10.0.0.11"])
    (query,) = lookups_in_cluster_ip_pool(new)
    other = address("10.0.0.11", poolRef=REF | {"name": "other"})
    found = {query: [address("10.0.0.11"), address("10.0.0.12"), other]}
    causes = refused(admit_in_cluster_ip_pool(AdmissionRequest("UPDATE", old, new, found)))
    why = "Forbidden: pool addresses do not contain allocated addresses: 10.0.0.11; "
    assert causes == {"spec.addresses": f"{why}keep them, or delete what uses them first"}
    assert admit_in_cluster_ip_pool(AdmissionRequest("UPDATE", old, new, {query: [other]})).causes == ()


def test_a_change_beside_the_spec_is_always_let_in() -> None:
    broken = pool(addresses=["x"])
    assert admit_in_cluster_ip_pool(AdmissionRequest("UPDATE", broken, broken)).causes == ()


def test_a_pool_in_use_is_not_deleted_unless_told_to() -> None:
    old = pool()
    found = {lookups_in_cluster_ip_pool(old)[0]: [address("10.0.0.11")]}
    assert (
        "Cannot delete Pool"
        in refused(admit_in_cluster_ip_pool(AdmissionRequest("DELETE", old, None, found)))["metadata.name"]
    )
    assert admit_in_cluster_ip_pool(AdmissionRequest("DELETE", old, None, {})).causes == ()
    old["metadata"]["annotations"] = {f"{GROUP}/skip-validate-delete-webhook": ""}
    assert admit_in_cluster_ip_pool(AdmissionRequest("DELETE", old, None, found)).causes == ()


@pytest.mark.parametrize(
    ("new", "field", "message"),
    [
        (address("x"), "spec.address", "not a valid IP address"),
        (address("10.0.0.1", prefix=-1), "spec.prefix", "prefix cannot be negative"),
        (address("10.0.0.1", prefix=33), "spec.prefix", "prefix is too large for an IPv4 address"),
        (address("fd00::1", prefix=129), "spec.prefix", "prefix is too large for an IPv6 address"),
        (address("10.0.0.1", gateway="x"), "spec.gateway", "not a valid IP address"),
    ],
)
def test_a_bad_address_is_refused(new: dict[str, Any], field: str, message: str) -> None:
    causes = refused(admit_ip_address(AdmissionRequest("CREATE", None, new)))
    assert list(causes) == [field]
    assert message in causes[field]


def test_an_address_is_of_the_pool_of_its_claim() -> None:
    new = address("10.0.0.1")
    (query,) = lookups_ip_address(new)
    assert (query.kind, query.namespace, query.name) == ("IPAddressClaim", "lab", "a")
    claim = obj("IPAddressClaim", {"poolRef": REF | {"name": "other"}})
    assert list(refused(admit_ip_address(AdmissionRequest("CREATE", None, new, {query: [claim]})))) == ["spec.poolRef"]
    assert admit_ip_address(AdmissionRequest("CREATE", None, new, {query: ()})).causes == ()


@pytest.mark.parametrize("admit", [admit_ip_address, admit_ip_address_claim])
def test_addresses_and_claims_never_change(admit: Any) -> None:
    old, new = address("10.0.0.1"), address("10.0.0.2")
    assert list(refused(admit(AdmissionRequest("UPDATE", old, new)))) == ["spec"]
    assert admit(AdmissionRequest("UPDATE", old, {**old, "metadata": {"labels": {}}})).causes == ()


def prefix_pool(**spec: Any) -> dict[str, Any]:
    return obj("InClusterPrefixPool", {"prefixes": ["2001:db8::/60"], "allocationPrefixLength": 64} | spec)


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        ({"prefixes": []}, "spec.prefixes", "Required value: prefixes is required"),
        ({"prefixes": ["10.0.0.0/8"]}, "spec.prefixes", "is not an IPv6 network"),
        ({"prefixes": ["2001:db8::"]}, "spec.prefixes", "is not a CIDR"),
        ({"prefixes": ["2001:db8::1/60"]}, "spec.prefixes", "2001:db8::/60 is the network that holds it"),
        ({"prefixes": ["2001:db8::/65"]}, "spec.prefixes", "a /65 is smaller than the /64"),
        ({"allocationPrefixLength": 129}, "spec.allocationPrefixLength", "must be between 1 and 128"),
        ({"gateway": "10.0.0.1"}, "spec.gateway", "not a valid IPv6 address"),
        ({"excludedPrefixes": ["10.0.0.1"]}, "spec.excludedPrefixes", "must be IPv6"),
        ({"excludedPrefixes": ["x"]}, "spec.excludedPrefixes", "neither an IP address, nor a CIDR"),
    ],
)
def test_a_bad_prefix_pool_is_refused(spec: dict[str, Any], field: str, message: str) -> None:
    causes = refused(admit_in_cluster_prefix_pool(AdmissionRequest("CREATE", None, prefix_pool(**spec))))
    assert list(causes) == [field]
    assert message in causes[field]


def test_a_prefix_pool_keeps_what_it_gave_out() -> None:
    ref = {**REF, "kind": "InClusterPrefixPool"}
    held = address("2001:db8:0:1::", prefix=64, poolRef=ref)
    query = lookups_in_cluster_prefix_pool(prefix_pool())[0]

    def update(**spec: Any) -> dict[str, str]:
        found = {query: [held]}
        return refused(
            admit_in_cluster_prefix_pool(AdmissionRequest("UPDATE", prefix_pool(), prefix_pool(**spec), found))
        )

    assert update(gateway="fe80::1") == {}
    assert "2001:db8:0:1::/64" in update(prefixes=["2001:db8:1::/60"])["spec.prefixes"]
    assert "2001:db8:0:1::/64" in update(excludedPrefixes=["2001:db8:0:1::7"])["spec.prefixes"]
    why = "Forbidden: field is immutable: it stays 64; make a new pool instead"
    assert update(allocationPrefixLength=65) == {"spec.allocationPrefixLength": why}
    deletion = AdmissionRequest("DELETE", prefix_pool(), None, {query: [held]})
    assert "Pool has IPAddresses allocated" in refused(admit_in_cluster_prefix_pool(deletion))["metadata.name"]


def test_what_is_odd_about_a_prefix_pool_is_said() -> None:
    odd = prefix_pool(prefixes=["2001:db8::/60"], allocationPrefixLength=128, gateway="2001:db8::1")
    warnings = admit_in_cluster_prefix_pool(AdmissionRequest("CREATE", None, odd)).warnings
    assert [warning.split(" ")[0] for warning in warnings] == ["spec.allocationPrefixLength", "spec.gateway"]
