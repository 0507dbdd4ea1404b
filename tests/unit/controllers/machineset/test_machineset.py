"""MachineSet: whom it creates, whom it deletes first, what keeps it, and what flows into its Machines."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.controllers.lab import CLUSTER_LABEL, cluster, joined, machine_set, machine_spec, provide, templates
from tests.unit.controllers.world import BOOTSTRAP, INFRA, NAMESPACE, START, World, condition

from capstan.api.cluster.machine import Machine
from capstan.api.errors import forbidden
from capstan.api.objects import Key, Obj
from capstan.api.struct import decode
from capstan.controllers.machineset.controller import MachineSetController
from capstan.controllers.machineset.plan.scale import deletion_priority


def pool(replicas: int = 2, *, with_templates: bool = True, **spec: Any) -> World:
    """A stand-alone set in a cluster that is there."""
    world = joined(0)
    for obj in [machine_set(replicas=replicas, **spec), *(templates() if with_templates else [])]:
        world.put(obj)
    return world


def members(world: World) -> list[str]:
    return [m["metadata"]["name"] for m in world.all("Machine") if m["metadata"]["name"].startswith("pool")]


def reported(world: World, type: str) -> tuple[str, str, str]:
    found = condition(world.get("MachineSet", "pool"), type)
    return found["status"], found["reason"], found["message"]


def step(world: World) -> Any:
    controller = next(c for c in world.controllers if isinstance(c, MachineSetController))
    return world.reconcile(controller, Key("default", "pool"))


def test_creates_bootstrap_config_infra_machine_and_machine_of_one_name() -> None:
    world = pool(1)
    step(world)
    plan = step(world)
    kinds = [a.resource.kind for a in plan.actions if a.summary.startswith("create")]
    assert kinds == ["LabConfig", "LabMachine", "Machine"]
    (name,) = members(world)
    made = world.get("LabMachine", name)
    assert made["spec"] == {"size": 2}
    assert made["metadata"]["labels"] == {
        "from": "template",
        "pool": "pool",
        CLUSTER_LABEL: "homelab",
        "cluster.x-k8s.io/set-name": "pool",
    }
    assert made["metadata"]["annotations"]["cluster.x-k8s.io/cloned-from-groupkind"] == f"LabMachineTemplate.{INFRA}"
    machine = world.get("Machine", name)
    assert machine["spec"]["infrastructureRef"] == {"apiGroup": INFRA, "kind": "LabMachine", "name": name}
    assert machine["spec"]["bootstrap"]["configRef"] == {"apiGroup": BOOTSTRAP, "kind": "LabConfig", "name": name}
    assert machine["spec"]["version"] == "v1.34.1"


def test_a_missing_template_is_named_and_waited_for() -> None:
    world = pool(2, with_templates=False)
    for kind in ("LabConfigTemplate", "LabMachineTemplate"):
        world.delete(kind, "workers")
    world.settle(provide)
    status, reason, message = reported(world, "ScalingUp")
    assert (status, reason) == ("True", "ScalingUp")
    assert message.splitlines() == [
        "Scaling up from 0 to 2 replicas is blocked because:",
        "* LabConfigTemplate and LabMachineTemplate do not exist: create LabConfigTemplate workers and "
        "LabMachineTemplate workers, or correct the reference in spec.template.spec",
    ]
    legacy = world.get("MachineSet", "pool")["status"]["deprecated"]["v1beta1"]["conditions"]
    created = next(c for c in legacy if c["type"] == "MachinesCreated")
    assert (created["reason"], created["severity"]) == ("BootstrapTemplateCloningFailed", "Error")
    for obj in templates():
        world.put(obj)
    world.settle(provide)
    assert len(members(world)) == 2


@pytest.mark.parametrize(
    ("version", "control_plane", "annotation", "text"),
    [
        ("v1.35.0", {}, "", "higher than ControlPlane version"),
        ("v1.30.0", {}, "", "more than 3 minor versions older"),
        ("v1.31.0", {}, "", ""),
        ("v1.34.1", {"status": {"version": None}}, "", "is provisioning"),
        ("v1.34.1", {"spec": {"version": "v1.34.2"}}, "", "is upgrading"),
        ("v1.35.0", {}, "KubernetesVersionSkew", ""),
        ("v1.35.0", {"spec": {"version": "v1.34.2"}}, "All", ""),
    ],
)
def test_preflight_checks(version: str, control_plane: Obj, annotation: str, text: str) -> None:
    world = pool(1, template={"metadata": {"labels": {"pool": "pool"}}, "spec": machine_spec(version=version)})
    if control_plane:
        world.edit("LabControlPlane", "homelab", control_plane)
    if annotation:
        marks = {"machineset.cluster.x-k8s.io/skip-preflight-checks": annotation}
        world.edit("MachineSet", "pool", {"metadata": {"annotations": marks}})
    for _ in range(3):
        plan = step(world)
    if text:
        assert members(world) == []
        assert text in reported(world, "ScalingUp")[2]
        assert plan.requeue_after == 15
    else:
        assert len(members(world)) == 1


def machine(name: str, age_days: float = 1, **fields: Any) -> Machine:
    created = (START - timedelta(days=age_days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    status = {"nodeRef": {"name": name}, **fields.pop("status", {})}
    return decode({"metadata": {"name": name, "creationTimestamp": created, **fields}, "status": status}, Machine)


BAD = {"conditions": [{"type": "NodeHealthy", "status": "False"}]}
UNSURE = {"conditions": [{"type": "NodeHealthy", "status": "Unknown"}]}


@pytest.mark.parametrize(
    ("candidate", "order", "priority"),
    [
        (machine("a", deletionTimestamp="2026-01-01T00:00:00Z"), "Random", 100),
        (machine("a", annotations={"cluster.x-k8s.io/delete-machine": ""}), "Newest", 80),
        (machine("a", status=BAD), "Oldest", 50),
        (machine("a", status={"nodeRef": None}), "Random", 50),
        (machine("a", status=UNSURE), "Random", 20),
        (machine("a"), "Random", 20),
        (machine("a", age_days=0), "Oldest", 0),
        (machine("a", age_days=0), "Newest", 50),
        (machine("a", age_days=10), "Oldest", 31.6),
        (machine("a", age_days=10), "Newest", 18.4),
    ],
)
def test_deletion_priority(candidate: Machine, order: str, priority: float) -> None:
    assert deletion_priority(candidate, order, START) == pytest.approx(priority, abs=0.1)


@pytest.mark.parametrize("order", ["Oldest", "Newest"])
def test_scales_down_by_age(order: str) -> None:
    world = pool(1, deletion={"order": order})
    world.settle(provide)
    (old,) = members(world)
    world.now += timedelta(days=5)
    world.edit("MachineSet", "pool", {"spec": {"replicas": 3}})
    world.settle(provide)
    world.edit("MachineSet", "pool", {"spec": {"replicas": 2}})
    world.settle(provide)
    assert (old in members(world)) is (order == "Newest")


def test_the_marked_machine_goes_first() -> None:
    world = pool(3)
    world.settle(provide)
    marked = members(world)[-1]
    world.edit("Machine", marked, {"metadata": {"annotations": {"cluster.x-k8s.io/delete-machine": "yes"}}})
    world.edit("MachineSet", "pool", {"spec": {"replicas": 2}})
    world.settle(provide)
    assert len(members(world)) == 2
    assert marked not in members(world)


def test_adopts_what_it_selects_and_nobody_controls() -> None:
    world = pool(1)
    labels = {CLUSTER_LABEL: "homelab", "pool": "pool"}
    spec = {**machine_spec(), "bootstrap": {"dataSecretName": "given"}}
    meta = {"name": "stray", "namespace": NAMESPACE, "labels": labels}
    world.put({"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Machine", "metadata": meta, "spec": spec})
    step(world)
    step(world)
    refs = world.get("Machine", "stray")["metadata"]["ownerReferences"]
    assert [(r["kind"], r["controller"]) for r in refs] == [("MachineSet", True)]
    assert members(world) == [], "the adopted one is enough"
    assert 'Normal SuccessfulAdopt: Adopted Machine "stray"' in world.events


def test_in_place_fields_flow_down() -> None:
    world = pool(1)
    world.settle(provide)
    (name,) = members(world)
    template = {
        "metadata": {"labels": {"tier": "gold"}, "annotations": {"note": "n"}},
        "spec": {"deletion": {"nodeDrainTimeoutSeconds": 7}, "minReadySeconds": 1},
    }
    world.edit("MachineSet", "pool", {"spec": {"template": template}})
    world.settle(provide)
    for kind in ("Machine", "LabMachine", "LabConfig"):
        meta = world.get(kind, name)["metadata"]
        assert (meta["labels"]["tier"], meta["annotations"]["note"]) == ("gold", "n"), kind
    assert world.get("Machine", name)["spec"]["deletion"] == {"nodeDrainTimeoutSeconds": 7}
    assert members(world) == [name]


def test_whoever_manages_the_set_says_which_machines_are_up_to_date() -> None:
    world = pool(1)
    world.settle(provide)
    before = members(world)
    world.edit("MachineSet", "pool", {"spec": {"template": {"spec": {"version": "v1.34.2"}}}})
    world.now += timedelta(seconds=11)
    world.settle(provide)
    assert members(world) == before, "a set makes new Machines from its template, and leaves those that it has"
    text = f"* Machine {before[0]}: Condition UpToDate not yet reported"
    assert reported(world, "MachinesUpToDate") == ("Unknown", "UpToDateUnknown", text)


def test_leftovers_of_a_failed_creation_go_when_no_longer_wanted() -> None:
    world = pool(1)
    step(world)
    world.refuse = lambda action: forbidden("machines", "m", "no more") if "create Machine " in action.summary else None
    for _ in range(2):
        step(world)
    assert "no more" in reported(world, "ScalingUp")[2]
    legacy = world.get("MachineSet", "pool")["status"]["deprecated"]["v1beta1"]["conditions"]
    assert next(c["reason"] for c in legacy if c["type"] == "MachinesCreated") == "MachineCreationFailed"
    world.refuse = None
    leftover = world.all("LabMachine")[-1]["metadata"]["name"]
    assert leftover.startswith("pool")
    world.edit("MachineSet", "pool", {"spec": {"replicas": 0}})
    world.settle(provide)
    assert world.find("LabMachine", leftover) is None
    assert world.find("LabConfig", leftover) is None


def test_naming_template() -> None:
    world = pool(1, machineNaming={"template": "{{ .cluster.name }}-w-{{ .random }}"})
    world.settle(provide)
    assert any(m["metadata"]["name"].startswith("homelab-w-") for m in world.all("Machine"))


@pytest.mark.parametrize("template", ["same-for-all", "{{ if .random }}x{{ end }}"])
def test_a_naming_template_that_cannot_work_says_so(template: str) -> None:
    world = pool(1, machineNaming={"template": template})
    world.settle(provide)
    assert members(world) == []
    assert "naming template" in reported(world, "ScalingUp")[2]


def test_creation_can_be_disabled() -> None:
    world = pool(1)
    marks = {"cluster.x-k8s.io/disable-machine-create": "true"}
    world.edit("MachineSet", "pool", {"metadata": {"annotations": marks}})
    world.settle(provide)
    assert members(world) == []
    assert "disable-machine-create" in reported(world, "ScalingUp")[2]


def test_goes_after_its_machines() -> None:
    world = pool(2)
    world.settle(provide)
    world.delete("MachineSet", "pool")
    step(world)
    assert reported(world, "Deleting") == ("True", "Deleting", "Deleting 2 Machines")
    assert reported(world, "ScalingDown")[2] == "Scaling down from 2 to 0 replicas"
    world.settle(provide)
    assert world.find("MachineSet", "pool") is None
    assert members(world) == []


def test_without_its_cluster_it_waits() -> None:
    world = World()
    world.put(machine_set())
    plan = step(world)
    assert [w.reason for w in plan.waiting_on] == ["ClusterNotFound"]
    assert plan.requeue_after
    world.put(cluster())
    world.settle()
    assert world.get("MachineSet", "pool")["metadata"]["finalizers"] == ["cluster.x-k8s.io/machineset"]


def test_status_counts() -> None:
    world = pool(2)
    world.settle(provide)
    status = world.get("MachineSet", "pool")["status"]
    assert {k: status[k] for k in ("replicas", "readyReplicas", "availableReplicas", "upToDateReplicas")} == {
        "replicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "upToDateReplicas": 0,
    }
    assert status["versions"] == [{"version": "v1.34.1", "replicas": 2}]
    assert status["selector"] == f"{CLUSTER_LABEL}=homelab,pool=pool"
    old = status["deprecated"]["v1beta1"]
    assert (old["fullyLabeledReplicas"], old["readyReplicas"], old["availableReplicas"]) == (2, 2, 2)
