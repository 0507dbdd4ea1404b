"""Stages `started` and `answering`: the VM runs and its guest reports."""

from __future__ import annotations

from capstan.providers.proxmox.proxmoxmachine.actions import CheckCloudInit, StartVm
from capstan.providers.proxmox.proxmoxmachine.snapshot import Snapshot
from capstan.providers.proxmox.proxmoxmachine.stages.step import (
    GUEST_SECONDS,
    SETTLED_SECONDS,
    Step,
    is_provisioned,
    own_vm,
    target_of,
    waiting,
)
from capstan.runtime.plan import Emit


def started(s: Snapshot) -> Step | None:
    """The VM runs. One that was ready before and is stopped now is left to whoever stopped it."""
    vm = own_vm(s)
    if s.quiet or vm is None:
        return None
    if vm.running and not vm.paused:
        return None
    if is_provisioned(s):
        message = (
            f"VM {vm.vmid} on {vm.node} was ready and is {vm.qmp_status or vm.status} now: start it in Proxmox VE, or "
            "delete the Machine to replace it"
        )
        told = Emit(reason=message, name="VirtualMachineStopped", type="Warning")
        return Step((told,), waiting("VirtualMachineStopped", message), requeue_after=SETTLED_SECONDS)
    verb = "resume" if vm.paused else "start"
    action = StartVm(reason=f"VM {vm.vmid} is {vm.qmp_status or vm.status}", target=target_of(s), verb=verb)
    return Step((action,), requeue_after=GUEST_SECONDS, goes_on=True)


def answering(s: Snapshot) -> Step | None:
    """The guest agent and cloud-init report, unless the machine says that they do not have to."""
    if s.quiet or is_provisioned(s):
        return None
    checks = s.machine.spec.checks
    if checks.skip_qemu_guest_agent:
        return None
    vm = own_vm(s)
    if vm is None or not vm.agent_answers:
        message = (
            "the guest agent does not answer yet: the image needs qemu-guest-agent and the template `agent: 1`; set "
            "spec.checks.skipQemuGuestAgent if it has none"
        )
        return Step(waiting=waiting("WaitingForCloudInit", message), requeue_after=GUEST_SECONDS)
    if checks.skip_cloud_init_status or not _is_cloud_config(s):
        return None
    ask = CheckCloudInit(reason="cloud-init has to finish before the machine is ready", target=target_of(s))
    return Step((ask,), waiting("WaitingForCloudInit", "cloud-init has not finished yet"), GUEST_SECONDS)


def _is_cloud_config(s: Snapshot) -> bool:
    """Talos has no cloud-init that could be asked."""
    return s.bootstrap is not None and s.bootstrap.value.lstrip()[:13] == b"#cloud-config"
