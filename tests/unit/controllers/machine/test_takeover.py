"""What a Machine takes over from its providers' objects, and what its conditions make of them (2.2, 2.3, 2.8)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.controllers.lab import declared, joined, machine_set, node, provide
from tests.unit.controllers.machine.test_machine import annotate, reported, step, worker
from tests.unit.controllers.world import World

from capstan.api.objects import Obj

EXPIRY = "machine.cluster.x-k8s.io/certificates-expiry"


def legacy(world: World, name: str, type: str) -> tuple[str, str, str, str]:
    """Status, severity, reason and message of an older condition."""
    listed = world.get("Machine", name)["status"]["deprecated"]["v1beta1"]["conditions"]
    found = next(c for c in listed if c["type"] == type)
    return found["status"], found.get("severity", ""), found.get("reason", ""), found.get("message", "")


def machine(world: World, name: str) -> Obj:
    return world.get("Machine", name)


def test_what_was_provisioned_once_is_taken_over_even_if_its_flag_goes_back() -> None:
    world = joined()
    name = worker(world)
    other = [{"type": "InternalIP", "address": "192.0.2.99"}]
    status = {"initialization": {"provisioned": False}, "addresses": other}
    world.edit("LabMachine", name, {"status": status})
    step(world, name)
    assert machine(world, name)["status"]["addresses"] == other
    assert machine(world, name)["status"]["initialization"]["infrastructureProvisioned"] is True
    assert machine(world, name)["status"]["phase"] == "Running"
    assert reported(world, name, "InfrastructureReady") == ("True", "Ready", "")


def test_addresses_that_are_not_reported_stay() -> None:
    world = joined()
    name = worker(world)
    before = machine(world, name)["status"]["addresses"]
    assert before
    world.edit("LabMachine", name, {"status": {"addresses": None}})
    step(world, name)
    assert machine(world, name)["status"]["addresses"] == before


def test_nothing_is_taken_over_from_a_host_on_its_way_out() -> None:
    world = joined()
    name = worker(world)
    before = machine(world, name)["status"]["addresses"]
    world.delete("LabMachine", name)
    world.edit("LabMachine", name, {"status": {"addresses": []}})
    step(world, name)
    assert machine(world, name)["status"]["addresses"] == before
    assert legacy(world, name, "NodeHealthy")[:3] == ("False", "Info", "Deleting")


def test_failure_domains_by_wish_and_by_fact() -> None:
    world = joined()
    name = worker(world)
    world.edit("LabMachine", name, {"spec": {"failureDomain": "a"}, "status": {"failureDomain": "b"}})
    step(world, name)
    assert machine(world, name)["spec"]["failureDomain"] == "a"
    assert machine(world, name)["status"]["failureDomain"] == "b"
    world.edit("LabMachine", name, {"spec": {"failureDomain": None}, "status": {"failureDomain": None}})
    step(world, name)
    assert machine(world, name)["spec"]["failureDomain"] == "a"
    assert machine(world, name)["status"]["failureDomain"] == "b"
    world.edit("LabMachine", name, {"spec": {"failureDomain": ""}})
    step(world, name)
    assert not machine(world, name)["spec"].get("failureDomain")


def test_a_host_without_a_provider_id_is_not_provisioned_yet() -> None:
    world = declared()
    for _ in range(12):
        provide(world)
        for host in world.all("LabMachine"):
            world.edit("LabMachine", host["metadata"]["name"], {"spec": {"providerID": None}})
        world.round()
    assert world.get("LabMachine", "homelab-cp")["status"]["initialization"]["provisioned"] is True
    found = machine(world, "homelab-cp")["status"]
    assert not found["initialization"].get("infrastructureProvisioned")
    assert found["phase"] == "Provisioning"
    text = "LabMachine status.initialization.provisioned is false"
    assert reported(world, "homelab-cp", "InfrastructureReady") == ("False", "NotReady", text)
    assert legacy(world, "homelab-cp", "NodeHealthy")[:3] == ("False", "Info", "WaitingForNodeRef")


def test_a_bootstrap_config_that_is_gone_is_no_longer_needed() -> None:
    world = joined()
    name = worker(world)
    world.objects.pop(next(p for p in world.objects if p[0].kind == "LabConfig" and p[1].name == name))
    step(world, name)
    status, reason, message = reported(world, name, "BootstrapConfigReady")
    assert (status, reason) == ("False", "ObjectDoesNotExist")
    assert message.startswith("LabConfig does not exist")


@pytest.mark.parametrize(
    ("own", "config", "expected"),
    [
        ("2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        (None, "2028-01-01T02:00:00+02:00", "2028-01-01T00:00:00Z"),
        (None, None, None),
        ("soon", "2028-01-01T00:00:00Z", "2026-06-01T00:00:00Z"),
        ("2027-01-01", None, "2026-06-01T00:00:00Z"),
        ("2027-01-01T00:00:00", None, "2026-06-01T00:00:00Z"),
    ],
)
def test_when_certificates_expire(own: str | None, config: str | None, expected: str | None) -> None:
    world = joined()
    annotate(world, "homelab-cp", EXPIRY, "2026-06-01T00:00:00Z")
    step(world, "homelab-cp")
    assert machine(world, "homelab-cp")["status"]["certificatesExpiryDate"] == "2026-06-01T00:00:00Z"
    annotate(world, "homelab-cp", EXPIRY, own)
    world.edit("LabConfig", "homelab-cp", {"metadata": {"annotations": {EXPIRY: config}}})
    step(world, "homelab-cp")
    assert machine(world, "homelab-cp")["status"].get("certificatesExpiryDate") == expected


def test_workers_have_no_such_date() -> None:
    world = joined()
    name = worker(world)
    annotate(world, name, EXPIRY, "2027-01-01T00:00:00Z")
    step(world, name)
    assert "certificatesExpiryDate" not in machine(world, name)["status"]


def gate(world: World, name: str, type: str, status: str, polarity: str = "") -> None:
    gates = machine(world, name)["spec"].get("readinessGates", [])
    found = {"conditionType": type, **({"polarity": polarity} if polarity else {})}
    said = {"type": type, "status": status, "reason": "Because", "message": "so", "lastTransitionTime": None}
    listed = [*machine(world, name)["status"]["conditions"], said]
    world.edit("Machine", name, {"spec": {"readinessGates": [*gates, found]}, "status": {"conditions": listed}})


def test_readiness_gates_have_a_polarity() -> None:
    world = joined()
    gate(world, "homelab-cp", "Draining", "True", "Negative")
    gate(world, "homelab-cp", "Licensed", "True")
    step(world, "homelab-cp")
    assert reported(world, "homelab-cp", "Ready") == ("False", "NotReady", "* Draining: so")
    types = [c["type"] for c in machine(world, "homelab-cp")["status"]["conditions"]]
    assert types[-4:] == ["Draining", "Licensed", "Paused", "Deleting"]


def test_a_gate_that_nobody_reports_is_unknown() -> None:
    world = joined()
    world.edit("Machine", "homelab-cp", {"spec": {"readinessGates": [{"conditionType": "Licensed"}]}})
    step(world, "homelab-cp")
    text = "* Licensed: Condition not yet reported"
    assert reported(world, "homelab-cp", "Ready") == ("Unknown", "ReadyUnknown", text)


def test_pods_of_the_control_plane_say_the_same_once() -> None:
    world = joined()
    for pod in ("APIServer", "ControllerManager", "Scheduler", "Etcd"):
        gate(world, "homelab-cp", f"{pod}PodHealthy", "Unknown")
    gate(world, "homelab-cp", "EtcdMemberHealthy", "Unknown")
    step(world, "homelab-cp")
    assert reported(world, "homelab-cp", "Ready")[2] == "* Control plane components: so\n* EtcdMemberHealthy: so"


def test_a_version_on_its_way_to_the_node() -> None:
    world = joined()
    name = worker(world)
    world.put(
        {**world.get("Node", name), "status": {**node(name)["status"], "nodeInfo": {"kubeletVersion": "v1.33.0"}}}
    )
    step(world, name)
    text = "* Node.status.nodeInfo.kubeletVersion v1.33.0, v1.34.1 required"
    assert reported(world, name, "UpToDate") == ("False", "Updating", text)


def test_what_a_machine_is_to_become_is_said_in_lines() -> None:
    world = joined()
    name = worker(world)
    world.edit("MachineDeployment", "workers", {"spec": {"template": {"spec": {"version": "v1.35.0"}}}})
    after = (world.now - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    world.edit("MachineDeployment", "workers", {"spec": {"rollout": {"after": after}}})
    step(world, name)
    lines = "* Version v1.34.1, v1.35.0 required\n* MachineDeployment spec.rolloutAfter expired"
    assert reported(world, name, "UpToDate") == ("False", "NotUpToDate", lines)


def test_machines_of_a_stand_alone_set_are_compared_by_others() -> None:
    world = joined()
    world.put(machine_set("pool", replicas=1))
    world.settle(provide)
    name = next(m["metadata"]["name"] for m in world.all("Machine") if m["metadata"]["name"].startswith("pool-"))
    assert machine(world, name)["status"]["phase"] == "Running"
    assert "UpToDate" not in {c["type"] for c in machine(world, name)["status"]["conditions"]}


def test_the_older_ready_counts_steps_while_the_host_is_made() -> None:
    world = declared()
    world.settle()
    world.edit("LabControlPlane", "homelab", {})
    provide(world)
    for _ in range(6):
        provide(world)
        world.round()
        if (found := world.find("Machine", "homelab-cp")) and found["spec"]["bootstrap"].get("dataSecretName"):
            break
    assert legacy(world, "homelab-cp", "BootstrapReady")[0] == "True"
    assert legacy(world, "homelab-cp", "InfrastructureReady") == ("False", "Info", "WaitingForInfrastructure", "")
    assert legacy(world, "homelab-cp", "Ready") == ("False", "Info", "WaitingForInfrastructure", "1 of 2 completed")
    world.settle(provide)
    assert legacy(world, "homelab-cp", "Ready") == ("True", "", "", "")


def test_the_older_node_condition_waits_for_the_node() -> None:
    world = joined()
    name = worker(world)
    world.edit("Machine", name, {"status": {"nodeRef": None}})
    world.objects.pop(next(p for p in world.objects if p[0].kind == "Node" and p[1].name == name))
    step(world, name)
    text = "Waiting for a node with matching ProviderID to exist"
    assert legacy(world, name, "NodeHealthy") == ("False", "Warning", "NodeProvisioning", text)
    world.put(node(name))
    world.put(node("twin", provider_id=f"lab://{name}"))
    step(world, name)
    assert legacy(world, name, "NodeHealthy")[:3] == ("Unknown", "", "NodeInspectionFailed")


def test_a_lost_node_in_the_older_condition() -> None:
    world = joined()
    name = worker(world)
    world.objects.pop(next(p for p in world.objects if p[0].kind == "Node" and p[1].name == name))
    step(world, name)
    assert legacy(world, name, "NodeHealthy")[:3] == ("False", "Error", "NodeNotFound")
