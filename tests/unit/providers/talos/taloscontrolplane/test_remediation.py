"""Failed control plane Machines: which are replaced, which are not, and what is said of them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from capstan.api.rules.conditions import find_condition
from capstan.api.rules.conditions_v1beta1 import find_legacy
from capstan.api.rules.owners import with_metadata
from capstan.providers.talos.taloscontrolplane.names import REMEDIATION_ANNOTATION, REMEDIATION_FOR_ANNOTATION
from capstan.providers.talos.taloscontrolplane.plan import plan
from capstan.runtime.plan import Update

from .model import Model, model, with_replicas
from .test_plan import settle
from .test_rollout import created, deleted, whole


def give_up(world: Model, name: str, *, dead: bool = True) -> None:
    world.hosts[name].reachable = not dead
    world.judge(name, healthy=False)


def work(world: Model, rounds: int = 30) -> None:
    """As `settle`, without anybody getting well."""
    for _ in range(rounds):
        world.boot()
        world.join()
        world.finish_deletions()
        world.reconcile()


def said(world: Model, name: str) -> str:
    found = find_condition(world.machines[name].status.conditions, "OwnerRemediated")
    return f"{found.reason}: {found.message}" if found else ""


def test_a_dead_machine_is_replaced_and_its_replacement_says_so() -> None:
    world = whole(3)
    dead = sorted(world.machines)[1]
    give_up(world, dead)
    assert deleted(world) == [dead]
    world.reconcile()
    assert said(world, dead) == "MachineDeleting: Machine is deleting"
    work(world)
    assert world.broken == []
    assert dead not in world.machines and len(world.members) == 3
    assert REMEDIATION_ANNOTATION not in world.control_plane.metadata.annotations
    (made,) = [m for m in world.machines.values() if REMEDIATION_FOR_ANNOTATION in m.metadata.annotations]
    assert f'"machine": "{dead}"' in made.metadata.annotations[REMEDIATION_FOR_ANNOTATION]
    assert '"retryCount": 0' in made.metadata.annotations[REMEDIATION_FOR_ANNOTATION]


def test_a_replacement_that_fails_soon_goes_on_counting() -> None:
    world = whole(3)
    give_up(world, sorted(world.machines)[0])
    work(world)
    (made,) = [n for n, m in world.machines.items() if REMEDIATION_FOR_ANNOTATION in m.metadata.annotations]
    give_up(world, made)
    work(world)
    (again,) = [m for m in world.machines.values() if REMEDIATION_FOR_ANNOTATION in m.metadata.annotations]
    assert '"retryCount": 1' in again.metadata.annotations[REMEDIATION_FOR_ANNOTATION]


def test_two_of_five_go_one_after_the_other() -> None:
    world = whole(5)
    first, second = sorted(world.machines)[:2]
    give_up(world, first)
    give_up(world, second)
    assert len(deleted(world)) == 1
    work(world, 60)
    assert world.broken == []
    assert not {first, second} & set(world.machines)
    assert len(world.members) == len(world.machines) == 5


def test_without_a_majority_nothing_is_deleted_and_it_is_said() -> None:
    world = whole(3)
    first, second = sorted(world.machines)[:2]
    give_up(world, first)
    give_up(world, second)
    work(world)
    assert len(world.machines) == 3
    assert "etcd to answer" in said(world, first) + said(world, second)
    remediating = find_legacy(world.control_plane.status.conditions, "Remediating")
    assert remediating is not None and remediating.status == "True"


def test_the_only_machine_stays() -> None:
    world = whole(1)
    (name,) = world.machines
    world.judge(name, healthy=False)
    work(world)
    assert list(world.machines) == [name]
    assert said(world, name).startswith("CannotBeRemediated: TalosControlPlane can't remediate if current replicas")


def test_the_first_machine_may_fail_before_there_is_etcd() -> None:
    world = model(1)
    world.reconcile()
    (name,) = world.machines
    give_up(world, name)
    work(world)
    assert name not in world.machines
    assert len(world.members) == len(world.bootstraps) == 1


def test_it_waits_for_a_machine_that_is_being_made() -> None:
    world = whole(3)
    ill = sorted(world.machines)[0]
    world.control_plane = with_replicas(world.control_plane, 5)
    world.reconcile()
    (young,) = [n for n, h in world.hosts.items() if not h.booted]
    world.judge(ill, healthy=False)
    world.reconcile()
    assert f"waiting for control plane Machine {young} to complete provisioning" in said(world, ill)
    assert ill in world.machines


def test_one_that_gets_well_is_let_be() -> None:
    world = whole(3)
    first, second = sorted(world.machines)[:2]
    give_up(world, first)
    give_up(world, second)
    work(world, 3)
    settle(world)
    assert {first, second} <= set(world.machines)
    assert said(world, first) == said(world, second) == ""


@pytest.mark.parametrize("stop", range(5))
def test_a_crash_in_the_middle_goes_on_where_it_was(stop: int) -> None:
    """KCP refused to go on after a restart in the middle of a remediation (Cluster API issue 4365)."""
    world = whole(3)
    dead = sorted(world.machines)[2]
    give_up(world, dead)
    world.reconcile(stop)
    work(world, 40)
    assert world.broken == []
    assert dead not in world.machines and len(world.members) == 3
    assert REMEDIATION_ANNOTATION not in world.control_plane.metadata.annotations


def test_a_note_of_something_that_is_over_is_dropped() -> None:
    world = whole(3)
    note = '{"machine": "gone", "timestamp": "2026-01-01T12:00:00Z", "retryCount": 3}'
    world.control_plane = with_metadata(
        world.control_plane, annotations={**world.control_plane.metadata.annotations, REMEDIATION_ANNOTATION: note}
    )
    made = plan(world.snapshot())
    assert [type(a) for a in made.actions] == [Update] and not created(world)
    world.reconcile()
    assert REMEDIATION_ANNOTATION not in world.control_plane.metadata.annotations


def test_one_that_etcd_cannot_spare_stays_and_it_is_said() -> None:
    world = whole(3)
    silent, ill = sorted(world.machines)[:2]
    world.hosts[silent].reachable = False
    give_up(world, ill, dead=False)
    assert deleted(world) == []
    world.reconcile()
    assert said(world, ill) == (
        "CannotBeRemediated: TalosControlPlane can't remediate this Machine because this could result in etcd losing "
        "quorum: 2 of 3 members are healthy"
    )


def limited(world: Model, **limits: str) -> None:
    annotations = {f"capstan.dev/remediation-{name.replace('_', '-')}": text for name, text in limits.items()}
    world.control_plane = with_metadata(
        world.control_plane, annotations={**world.control_plane.metadata.annotations, **annotations}
    )


def fail_again_and_again(world: Model, times: int) -> str:
    """Each replacement fails in its turn; gives the one that is there at the end."""
    name = sorted(world.machines)[0]
    for _ in range(times):
        give_up(world, name)
        work(world, 40)
        made = [n for n, m in world.machines.items() if REMEDIATION_FOR_ANNOTATION in m.metadata.annotations]
        if made == [name]:
            return name
        (name,) = made
    return name


def test_after_so_many_retries_nothing_is_tried_any_more() -> None:
    world = whole(3)
    limited(world, max_retry="2")
    last = fail_again_and_again(world, 8)
    note = world.machines[last].metadata.annotations[REMEDIATION_FOR_ANNOTATION]
    assert '"retryCount": 2' in note, "the first one, and two more"
    assert said(world, last) == (
        "CannotBeRemediated: TalosControlPlane can't remediate this Machine because the operation already failed 2 "
        "times (MaxRetry)"
    )
    # What worked for an hour is no retry of anything.
    world.now += timedelta(hours=1)
    work(world, 40)
    assert last not in world.machines


def test_without_a_limit_it_goes_on() -> None:
    world = whole(3)
    last = fail_again_and_again(world, 6)
    assert '"retryCount": 5' in world.machines[last].metadata.annotations[REMEDIATION_FOR_ANNOTATION]


def test_no_retry_at_all() -> None:
    world = whole(3)
    limited(world, max_retry="0")
    last = fail_again_and_again(world, 3)
    assert '"retryCount": 0' in world.machines[last].metadata.annotations[REMEDIATION_FOR_ANNOTATION]
    assert "already failed 0 times (MaxRetry)" in said(world, last)


def test_a_retry_waits_for_its_period() -> None:
    world = whole(3)
    limited(world, retry_period_seconds="1800")
    first = fail_again_and_again(world, 2)
    assert said(world, first) == (
        "RemediationDeferred: TalosControlPlane can't remediate this Machine because the operation already failed in "
        "the latest 1800s (RetryPeriod)"
    )
    world.now += timedelta(minutes=30)
    work(world, 40)
    assert first not in world.machines
    (made,) = [m for m in world.machines.values() if REMEDIATION_FOR_ANNOTATION in m.metadata.annotations]
    assert '"retryCount": 1' in made.metadata.annotations[REMEDIATION_FOR_ANNOTATION]


def test_how_long_a_replacement_has_to_work() -> None:
    world = whole(3)
    limited(world, max_retry="0", min_healthy_period_seconds="600")
    first = fail_again_and_again(world, 1)
    world.now += timedelta(minutes=10)
    give_up(world, first)
    work(world, 40)
    assert first not in world.machines


@pytest.mark.parametrize("text", ["soon", "-1", "", "1.5", "\u0663"])
def test_a_limit_that_is_no_number_is_none(text: str) -> None:
    world = whole(3)
    limited(world, max_retry=text, retry_period_seconds=text, min_healthy_period_seconds=text)
    last = fail_again_and_again(world, 2)
    assert '"retryCount": 1' in world.machines[last].metadata.annotations[REMEDIATION_FOR_ANNOTATION]


def test_a_note_without_a_time_zone_is_understood() -> None:
    world = whole(3)
    first = fail_again_and_again(world, 1)
    machine = world.machines[first]
    note = machine.metadata.annotations[REMEDIATION_FOR_ANNOTATION].replace('Z"', '"')
    annotations = {**machine.metadata.annotations, REMEDIATION_FOR_ANNOTATION: note}
    world.machines[first] = with_metadata(machine, annotations=annotations)
    give_up(world, first)
    work(world, 40)
    assert first not in world.machines
