"""MachineSets that others made: upstream's, those of earlier releases, and those whose owners were lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.controllers.lab import joined, provide
from tests.unit.controllers.world import World

from capstan.api.objects import Obj
from capstan.api.rules.applied import entry_of
from capstan.api.rules.takeover import BEFORE_FIRST_APPLY, RECORD_ANNOTATION

SKIP = "machineset.cluster.x-k8s.io/skip-preflight-checks"
MOVE = "in-place-updates.internal.cluster.x-k8s.io/move-machines-to-machineset"
TAINT = {"key": "gpu", "effect": "NoSchedule", "propagation": "Always"}


def the_set(world: World) -> Obj:
    (found,) = world.all("MachineSet")
    return found


def edit(world: World, annotations: Obj, template: Obj) -> None:
    metadata = {"annotations": annotations}
    world.edit("MachineDeployment", "workers", {"metadata": metadata, "spec": {"template": template}})


def owned_by(world: World, *entries: Obj, **annotations: str) -> None:
    metadata = the_set(world)["metadata"]
    marks = {**metadata["annotations"], **annotations}
    world.put({**the_set(world), "metadata": {**metadata, "annotations": marks, "managedFields": list(entries)}})


def as_upstream_makes_it(world: World) -> None:
    entries = the_set(world)["metadata"]["managedFields"]
    owned_by(world, *({**e, "manager": "manager"} if e["operation"] == "Update" else e for e in entries))


def as_we_made_it_once(world: World) -> None:
    """By plain writes; the annotation of a plan that no longer holds has stayed."""
    mine = entry_of(the_set(world)["metadata"], "capi-machinedeployment")
    assert mine is not None
    fields = mine["fieldsV1"]
    annotations = {**fields["f:metadata"]["f:annotations"], f"f:{RECORD_ANNOTATION}": {}, f"f:{MOVE}": {}}
    owned = {**fields, "f:metadata": {**fields["f:metadata"], "f:annotations": annotations}}
    plain = {**mine, "manager": "capstan", "operation": "Update", "fieldsV1": owned}
    owned_by(world, plain, **{RECORD_ANNOTATION: f"labels=zone,tier;annotations={SKIP}", MOVE: "workers-2"})


@pytest.mark.parametrize("past", [lambda _world: None, as_upstream_makes_it, as_we_made_it_once])
def test_what_leaves_the_deployment_leaves_the_set(past: Callable[[World], Any]) -> None:
    world = joined(1)
    edit(world, {SKIP: "All"}, {"metadata": {"labels": {"zone": "a", "tier": "gold"}}, "spec": {"taints": [TAINT]}})
    world.settle(provide)
    past(world)
    world.edit("MachineSet", the_set(world)["metadata"]["name"], {"metadata": {"annotations": {"my": "note"}}})
    edit(world, {SKIP: None}, {"metadata": {"labels": {"zone": None}}, "spec": {"taints": None}})
    world.settle(provide)
    found = the_set(world)
    assert {key: found["metadata"]["labels"].get(key) for key in ("zone", "tier")} == {"zone": None, "tier": "gold"}
    annotations = found["metadata"]["annotations"]
    assert not {SKIP, MOVE, RECORD_ANNOTATION} & annotations.keys()
    assert annotations["my"] == "note"
    assert annotations["capstan.dev/children-named"], "what the set's own controller wrote stays"
    assert annotations["machinedeployment.clusters.x-k8s.io/revision"] == "1"
    assert "taints" not in found["spec"]["template"]["spec"]
    writes = world.writes
    world.settle(provide)
    assert world.writes == writes


def test_a_set_whose_owners_were_lost() -> None:
    world = joined(1)
    edit(world, {}, {"metadata": {"labels": {"zone": "a"}}})
    world.settle(provide)
    owned_by(world)
    edit(world, {}, {"metadata": {"labels": {"tier": "gold"}}})
    world.settle(provide)
    edit(world, {}, {"metadata": {"labels": {"tier": None, "zone": None}}})
    world.settle(provide)
    assert not {"zone", "tier"} & the_set(world)["metadata"]["labels"].keys()
    assert BEFORE_FIRST_APPLY not in [entry["manager"] for entry in the_set(world)["metadata"]["managedFields"]]
