"""The steps of a rollout one by one: what is taken over, how the current set grows, how old ones shrink, what is moved
instead of made anew, and when a stuck rollout gives a Machine up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import (
    ACKNOWLEDGED_MOVE_ANNOTATION,
    PENDING_MOVE_ANNOTATION,
    UPDATE_IN_PROGRESS_ANNOTATION,
)
from capstan.api.struct import decode
from capstan.controllers.machinedeployment.plan.rollout import Fleet, Rollout, plan_rollout
from capstan.controllers.machinedeployment.plan.rollout.inplace import acknowledge_moves, prefer_moves
from capstan.controllers.machinedeployment.plan.rollout.rollingupdate import (
    _break_deadlock,
    _shrink_old,
    _size_current,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
Counts = tuple[int, ...]


def deployment(replicas: int, surge: int = 1, unavailable: int = 0, type: str = "RollingUpdate") -> MachineDeployment:
    strategy: dict[str, Any] = {"type": type}
    if type == "RollingUpdate":
        strategy["rollingUpdate"] = {"maxSurge": surge, "maxUnavailable": unavailable}
    return decode(
        {"metadata": {"name": "md"}, "spec": {"replicas": replicas, "rollout": {"strategy": strategy}}},
        MachineDeployment,
    )


def a_set(name: str, age: int, counts: Counts, **annotations: str) -> MachineSet:
    """`counts`: asked for, there, available, up to date; what is left out is as the one before."""
    filled = [*counts, *[counts[-1]] * (4 - len(counts))]
    status = dict(zip(("replicas", "availableReplicas", "upToDateReplicas"), filled[1:], strict=True))
    made = decode(
        {
            "metadata": {"name": name, "annotations": annotations},
            "spec": {"replicas": filled[0]},
            "status": status,
        },
        MachineSet,
    )
    created = START - timedelta(hours=age)
    return msgspec.structs.replace(made, metadata=msgspec.structs.replace(made.metadata, creation_timestamp=created))


def a_machine(name: str, *annotations: str) -> Machine:
    return decode({"metadata": {"name": name, "annotations": dict.fromkeys(annotations, "")}}, Machine)


def fleet(
    wanted: MachineDeployment, current: Counts, *old: Counts, updatable: str = "", **machines: list[Machine]
) -> Fleet:
    """Old sets are `a`, `b`, ... from the oldest on; the current one is `new`."""
    names = "abcdefgh"
    return Fleet(
        deployment=wanted,
        current=a_set("new", 0, current),
        old=tuple(a_set(names[at], 9 - at, counts) for at, counts in enumerate(old)),
        machines=machines,
        updatable=frozenset(updatable),
    )


PENDING = (PENDING_MOVE_ANNOTATION, UPDATE_IN_PROGRESS_ANNOTATION)


@pytest.mark.parametrize(
    ("known", "machines", "size", "acknowledged", "notes"),
    [
        ("", [], 1, (), []),
        ("", [a_machine("m1"), a_machine("m2")], 1, (), []),
        (
            "",
            [a_machine("m1"), a_machine("m2", *PENDING)],
            2,
            ("m2",),
            ["acknowledge Machines m2 moved from an old MachineSet"],
        ),
        (
            "m1",
            [a_machine("m1", *PENDING), a_machine("m2", *PENDING)],
            2,
            ("m1", "m2"),
            ["acknowledge Machines m1,m2 moved from an old MachineSet"],
        ),
        ("m2", [a_machine("m1"), a_machine("m2", *PENDING)], 1, ("m2",), []),
        ("m2", [a_machine("m1"), a_machine("m2")], 1, (), []),
    ],
)
def test_machines_that_were_handed_over_are_counted_once(
    known: str, machines: list[Machine], size: int, acknowledged: tuple[str, ...], notes: list[str]
) -> None:
    current = a_set("new", 0, (1,), **({ACKNOWLEDGED_MOVE_ANNOTATION: known} if known else {}))
    found = Fleet(deployment=deployment(3), current=current, machines={"new": machines})
    rollout = Rollout()
    acknowledge_moves(found, rollout)
    assert rollout.size(current) == size
    assert rollout.acknowledged == acknowledged
    assert rollout.notes.get("new", []) == notes


@pytest.mark.parametrize(
    ("wanted", "current", "old", "size"),
    [
        (deployment(2, 2), (0,), [], 2),
        (deployment(0, 2), (2,), [], 0),
        (deployment(3, 2), (1, 0), [(3, 3)], 2),
        (deployment(1, 0), (0,), [(0, 1)], 0),  # the one that goes still counts
        (deployment(2, 0), (2,), [], 2),
        (deployment(1, 2), (4, 0), [(5, 0)], 1),  # nobody asks whether that many are available
        (deployment(6, 3), (2, 0), [(5, 0)], 4),
    ],
)
def test_the_current_set_grows_within_the_surge_and_shrinks_at_once(
    wanted: MachineDeployment, current: Counts, old: list[Counts], size: int
) -> None:
    found = fleet(wanted, current, *old)
    rollout = Rollout()
    _size_current(found, rollout)
    assert rollout.size(found.current) == size


@pytest.mark.parametrize(
    ("wanted", "planned", "current", "old", "expected"),
    [
        # Nothing to take away: there is nothing, or nothing above the least.
        (deployment(10), {}, (10, 10, 10), [(0, 0, 0)], {}),
        (deployment(3), {}, (1, 1, 1), [(2, 2, 2)], {}),
        (deployment(3), {}, (1, 1, 1), [(2, 2, 1)], {}),
        # What goes already, by an earlier round or this one, has the room.
        (deployment(3), {}, (1, 1, 1), [(2, 3, 3)], {}),
        (deployment(6, 3, 1), {}, (3, 0, 0), [(2, 3, 3), (3, 3, 3)], {}),
        (deployment(3), {"new": 1}, (2, 2, 2), [(2, 2, 2)], {}),
        (deployment(3), {"a": 1}, (2, 2, 2), [(2, 2, 2)], {"a": 1}),
        # The new ones do not come up.
        (deployment(3), {}, (1, 1, 0), [(3, 3, 0)], {}),
        (deployment(3, 0, 1), {}, (1, 1, 0), [(2, 2, 0)], {}),
        (deployment(3), {}, (1, 1, 0), [(3, 3, 3)], {}),
        # There are enough, but an old one is not available, and it could be another one that goes.
        (deployment(3), {}, (1, 1, 1), [(3, 3, 2)], {}),
        (deployment(3), {}, (1, 1, 1), [(3, 3, 3)], {"a": 2}),
        # Sets without any available one go first, then what is left.
        (deployment(3), {}, (1, 1, 1), [(2, 2, 2), (1, 1, 0), (2, 2, 0)], {"b": 0, "c": 0}),
        (deployment(3), {}, (1, 1, 1), [(3, 3, 3), (1, 1, 0), (2, 2, 0)], {"a": 2, "b": 0, "c": 0}),
        # Replicas without a Machine are nobody's loss.
        (deployment(3), {}, (1, 1, 1), [(4, 3, 3), (2, 1, 0), (5, 2, 0)], {"a": 2, "b": 0, "c": 0}),
        (deployment(3), {}, (1, 1, 1), [(1, 1, 1), (1, 1, 0), (2, 2, 1)], {"b": 0}),
        (deployment(3), {}, (1, 1, 1), [(2, 1, 1), (3, 1, 0), (3, 2, 1)], {"a": 1, "b": 0, "c": 2}),
        # Beside what goes already there is room for one more.
        (deployment(3), {}, (2, 2, 2), [(3, 4, 4)], {"a": 2}),
        (deployment(3), {"new": 1}, (2, 2, 2), [(3, 3, 3)], {"a": 2}),
        (deployment(3), {"a": 2}, (2, 2, 2), [(3, 3, 3)], {"a": 1}),
        # What one set loses already is not another's to lose again.
        (deployment(4, 3, 1), {}, (3, 3, 3), [(1, 3, 3), (4, 4, 4)], {"a": 0, "b": 2}),
    ],
)
def test_old_sets_shrink_by_what_nobody_misses(
    wanted: MachineDeployment, planned: dict[str, int], current: Counts, old: list[Counts], expected: dict[str, int]
) -> None:
    found = fleet(wanted, current, *old)
    rollout = Rollout(replicas=dict(planned))
    _shrink_old(found, rollout)
    assert {name: size for name, size in rollout.replicas.items() if name != "new"} == expected


UPDATING = a_machine("m1", UPDATE_IN_PROGRESS_ANNOTATION)


@pytest.mark.parametrize(
    ("wanted", "planned", "current", "old", "updatable", "receives", "size", "note"),
    [
        (deployment(2), {}, (1, 1), [(1, 1)], "a", ("a",), 1, ""),
        (deployment(3), {}, (3, 3), [(1, 1)], "a", (), 3, ""),
        (deployment(3), {}, (1, 1), [(0, 0)], "a", (), 1, ""),
        (deployment(2), {}, (1, 1), [(1, 1)], "", (), 1, ""),
        (deployment(6), {}, (1, 1), [(1, 1)] * 5, "ae", ("a", "e"), 1, ""),
        # Growth within the wanted number stays.
        (deployment(3), {"new": 2}, (1, 1), [(1, 1)], "a", ("a",), 2, ""),
        # One more is made where nothing else gives room to begin; never more than one.
        (deployment(3), {"new": 1}, (0, 0), [(3, 3)], "a", ("a",), 1, "surge 1 allowed"),
        (deployment(3, 3), {"new": 3}, (0, 0), [(3, 3)], "a", ("a",), 1, "surge 1 allowed"),
        # And none where something is on its way.
        (deployment(3, 3, 1), {"new": 2}, (0, 0), [(3, 4)], "a", ("a",), 0, "surge 2 dropped"),
        (deployment(3, 3, 1), {"new": 3, "a": 2}, (0, 0), [(3, 3)], "a", ("a",), 0, "surge 3 dropped"),
        (deployment(6, 3, 1), {"new": 6}, (3, 2), [(3, 3)], "a", ("a",), 3, "surge 3 dropped"),
        (deployment(3), {"new": 3}, (2, 2, 1, 1), [(1, 1)], "a", ("a",), 2, "surge 1 dropped"),
        (deployment(3), {"new": 3}, (2, 2, 1, 2), [(1, 1)], "a", ("a",), 2, "surge 1 dropped"),
    ],
)
def test_machines_that_can_change_in_place_are_not_made_anew(
    wanted: MachineDeployment,
    planned: dict[str, int],
    current: Counts,
    old: list[Counts],
    updatable: str,
    receives: tuple[str, ...],
    size: int,
    note: str,
) -> None:
    found = fleet(wanted, current, *old, updatable=updatable)
    rollout = Rollout(replicas=dict(planned))
    prefer_moves(found, rollout)
    assert rollout.receive_from == receives
    assert rollout.move_to == dict.fromkeys(receives, "new")
    assert rollout.size(found.current) == size
    assert (note in "".join(rollout.notes.get("new", []))) and bool(note) == ("new" in rollout.notes)


def test_an_update_that_runs_is_room_enough() -> None:
    found = fleet(deployment(3, 3), (0, 0), (3, 3), updatable="a", a=[UPDATING])
    rollout = Rollout(replicas={"new": 3})
    prefer_moves(found, rollout)
    assert rollout.size(found.current) == 0


@pytest.mark.parametrize(
    ("planned", "current", "old", "expected"),
    [
        ({}, (10, 10, 10), (0, 0, 0), {}),
        ({}, (5, 5, 5), (5, 5, 5), {}),
        ({}, (6, 5, 5), (5, 5, 4), {}),
        ({}, (5, 5, 5), (4, 5, 4), {}),
        ({"new": 6}, (5, 5, 5), (5, 5, 4), {"new": 6}),
        ({"a": 4}, (5, 5, 5), (5, 5, 4), {"a": 4}),
        ({}, (5, 5, 3), (5, 5, 4), {}),
        ({}, (5, 5, 5), (5, 5, 3), {"a": 4}),
    ],
)
def test_only_a_rollout_that_cannot_go_on_gives_a_machine_up(
    planned: dict[str, int], current: Counts, old: Counts, expected: dict[str, int]
) -> None:
    found = fleet(deployment(5), current, old)
    rollout = Rollout(replicas=dict(planned))
    _break_deadlock(found, rollout)
    assert rollout.replicas == expected


@pytest.mark.parametrize(
    ("replicas", "current", "old", "expected"),
    [
        (4, (0, 0), [(3, 3), (1, 1)], {}),
        (3, (0, 0), [(3, 2), (1, 0)], {"a": 2, "b": 0}),  # once that is seen, they come back as new ones
        (3, (0, 0), [(2, 2), (0, 0)], {"new": 1}),
        (3, (2, 2), [(1, 1), (2, 2)], {"a": 0, "b": 1}),
        (3, (2, 2), [(1, 0), (2, 2)], {"a": 0, "b": 1}),
        (4, (1, 1), [(1, 1), (1, 1)], {"new": 2}),
        (1, (5, 5), [(3, 3)], {"a": 0, "new": 1}),
        (6, (2, 2), [(1, 1)], {"new": 5}),
    ],
)
def test_on_delete_follows_what_users_delete(
    replicas: int, current: Counts, old: list[Counts], expected: dict[str, int]
) -> None:
    found = fleet(deployment(replicas, type="OnDelete"), current, *old)
    assert plan_rollout(found).replicas == expected
