"""Whose VM has our VMID: ours, the remains of a clone of ours, or somebody else's."""

from __future__ import annotations

from capstan.providers.proxmox.proxmoxmachine.snapshot import Snapshot


def is_taken_by_other(s: Snapshot) -> bool:
    """Our VMID went to somebody else before our clone was accepted. While a clone runs into it, it may be ours."""
    vm = s.vm
    if not s.observed or vm is None or vm.mine or s.machine.spec.provider_id:
        return False
    clone_is_running = bool(s.machine.status.task_ref) and s.machine.status.retry_after is None
    return not clone_is_running and vm.lock != "clone" and not is_remains(s)


def is_remains(s: Snapshot) -> bool:
    """What a clone of ours left that Proxmox VE had accepted, and that failed before the VM got its identity."""
    status, vm = s.machine.status, s.vm
    failed = bool(status.task_ref) and status.retry_after is not None
    return vm is not None and not vm.mine and failed and vm.half_made and not s.machine.spec.provider_id
