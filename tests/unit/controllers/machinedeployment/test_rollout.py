"""Rollouts in every order of events: never below the least, never above the most, and always at an end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machineset import MachineSet
from capstan.api.struct import decode
from capstan.controllers.machinedeployment.plan.limits import max_surge, max_unavailable
from capstan.controllers.machinedeployment.plan.rollout import Fleet, Rollout, by_age, plan_rollout

START = datetime(2026, 1, 1, tzinfo=UTC)


def deployment(replicas: int, surge: int | str = 1, unavailable: int | str = 0, **spec: object) -> MachineDeployment:
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    body = {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "MachineDeployment", "metadata": {"name": "md"}}
    return decode(
        {**body, "spec": {"replicas": replicas, "rollout": {"strategy": strategy}, **spec}}, MachineDeployment
    )


def machine_set(name: str, age: int, replicas: int, there: int, available: int, **annotations: str) -> MachineSet:
    status = {"replicas": there, "availableReplicas": available, "upToDateReplicas": available}
    body = {"apiVersion": "v1", "kind": "MachineSet", "metadata": {"name": name, "annotations": annotations}}
    made = decode({**body, "spec": {"replicas": replicas}, "status": status}, MachineSet)
    created = START - timedelta(hours=age)
    return msgspec.structs.replace(made, metadata=msgspec.structs.replace(made.metadata, creation_timestamp=created))


def sizes(rollout: Rollout, fleet: Fleet) -> dict[str, int]:
    return {s.metadata.name: rollout.size(s) for s in fleet.sets}


@dataclass
class Sets:
    """Sets that follow what is asked of them, sooner or later; each is [asked, there, available]."""

    wanted: MachineDeployment
    current: str = "a"
    counts: dict[str, list[int]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def fleet(self) -> Fleet:
        sets = [
            machine_set(name, 100 - at, asked, there, available)
            for at, (name, (asked, there, available)) in enumerate(self.counts.items())
        ]
        old = sorted((s for s in sets if s.metadata.name != self.current), key=by_age)
        current = next(s for s in sets if s.metadata.name == self.current)
        return Fleet(deployment=self.wanted, current=current, old=tuple(old))

    def plan(self) -> bool:
        """One round of the planner; whether it changed anything."""
        fleet = self.fleet()
        changed = False
        for name, size in sizes(plan_rollout(fleet), fleet).items():
            changed |= self.counts[name][0] != size
            self.counts[name][0] = size
        return changed

    def work(self) -> bool:
        """Every set does what it is asked for, at once; whether anything changed."""
        before = [list(c) for c in self.counts.values()]
        for name, count in self.counts.items():
            asked, there, available = count
            # Unhealthy machines go first, as a MachineSet has it.
            gone = max(there - asked, 0)
            count[1] = asked
            count[2] = available - max(gone - (there - available), 0)
            if name not in self.broken:
                count[2] = count[1]
        return before != [list(c) for c in self.counts.values()]

    def worst(self) -> int:
        """How many are available once all that are too many are gone. Of an old set those could be available ones;
        the current one is cut to its size without asking, and gives up what is not available first."""
        old = [c for name, c in self.counts.items() if name != self.current]
        asked, _, available = self.counts[self.current]
        return min(asked, available) + sum(max(c[2] - max(c[1] - c[0], 0), 0) for c in old)

    def total(self, at: int) -> int:
        return sum(count[at] for count in self.counts.values())


portions = st.one_of(st.integers(0, 5), st.integers(0, 100).map(lambda n: f"{n}%"))


@settings(max_examples=300, deadline=None)
@given(data=st.data(), replicas=st.integers(0, 12), surge=portions, unavailable=portions)
def test_never_below_never_above_and_it_ends(
    data: st.DataObject, replicas: int, surge: int | str, unavailable: int | str
) -> None:
    wanted = deployment(replicas, surge, unavailable)
    sets = Sets(wanted, counts={"a": [replicas, replicas, replicas]})
    edits = data.draw(st.lists(st.sampled_from(["template", "scale", "fail", "work"]), max_size=8))
    most = replicas
    for edit in edits:
        match edit:
            case "template":
                sets.current = f"{sets.current}x"
                sets.counts[sets.current] = [0, 0, 0]
            case "scale":
                number = data.draw(st.integers(0, 12))
                wanted = deployment(number, surge, unavailable)
                sets.wanted = wanted
            case "fail":
                name = data.draw(st.sampled_from(sorted(sets.counts)))
                lost = data.draw(st.integers(0, sets.counts[name][2]))
                sets.counts[name][2] -= lost
                if name != sets.current:
                    sets.broken.add(name)
            case "work":
                sets.work()
        desired = wanted.spec.replicas or 0
        before = sets.worst()
        most = max(most, desired + max_surge(wanted), sets.total(0), sets.total(1))
        sets.plan()
        # What is asked for takes nothing from those that must be there, whichever Machines go.
        least = max(desired - max_unavailable(wanted), 0)
        assert sets.worst() >= min(before, least)
        assert sets.total(0) <= max(desired + max_surge(wanted), most)
    for _ in range(200):
        planned, worked = sets.plan(), sets.work()
        desired = wanted.spec.replicas or 0
        if not planned and not worked:
            break
    assert sets.counts[sets.current] == [desired, desired, desired]
    assert all(c == [0, 0, 0] for n, c in sets.counts.items() if n != sets.current)
    assert not sets.plan(), "a finished rollout plans nothing"


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "old", "current", "expected"),
    [
        # asked, there, available of the old set and of the current one
        (3, 1, 0, (3, 3, 3), (0, 0, 0), (3, 1)),
        (3, 0, 1, (3, 3, 3), (0, 0, 0), (2, 0)),
        (10, "20%", "20%", (10, 10, 10), (0, 0, 0), (8, 2)),
        (10, "25%", 0, (10, 10, 10), (0, 0, 0), (10, 3)),  # a part of a machine surges as a whole one
        (10, 1, "25%", (10, 10, 10), (0, 0, 0), (8, 1)),  # and is not unavailable
        (4, 0, 0, (4, 4, 4), (0, 0, 0), (3, 0)),  # both 0 is 1 unavailable
        (3, 1, 0, (3, 3, 3), (1, 1, 0), (3, 1)),  # the new one is not ready: wait
        (3, 1, 0, (3, 3, 3), (1, 1, 1), (2, 1)),
        (3, 1, 0, (3, 3, 1), (0, 0, 0), (3, 1)),
        (3, 1, 1, (3, 3, 2), (0, 0, 0), (3, 1)),  # the one that is deleted could be one of the two that are needed
        (3, 1, 1, (3, 3, 0), (0, 0, 0), (2, 1)),  # nobody misses those that are not available
        (5, 2, 0, (2, 2, 2), (5, 5, 5), (0, 5)),
        (2, 1, 0, (0, 0, 0), (4, 4, 4), (0, 2)),
        (0, 1, 0, (3, 3, 3), (0, 0, 0), (0, 0)),
    ],
)
def test_one_round(
    replicas: int,
    surge: int | str,
    unavailable: int | str,
    old: tuple[int, int, int],
    current: tuple[int, int, int],
    expected: tuple[int, int],
) -> None:
    fleet = Fleet(
        deployment=deployment(replicas, surge, unavailable),
        current=machine_set("new", 0, *current),
        old=(machine_set("old", 1, *old),),
    )
    rollout = plan_rollout(fleet)
    assert (sizes(rollout, fleet)["old"], sizes(rollout, fleet)["new"]) == expected


def test_a_rollout_that_old_machines_hold_up_gives_one_of_them_up() -> None:
    fleet = Fleet(
        deployment=deployment(3, 1, 0),
        current=machine_set("new", 0, 1, 1, 1),
        old=(machine_set("older", 2, 0, 0, 0), machine_set("old", 1, 3, 3, 2)),
    )
    rollout = plan_rollout(fleet)
    assert sizes(rollout, fleet) == {"older": 0, "old": 2, "new": 1}
    assert rollout.notes["old"] == ["nothing else can go on while its unavailable Machines stay"]


@pytest.mark.parametrize(
    ("replicas", "old", "current", "expected"),
    [
        (12, (5, 5, 5), (5, 5, 5), (6, 7)),
        (4, (5, 5, 5), (5, 5, 5), (2, 3)),
        (0, (2, 2, 2), (1, 1, 1), (0, 0)),
        (7, (0, 0, 0), (3, 3, 3), (0, 7)),
        (7, (3, 3, 3), (0, 0, 0), (7, 0)),
        # The current set is all that was wanted before: the old one is not needed.
        (3, (1, 1, 1), (3, 3, 3), (0, 3)),
        (3, (1, 1, 1), (3, 3, 2), (1, 3)),
    ],
)
def test_a_paused_deployment_only_scales(
    replicas: int, old: tuple[int, int, int], current: tuple[int, int, int], expected: tuple[int, int]
) -> None:
    prefix = "machinedeployment.clusters.x-k8s.io"
    largest = 4 if replicas == 3 else 11
    maximum = {f"{prefix}/max-replicas": str(largest), f"{prefix}/desired-replicas": str(largest - 1)}
    fleet = Fleet(
        deployment=deployment(replicas, 1, 0, paused=True),
        current=machine_set("new", 0, *current, **maximum),
        old=(machine_set("old", 1, *old, **maximum),),
    )
    found = sizes(plan_rollout(fleet), fleet)
    assert (found["old"], found["new"]) == expected


def test_a_set_that_happens_to_have_the_new_size_of_a_paused_deployment_gives_its_part() -> None:
    marks = {"machinedeployment.clusters.x-k8s.io/max-replicas": "11"}
    noted = {**marks, "machinedeployment.clusters.x-k8s.io/desired-replicas": "10"}
    fleet = Fleet(
        deployment=deployment(5, 1, 0, paused=True),
        current=machine_set("new", 0, 5, 5, 5, **noted),
        old=(machine_set("old", 1, 5, 5, 5, **noted),),
    )
    assert sizes(plan_rollout(fleet), fleet) == {"old": 3, "new": 3}
