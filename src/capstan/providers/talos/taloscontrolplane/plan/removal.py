"""How a Machine of the control plane goes: its etcd member first, and only while the others keep a quorum (3.8)."""

from __future__ import annotations

from capstan.api.cluster.kinds import MACHINE
from capstan.api.rules.conditions import find_condition
from capstan.api.rules.owners import with_metadata
from capstan.api.rules.quorum import is_removable
from capstan.providers.talos.client import EtcdMember
from capstan.providers.talos.taloscontrolplane.names import ETCD_HOOK, LEAVING_ANNOTATION, RESIZED
from capstan.providers.talos.taloscontrolplane.plan.actions import LeaveEtcd, RemoveEtcdMember
from capstan.providers.talos.taloscontrolplane.plan.step import Step, wait
from capstan.providers.talos.taloscontrolplane.snapshot import ControlPlaneMachine, ControlPlaneSnapshot
from capstan.runtime.plan import Update

_REASON = "ScalingDown"


def plan_going(snapshot: ControlPlaneSnapshot) -> Step:
    """The first Machine that is being deleted and still holds its member; then wait until all are gone."""
    holding = next((m for m in snapshot.going if m.has_hook), None)
    if holding is None:
        names = ", ".join(m.name for m in snapshot.going)
        return wait(RESIZED, _REASON, f"Waiting for Machine {names} to be deleted", polls=False)
    deleting = find_condition(holding.machine.status.conditions, "Deleting")
    if deleting is None or deleting.reason != "WaitingForPreTerminateHook":
        why = deleting.message if deleting and deleting.message else "its deletion has just begun"
        return wait(RESIZED, _REASON, f"Waiting for Machine {holding.name} to be ready to go: {why}", polls=False)
    return _release(snapshot, holding)


def _release(snapshot: ControlPlaneSnapshot, machine: ControlPlaneMachine) -> Step:
    if not snapshot.is_bootstrapped:
        return _release_before_etcd(snapshot, machine)
    if snapshot.members is None:
        if not snapshot.active:
            return drop_hook(machine, "it is the last Machine, and no etcd answers")
        text = f"Waiting for etcd to answer before Machine {machine.name} goes: {_etcd_problem(snapshot)}"
        return wait(RESIZED, _REASON, text)
    member = snapshot.member_of(machine)
    if member is None:
        if machine.talos.etcd_healthy:
            text = f"Waiting to learn which etcd member Machine {machine.name} is: its addresses match none"
            return wait(RESIZED, _REASON, text)
        return drop_hook(machine, "it is no etcd member any more")
    if len(snapshot.members) == 1 and not snapshot.active:
        return drop_hook(machine, "it is the last Machine of the control plane")
    if not is_removable(snapshot.quorum, member.id):
        healthy = sum(m.healthy for m in snapshot.quorum)
        text = (
            f"Machine {machine.name} stays until etcd can spare it: {healthy} of {len(snapshot.quorum)} members "
            "are healthy, and without it they would be no majority. Repair or remove an unhealthy Machine first"
        )
        return wait(RESIZED, _REASON, text)
    return _leave(snapshot, machine, member)


def _release_before_etcd(snapshot: ControlPlaneSnapshot, machine: ControlPlaneMachine) -> Step:
    """Etcd may exist although nothing says so: it was asked for, and a machine that would know is silent."""
    nobody_has_data = all(m.talos.etcd_data is False for m in snapshot.machines)
    if nobody_has_data or not snapshot.bootstrap_machine_uid or not snapshot.active:
        return drop_hook(machine, "there is no etcd yet")
    silent = ", ".join(m.name for m in snapshot.machines if m.talos.etcd_data is None)
    text = f"Machine {machine.name} stays until it is known whether it has etcd data: Machine {silent} does not answer"
    return wait(RESIZED, _REASON, text)


def _leave(snapshot: ControlPlaneSnapshot, machine: ControlPlaneMachine, member: EtcdMember) -> Step:
    """Marked first; then by itself if its etcd is healthy, else through a machine whose etcd is."""
    if LEAVING_ANNOTATION not in machine.machine.metadata.annotations:
        annotations = {**machine.machine.metadata.annotations, LEAVING_ANNOTATION: "true"}
        after = with_metadata(machine.machine, annotations=annotations)
        reason = "its etcd member is about to leave"
        return Step(
            (Update(resource=MACHINE.resource(), before=machine.machine, after=after, reason=reason),), polls=True
        )
    assert snapshot.credentials is not None, "members were read with credentials"
    if machine.talos.etcd_healthy:
        leave = LeaveEtcd(
            cluster=snapshot.cluster_key,
            machine=machine.name,
            address=machine.address,
            credentials=snapshot.credentials,
            reason=f"Machine {machine.name} is being deleted",
        )
        return Step((leave,), polls=True)
    peer = next((m for m in snapshot.active if m.talos.etcd_healthy), None)
    if peer is None:
        return wait(RESIZED, _REASON, f"Waiting for a healthy machine to remove the etcd member of {machine.name}")
    remove = RemoveEtcdMember(
        cluster=snapshot.cluster_key,
        machine=peer.name,
        address=peer.address,
        credentials=snapshot.credentials,
        member_id=member.id,
        member_machine=machine.name,
        reason=f"Machine {machine.name} is being deleted and its etcd does not answer",
    )
    return Step((remove,), polls=True)


def drop_hook(machine: ControlPlaneMachine, why: str) -> Step:
    """Let the Machine controller go on."""
    return Step((hook_update(machine, why),))


def hook_update(machine: ControlPlaneMachine, why: str) -> Update:
    annotations = {k: v for k, v in machine.machine.metadata.annotations.items() if k != ETCD_HOOK}
    after = with_metadata(machine.machine, annotations=annotations)
    return Update(
        resource=MACHINE.resource(), before=machine.machine, after=after, reason=f"Machine {machine.name} may go: {why}"
    )


def _etcd_problem(snapshot: ControlPlaneSnapshot) -> str:
    found = [m.talos.problem or m.talos.etcd_problem for m in snapshot.active]
    return next((text for text in found if text), "no machine knows its members")
