"""The control plane against a model of its machines: one etcd, always a quorum, in the end the wished number."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from capstan.api.core.reference import NameReference
from capstan.api.meta import Condition
from capstan.api.rules.conditions_v1beta1 import find_legacy
from capstan.api.rules.names import NAMED_ANNOTATION, derived_name
from capstan.providers.talos.taloscontrolplane.names import (
    ETCD_HEALTHY,
    MACHINES_BOOTSTRAPPED,
    MACHINES_CREATED,
    RESIZED,
)
from capstan.providers.talos.taloscontrolplane.plan import plan
from capstan.providers.talos.taloscontrolplane.plan.actions import BootstrapEtcd, LeaveEtcd, RemoveEtcdMember
from capstan.runtime.plan import Create, Delete, Update

from .model import Model, model, with_replicas, with_spec, with_surge

_EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("reconcile"), st.integers(-1, 4)),
        st.tuples(st.just("reconcile"), st.just(-1)),
        st.tuples(st.just("boot"), st.just(0)),
        st.tuples(st.just("join"), st.just(0)),
        st.tuples(st.just("machines"), st.just(0)),
        st.tuples(st.just("replicas"), st.sampled_from([1, 2, 3, 5])),
        st.tuples(st.just("die"), st.integers(0, 4)),
        st.tuples(st.just("recover"), st.just(0)),
        st.tuples(st.just("delete a machine"), st.integers(0, 4)),
        st.tuples(st.just("forget status"), st.just(0)),
        st.tuples(st.just("version"), st.integers(0, 3)),
        st.tuples(st.just("surge"), st.integers(0, 1)),
        st.tuples(st.just("give up"), st.integers(0, 4)),
    ),
    max_size=40,
)


def happen(world: Model, event: str, number: int) -> None:
    names = sorted(world.machines)
    match event:
        case "reconcile":
            world.reconcile(number)
        case "boot":
            world.boot()
        case "join":
            world.join()
        case "machines":
            world.finish_deletions()
        case "replicas":
            world.control_plane = with_replicas(world.control_plane, number)
        case "die" if names:
            world.hosts[names[number % len(names)]].reachable = False
        case "recover":
            for host in world.hosts.values():
                host.reachable = True
        case "delete a machine":
            staying = [n for n in names if world.machines[n].metadata.deletion_timestamp is None]
            # Whoever deletes them all deletes the cluster's data: that is not to be healed.
            if len(staying) > 1:
                world._delete(staying[number % len(staying)], "Machine")
        case "forget status":
            world.control_plane = msgspec.structs.replace(
                world.control_plane, status=type(world.control_plane.status)()
            )
        case _:
            change(world, event, number)


def change(world: Model, event: str, number: int) -> None:
    """What its users and health checks do to it."""
    names = sorted(world.machines)
    match event:
        case "version":
            patch = ("v1.33.4", "v1.33.5", "v1.34.0", "v1.34.1")[number]
            world.control_plane = with_spec(world.control_plane, version=patch)
        case "surge":
            world.control_plane = with_surge(world.control_plane, number)
        case "give up" if names:
            world.judge(names[number % len(names)], healthy=False)


def settle(world: Model, rounds: int = 300) -> None:
    """Everything works from now on, until nothing changes any more."""
    for _ in range(rounds):
        before = (dict(world.machines), dict(world.members), world.control_plane)
        for name, host in world.hosts.items():
            host.reachable = True
            world.judge(name, healthy=True)
        world.boot()
        world.join()
        world.finish_deletions()
        world.reconcile()
        if before == (world.machines, world.members, world.control_plane):
            return


def grow(world: Model) -> None:
    """One machine has etcd, the next one has booted and not joined yet; the status is lost, and the first is silent."""
    world.control_plane = with_replicas(world.control_plane, 3)
    while len(world.machines) < 2:
        world.boot()
        world.reconcile()
    world.boot()
    happen(world, "forget status", 0)
    world.hosts[next(iter(world.members.values()))].reachable = False


@settings(max_examples=120, deadline=None)
@example(replicas=1, begin="whole", events=[("replicas", 2), ("reconcile", 2), ("replicas", 1)])
@given(replicas=st.sampled_from([1, 3, 5]), begin=st.sampled_from(["new", "growing", "whole"]), events=_EVENTS)
def test_one_etcd_and_a_quorum_whatever_happens(replicas: int, begin: str, events: list[tuple[str, int]]) -> None:
    world = model(replicas)
    if begin == "growing":
        grow(world)
    elif begin == "whole":
        settle(world)
        assert len(world.members) == replicas
    for event, number in events:
        happen(world, event, number)
        assert world.broken == []
    if world.control_plane.spec.replicas < 3:  # type: ignore[operator]
        world.control_plane = with_surge(world.control_plane, 1)
    had_quorum = world.has_quorum() or not world.members
    settle(world)
    assert world.broken == []
    active = [m for m in world.machines.values() if m.metadata.deletion_timestamp is None]
    if had_quorum:
        assert len(active) == len(world.machines) == world.control_plane.spec.replicas
        if not world.refused():
            assert {m.spec.version for m in active} == {world.control_plane.spec.version}
        assert sorted(world.members.values()) == sorted(world.machines)
        assert sorted(world.configs) == sorted(world.infrastructure) == sorted(world.machines)


@settings(max_examples=60, deadline=None)
@given(events=_EVENTS)
def test_at_most_one_step_that_cannot_be_taken_back(events: list[tuple[str, int]]) -> None:
    world = model(3)
    settle(world)
    irreversible = (BootstrapEtcd, LeaveEtcd, RemoveEtcdMember)
    for event, number in events:
        happen(world, event, number)
        made = plan(world.snapshot())
        deletions = [a for a in made.actions if isinstance(a, Delete) and a.target.resource.kind == "Machine"]
        machines = [a for a in made.actions if isinstance(a, Create) and a.resource.kind == "Machine"]
        assert len(deletions) + len(machines) + sum(isinstance(a, irreversible) for a in made.actions) <= 1


@pytest.mark.parametrize("stop", range(5))
def test_a_crash_in_the_middle_of_a_creation_leaves_no_twin(stop: int) -> None:
    world = model(1)
    world.reconcile(stop)
    settle(world, 10)
    assert len(world.machines) == len(world.configs) == len(world.infrastructure) == 1


def test_the_choice_is_durable_before_etcd_is_bootstrapped() -> None:
    world = model(1)
    world.reconcile()
    world.boot()
    chosen = plan(world.snapshot())
    assert [type(a) for a in chosen.actions if isinstance(a, Update)] == [Update]
    assert not any(isinstance(a, BootstrapEtcd) for a in chosen.actions)
    world.reconcile()
    asked = plan(world.snapshot())
    assert any(isinstance(a, BootstrapEtcd) for a in asked.actions)


def test_a_restored_control_plane_does_not_bootstrap_again_while_a_machine_is_silent() -> None:
    world = model(3)
    settle(world, 60)
    assert len(world.members) == 3
    happen(world, "forget status", 0)
    world.control_plane = msgspec.structs.replace(
        world.control_plane,
        metadata=msgspec.structs.replace(world.control_plane.metadata, annotations={NAMED_ANNOTATION: "3"}),
    )
    world.initialized = False
    for name in sorted(world.machines)[1:]:
        world.hosts[name].data = False
    world.hosts[sorted(world.machines)[0]].reachable = False
    made = plan(world.snapshot())
    assert not any(isinstance(a, BootstrapEtcd | Update) for a in made.actions)
    assert "no answer" in made.waiting_on[0].message


@pytest.mark.parametrize("stop_before", range(5))
def test_a_machine_has_the_same_name_after_a_crash_while_it_is_made(stop_before: int) -> None:
    world = model(1)
    uid = world.control_plane.metadata.uid
    world.reconcile(stop_before)
    settle(world)
    assert list(world.machines) == [derived_name(world.control_plane.metadata.name, uid, 0)]
    assert world.control_plane.metadata.annotations[NAMED_ANNOTATION] == "1"


def test_a_member_is_not_removed_while_the_others_would_be_no_majority() -> None:
    world = model(3)
    settle(world, 60)
    silent, going = sorted(world.machines)[:2]
    world.hosts[silent].reachable = False
    world._delete(going, "Machine")
    world.finish_deletions()
    for _ in range(5):
        world.reconcile()
    assert len(world.members) == 3
    condition = find_legacy(world.control_plane.status.conditions, RESIZED)
    assert condition is not None and "stays until etcd can spare it" in condition.message
    assert find_legacy(world.control_plane.status.conditions, ETCD_HEALTHY).status == "False"  # type: ignore[union-attr]


def test_a_dead_machines_member_is_removed_by_another() -> None:
    world = model(3)
    settle(world, 60)
    dead = sorted(world.machines)[0]
    world.hosts[dead].reachable = False
    world._delete(dead, "Machine")
    for _ in range(6):
        world.finish_deletions()
        world.reconcile()
    assert dead not in world.machines
    assert world.broken == []
    assert len(world.members) == 2


def test_a_member_without_a_machine_is_removed_after_a_while() -> None:
    world = model(3)
    settle(world)
    lost = sorted(world.machines)[0]
    del world.machines[lost], world.configs[lost], world.infrastructure[lost], world.hosts[lost]
    settle(world, 20)
    assert lost in world.members.values(), "it is not removed at first sight"
    condition = find_legacy(world.control_plane.status.conditions, ETCD_HEALTHY)
    assert condition is not None and f"no Machine stands for: {lost}" in condition.message
    for _ in range(60):
        world.reconcile()
    settle(world, 60)
    assert world.broken == []
    assert sorted(world.members.values()) == sorted(world.machines)
    assert len(world.machines) == 3


def test_never_to_zero() -> None:
    world = model(1)
    settle(world, 30)
    world.control_plane = with_replicas(world.control_plane, 0)
    world.reconcile()
    assert len(world.machines) == 1
    condition = find_legacy(world.control_plane.status.conditions, RESIZED)
    assert condition is not None and "cannot scale to 0" in condition.message


def test_an_idle_control_plane_plans_nothing() -> None:
    world = model(3)
    settle(world, 80)
    made = plan(world.snapshot())
    assert made.actions == ()
    assert made.waiting_on == ()
    before = world.control_plane
    world.reconcile()
    assert world.control_plane == before


def test_a_missing_template_says_what_to_do() -> None:
    world = model(1)
    snapshot = world.snapshot()
    assert snapshot.template is not None
    missing = replace(snapshot, template=replace(snapshot.template, object=None))
    made = plan(missing)
    assert made.waiting_on[0].condition == MACHINES_CREATED
    assert "does not exist: create it" in made.waiting_on[0].message
    assert not any(isinstance(a, Create) for a in made.actions)


def test_deletion_takes_all_machines_and_then_lets_go() -> None:
    world = model(3)
    settle(world, 60)
    metadata = msgspec.structs.replace(world.control_plane.metadata, deletion_timestamp=world.now)
    world.control_plane = msgspec.structs.replace(world.control_plane, metadata=metadata)
    for _ in range(5):
        world.reconcile()
        world.finish_deletions()
    assert world.machines == {}
    world.reconcile()
    assert world.control_plane.metadata.finalizers == ()
    assert world.broken == []


def test_bootstrap_condition_names_the_machine_that_is_waited_for() -> None:
    world = model(1)
    world.reconcile()
    world.reconcile()
    condition = find_legacy(world.control_plane.status.conditions, MACHINES_BOOTSTRAPPED)
    assert condition is not None and condition.reason == "WaitingForTalosBoot"
    assert "Waiting for the Talos API of Machine cp-" in condition.message


def test_up_to_date_is_told_for_the_present_generation_once_the_machine_has_joined() -> None:
    world = model(1)
    settle(world)
    (name,) = world.machines
    condition = Condition(type="UpToDate", status="True", reason="UpToDate", observed_generation=1)
    machine = world.machines[name]
    joined = msgspec.structs.replace(machine.status, conditions=(condition,), node_ref=NameReference(name=name))
    world.machines[name] = msgspec.structs.replace(
        machine, metadata=msgspec.structs.replace(machine.metadata, generation=2), status=joined
    )
    (update,) = [a for a in plan(world.snapshot()).actions if isinstance(a, Update)]
    (told,) = update.after.status.conditions
    assert (told.status, told.observed_generation) == ("True", 2)
    world.machines[name] = update.after
    assert not plan(world.snapshot()).actions
