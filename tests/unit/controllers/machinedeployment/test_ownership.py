"""Which sets a deployment counts as its own, and which it takes over."""

from __future__ import annotations

import pytest
from tests.unit.controllers.lab import CLUSTER_LABEL, CORE, joined, machine_spec, provide
from tests.unit.controllers.world import NAMESPACE, World

from capstan.api.errors import forbidden
from capstan.api.objects import Key, Obj
from capstan.controllers.machinedeployment.controller import MachineDeploymentController

LABELS = {CLUSTER_LABEL: "homelab", "cluster.x-k8s.io/deployment-name": "workers"}
OTHER = {"apiVersion": CORE, "kind": "MachineDeployment", "name": "other", "uid": "not-ours", "controller": True}


def stray(world: World, labels: Obj, *refs: Obj, cluster: str = "homelab") -> None:
    """A set of an older version, without replicas."""
    unique = {**labels, "machine-template-hash": "1-aaaaa"}
    spec = {
        "clusterName": cluster,
        "replicas": 0,
        "selector": {"matchLabels": unique},
        "template": {"metadata": {"labels": unique}, "spec": machine_spec(version="v1.33.0")},
    }
    meta = {"name": "stray", "namespace": NAMESPACE, "labels": unique, "ownerReferences": list(refs)}
    world.put({"apiVersion": CORE, "kind": "MachineSet", "metadata": meta, "spec": spec})


def step(world: World) -> None:
    controller = next(c for c in world.controllers if isinstance(c, MachineDeploymentController))
    world.reconcile(controller, Key(NAMESPACE, "workers"))


def is_taken(world: World) -> bool:
    refs = world.get("MachineSet", "stray")["metadata"].get("ownerReferences") or []
    return any(
        (ref["kind"], ref["name"], ref.get("controller")) == ("MachineDeployment", "workers", True) for ref in refs
    )


@pytest.mark.parametrize(
    ("labels", "refs", "cluster", "taken"),
    [
        (LABELS, [], "homelab", True),
        ({**LABELS, "more": "x"}, [], "homelab", True),
        (LABELS, [{**OTHER, "controller": False}], "homelab", True),
        (LABELS, [OTHER], "homelab", False),
        ({CLUSTER_LABEL: "homelab"}, [], "homelab", False),
        (LABELS, [], "other", False),
    ],
    ids=["nobody's", "with more labels", "owned, not controlled", "another's", "not selected", "of another cluster"],
)
def test_which_sets_are_taken_over(labels: Obj, refs: list[Obj], cluster: str, taken: bool) -> None:
    world = joined(1)
    stray(world, labels, *refs, cluster=cluster)
    step(world)
    assert is_taken(world) == taken
    assert ('Normal SuccessfulAdopt: Adopted MachineSet "stray"' in world.events) == taken


def test_a_set_that_cannot_be_taken_over_is_told_of_and_stops_nothing() -> None:
    world = joined(1)
    stray(world, LABELS)
    world.edit("MachineDeployment", "workers", {"spec": {"replicas": 2}})
    world.refuse = lambda action: forbidden("machinesets", "stray", "no") if "stray" in action.summary else None
    step(world)
    assert not is_taken(world)
    assert any(
        event.startswith('Warning FailedAdopt: Failed to adopt MachineSet "stray": ') for event in world.events
    ), world.events
    world.refuse = None
    world.settle(provide)
    sizes = [s["spec"]["replicas"] for s in world.all("MachineSet") if s["metadata"]["name"] != "stray"]
    assert sizes == [2]


def test_a_set_of_its_own_that_the_selector_leaves_out_is_still_its_own() -> None:
    world = joined(2)
    (name,) = [s["metadata"]["name"] for s in world.all("MachineSet")]
    world.edit("MachineSet", name, {"metadata": {"labels": {"cluster.x-k8s.io/deployment-name": "elsewhere"}}})
    world.settle(provide)
    assert [s["metadata"]["name"] for s in world.all("MachineSet")] == [name]
    assert world.get("MachineDeployment", "workers")["status"]["replicas"] == 2


def test_a_deployment_that_goes_takes_nothing_over() -> None:
    world = joined(1)
    world.edit("MachineDeployment", "workers", {"metadata": {"finalizers": ["held/by-test"]}})
    world.delete("MachineDeployment", "workers")
    stray(world, LABELS)
    step(world)
    assert not is_taken(world)
