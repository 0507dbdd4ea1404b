"""Stage `cloned`: the VM exists, is ours, and its clone has ended."""

from __future__ import annotations

from capstan.providers.proxmox.config import with_marker
from capstan.providers.proxmox.proxmoxmachine.actions import AwaitTask, CloneVm, DestroyVm
from capstan.providers.proxmox.proxmoxmachine.snapshot import Snapshot
from capstan.providers.proxmox.proxmoxmachine.stages.ownership import is_remains
from capstan.providers.proxmox.proxmoxmachine.stages.step import (
    LOCKED_SECONDS,
    PROVISIONED,
    Step,
    endpoint_of,
    is_settled,
    target_of,
    waiting,
)
from capstan.runtime.plan import Emit


def cloned(s: Snapshot) -> Step | None:
    """The VM exists, is ours, and its clone has ended."""
    if is_settled(s):
        return None
    status, vm = s.machine.status, s.vm
    if status.task_ref and status.retry_after is None:
        return _await_clone(s)
    if status.task_ref and status.retry_after is not None:
        return _after_failed_clone(s)
    if vm is None:
        return _clone(s)
    if vm.lock == "clone" or not vm.mine:
        message = f"VM {vm.vmid} on {vm.node} is being cloned; whose it is shows when that has ended"
        return Step(waiting=waiting("Cloning", message), requeue_after=LOCKED_SECONDS)
    return None


def _await_clone(s: Snapshot) -> Step:
    identity = s.identity
    assert identity is not None
    task = s.machine.status.task_ref
    message = f"template {identity.template_id} is being cloned to VM {identity.vmid} on {identity.node}"
    follow = AwaitTask(reason=message, endpoint=endpoint_of(s), upid=task)
    return Step((follow,), waiting("Cloning", message), requeue_after=0.0)


def _after_failed_clone(s: Snapshot) -> Step:
    """A clone failed. Wait a while, remove what it left, and try again."""
    retry_at = s.machine.status.retry_after
    condition = next((c for c in s.machine.status.conditions if c.type == PROVISIONED), None)
    message = condition.message if condition is not None and condition.reason == "CloningFailed" else "the clone failed"
    told = Emit(reason=message, name="CloningFailed", type="Warning")
    if retry_at is not None and s.now < retry_at:
        pause = (retry_at - s.now).total_seconds()
        return Step((told,), waiting("CloningFailed", message), requeue_after=pause)
    vm = s.vm
    if vm is not None and (vm.mine or is_remains(s)):
        remove = DestroyVm(reason="its clone failed half-way; it is removed and cloned again", target=target_of(s))
        return Step((told, remove), waiting("CloningFailed", message), requeue_after=LOCKED_SECONDS)
    return _clone(s)


def _clone(s: Snapshot) -> Step:
    identity, spec = s.identity, s.machine.spec
    assert identity is not None
    full = spec.full is not False
    action = CloneVm(
        reason=f"VM {identity.vmid} does not exist yet",
        target=target_of(s, identity.node),
        source_node=identity.source_node,
        template_id=identity.template_id,
        gate=identity.gate,
        params={
            "name": s.machine.metadata.name,
            "description": with_marker(spec.description, identity.nonce),
            "full": full,
            "format": (spec.format or None) if full else None,
            "storage": (spec.storage or None) if full else None,
            "pool": spec.pool or None,
            "snapname": spec.snap_name or None,
            "target": identity.node if identity.node != identity.source_node else None,
        },
    )
    message = f"template {identity.template_id} is being cloned to VM {identity.vmid} on {identity.node}"
    return Step((action,), waiting("Cloning", message), requeue_after=1.0)
