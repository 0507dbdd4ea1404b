"""How a TalosControlPlane stands: counters, what the core reads, and conditions with reasons (talos.md 1.2, 3.10)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from capstan.api.cluster.names import CLUSTER_NAME_LABEL, CONTROL_PLANE_LABEL
from capstan.api.controlplane.taloscontrolplane import TalosControlPlane
from capstan.api.core.node import Node
from capstan.api.errors import is_conflict
from capstan.api.meta import LegacyCondition
from capstan.api.rules.conditions import is_true
from capstan.api.rules.conditions_v1beta1 import (
    ERROR,
    INFO,
    WARNING,
    as_legacy,
    find_legacy,
    legacy_false,
    legacy_true,
    legacy_unknown,
    put_legacies,
    put_legacy,
    summarize_legacy,
)
from capstan.api.rules.progress import paused_condition
from capstan.api.rules.semver import order_key
from capstan.providers.talos.taloscontrolplane.names import (
    AVAILABLE,
    COMPONENTS_HEALTHY,
    CONTROL_PLANE_NODE_LABEL,
    ETCD_HEALTHY,
    MACHINES_BOOTSTRAPPED,
    MACHINES_CREATED,
    MACHINES_READY,
    MACHINES_SPEC_UP_TO_DATE,
    READY_SUMMARY,
    RESIZED,
)
from capstan.providers.talos.taloscontrolplane.operations import list_operations
from capstan.providers.talos.taloscontrolplane.plan import find_missing, plan_step
from capstan.providers.talos.taloscontrolplane.plan.actions import BootstrapEtcd
from capstan.providers.talos.taloscontrolplane.plan.adoption import is_adopting
from capstan.providers.talos.taloscontrolplane.plan.drift import describe_outdated, find_outdated
from capstan.providers.talos.taloscontrolplane.plan.health import describe_etcd
from capstan.providers.talos.taloscontrolplane.plan.rollout import IN_PROGRESS, is_on_delete
from capstan.providers.talos.taloscontrolplane.snapshot import ControlPlaneSnapshot
from capstan.runtime.plan import Create, Outcomes, Waiting


def compute_status(snapshot: ControlPlaneSnapshot, outcomes: Outcomes) -> TalosControlPlane | None:
    """The control plane with its status as it is now. While paused only `Paused` moves; None while Machines are
    taken over, which are to be counted."""
    control_plane = snapshot.control_plane
    if snapshot.paused:
        return _with_conditions(
            snapshot, put_legacies(control_plane.status.conditions, [_paused(snapshot)], now=snapshot.now)
        )
    if is_adopting(snapshot) and not snapshot.deleting:
        return None
    old = control_plane.status
    replicas = len(snapshot.machines)
    ready = min(_ready_nodes(snapshot), replicas) if snapshot.nodes is not None else old.ready_replicas or 0
    initialized = True if old.initialized or snapshot.nodes is not None else None
    status = msgspec.structs.replace(
        old,
        selector=_selector(snapshot) if snapshot.cluster is not None else old.selector,
        replicas=replicas,
        ready_replicas=ready,
        unavailable_replicas=replicas - min(ready, replicas),
        initialized=initialized,
        ready=True if ready >= 1 else None,
        bootstrapped=_is_bootstrapped(snapshot, outcomes) or None,
        version=_lowest_version(snapshot),
        conditions=_conditions(snapshot, outcomes),
    )
    if outcomes.error is None:
        status = msgspec.structs.replace(status, observed_generation=control_plane.metadata.generation)
    return msgspec.structs.replace(control_plane, status=status)


def _with_conditions(snapshot: ControlPlaneSnapshot, conditions: tuple[LegacyCondition, ...]) -> TalosControlPlane:
    control_plane = snapshot.control_plane
    status = msgspec.structs.replace(control_plane.status, conditions=conditions)
    return msgspec.structs.replace(control_plane, status=status)


def _paused(snapshot: ControlPlaneSnapshot) -> LegacyCondition:
    by_cluster = snapshot.cluster is not None and snapshot.cluster.spec.paused is True
    annotations = snapshot.control_plane.metadata.annotations
    return as_legacy(paused_condition("TalosControlPlane", by_cluster, annotations))


def _selector(snapshot: ControlPlaneSnapshot) -> str:
    return f"{CLUSTER_NAME_LABEL}={snapshot.cluster_key.name},{CONTROL_PLANE_LABEL}="


def _is_bootstrapped(snapshot: ControlPlaneSnapshot, outcomes: Outcomes) -> bool:
    return snapshot.is_bootstrapped or any(outcome.done for outcome in outcomes.of(BootstrapEtcd))


def _ready_nodes(snapshot: ControlPlaneSnapshot) -> int:
    return sum(_is_ready(node) for node in snapshot.nodes or () if CONTROL_PLANE_NODE_LABEL in node.metadata.labels)


def _is_ready(node: Node) -> bool:
    return any(c.type == "Ready" and c.status == "True" for c in node.status.conditions)


def _lowest_version(snapshot: ControlPlaneSnapshot) -> str:
    versions = [m.machine.spec.version for m in snapshot.machines if m.machine.spec.version]
    return min(versions, key=order_key, default="")


def _conditions(snapshot: ControlPlaneSnapshot, outcomes: Outcomes) -> tuple[LegacyCondition, ...]:
    found = tuple(_list_conditions(snapshot, outcomes))
    conditions = put_legacies(snapshot.control_plane.status.conditions, found, now=snapshot.now)
    ready = summarize_legacy(conditions, READY_SUMMARY)
    return put_legacy(conditions, ready, now=snapshot.now) if ready is not None else conditions


def _list_conditions(snapshot: ControlPlaneSnapshot, outcomes: Outcomes) -> Iterator[LegacyCondition]:
    yield _paused(snapshot)
    if snapshot.deleting:
        names = ", ".join(m.name for m in snapshot.machines)
        yield legacy_false(RESIZED, "Deleting", INFO, f"Waiting for Machine {names} to be deleted" if names else "")
        return
    missing = find_missing(snapshot)
    waiting = () if missing else plan_step(snapshot).waiting_on
    yield _machines_ready(snapshot)
    yield _created(snapshot, outcomes, waiting, missing)
    yield _bootstrapped(snapshot, outcomes, waiting, missing)
    yield _available(snapshot)
    yield _resized(snapshot, outcomes, waiting, missing)
    yield _spec_up_to_date(snapshot, waiting)
    yield from map(as_legacy, list_operations(snapshot, waiting, missing))
    if snapshot.active and snapshot.is_bootstrapped:
        yield _components(snapshot)
        problem = describe_etcd(snapshot)
        yield (
            legacy_false(ETCD_HEALTHY, "EtcdClusterUnhealthy", WARNING, problem)
            if problem
            else legacy_true(ETCD_HEALTHY)
        )


def _spec_up_to_date(snapshot: ControlPlaneSnapshot, waiting: tuple[Waiting, ...]) -> LegacyCondition:
    """Why outdated Machines are not replaced yet, else which ones are outdated."""
    told = _told(waiting, MACHINES_SPEC_UP_TO_DATE)
    listed = describe_outdated(find_outdated(snapshot))
    if told is not None:
        message = ". ".join(text for text in (told.message, listed) if text)
        severity = WARNING if told.reason == IN_PROGRESS else ERROR
        return legacy_false(MACHINES_SPEC_UP_TO_DATE, told.reason, severity, message)
    if not listed:
        return legacy_true(MACHINES_SPEC_UP_TO_DATE)
    if is_on_delete(snapshot):
        text = f"{listed}. With spec.rolloutStrategy.type OnDelete a Machine is replaced once it is deleted"
        return legacy_false(MACHINES_SPEC_UP_TO_DATE, "WaitingForDeletion", INFO, text)
    return legacy_false(MACHINES_SPEC_UP_TO_DATE, IN_PROGRESS, WARNING, listed)


def _machines_ready(snapshot: ControlPlaneSnapshot) -> LegacyCondition:
    unready = [m for m in snapshot.machines if not is_true(m.machine.status.conditions, "Ready")]
    if not snapshot.machines:
        return legacy_false(MACHINES_READY, "WaitingForMachines", INFO, "There is no Machine yet")
    if unready:
        return legacy_false(
            MACHINES_READY, "MachinesNotReady", INFO, f"Not Ready: {', '.join(m.name for m in unready)}"
        )
    return legacy_true(MACHINES_READY)


def _created(
    snapshot: ControlPlaneSnapshot, outcomes: Outcomes, waiting: tuple[Waiting, ...], missing: str
) -> LegacyCondition:
    failed = next((o for o in outcomes.of(Create) if not o.done), None)
    if failed is not None:
        return legacy_false(MACHINES_CREATED, _creation_reason(failed.action), ERROR, str(failed.error))
    told = _told(waiting, MACHINES_CREATED)
    if told is not None:
        return legacy_false(MACHINES_CREATED, told.reason, ERROR, told.message)
    made = any(o.done for o in outcomes.of(Create))
    if len(snapshot.active) + made < snapshot.desired or missing:
        text = missing or f"{len(snapshot.active) + made} of {snapshot.desired} Machines are created"
        return legacy_false(MACHINES_CREATED, "WaitingForMachines", INFO, text)
    return legacy_true(MACHINES_CREATED)


def _creation_reason(action: Any) -> str:
    kind = action.resource.kind
    if kind == "Machine":
        return "MachineGenerationFailed"
    return "BootstrapTemplateCloningFailed" if kind == "TalosConfig" else "InfrastructureTemplateCloningFailed"


def _bootstrapped(
    snapshot: ControlPlaneSnapshot, outcomes: Outcomes, waiting: tuple[Waiting, ...], missing: str
) -> LegacyCondition:
    if _is_bootstrapped(snapshot, outcomes):
        return legacy_true(MACHINES_BOOTSTRAPPED)
    failed = next((o for o in outcomes.of(BootstrapEtcd) if not o.done), None)
    if failed is not None:
        return legacy_false(MACHINES_BOOTSTRAPPED, "WaitingForTalosBoot", INFO, str(failed.error))
    told = _told(waiting, MACHINES_BOOTSTRAPPED)
    if told is not None:
        return legacy_false(MACHINES_BOOTSTRAPPED, told.reason, INFO, told.message)
    text = missing or "Waiting for the first Machine"
    return legacy_false(MACHINES_BOOTSTRAPPED, "WaitingForMachines", INFO, text)


def _available(snapshot: ControlPlaneSnapshot) -> LegacyCondition:
    """Upstream never takes it back; here it says when the API server stops answering."""
    old = find_legacy(snapshot.control_plane.status.conditions, AVAILABLE)
    if snapshot.nodes is not None or (snapshot.nodes_unsure and old is not None and old.status == "True"):
        return legacy_true(AVAILABLE)
    text = snapshot.nodes_problem or "Waiting for the API server to answer for the first time"
    if old is not None and old.status == "True" and not snapshot.kubeconfig:
        return legacy_unknown(AVAILABLE, "KubeconfigMissing", "There is no kubeconfig to ask the API server with")
    reason = (
        "ConnectionDown" if old is not None and snapshot.control_plane.status.initialized else "WaitingForTalosBoot"
    )
    return legacy_false(AVAILABLE, reason, INFO, text)


def _resized(
    snapshot: ControlPlaneSnapshot, outcomes: Outcomes, waiting: tuple[Waiting, ...], missing: str
) -> LegacyCondition:
    told, error = _told(waiting, RESIZED), outcomes.error
    resizing = len(snapshot.active) != snapshot.desired or bool(snapshot.going)
    if error is not None and resizing and not is_conflict(error) and not outcomes.of(BootstrapEtcd):
        reason = told.reason if told else "ScalingUp" if len(snapshot.active) < snapshot.desired else "ScalingDown"
        return legacy_false(RESIZED, reason, WARNING, str(error))
    if told is not None:
        return legacy_false(RESIZED, told.reason, INFO, told.message)
    have, want = len(snapshot.active), snapshot.desired
    if have < want:
        return legacy_false(RESIZED, "ScalingUp", INFO, missing or f"Scaling up from {have} to {want} Machines")
    if have > want or snapshot.going:
        total = len(snapshot.machines)
        return legacy_false(RESIZED, "ScalingDown", INFO, f"Scaling down from {total} to {want} Machines")
    return legacy_true(RESIZED)


def _components(snapshot: ControlPlaneSnapshot) -> LegacyCondition:
    silent = [f"{m.name} ({m.talos.problem})" for m in snapshot.active if not m.talos.answers]
    if silent:
        text = f"Talos does not answer on Machine {', '.join(silent)}"
        return legacy_false(COMPONENTS_HEALTHY, "ControlPlaneComponentsInspectionFailed", WARNING, text)
    ill = [f"{m.name} ({', '.join(m.talos.unhealthy_services)})" for m in snapshot.active if m.talos.unhealthy_services]
    if ill:
        text = f"Unhealthy services on Machine {', '.join(ill)}"
        return legacy_false(COMPONENTS_HEALTHY, "ControlPlaneComponentsUnhealthy", WARNING, text)
    unready = [f"{m.name} ({m.talos.static_pods})" for m in snapshot.active if m.talos.static_pods]
    if unready:
        text = f"Unhealthy static pods on Machine {', '.join(unready)}"
        return legacy_false(COMPONENTS_HEALTHY, "ControlPlaneComponentsUnhealthy", WARNING, text)
    return legacy_true(COMPONENTS_HEALTHY)


def _told(waiting: tuple[Waiting, ...], condition: str) -> Waiting | None:
    return next((w for w in waiting if w.condition == condition), None)
