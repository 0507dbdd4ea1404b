"""Conversions as people meet them: what they wrote, and what the other version shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from capstan.api.bootstrap.conversion import convert_talosconfig
from capstan.api.cluster.conversion import (
    convert_cluster,
    convert_machine,
    convert_machinedeployment,
    convert_machineset,
)
from capstan.api.cluster.conversion.durations import duration_of, seconds_of
from capstan.api.conversion import DATA_ANNOTATION, FACTS_ANNOTATION, restore
from capstan.api.errors import ApiError
from capstan.api.infrastructure.conversion import convert_proxmoxcluster, convert_proxmoxmachine
from capstan.api.ipam.conversion import convert_inclusterippool, convert_ipaddressclaim

INFRASTRUCTURE = "infrastructure.cluster.x-k8s.io"


def obj(version: str, kind: str, **parts: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "homelab", "namespace": "lab"}, **parts}


def test_a_cluster_reads_back_as_it_was_written() -> None:
    written = obj(
        "cluster.x-k8s.io/v1beta1",
        "Cluster",
        spec={
            "clusterNetwork": {"pods": {"cidrBlocks": ["10.244.0.0/16"]}},
            "infrastructureRef": {
                "apiVersion": f"{INFRASTRUCTURE}/v1alpha1",
                "kind": "ProxmoxCluster",
                "name": "homelab",
            },
            "controlPlaneRef": {
                "apiVersion": "controlplane.cluster.x-k8s.io/v1alpha3",
                "kind": "TalosControlPlane",
                "name": "homelab-cp",
            },
        },
    )
    hub = convert_cluster(written, "v1beta2")
    assert hub["spec"]["infrastructureRef"] == {"apiGroup": INFRASTRUCTURE, "kind": "ProxmoxCluster", "name": "homelab"}
    assert json.loads(hub["metadata"]["annotations"][FACTS_ANNOTATION]) == {
        "refs": {f"ProxmoxCluster.{INFRASTRUCTURE}": "v1alpha1"}
    }
    assert hub["spec"]["clusterNetwork"] is written["spec"]["clusterNetwork"]
    back = convert_cluster(hub, "v1beta1")
    assert back["spec"]["infrastructureRef"] == written["spec"]["infrastructureRef"] | {"namespace": "lab"}
    assert back["spec"]["controlPlaneRef"]["apiVersion"] == "controlplane.cluster.x-k8s.io/v1alpha3"
    assert FACTS_ANNOTATION not in back["metadata"]["annotations"]


def test_a_reference_that_changed_its_kind_forgets_the_old_version() -> None:
    written = obj(
        "cluster.x-k8s.io/v1beta1",
        "Cluster",
        spec={"infrastructureRef": {"apiVersion": f"{INFRASTRUCTURE}/v1alpha1", "kind": "ProxmoxCluster", "name": "a"}},
    )
    hub = convert_cluster(written, "v1beta2")
    ref = {"apiGroup": INFRASTRUCTURE, "kind": "DevCluster", "name": "a"}
    back = convert_cluster({**hub, "spec": {"infrastructureRef": ref}}, "v1beta1")
    assert back["spec"]["infrastructureRef"]["apiVersion"] == f"{INFRASTRUCTURE}/v1beta2"


def test_the_status_of_a_cluster_moves() -> None:
    hub = obj(
        "cluster.x-k8s.io/v1beta2",
        "Cluster",
        spec={},
        status={
            "conditions": [{"type": "Available", "status": "True"}],
            "deprecated": {"v1beta1": {"conditions": [{"type": "Ready", "status": "False"}], "failureReason": "Bad"}},
            "initialization": {"infrastructureProvisioned": True},
            "controlPlane": {"replicas": 3},
            "failureDomains": [{"name": "b", "controlPlane": True}, {"name": "a", "controlPlane": False}],
        },
    )
    status = convert_cluster(hub, "v1beta1")["status"]
    assert status == {
        "conditions": [{"type": "Ready", "status": "False"}],
        "v1beta2": {"conditions": [{"type": "Available", "status": "True"}], "controlPlane": {"replicas": 3}},
        "failureReason": "Bad",
        "infrastructureReady": True,
        "controlPlaneReady": False,
        "failureDomains": {"a": {}, "b": {"controlPlane": True}},
    }


def test_an_explicit_false_survives_an_old_client() -> None:
    hub = obj("cluster.x-k8s.io/v1beta2", "Cluster", spec={"paused": False, "controlPlaneEndpoint": {"host": "a"}})
    down = convert_cluster(hub, "v1beta1")
    assert "paused" not in down["spec"]
    edited = {**down, "spec": {"controlPlaneEndpoint": {"host": "b"}}}
    assert convert_cluster(edited, "v1beta2")["spec"] == {"paused": False, "controlPlaneEndpoint": {"host": "b"}}
    paused = {**down, "spec": {**down["spec"], "paused": True}}
    assert convert_cluster(paused, "v1beta2")["spec"]["paused"] is True


@pytest.mark.parametrize(
    "text", ["{broken", "[]", '"x"', '{"status":{"failureDomains":[1]}}', '{"status":{"failureDomains":[{}]}}']
)
def test_an_unreadable_annotation_counts_as_none(text: str) -> None:
    written = obj("cluster.x-k8s.io/v1beta1", "Cluster", spec={"paused": True})
    written["metadata"]["annotations"] = {DATA_ANNOTATION: text}
    assert convert_cluster(written, "v1beta2")["spec"] == {"paused": True}


def test_a_machine_keeps_what_v1beta1_cannot_say() -> None:
    hub = obj(
        "cluster.x-k8s.io/v1beta2",
        "Machine",
        spec={"minReadySeconds": 10, "deletion": {"nodeDrainTimeoutSeconds": 90}},
        status={"phase": "Updating", "failureDomain": "pve1", "nodeRef": {"name": "n1"}},
    )
    down = convert_machine(hub, "v1beta1")
    assert down["spec"] == {"nodeDrainTimeout": "1m30s"}
    assert down["status"]["phase"] == "Running"
    assert down["status"]["nodeRef"] == {"name": "n1", "kind": "Node", "apiVersion": "v1"}
    assert convert_machine(down, "v1beta2") == hub


def test_a_machinedeployment_moves_its_strategy() -> None:
    written = obj(
        "cluster.x-k8s.io/v1beta1",
        "MachineDeployment",
        spec={
            "minReadySeconds": 5,
            "revisionHistoryLimit": 3,
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "30%", "deletePolicy": "Oldest"},
                "remediation": {"maxInFlight": 2},
            },
            "template": {"spec": {"clusterName": "homelab", "nodeDrainTimeout": "10m"}},
        },
        status={"replicas": 3, "readyReplicas": 2, "v1beta2": {"readyReplicas": 1}},
    )
    hub = convert_machinedeployment(written, "v1beta2")
    assert hub["spec"] == {
        "template": {
            "spec": {"clusterName": "homelab", "deletion": {"nodeDrainTimeoutSeconds": 600}, "minReadySeconds": 5}
        },
        "rollout": {
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "30%"}},
        },
        "deletion": {"order": "Oldest"},
        "remediation": {"maxInFlight": 2},
    }
    assert hub["status"] == {
        "replicas": 3,
        "readyReplicas": 1,
        "deprecated": {
            "v1beta1": {"readyReplicas": 2, "updatedReplicas": 0, "availableReplicas": 0, "unavailableReplicas": 0}
        },
    }


def test_a_machineset_moves_its_counters_and_leaves_no_annotation() -> None:
    hub = obj("cluster.x-k8s.io/v1beta2", "MachineSet", spec={}, status={"replicas": 2, "readyReplicas": 2})
    down = convert_machineset(hub, "v1beta1")
    assert down["status"]["v1beta2"] == {"readyReplicas": 2}
    assert down["status"]["readyReplicas"] == 0
    assert "annotations" not in down["metadata"]


def test_unknown_fields_stay() -> None:
    written = obj("cluster.x-k8s.io/v1beta1", "Machine", spec={"vendor": {"x": 1}, "version": "v1.34.0"}, extra=[1])
    hub = convert_machine(written, "v1beta2")
    assert hub["spec"]["vendor"] == {"x": 1}
    assert hub["extra"] == [1]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10), ("1h5m", 3900), ("1.5s", 1), ("900ms", 0), ("-90s", -90), ("0", 0), ("99999999h", 2**31 - 1)],
)
def test_durations_lose_their_fraction_only(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (90, "1m30s"), (3600, "1h0m0s"), (-5, "-5s")])
def test_durations_are_written_as_go_writes_them(seconds: int, text: str) -> None:
    assert duration_of(seconds) == text


@pytest.mark.parametrize("text", ["", "ten", "10", "5 s", "1d"])
def test_a_bad_duration_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ApiError, match=f'invalid duration "{text}"'):
        seconds_of(text)


def test_a_restored_list_follows_the_items_by_name() -> None:
    full = [{"name": "a", "extra": 1}, {"name": "b", "extra": 2}]
    unedited = [{"name": "a"}, {"name": "b"}]
    assert restore(full, unedited, [{"name": "b"}, {"name": "c"}]) == [{"name": "b", "extra": 2}, {"name": "c"}]


def test_an_old_proxmox_machine_gets_its_devices() -> None:
    pool = {"apiGroup": "ipam.cluster.x-k8s.io", "kind": "InClusterIPPool", "name": "six"}
    written = obj(
        f"{INFRASTRUCTURE}/v1alpha1",
        "ProxmoxMachine",
        spec={
            "target": "pve2",
            "network": {
                "default": {"bridge": "vmbr0", "vlan": 10},
                "additionalDevices": [{"name": "net1", "bridge": "vmbr1", "ipv6PoolRef": pool}],
            },
        },
        status={"ready": True, "ipAddresses": {"net0": {"ipv4": "10.0.0.5"}}},
    )
    hub = convert_proxmoxmachine(written, "v1alpha2")
    assert hub["spec"] == {
        "allowedNodes": ["pve2"],
        "network": {
            "networkDevices": [
                {"name": "net0", "bridge": "vmbr0", "vlan": 10, "defaultIPv4": True, "defaultIPv6": True},
                {"name": "net1", "bridge": "vmbr1", "ipPoolRef": [pool]},
            ]
        },
    }
    assert hub["status"] == {
        "initialization": {"provisioned": True},
        "ipAddresses": [{"net": "net0", "ipv4": ["10.0.0.5"]}],
    }
    back = convert_proxmoxmachine(hub, "v1alpha1")
    assert {"spec": back["spec"], "status": back["status"]} == {"spec": written["spec"], "status": written["status"]}


def test_a_machine_without_a_network_gets_one_device() -> None:
    hub = convert_proxmoxmachine(obj(f"{INFRASTRUCTURE}/v1alpha1", "ProxmoxMachine", spec={}), "v1alpha2")
    assert [device["bridge"] for device in hub["spec"]["network"]["networkDevices"]] == ["vmbr0"]
    assert convert_proxmoxmachine(hub, "v1alpha1")["spec"] == {}


def test_an_old_proxmox_cluster_keeps_its_clone_spec_and_zones() -> None:
    written = obj(
        f"{INFRASTRUCTURE}/v1alpha1",
        "ProxmoxCluster",
        spec={"dnsServers": ["1.1.1.1"], "cloneSpec": {"machineSpec": {}, "sshAuthorizedKeys": ["k"]}},
        status={
            "inClusterIpPoolRef": [{"name": "homelab-v4-icip"}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    )
    hub = convert_proxmoxcluster(written, "v1alpha2")
    assert "cloneSpec" not in hub["spec"]
    assert hub["status"]["inClusterZoneRef"] == [
        {"zone": "default", "inClusterIPPoolRefV4": {"name": "homelab-v4-icip"}}
    ]
    assert hub["status"]["conditions"][0]["reason"] == "APIConversionReason"
    zoned = {**hub, "spec": {**hub["spec"], "zoneConfig": [{"zone": "z1", "dnsServers": ["9.9.9.9"]}]}}
    down = convert_proxmoxcluster(zoned, "v1alpha1")
    assert down["spec"] == written["spec"]
    edited = {**down, "spec": {**down["spec"], "dnsServers": ["8.8.8.8"]}}
    assert convert_proxmoxcluster(edited, "v1alpha2")["spec"] == {**zoned["spec"], "dnsServers": ["8.8.8.8"]}


def test_the_status_of_a_talos_config_moves_and_its_spec_does_not() -> None:
    spec = {"generateType": "worker", "talosVersion": "v1.11"}
    hub = obj(
        "bootstrap.cluster.x-k8s.io/v1beta1",
        "TalosConfig",
        spec=spec,
        status={"initialization": {"dataSecretCreated": True}, "conditions": [{"type": "Ready", "status": "True"}]},
    )
    down = convert_talosconfig(hub, "v1alpha3")
    assert down["spec"] is spec
    assert down["status"] == {"ready": True, "v1beta2Status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    assert convert_talosconfig(down, "v1beta1") == hub


def test_a_v1alpha1_claim_names_its_cluster_by_label() -> None:
    hub = obj("ipam.cluster.x-k8s.io/v1beta2", "IPAddressClaim", spec={"clusterName": "homelab"})
    down = convert_ipaddressclaim(hub, "v1alpha1")
    assert down["metadata"]["labels"] == {"cluster.x-k8s.io/cluster-name": "homelab"}
    assert down["spec"] == {}
    assert convert_ipaddressclaim(down, "v1beta2") == hub


def test_a_v1alpha1_subnet_becomes_a_range_and_reads_back() -> None:
    written = obj(
        "ipam.cluster.x-k8s.io/v1alpha1", "InClusterIPPool", spec={"subnet": "10.0.0.0/24", "end": "10.0.0.9"}
    )
    hub = convert_inclusterippool(written, "v1alpha2")
    assert hub["spec"] == {"addresses": ["10.0.0.1-10.0.0.9"], "prefix": 24}
    assert convert_inclusterippool(hub, "v1alpha1")["spec"] == written["spec"]
