"""Whose a set is, which Machines are its own, and which it takes over."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.controllers.lab import CLUSTER_LABEL, CORE, joined, machine_set, machine_spec, provide
from tests.unit.controllers.world import NAMESPACE, World

from capstan.api.objects import Key, Obj
from capstan.controllers.machineset.controller import MachineSetController

LABELS = {CLUSTER_LABEL: "homelab", "pool": "pool"}
OTHER = {"apiVersion": CORE, "kind": "MachineSet", "name": "other", "uid": "not-ours", "controller": True}


def pool(replicas: int, **meta: Any) -> World:
    world = joined(0)
    declared = machine_set("pool", replicas)
    world.put({**declared, "metadata": {**declared["metadata"], **meta}})
    return world


def step(world: World) -> None:
    controller = next(c for c in world.controllers if isinstance(c, MachineSetController))
    for _ in range(3):
        world.reconcile(controller, Key(NAMESPACE, "pool"))


def own(world: World) -> list[str]:
    """The Machines that the set has made."""
    return [m["metadata"]["name"] for m in world.all("Machine") if m["metadata"]["name"].startswith("pool-")]


def owners(obj: Obj) -> list[tuple[str, str, bool]]:
    refs = obj["metadata"].get("ownerReferences") or []
    return [(ref["kind"], ref["name"], bool(ref.get("controller"))) for ref in refs]


DEPLOYMENT = {"apiVersion": CORE, "kind": "MachineDeployment", "name": "d", "uid": "d-uid", "controller": True}


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ({}, [("Cluster", "homelab", False)]),
        ({"labels": {CLUSTER_LABEL: "homelab"}}, [("Cluster", "homelab", False)]),
        (
            {"ownerReferences": [DEPLOYMENT], "labels": {"cluster.x-k8s.io/deployment-name": "d"}},
            [("MachineDeployment", "d", True)],
        ),
        ({"labels": {"cluster.x-k8s.io/deployment-name": "d"}}, []),
    ],
    ids=["without labels", "alone", "of a deployment", "about to be a deployment's"],
)
def test_whose_a_set_is(meta: Obj, expected: list[tuple[str, str, bool]]) -> None:
    world = pool(0, **{"labels": {}, **meta})
    step(world)
    found = world.get("MachineSet", "pool")
    assert owners(found) == expected
    assert found["metadata"]["labels"][CLUSTER_LABEL] == "homelab"


def stray(world: World, labels: Obj, *refs: Obj, going: bool = False) -> None:
    spec = {**machine_spec(), "bootstrap": {"dataSecretName": "given"}}
    meta: Obj = {"name": "stray", "namespace": NAMESPACE, "labels": labels, "ownerReferences": list(refs)}
    if going:
        meta |= {"finalizers": ["held/by-test"]}
    world.put({"apiVersion": CORE, "kind": "Machine", "metadata": meta, "spec": spec})
    if going:
        world.delete("Machine", "stray")


@pytest.mark.parametrize(
    ("labels", "refs", "going", "taken"),
    [
        (LABELS, [], False, True),
        ({**LABELS, "more": "x"}, [], False, True),
        (LABELS, [{**OTHER, "controller": False}], False, True),
        (LABELS, [OTHER], False, False),
        ({"pool": "pool"}, [], False, False),
        ({CLUSTER_LABEL: "homelab"}, [], False, False),
        ({**LABELS, CLUSTER_LABEL: "other"}, [], False, False),
        (LABELS, [], True, False),
    ],
    ids=[
        "nobody's",
        "with more labels",
        "owned, not controlled",
        "another's",
        "of no cluster",
        "not selected",
        "of another cluster",
        "going",
    ],
)
def test_which_machines_a_set_takes_over(labels: Obj, refs: list[Obj], going: bool, taken: bool) -> None:
    world = pool(1)
    stray(world, labels, *refs, going=going)
    step(world)
    assert (("MachineSet", "pool", True) in owners(world.get("Machine", "stray"))) == taken
    assert len(own(world)) == (0 if taken else 1), "the one that is wanted is there or made"


def test_a_set_that_goes_takes_nothing_over() -> None:
    world = pool(1, finalizers=["held/by-test"])
    world.delete("MachineSet", "pool")
    stray(world, LABELS)
    step(world)
    assert owners(world.get("Machine", "stray")) == []


def test_a_machine_whose_labels_somebody_changes_stays_and_gets_them_back() -> None:
    world = pool(1)
    world.settle(provide)
    (name,) = own(world)
    world.edit("Machine", name, {"metadata": {"labels": {"pool": "elsewhere"}}})
    world.settle(provide)
    assert world.get("Machine", name)["metadata"]["labels"]["pool"] == "pool"
    assert own(world) == [name]
