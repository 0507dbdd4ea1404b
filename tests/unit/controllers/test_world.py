"""The four controllers together: properties that hold whatever users, providers and crashes do.

Reaches the goal, converges, is deterministic, is safe, progresses (architecture, part 6).
"""

from __future__ import annotations

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.controllers.lab import declared, joined, provide
from tests.unit.controllers.world import Crash, World, place_of

FEW = settings(max_examples=8, deadline=None)


@cache
def _joined() -> World:
    return joined()


def a_joined_world() -> World:
    return _joined().copy()


def workers(world: World) -> list[str]:
    names = [m["metadata"]["name"] for m in world.all("Machine")]
    return [name for name in names if name.startswith("workers")]


@FEW
@given(st.lists(st.integers(0, 4), min_size=1, max_size=3), st.integers(0, 6))
def test_reaches_the_goal_and_converges(sizes: list[int], rounds: int) -> None:
    """Sizes that follow each other at any moment end at the last one, and then nothing is written."""
    world = a_joined_world()
    for size in sizes:
        world.edit("MachineDeployment", "workers", {"spec": {"replicas": size}})
        for _ in range(rounds):
            provide(world)
            world.round()
    world.settle(provide)
    assert len(workers(world)) == sizes[-1]
    assert len(world.all("MachineSet")) == 1
    assert world.get("MachineDeployment", "workers")["status"]["readyReplicas"] == sizes[-1]
    for kind in ("LabMachine", "LabConfig", "Node"):
        assert len(world.all(kind)) == sizes[-1] + 1, f"{kind} left over or missing"
    world.now = world.now.replace(year=2027)
    assert world.round() == 0, "an idle world was written to"


@FEW
@given(st.integers(0, 4))
def test_equal_worlds_do_equal_things(size: int) -> None:
    traces = []
    for _ in range(2):
        world = a_joined_world()
        world.edit("MachineDeployment", "workers", {"spec": {"replicas": size}})
        world.settle(provide)
        traces.append((world.trace, world.events, world.objects))
    assert traces[0] == traces[1]


@FEW
@given(st.integers(0, 4), st.lists(st.integers(1, 12), max_size=6))
def test_crashes_make_no_twins(size: int, crashes: list[int]) -> None:
    """Stopped before any effect and started again, no name is used twice and no more machines come than wanted."""
    world = a_joined_world()
    born = len(world.created)
    world.edit("MachineDeployment", "workers", {"spec": {"replicas": size}})
    most = max(size, 2)
    for effects in crashes:
        world.crash_before = world.effects + effects
        try:
            world.settle(provide)
        except Crash:
            assert len(workers(world)) <= most
    world.crash_before = None
    world.settle(provide)
    assert len(workers(world)) == size
    created = [place for place in world.created[born:] if place[0].kind in ("Machine", "LabMachine", "LabConfig")]
    assert len(created) == len(set(created)), "a name was used twice"
    assert not set(world.created[:born]) & set(created), "a name came back"


@FEW
@given(st.lists(st.integers(1, 25), min_size=1, max_size=4))
def test_provisioning_survives_crashes(crashes: list[int]) -> None:
    world = declared()
    for effects in crashes:
        world.crash_before = world.effects + effects
        try:
            world.settle(provide)
        except Crash:
            continue
    world.crash_before = None
    world.settle(provide)
    assert len(workers(world)) == 2
    assert len(world.all("LabMachine")) == 3
    assert condition_status(world, "Cluster", "homelab", "Available") == "True"


@FEW
@given(st.integers(1, 10), st.lists(st.integers(1, 12), max_size=4))
def test_a_cluster_goes_in_order_from_any_moment(rounds: int, crashes: list[int]) -> None:
    """Workers before the control plane, the control plane before the infrastructure, and nothing is left behind."""
    world = declared()
    for _ in range(rounds):
        provide(world)
        world.round()
    world.delete("Cluster", "homelab")
    for effects in [*crashes, 0]:
        world.crash_before = world.effects + effects if effects else None
        for _ in range(60):
            moved = provide(world)
            try:
                if not world.round() and not moved:
                    break
            except Crash:
                break
            assert_order_of_deletion(world)
    for kind in ("Cluster", "Machine", "MachineSet", "MachineDeployment", "LabMachine", "LabConfig"):
        assert world.all(kind) == [], f"{kind} left behind"


def assert_order_of_deletion(world: World) -> None:
    control_plane, infrastructure = world.find("LabControlPlane", "homelab"), world.find("LabCluster", "homelab")
    if workers(world) or world.all("MachineDeployment"):
        assert control_plane is not None
        assert not control_plane["metadata"].get("deletionTimestamp")
    if control_plane is not None and world.find("Cluster", "homelab") is not None:
        assert infrastructure is not None
        assert not infrastructure["metadata"].get("deletionTimestamp")


@FEW
@given(st.integers(0, 12))
def test_progresses_or_says_what_it_waits_for(rounds: int) -> None:
    """No action and not done means that the plan names what it waits for."""
    world = declared()
    for _ in range(rounds):
        provide(world)
        world.round()
    for controller in world.controllers:
        for place in [p for p in world.objects if p[0].kind == controller.kind.__name__]:
            plan = world.reconcile(controller, place[1])
            assert plan is not None
            done = "Available" in [
                c["type"] for c in world.objects[place]["status"]["conditions"] if c["status"] == "True"
            ]
            is_set = place[0].kind == "MachineSet"
            assert plan.actions or plan.waiting_on or done or is_set, f"{place} does nothing and does not say why"


def condition_status(world: World, kind: str, name: str, type: str) -> str:
    conditions = world.get(kind, name)["status"]["conditions"]
    return str(next(c["status"] for c in conditions if c["type"] == type))


def test_a_deleted_machine_is_replaced_under_another_name() -> None:
    world = a_joined_world()
    before = workers(world)
    world.delete("Machine", before[0])
    world.settle(provide)
    after = workers(world)
    assert len(after) == 2
    assert before[0] not in after
    assert before[1] in after


def test_own_objects_have_the_owners_that_are_expected() -> None:
    """16.5: who owns what on a running cluster, and who controls."""
    world = a_joined_world()
    owners = {}
    for obj in world.objects.values():
        refs = obj["metadata"].get("ownerReferences") or ()
        owners[place_of(obj)[0].kind] = sorted((r["kind"], bool(r.get("controller"))) for r in refs)
    assert owners["MachineDeployment"] == [("Cluster", False)]
    assert owners["MachineSet"] == [("MachineDeployment", True)]
    assert owners["Machine"] == [("MachineSet", True)]
    assert owners["LabMachine"] == owners["LabConfig"] == [("Machine", True)]
    assert owners["LabCluster"] == owners["LabControlPlane"] == [("Cluster", False)]
    assert owners["LabMachineTemplate"] == owners["LabConfigTemplate"] == [("Cluster", False)]
