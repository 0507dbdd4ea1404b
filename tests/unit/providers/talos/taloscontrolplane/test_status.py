"""What the core and users read of a control plane."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from capstan.api.errors import TransientError, conflict
from capstan.api.rules.conditions_v1beta1 import find_legacy
from capstan.providers.talos.taloscontrolplane.names import AVAILABLE, MACHINES_BOOTSTRAPPED, MACHINES_CREATED, RESIZED
from capstan.providers.talos.taloscontrolplane.plan import plan
from capstan.providers.talos.taloscontrolplane.plan.actions import BootstrapEtcd
from capstan.providers.talos.taloscontrolplane.status import compute_status
from capstan.runtime.plan import Create, Outcome, Outcomes

from .model import MADE, model, ready_node
from .test_plan import settle


def test_the_fields_that_the_core_reads() -> None:
    world = model(3)
    settle(world)
    nodes = tuple(ready_node(name) for name in sorted(world.machines)[:2])
    after = compute_status(replace(world.snapshot(), nodes=nodes), Outcomes())
    assert after is not None
    status = after.status
    assert (status.initialized, status.ready, status.bootstrapped) == (True, True, True)
    assert (status.replicas, status.ready_replicas, status.unavailable_replicas) == (3, 2, 1)
    assert status.version == "v1.33.4"
    assert status.selector == "cluster.x-k8s.io/cluster-name=c,cluster.x-k8s.io/control-plane="
    assert status.observed_generation == 1


def test_an_api_server_that_stops_answering_is_told_and_nothing_is_forgotten() -> None:
    world = model(1)
    settle(world)
    up = compute_status(replace(world.snapshot(), nodes=(ready_node("n"),)), Outcomes())
    assert up is not None
    down = replace(world.snapshot(), control_plane=up, nodes=None, nodes_problem="10.0.0.100:6443 does not answer")
    after = compute_status(down, Outcomes())
    assert after is not None
    assert (after.status.initialized, after.status.ready_replicas) == (True, 1)
    condition = find_legacy(after.status.conditions, AVAILABLE)
    assert condition is not None and (condition.status, condition.message) == ("False", down.nodes_problem)
    unsure = compute_status(replace(down, nodes_unsure=True), Outcomes())
    assert unsure is not None and unsure.status.conditions == up.status.conditions, "a short silence says nothing"


def test_a_failed_bootstrap_shows_its_error() -> None:
    world = model(1)
    world.reconcile()
    world.boot()
    world.reconcile()
    snapshot = world.snapshot()
    action = next(a for a in plan(snapshot).actions if isinstance(a, BootstrapEtcd))
    after = compute_status(snapshot, Outcomes((Outcome(action, error=TransientError("time is not in sync")),)))
    assert after is not None and not after.status.bootstrapped
    condition = find_legacy(after.status.conditions, MACHINES_BOOTSTRAPPED)
    assert condition is not None and condition.message == "time is not in sync"


def test_a_failed_creation_says_which_part() -> None:
    world = model(1)
    snapshot = world.snapshot()
    create = next(a for a in plan(snapshot).actions if isinstance(a, Create) and a.resource == MADE)
    error = TransientError("the webhook does not answer")
    after = compute_status(snapshot, Outcomes((Outcome(create, error=error),)))
    condition = find_legacy(after.status.conditions, MACHINES_CREATED) if after else None
    assert condition is not None
    assert (condition.reason, condition.severity) == ("InfrastructureTemplateCloningFailed", "Error")


def test_a_conflict_is_not_worth_a_condition() -> None:
    world = model(1)
    snapshot = world.snapshot()
    error = conflict("machines", "m", "the object has been modified")
    after = compute_status(snapshot, Outcomes((Outcome(plan(snapshot).actions[0], error=error),)))
    condition = find_legacy(after.status.conditions, RESIZED) if after else None
    assert condition is not None and "modified" not in condition.message


def test_without_a_cluster_it_says_what_is_missing() -> None:
    world = model(1)
    alone = replace(world.snapshot(), cluster=None)
    assert "spec.controlPlaneRef" in plan(alone).waiting_on[0].message
    after = compute_status(alone, Outcomes())
    assert after is not None and after.status.selector == ""


def test_paused_means_untouched() -> None:
    world = model(1)
    spec = msgspec.structs.replace(world.cluster.spec, paused=True)
    world.cluster = msgspec.structs.replace(world.cluster, spec=spec)
    assert plan(world.snapshot()).actions == ()
    after = compute_status(world.snapshot(), Outcomes())
    assert after is not None
    (paused,) = after.status.conditions
    assert (paused.type, paused.status, paused.reason) == ("Paused", "True", "Paused")
    assert paused.message == "Cluster spec.paused is set to true"
    world.control_plane = after
    assert compute_status(world.snapshot(), Outcomes()) == after, "said once"
