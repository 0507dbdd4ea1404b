"""MachineSet: which Machines go when there are too many, in each of the three orders."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.controllers.world import START

from capstan.api.cluster.machine import Machine
from capstan.api.struct import decode
from capstan.controllers.machineset.plan.scale import deletion_priority, is_unhealthy

MARKED = {"cluster.x-k8s.io/delete-machine": ""}
UPDATING = {"in-place-updates.internal.cluster.x-k8s.io/update-in-progress": ""}


def machine(
    name: str,
    days: float | None = 1,
    *,
    annotations: dict[str, str] | None = None,
    deleting: bool = False,
    node: bool = True,
    **conditions: str,
) -> Machine:
    metadata = {"name": name, "annotations": annotations or {}}
    if days is not None:
        metadata["creationTimestamp"] = (START - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T11:59:00Z"
    found = [{"type": type, "status": status, "reason": "Test"} for type, status in conditions.items()]
    status = {"conditions": found, **({"nodeRef": {"name": name}} if node else {})}
    return decode({"metadata": metadata, "status": status}, Machine)


def first(count: int, order: str, *machines: Machine) -> list[str]:
    ordered = sorted(machines, key=lambda m: (-deletion_priority(m, order, START), m.metadata.name))
    return [m.metadata.name for m in ordered[:count]]


GOING = machine("going", deleting=True)
CHOSEN = machine("chosen", annotations=MARKED)
CHANGING = machine("changing", annotations=UPDATING)
NODELESS = machine("nodeless", node=False)
SICK, UNSURE = machine("sick", NodeHealthy="False"), machine("unsure", NodeHealthy="Unknown")
FAILED, UNCHECKED = machine("failed", HealthCheckSucceeded="False"), machine("unsure", HealthCheckSucceeded="Unknown")
WELL, FINE = machine("well"), machine("fine")
OLDEST, OLDER, NEWER, NEWEST = machine("a", 100), machine("b", 50), machine("c", 5), machine("d", 1)
UNBORN, FUTURE = machine("unborn", None), machine("future", -1)


@pytest.mark.parametrize(
    ("count", "order", "machines", "expected"),
    [
        (0, "Random", [WELL, FINE], []),
        (2, "Random", [WELL], ["well"]),
        (2, "Random", [WELL, SICK, FINE], ["sick", "fine"]),
        (2, "Random", [WELL, SICK, FINE, FAILED], ["failed", "sick"]),
        (2, "Random", [WELL, GOING, FINE, machine("gone", deleting=True)], ["going", "gone"]),
        (2, "Random", [SICK, GOING, WELL], ["going", "sick"]),
        (2, "Random", [WELL, GOING, FINE], ["going", "fine"]),
        (1, "Random", [SICK, WELL, CHOSEN], ["chosen"]),
        (2, "Random", [CHOSEN, WELL, GOING], ["going", "chosen"]),
        (2, "Random", [SICK, CHANGING, CHOSEN], ["chosen", "changing"]),
        (1, "Random", [WELL, NODELESS, FINE], ["nodeless"]),
        (1, "Random", [WELL, SICK], ["sick"]),
        (1, "Random", [UNSURE, FINE], ["fine"]),
        (1, "Random", [WELL, FAILED], ["failed"]),
        (1, "Random", [UNCHECKED, FINE], ["fine"]),
        (1, "Newest", [OLDEST, GOING, NEWEST], ["going"]),
        (2, "Newest", [OLDEST, GOING, NEWEST], ["going", "d"]),
        (3, "Newest", [OLDEST, GOING, NEWER, NEWEST], ["going", "d", "c"]),
        (1, "Newest", [OLDEST, NEWEST, CHOSEN], ["chosen"]),
        (1, "Newest", [OLDEST, NEWEST, CHANGING], ["changing"]),
        (1, "Newest", [OLDEST, NEWEST, NODELESS], ["nodeless"]),
        (1, "Newest", [OLDEST, NEWEST, FAILED], ["failed"]),
        (1, "Newest", [OLDEST, NEWEST, SICK], ["sick"]),
        (1, "Newest", [OLDEST, NEWEST, machine("unsure", 50, NodeHealthy="Unknown")], ["d"]),
        (1, "Oldest", [NEWEST, OLDEST, NEWER, OLDER], ["a"]),
        (2, "Oldest", [NEWEST, OLDEST, NEWER, OLDER], ["a", "b"]),
        (4, "Oldest", [UNBORN, NEWEST, OLDEST, NEWER, OLDER], ["a", "b", "c", "d"]),
        (1, "Oldest", [OLDEST, NEWEST, CHOSEN], ["chosen"]),
        (1, "Oldest", [OLDEST, NEWEST, CHANGING], ["changing"]),
        (1, "Oldest", [OLDEST, NEWEST, NODELESS], ["nodeless"]),
        (1, "Oldest", [OLDEST, NEWEST, FAILED], ["failed"]),
        (1, "Oldest", [OLDEST, NEWEST, SICK], ["sick"]),
        (1, "Oldest", [OLDEST, NEWEST, machine("unsure", 5, NodeHealthy="Unknown")], ["a"]),
        (1, "Oldest", [GOING, SICK], ["going"]),
        (2, "Oldest", [SICK, GOING, FAILED], ["going", "failed"]),
        # Without an age, or from the future: as young as can be.
        (2, "Oldest", [FUTURE, UNBORN, NEWEST], ["d", "future"]),
    ],
)
def test_who_goes_first(count: int, order: str, machines: list[Machine], expected: list[str]) -> None:
    assert first(count, order, *machines) == expected


@pytest.mark.parametrize("order", ["Random", "Newest", "Oldest"])
@pytest.mark.parametrize("count", [1, 5, 9])
def test_among_equals_the_name_decides(order: str, count: int) -> None:
    machines = [machine(f"m{at}", 10) for at in (7, 3, 9, 1, 5, 0, 8, 2, 6, 4)]
    assert first(count, order, *machines) == [f"m{at}" for at in range(count)]


@pytest.mark.parametrize(
    ("found", "expected"),
    [(NODELESS, True), (SICK, True), (FAILED, True), (UNSURE, False), (UNCHECKED, False), (WELL, False)],
)
def test_what_is_merely_unknown_is_not_unhealthy(found: Machine, expected: bool) -> None:
    assert is_unhealthy(found) is expected
