"""How many Machines there should be: one more at a time while etcd is whole, one fewer while it can spare one."""

from __future__ import annotations

from capstan.providers.talos.taloscontrolplane.names import MACHINES_CREATED, MACHINES_SPEC_UP_TO_DATE, RESIZED
from capstan.providers.talos.taloscontrolplane.plan.adoption import find_foreign
from capstan.providers.talos.taloscontrolplane.plan.creation import plan_clean_up, plan_creation
from capstan.providers.talos.taloscontrolplane.plan.drift import find_outdated
from capstan.providers.talos.taloscontrolplane.plan.health import (
    find_etcd_problem,
    find_machine_problem,
    find_replacement_problem,
    find_serving_problem,
)
from capstan.providers.talos.taloscontrolplane.plan.remediation import read_note
from capstan.providers.talos.taloscontrolplane.plan.rollout import REFUSED, is_on_delete, plan_rollout
from capstan.providers.talos.taloscontrolplane.plan.selection import delete_machine, select_for_deletion
from capstan.providers.talos.taloscontrolplane.plan.step import Step, wait
from capstan.providers.talos.taloscontrolplane.plan.strangers import find_strangers, plan_stranger
from capstan.providers.talos.taloscontrolplane.plan.upgrade import find_version_problem
from capstan.providers.talos.taloscontrolplane.snapshot import ControlPlaneSnapshot


def plan_scale(snapshot: ControlPlaneSnapshot) -> Step:
    """No Machine is being deleted here, and etcd is bootstrapped if there is one."""
    have, want = len(snapshot.active), snapshot.desired
    if find_strangers(snapshot) and not find_machine_problem(snapshot):
        return plan_stranger(snapshot)
    if have < want:
        return _scale_up(snapshot)
    outdated = find_outdated(snapshot)
    if outdated and not is_on_delete(snapshot):
        return plan_rollout(snapshot, outdated)
    if have > want:
        return _scale_down(snapshot)
    # A crash may have left half a Machine, and the wish for it may be gone since.
    is_starting = any(machine.talos.static_pods for machine in snapshot.active)
    return Step(tuple(plan_clean_up(snapshot)), polls=is_starting or bool(find_etcd_problem(snapshot)))


def _scale_up(snapshot: ControlPlaneSnapshot) -> Step:
    foreign = find_foreign(snapshot)
    if foreign:
        return wait(MACHINES_CREATED, "AdoptionFailed", foreign, polls=False)
    refused = find_version_problem(snapshot)
    if refused:
        return wait(MACHINES_SPEC_UP_TO_DATE, REFUSED, refused, polls=False)
    have, problem = len(snapshot.active), ""
    if have:
        replaces = read_note(snapshot) is not None
        problem = find_replacement_problem(snapshot) if replaces else find_etcd_problem(snapshot)
    if problem:
        return wait(RESIZED, "ScalingUp", f"Waiting to create Machine {have + 1} of {snapshot.desired}: {problem}")
    return plan_creation(snapshot)


def _scale_down(snapshot: ControlPlaneSnapshot) -> Step:
    if snapshot.desired < 1:
        text = "A control plane cannot scale to 0 replicas: delete the Cluster, or set spec.replicas to 1 or more"
        return wait(RESIZED, "ScalingDown", text, polls=False)
    if snapshot.members is None:
        text = f"Waiting for etcd before a Machine is deleted: {find_etcd_problem(snapshot) or 'it does not answer'}"
        return wait(RESIZED, "ScalingDown", text)
    target = select_for_deletion(snapshot)
    if target is None:
        return wait(RESIZED, "ScalingDown", no_spare_text(snapshot))
    others = [m for m in snapshot.active if m.uid != target.uid]
    if not target.talos.static_pods and all(m.talos.static_pods for m in others):
        text = f"Waiting to delete Machine {target.name}: {find_serving_problem(snapshot, target)}"
        return wait(RESIZED, "ScalingDown", text)
    return delete_machine(target, f"{len(snapshot.active)} Machines exist, {snapshot.desired} are wanted")


def no_spare_text(snapshot: ControlPlaneSnapshot) -> str:
    healthy = sum(m.healthy for m in snapshot.quorum)
    return (
        f"No Machine can be spared: {healthy} of {len(snapshot.quorum)} etcd members are healthy, and one fewer "
        "would be no majority. Repair the unhealthy Machines first"
    )
