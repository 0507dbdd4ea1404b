"""Whole stories of the four core controllers, as the lines that a user would read."""

from __future__ import annotations

from tests.golden.text import assert_golden
from tests.unit.controllers.lab import declared, joined, provide
from tests.unit.controllers.world import World, strings

_KINDS = ("Cluster", "MachineDeployment", "MachineSet", "Machine")


def _states(world: World) -> list[str]:
    """Every condition of the core kinds, one a line."""
    lines = []
    for kind in _KINDS:
        for obj in world.all(kind):
            lines.append(f"{kind} {obj['metadata']['name']}: phase {obj['status'].get('phase', '-')}")
            for c in obj["status"]["conditions"]:
                lines.append(f"  {c['type']}={c['status']} {c['reason']}")
                lines.extend(f"    {line}" for line in c["message"].splitlines())
    return lines


def test_create() -> None:
    world = declared(replicas=2)
    world.settle(provide)
    assert_golden("core_create.txt", strings([*world.trace, "", *_states(world)]))


def test_scale_up_then_down_then_a_new_version() -> None:
    world = joined()
    lines = []
    for title, patch in (
        ("scale to 3", {"replicas": 3}),
        ("scale to 1", {"replicas": 1}),
        ("a new version", {"template": {"spec": {"version": "v1.35.0"}}}),
    ):
        world.trace.clear()
        world.events.clear()
        world.edit("MachineDeployment", "workers", {"spec": patch})
        world.settle(provide)
        lines += [f"# {title}", *world.trace, *world.events, ""]
    assert_golden("core_scale.txt", strings([*lines, *_states(world)]))


def test_delete() -> None:
    world = joined()
    world.trace.clear()
    world.delete("Cluster", "homelab")
    world.settle(provide)
    left = [f"left: {place[0].kind} {place[1].name}" for place in sorted(world.objects, key=str)]
    assert_golden("core_delete.txt", strings([*world.trace, "", *left]))
