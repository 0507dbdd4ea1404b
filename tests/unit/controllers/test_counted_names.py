"""A process that ends between making a child and counting it: the next one counts it, so that no name comes again."""

from __future__ import annotations

import pytest

from capstan.api.objects import Obj
from capstan.api.rules.names import NAMED_ANNOTATION
from tests.unit.controllers.lab import joined, provide
from tests.unit.controllers.world import World


def _uncount(world: World, kind: str) -> Obj:
    """As it is written when the process ended before the count was."""
    (owner,) = world.all(kind)
    before = dict(owner["metadata"]["annotations"])
    del before[NAMED_ANNOTATION]
    world.put({**owner, "metadata": {**owner["metadata"], "annotations": before}})
    return owner


def _annotation(world: World, kind: str) -> str:
    (owner,) = world.all(kind)
    return str(owner["metadata"]["annotations"].get(NAMED_ANNOTATION))


@pytest.mark.parametrize(("kind", "children"), [("MachineSet", "2"), ("MachineDeployment", "1")])
def test_children_that_were_made_are_counted_afterwards(kind: str, children: str) -> None:
    world = joined(replicas=2)
    assert _annotation(world, kind) == children
    _uncount(world, kind)
    world.settle(provide)
    assert _annotation(world, kind) == children
    assert world.round() == 0


def test_a_name_does_not_come_again_after_a_crash() -> None:
    world = joined(replicas=1)
    (first,) = _workers(world)
    _uncount(world, "MachineSet")
    world.round()
    world.delete("Machine", first)
    world.settle(provide)
    (second,) = _workers(world)
    assert second != first


def _workers(world: World) -> list[str]:
    names = [machine["metadata"]["name"] for machine in world.all("Machine")]
    return [name for name in names if "workers" in name]
