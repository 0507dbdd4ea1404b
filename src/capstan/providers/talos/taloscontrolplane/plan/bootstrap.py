"""When and where etcd is bootstrapped: once, on one machine, which is written down before it is asked (3.7)."""

from __future__ import annotations

from capstan.api.rules.owners import with_metadata
from capstan.providers.talos.taloscontrolplane.names import BOOTSTRAP_ANNOTATION, MACHINES_BOOTSTRAPPED
from capstan.providers.talos.taloscontrolplane.plan.actions import BootstrapEtcd
from capstan.providers.talos.taloscontrolplane.plan.drift import find_outdated
from capstan.providers.talos.taloscontrolplane.plan.rollout import is_on_delete
from capstan.providers.talos.taloscontrolplane.plan.selection import delete_machine
from capstan.providers.talos.taloscontrolplane.plan.step import Step, wait
from capstan.providers.talos.taloscontrolplane.snapshot import RESOURCE, ControlPlaneMachine, ControlPlaneSnapshot
from capstan.runtime.plan import Update

#: States of the etcd service in which the machine is not yet ready to be asked.
_TOO_EARLY = ("", "Initialized", "Waiting")


def plan_bootstrap(snapshot: ControlPlaneSnapshot) -> Step:
    """Every machine must have said that it has no etcd data: one that cannot be asked might have some."""
    stale = _find_made_in_vain(snapshot)
    if stale is not None:
        return delete_machine(stale, "it is outdated, and there is no etcd yet that it could be replaced within")
    silent = [m for m in snapshot.machines if m.talos.etcd_data is None]
    if silent:
        can_ask = snapshot.credentials is not None and any(machine.address for machine in silent)
        return wait(MACHINES_BOOTSTRAPPED, "WaitingForTalosBoot", _why_silent(snapshot, silent[0]), polls=can_ask)
    if snapshot.control_plane.spec.control_plane_config.init is not None:
        text = "Waiting for the machine of generateType init to bootstrap etcd by itself"
        return wait(MACHINES_BOOTSTRAPPED, "WaitingForTalosBoot", text)
    chosen = next((m for m in snapshot.active if m.uid == snapshot.bootstrap_machine_uid), None)
    if chosen is None:
        return _choose(snapshot)
    etcd = chosen.talos.service("etcd")
    if etcd is None or etcd.state in _TOO_EARLY:
        text = f"Waiting for Machine {chosen.name} to boot: its etcd service is {etcd.state if etcd else 'not there'}"
        return wait(MACHINES_BOOTSTRAPPED, "WaitingForTalosBoot", text)
    if snapshot.credentials is None:
        text = "Waiting for the cluster's talosconfig"
        return wait(MACHINES_BOOTSTRAPPED, "WaitingForTalosBoot", text, polls=False)
    action = BootstrapEtcd(
        cluster=snapshot.cluster_key,
        machine=chosen.name,
        address=chosen.address,
        credentials=snapshot.credentials,
        reason="no machine of the control plane has etcd data",
    )
    return Step((action,), polls=True)


def _find_made_in_vain(snapshot: ControlPlaneSnapshot) -> ControlPlaneMachine | None:
    """An outdated Machine, while it is sure that no Machine has etcd's data. A first Machine that cannot work with
    what was declared would otherwise be waited for, whatever its user corrects."""
    if is_on_delete(snapshot) or not all(_has_nothing(m) for m in snapshot.machines):
        return None
    outdated = find_outdated(snapshot)
    return next((m for m in snapshot.active if m.name in outdated), None)


def _has_nothing(machine: ControlPlaneMachine) -> bool:
    """It says so, or it has never been there."""
    return machine.talos.etcd_data is False or machine.never_came


def _choose(snapshot: ControlPlaneSnapshot) -> Step:
    """The oldest machine. Nothing else happens in this plan: the choice is durable before anything follows it."""
    control_plane = snapshot.control_plane
    oldest = min(snapshot.active, key=lambda m: (m.machine.metadata.creation_timestamp or snapshot.now, m.name))
    annotations = {**control_plane.metadata.annotations, BOOTSTRAP_ANNOTATION: oldest.uid}
    after = with_metadata(control_plane, annotations=annotations)
    reason = f"etcd will be bootstrapped on Machine {oldest.name} and nowhere else"
    return Step((Update(resource=RESOURCE, before=control_plane, after=after, reason=reason),), polls=True)


def _why_silent(snapshot: ControlPlaneSnapshot, machine: ControlPlaneMachine) -> str:
    if snapshot.credentials is None:
        return "Waiting for the cluster's talosconfig"
    if not machine.address:
        return f"Waiting for Machine {machine.name} to get an address"
    return f"Waiting for the Talos API of Machine {machine.name} at {machine.address}: {machine.talos.problem}"
