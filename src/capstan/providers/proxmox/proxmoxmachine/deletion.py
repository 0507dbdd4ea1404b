"""The way out: find the VM, make sure that it is ours, stop it, destroy it with all that belongs to it, let go.

What is gone counts as done, however it went. What belongs to somebody else is never touched.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec

from capstan.providers.proxmox.proxmoxmachine.actions import AwaitTask, DestroyVm, RemoveSeed, StopVm
from capstan.providers.proxmox.proxmoxmachine.snapshot import Snapshot, Vm
from capstan.providers.proxmox.proxmoxmachine.stages import (
    Step,
    endpoint_of,
    is_remains,
    missed_node,
    target_of,
    waiting,
)
from capstan.providers.proxmox.resources import MACHINE_FINALIZER, PROXMOX_MACHINES
from capstan.runtime.plan import Action, Emit, Update

#: A clone that was asked for just before a crash may still arrive at Proxmox VE: its VMID is watched for so long.
LATE_CLONE = timedelta(seconds=5)
LOOK_AGAIN_SECONDS = 1.0
PROTECTED_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Gone:
    """Nothing of the machine is left in Proxmox VE."""

    notes: tuple[Action, ...] = ()


def removal(s: Snapshot) -> Step:
    """The next step of a machine that is being deleted."""
    left = _remaining(s)
    step = _let_go(s, left) if isinstance(left, Gone) else left
    # Last: a cluster that does not answer holds up nothing.
    return replace(step, actions=(*step.actions, *missed_node(s)))


def _remaining(s: Snapshot) -> Step | Gone:
    if s.identity is None:
        return Gone()
    if s.problem is not None:
        told = Emit(reason=s.problem.message, name=s.problem.reason, type="Warning")
        blocked = waiting(s.problem.reason, s.problem.message)
        return Step((told,), blocked, requeue_after=s.problem.pause_seconds)
    status = s.machine.status
    if status.task_ref and status.retry_after is None and (s.vm is None or not s.vm.mine or s.vm.lock == "clone"):
        message = "its clone is still running: it is awaited, then removed"
        follow = AwaitTask(reason=message, endpoint=endpoint_of(s), upid=status.task_ref)
        return Step((follow,), waiting("Deleting", message), requeue_after=LOOK_AGAIN_SECONDS)
    vm = s.vm
    if vm is None:
        return _absent(s)
    if vm.mine:
        return _remove(s, vm)
    if is_remains(s):
        destroy = DestroyVm(reason="its clone failed half-way", target=target_of(s))
        message = f"VM {vm.vmid} on {vm.node} is left of a failed clone"
        return Step((destroy,), waiting("Deleting", message), requeue_after=LOOK_AGAIN_SECONDS)
    if vm.lock == "clone" and not s.machine.spec.provider_id:
        message = f"VM {vm.vmid} on {vm.node} is being cloned; whether it is ours shows when that has ended"
        return Step(waiting=waiting("Deleting", message), requeue_after=LOOK_AGAIN_SECONDS)
    note = Emit(
        reason=f"VM {vm.vmid} on {vm.node} has another identity and is left alone; this machine's VM is gone",
        name="VMIDReused",
        type="Warning",
    )
    return Gone((note,))


def _absent(s: Snapshot) -> Step | Gone:
    """No VM has the machine's VMID: it is gone, unless a clone may still be on its way."""
    assert s.identity is not None
    reserved_at = s.identity.reserved_at
    never_seen = not s.machine.spec.provider_id and not s.machine.status.task_ref
    if never_seen and reserved_at is not None and s.now - reserved_at < LATE_CLONE:
        pause = (LATE_CLONE - (s.now - reserved_at)).total_seconds()
        message = f"a clone to VMID {s.identity.vmid} may have been asked for a moment ago"
        return Step(waiting=waiting("Deleting", message), requeue_after=pause)
    if s.machine.status.bootstrap_data_provided is not None:
        why = f"VM {s.identity.vmid} is gone; its NoCloud data may be left"
        return Gone((RemoveSeed(reason=why, target=target_of(s)),))
    return Gone()


def _remove(s: Snapshot, vm: Vm) -> Step:
    if vm.protected:
        message = f"VM {vm.vmid} on {vm.node} is protected: switch its protection off in Proxmox VE (Options)"
        told = Emit(reason=message, name="DeletionFailed", type="Warning")
        return Step((told,), waiting("DeletionFailed", message), requeue_after=PROTECTED_SECONDS)
    if vm.running:
        stop = StopVm(reason="the machine is being deleted", target=target_of(s))
        message = f"VM {vm.vmid} on {vm.node} is being stopped"
        return Step((stop,), waiting("Deleting", message), requeue_after=LOOK_AGAIN_SECONDS / 10)
    destroy = DestroyVm(reason="the machine is being deleted and its VM is stopped", target=target_of(s))
    message = f"VM {vm.vmid} on {vm.node} is being destroyed"
    return Step((destroy,), waiting("Deleting", message), requeue_after=LOOK_AGAIN_SECONDS / 10)


def _let_go(s: Snapshot, gone: Gone) -> Step:
    meta = s.machine.metadata
    if MACHINE_FINALIZER not in meta.finalizers:
        return Step(gone.notes)
    finalizers = tuple(name for name in meta.finalizers if name != MACHINE_FINALIZER)
    after = msgspec.structs.replace(s.machine, metadata=msgspec.structs.replace(meta, finalizers=finalizers))
    release = Update(
        reason="nothing of this machine is left in Proxmox VE", resource=PROXMOX_MACHINES, before=s.machine, after=after
    )
    return Step((*gone.notes, release), waiting("Deleting", "its VM is gone"))
