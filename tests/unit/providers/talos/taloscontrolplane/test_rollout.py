"""Rolling replacement: one Machine at a time, never below what etcd needs, never more than the surge allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from capstan.api.cluster.machine import Machine
from capstan.api.cluster.names import DELETE_MACHINE_ANNOTATION
from capstan.api.cluster.rollouthistory import ROLLOUT_AFTER_ANNOTATION
from capstan.api.core.node import NodeSystemInfo
from capstan.api.rules.conditions_v1beta1 import find_legacy
from capstan.api.rules.owners import with_metadata
from capstan.providers.talos.taloscontrolplane.names import MACHINES_SPEC_UP_TO_DATE
from capstan.providers.talos.taloscontrolplane.plan import find_outdated, plan
from capstan.providers.talos.taloscontrolplane.snapshot import ControlPlaneMachine
from capstan.runtime.plan import Create, Delete

from .model import Model, model, with_replicas, with_spec, with_surge
from .test_plan import settle


def whole(replicas: int) -> Model:
    world = model(replicas)
    settle(world)
    assert len(world.members) == replicas
    world.most = 0
    return world


def upgrade(world: Model, version: str = "v1.34.0") -> None:
    world.control_plane = with_spec(world.control_plane, version=version)


def told(world: Model, type: str = MACHINES_SPEC_UP_TO_DATE) -> str:
    world.reconcile()
    found = find_legacy(world.control_plane.status.conditions, type)
    return f"{found.status} {found.reason}: {found.message}" if found else ""


def deleted(world: Model) -> list[str]:
    actions = plan(world.snapshot()).actions
    return [a.target.key.name for a in actions if isinstance(a, Delete) and a.target.resource.kind == "Machine"]


def created(world: Model) -> bool:
    return any(isinstance(a, Create) and a.resource.kind == "Machine" for a in plan(world.snapshot()).actions)


def edit(world: Model, name: str, change: Callable[[Machine], Machine]) -> None:
    world.machines[name] = change(world.machines[name])


def oldest(world: Model) -> str:
    return min(world.machines, key=lambda n: (world.machines[n].metadata.creation_timestamp, n))


@settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    replicas=st.sampled_from([1, 3, 5]),
    surge=st.integers(0, 1),
    again=st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["v1.34.1", "v1.34.2"])), max_size=3),
    silent=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 4)), max_size=3),
)
def test_it_always_ends_and_never_goes_beyond_its_bounds(
    replicas: int, surge: int, again: list[tuple[int, str]], silent: list[tuple[int, int]]
) -> None:
    world = whole(replicas)
    surge = 1 if replicas < 3 else surge
    world.control_plane = with_surge(world.control_plane, surge)
    upgrade(world)
    for tick in range(500):
        for moment, version in again:
            if moment == tick:
                upgrade(world, version)
        names = sorted(world.hosts)
        for number, host in enumerate(names):
            world.hosts[host].reachable = (tick, number) not in silent
        world.boot()
        world.join()
        world.finish_deletions()
        world.reconcile()
        assert world.broken == []
        assert world.has_quorum() or any(moment == tick for moment, _ in silent)
        if tick > 30 and world.is_quiet():
            break
    assert world.most <= replicas + surge
    assert {m.spec.version for m in world.machines.values()} == {world.control_plane.spec.version}
    assert len(world.machines) == len(world.members) == replicas
    assert plan(world.snapshot()).actions == ()


@pytest.mark.parametrize(("surge", "first"), [(1, "create"), (0, "delete")])
def test_the_first_step(surge: int, first: str) -> None:
    world = whole(3)
    world.control_plane = with_surge(world.control_plane, surge)
    upgrade(world)
    assert (created(world), deleted(world)) == ((True, []) if first == "create" else (False, [oldest(world)]))


@pytest.mark.parametrize("surge", [0, 1])
def test_the_next_one_waits_until_the_new_one_is_a_member_with_a_node(surge: int) -> None:
    world = whole(3)
    world.control_plane = with_surge(world.control_plane, surge)
    upgrade(world)
    for _ in range(8):
        world.reconcile()
        world.finish_deletions()
        if any(m.spec.version == "v1.34.0" for m in world.machines.values()):
            break
    assert deleted(world) == [] and not created(world)
    text = told(world)
    assert "False RollingUpdateInProgress: Waiting to " in text
    assert "does not answer" in text and "Version v1.33.4, v1.34.0 required" in text
    world.boot()
    world.reconcile()
    assert "etcd on Machine" in told(world)
    world.join()
    moved = created(world) if surge == 0 else False
    assert moved is False
    assert deleted(world), "the new one is healthy: the next old one goes"


def test_none_goes_before_the_new_ones_api_server_runs() -> None:
    """With one control plane machine there would be none to ask until it does, and nobody to delete the old Node."""
    world = whole(1)
    upgrade(world)
    (old,) = world.machines
    world.reconcile()
    (new,) = set(world.machines) - {old}
    world.hosts[new].serving = False
    world.boot()
    world.join()
    assert deleted(world) == []
    assert f"Waiting to delete Machine {old}: on Machine {new} kube-system/kube-apiserver-{new} not ready" in told(
        world
    )
    components = told(world, "ControlPlaneComponentsHealthy")
    assert components.startswith("False ControlPlaneComponentsUnhealthy: Unhealthy static pods on Machine")
    world.hosts[new].serving = True
    assert deleted(world) == [old]


def test_scaling_down_leaves_one_whose_api_server_runs() -> None:
    world = whole(3)
    world.control_plane = with_replicas(world.control_plane, 1)
    (target,) = deleted(world)
    for name, host in world.hosts.items():
        host.serving = name == target
    assert deleted(world) == []
    assert "kube-apiserver" in told(world, "Resized")
    for host in world.hosts.values():
        host.serving = False
    assert deleted(world), "when none runs, none is worth keeping"


def test_what_is_waited_for_names_the_machine_and_its_trouble() -> None:
    world = whole(3)
    upgrade(world)
    name = sorted(world.machines)[1]
    snapshot = world.snapshot()
    nodes = tuple(n for n in snapshot.nodes or () if n.metadata.name != name)
    waiting = plan(replace(snapshot, nodes=nodes)).waiting_on
    assert [w.message for w in waiting] == [
        f"Waiting to create a new Machine: Node {name} of Machine {name} is not Ready"
    ]
    ill = tuple(replace(m, talos=replace(m.talos, alarms=("NOSPACE",))) for m in snapshot.machines)
    assert "raises NOSPACE" in plan(replace(snapshot, machines=ill)).waiting_on[0].message
    silent = replace(snapshot, nodes=None, nodes_problem="10.0.0.100:6443 refuses", control_plane=world.control_plane)
    assert "the API server does not answer: 10.0.0.100:6443 refuses" in plan(silent).waiting_on[0].message


def test_on_delete_replaces_only_what_is_deleted() -> None:
    world = whole(3)
    world.control_plane = with_surge(world.control_plane, None, "OnDelete")
    upgrade(world)
    settle(world)
    assert {m.spec.version for m in world.machines.values()} == {"v1.33.4"}
    assert told(world).startswith("False WaitingForDeletion: ") and "OnDelete" in told(world)
    gone = oldest(world)
    world._delete(gone, "Machine")
    settle(world)
    assert sorted(m.spec.version for m in world.machines.values()) == ["v1.33.4", "v1.33.4", "v1.34.0"]


def test_a_restart_replaces_what_is_older_than_its_moment() -> None:
    world = whole(1)
    before = set(world.machines)
    moment = (world.now + timedelta(seconds=1)).isoformat()
    world.control_plane = with_metadata(world.control_plane, annotations={ROLLOUT_AFTER_ANNOTATION: moment})
    world.now += timedelta(seconds=5)
    assert [why for found in find_outdated(world.snapshot()).values() for why in found] == [
        "TalosControlPlane capstan.dev/rollout-after expired"
    ]
    settle(world)
    assert len(world.machines) == 1 and not before & set(world.machines)
    assert find_outdated(world.snapshot()) == {}


def test_a_moment_to_come_changes_nothing_and_nonsense_neither() -> None:
    world = whole(1)
    for text in ((world.now + timedelta(days=1)).isoformat(), "soon"):
        world.control_plane = with_metadata(world.control_plane, annotations={ROLLOUT_AFTER_ANNOTATION: text})
        assert find_outdated(world.snapshot()) == {}


def test_delete_first_needs_three() -> None:
    world = whole(1)
    world.control_plane = with_surge(world.control_plane, 0)
    upgrade(world)
    settle(world)
    assert {m.spec.version for m in world.machines.values()} == {"v1.33.4"}
    assert told(world).startswith("False UpgradeNotPossible: spec.rolloutStrategy.rollingUpdate.maxSurge is 0")
    world.control_plane = with_surge(world.control_plane, 1)
    settle(world)
    assert {m.spec.version for m in world.machines.values()} == {"v1.34.0"}


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("v1.35.0", "Kubernetes goes one minor version at a time: v1.33.4 to 1.34 first"),
        ("v1.32.1", "Kubernetes cannot go back from v1.33.4 to v1.32.1"),
    ],
)
def test_an_impossible_version_moves_nothing(version: str, why: str) -> None:
    world = whole(3)
    upgrade(world, version)
    settle(world, 20)
    assert {m.spec.version for m in world.machines.values()} == {"v1.33.4"}
    assert f"False UpgradeNotPossible: spec.version: {why}" in told(world)
    world.control_plane = with_replicas(world.control_plane, 5)
    settle(world, 20)
    assert len(world.machines) == 3, "nor is one made that could not work"


def _on(found: ControlPlaneMachine, image: str) -> ControlPlaneMachine:
    info = NodeSystemInfo(os_image=image)
    status = msgspec.structs.replace(found.machine.status, node_info=info)
    return replace(found, machine=msgspec.structs.replace(found.machine, status=status))


def test_a_talos_that_does_not_run_the_version_is_told_before_anything_moves() -> None:
    world = whole(1)
    upgrade(world)
    snapshot = world.snapshot()
    old = replace(snapshot, machines=tuple(_on(m, "Talos (v1.10.9)") for m in snapshot.machines))
    assert "Talos v1.10.9 runs Kubernetes 1.28 to 1.33, not v1.34.0" in plan(old).waiting_on[0].message
    assert not any(isinstance(a, Create) for a in plan(old).actions)
    assert created(world)


def test_marked_then_ill_then_oldest() -> None:
    world = whole(5)
    world.control_plane = with_surge(world.control_plane, 0)
    upgrade(world)
    first, second, third = sorted(world.machines, key=lambda n: world.machines[n].metadata.creation_timestamp)[:3]
    assert deleted(world) == [first]
    world.hosts[third].reachable = False
    assert deleted(world) == [third], "the others are healthy, and it is outdated anyway"
    world.hosts[third].reachable = True
    edit(
        world, second, lambda m: with_metadata(m, annotations={**m.metadata.annotations, DELETE_MACHINE_ANNOTATION: ""})
    )
    assert deleted(world) == [second]


def test_a_first_machine_that_was_made_wrong_is_made_again() -> None:
    world = model(1)
    world.reconcile()
    (wrong,) = world.machines
    world.boot()
    upgrade(world)
    settle(world)
    assert wrong not in world.machines
    assert {m.spec.version for m in world.machines.values()} == {"v1.34.0"}
    assert len(world.bootstraps) == 1


def test_the_conditions_of_a_rollout_on_its_way() -> None:
    world = whole(3)
    upgrade(world)
    assert told(world, "RollingOut") == (
        "True RollingOut: Rolling out 3 not up-to-date replicas\n* Version v1.33.4, v1.34.0 required"
    )
    assert told(world, "ScalingUp") == "False NotScalingUp: "
    assert told(world, "ScalingDown") == "True ScalingDown: Scaling down from 4 to 3 replicas"
    settle(world)
    assert told(world, "RollingOut") == "False NotRollingOut: "
    assert told(world) == "True : "


def test_scaling_down_takes_the_dead_one_and_not_the_marked_one_that_etcd_needs() -> None:
    world = whole(3)
    dead, marked = sorted(world.machines)[:2]
    world.hosts[dead].reachable = False
    mark = {**world.machines[marked].metadata.annotations, DELETE_MACHINE_ANNOTATION: ""}
    edit(world, marked, lambda m: with_metadata(m, annotations=mark))
    world.control_plane = with_replicas(world.control_plane, 2)
    assert deleted(world) == [dead]
