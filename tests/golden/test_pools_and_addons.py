"""The stories of a MachinePool and of a ClusterResourceSet, as the lines that a user would read."""

from __future__ import annotations

from capstan.api.errors import ApiError
from tests.golden.text import assert_golden
from tests.unit.controllers.addons import AddonWorld
from tests.unit.controllers.poolworld import PoolWorld
from tests.unit.controllers.world import World, strings

_NOTE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: note}\n"


def _chapter(world: World, title: str) -> list[str]:
    lines = [f"# {title}", *world.trace, *world.events]
    world.trace.clear()
    world.events.clear()
    return [*lines, ""]


def test_a_pool_is_made_scaled_and_deleted() -> None:
    world = PoolWorld()
    world.settle()
    lines = _chapter(world, "declared before its provider's objects")
    world.provide("a", "b")
    world.settle()
    lines += _chapter(world, "two machines")
    world.provide("b", "c")
    world.settle()
    lines += _chapter(world, "one is replaced")
    world.delete("MachinePool", "pool")
    world.settle()
    world.let_go()
    world.settle()
    assert_golden("machinepool.txt", strings([*lines, *_chapter(world, "deleted")]))


def test_a_set_is_applied_refused_and_deleted() -> None:
    world = AddonWorld()
    world.add_cluster(kubeconfig=False)
    world.add_config_map("cni", note=_NOTE)
    world.add_set("cni", "ConfigMap cni", strategy="Reconcile")
    world.settle()
    lines = [*_chapter(world, "before the cluster can be reached"), ": ".join(world.applied()), ""]
    world.add_kubeconfig("homelab")
    world.settle()
    lines += [*_chapter(world, "applied"), ": ".join(world.applied()), ""]
    world.workloads["homelab"].refused["note"] = ApiError(403, "Forbidden", "configmaps is forbidden")
    world.edit("ConfigMap", "cni", {"data": {"note": _NOTE + "data: {a: b}\n"}})
    world.settle()
    lines += [*_chapter(world, "a change that the cluster refuses"), ": ".join(world.applied()), ""]
    world.delete("ClusterResourceSet", "cni")
    world.settle()
    assert_golden("resource_set.txt", strings([*lines, *_chapter(world, "deleted")]))
