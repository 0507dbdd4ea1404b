"""Admission of the Proxmox kinds."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.api.infrastructure.admission import (
    admit_proxmox_cluster,
    admit_proxmox_cluster_template,
    admit_proxmox_machine,
    admit_proxmox_machine_template,
)
from capstan.api.kinds import Admission, AdmissionRequest


def obj(spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x"} | metadata, "spec": spec}


def refused(admission: Admission) -> dict[str, str]:
    return {cause.field: cause.message for cause in admission.causes}


def cluster(host: str, **spec: Any) -> dict[str, Any]:
    ranges = {"addresses": ["10.0.0.10-10.0.0.20"], "prefix": 24}
    return {"controlPlaneEndpoint": {"host": host, "port": 6443}, "ipv4Config": ranges} | spec


@pytest.mark.parametrize("host", ["10.0.0.9", "fd00::1", "api.home.lab", "lab", "a" * 63])
def test_a_good_endpoint_is_let_in(host: str) -> None:
    assert admit_proxmox_cluster(AdmissionRequest("CREATE", None, obj(cluster(host)))).causes == ()


@pytest.mark.parametrize("host", ["", "_x.lab", "lab-", "a" * 64, "a b"])
def test_a_bad_endpoint_is_refused(host: str) -> None:
    for admit, spec in (
        (admit_proxmox_cluster, cluster(host)),
        (admit_proxmox_cluster_template, {"template": {"spec": cluster(host)}}),
    ):
        causes = refused(admit(AdmissionRequest("CREATE", None, obj(spec))))
        assert "not a valid IP or FQDN" in causes["spec.controlplaneEndpoint"]


def test_no_machine_can_get_the_address_of_the_endpoint() -> None:
    causes = refused(admit_proxmox_cluster(AdmissionRequest("CREATE", None, obj(cluster("10.0.0.15")))))
    assert "addresses may not contain the endpoint IP" in causes["spec.IPv4Config.addresses"]
    spec = cluster("fd00::5", ipv6Config={"addresses": ["fd00::/120", "x"]})
    causes = refused(admit_proxmox_cluster(AdmissionRequest("CREATE", None, obj(spec))))
    assert "not valid IP addresses, ranges or CIDRs" in causes["spec.IPv6Config.addresses"]


def test_an_external_endpoint_is_not_looked_at() -> None:
    spec = cluster("", externalManagedControlPlane=True)
    assert admit_proxmox_cluster(AdmissionRequest("CREATE", None, obj(spec))).causes == ()


def machine(*devices: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"network": {"networkDevices": list(devices)}} | spec


def test_the_first_device_becomes_the_default() -> None:
    new = obj(machine({"name": "net0"}, {"name": "net1", "defaultIPv6": True}))
    admitted = admit_proxmox_machine(AdmissionRequest("CREATE", None, new))
    assert admitted.causes == ()
    assert admitted.object is not None
    assert admitted.object["spec"]["network"]["networkDevices"] == [
        {"name": "net0", "defaultIPv4": True},
        {"name": "net1", "defaultIPv6": True},
    ]
    assert new["spec"]["network"]["networkDevices"][0] == {"name": "net0"}


def test_more_than_ten_devices_in_any_order() -> None:
    devices = [{"name": f"net{number}"} for number in reversed(range(12))]
    assert admit_proxmox_machine(AdmissionRequest("CREATE", None, obj(machine(*devices)))).causes == ()


RULE = {"to": "default", "table": 5}


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        (machine({"name": "net0"}, {"name": "net2"}), "networkDevices[1].name", "Non-consecutive"),
        (
            machine({"name": "net0", "defaultIPv4": True}, {"name": "net1", "defaultIPv4": True}),
            "networkDevices[1]",
            "More than one default",
        ),
        (machine({"name": "net0", "mtu": 600}), "networkDevices[0].mtu", "at least 1280 or 1, but was 600"),
        (machine({"name": "net0", "linkMtu": 1}), "networkDevices[0].linkMtu", "at least 1280, but was 1"),
        (
            machine({"name": "net0", "routingPolicy": [{"to": "10.0.0.0/8"}]}),
            "networkDevices[0].routingPolicy",
            "requires a table",
        ),
        (machine({"name": "net0", "routingPolicy": [RULE]}), "networkDevices[0].routingPolicy", "is6 must be set"),
        (machine({"name": "net0", "routes": [{"to": "all"}]}), "networkDevices[0].routes", "is6 must be set"),
    ],
)
def test_a_bad_network_is_refused(spec: dict[str, Any], field: str, message: str) -> None:
    causes = refused(admit_proxmox_machine(AdmissionRequest("CREATE", None, obj(spec))))
    assert list(causes) == [f"spec.network.{field}"]
    assert message in causes[f"spec.network.{field}"]


def test_the_rules_of_a_vrf_are_of_its_table() -> None:
    vrf = {"name": "vrf0", "table": 10, "routingPolicy": [{"from": "10.0.0.0/8", "table": 11}]}
    spec = {"network": {"networkDevices": [{"name": "net0"}], "vrfs": [vrf]}}
    causes = refused(admit_proxmox_machine(AdmissionRequest("CREATE", None, obj(spec))))
    assert "device/rule routing table mismatch 10 != 11" in causes["spec.network.vrfs[0].table"]


def test_a_family_that_something_says_is_enough() -> None:
    routes = [{"to": "default", "via": "10.0.0.1"}, {"to": "default", "is6": False}, {"to": "10.0.0.0/8"}]
    assert admit_proxmox_machine(AdmissionRequest("CREATE", None, obj(machine({"routes": routes})))).causes == ()


def test_tags_never_change() -> None:
    old, new = obj(machine(tags=["a"])), obj(machine(tags=["b"]))
    assert refused(admit_proxmox_machine(AdmissionRequest("UPDATE", old, new))) == {
        "spec.tags": "Forbidden: tags are immutable: make a new machine with the other tags"
    }


def test_a_template_never_changes_but_for_trial_runs() -> None:
    old, new = obj({"template": {"spec": {"numCores": 1}}}), obj({"template": {"spec": {"numCores": 2}}})
    assert list(refused(admit_proxmox_machine_template(AdmissionRequest("UPDATE", old, new)))) == ["spec"]
    new["metadata"]["annotations"] = {"topology.cluster.x-k8s.io/dry-run": ""}
    trial = AdmissionRequest("UPDATE", old, new, dry_run=True)
    assert admit_proxmox_machine_template(trial).causes == ()


def test_a_template_names_no_machine_and_warns_of_bad_networks() -> None:
    spec = machine({"name": "net1"}, providerID="proxmox://x")
    admitted = admit_proxmox_machine_template(AdmissionRequest("CREATE", None, obj({"template": {"spec": spec}})))
    assert refused(admitted) == {
        "spec.template.spec.providerID": "Forbidden: cannot be set in templates: every machine gets one of its own"
    }
    assert "Non-consecutive" in admitted.warnings[0]
