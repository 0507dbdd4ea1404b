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


def test_a_change_is_applied_again_by_reconcile_and_not_by_apply_once() -> None:
    world = AddonWorld()
    world.add_cluster()
    for name, strategy in (("once", "ApplyOnce"), ("kept", "Reconcile")):
        world.add_config_map(name, note=_NOTE.replace("note", name) + "data: {a: b, c: d}\n")
        world.add_set(name, f"ConfigMap {name}", strategy=strategy)
    world.settle()

    def told(title: str) -> list[str]:
        writes = world.workloads["homelab"].writes
        lines = [*_chapter(world, title)[:-1], *(f"in the cluster: {line}" for line in writes)]
        writes.clear()
        lines += [f"now there: {name} {world.workloads['homelab'].objects[place]['data']}" for name, place in places]
        return [*lines, ""]

    places = [(name, ("configmaps", "default", name)) for name in ("once", "kept")]
    lines = told("applied, each in its way")
    for name, _ in places:
        world.edit("ConfigMap", name, {"data": {"note": _NOTE.replace("note", name) + "data: {a: changed}\n"}})
    world.settle()
    lines += told("both manifests change: c is taken out, and stays in the cluster")
    for _, place in places:
        world.workloads["homelab"].objects[place] = {**world.workloads["homelab"].objects[place], "data": {"a": "mine"}}
    world.settle()
    lines += told("somebody changes both in the cluster: that is theirs until the manifests change")
    assert_golden("resource_set_strategies.txt", strings(lines))
