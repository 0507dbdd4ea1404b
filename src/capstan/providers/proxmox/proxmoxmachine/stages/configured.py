"""Stage `configured`: the clone becomes what the machine wants."""

from __future__ import annotations

from capstan.providers.proxmox.config import smbios_uuid
from capstan.providers.proxmox.proxmoxmachine.actions import ConfigureVm, ResizeDisk
from capstan.providers.proxmox.proxmoxmachine.hardware import differences, missing_disk, missing_gib
from capstan.providers.proxmox.proxmoxmachine.snapshot import Snapshot
from capstan.providers.proxmox.proxmoxmachine.stages.step import (
    LOCKED_SECONDS,
    REFUSED_SECONDS,
    Step,
    is_settled,
    own_vm,
    target_of,
    waiting,
)
from capstan.runtime.plan import Action, Emit


def configured(s: Snapshot) -> Step | None:
    """Processors, memory, NICs, tags and the size of the boot disk are as the machine wants them."""
    vm = own_vm(s)
    if is_settled(s) or vm is None:
        return None
    if vm.lock:
        message = f"VM {vm.vmid} is locked ({vm.lock}) by another operation in Proxmox VE"
        return Step(waiting=waiting("Locked", message), requeue_after=LOCKED_SECONDS)
    if not smbios_uuid(dict(vm.config)):
        message = f"VM {vm.vmid} has no SMBIOS UUID, which is its identity: the template must have smbios1 with a uuid"
        return Step(waiting=waiting("VMProvisionFailed", message), requeue_after=REFUSED_SECONDS)
    no_disk = missing_disk(s.machine, vm.config)
    if no_disk:
        told = Emit(reason=no_disk, name="VMProvisionFailed", type="Warning")
        return Step((told,), waiting("VMProvisionFailed", no_disk), requeue_after=REFUSED_SECONDS)
    actions: list[Action] = []
    nonce = s.identity.nonce if s.identity is not None else ""
    params = differences(s.machine, vm.config, nonce)
    if params:
        why = f"the clone differs from the machine in {', '.join(sorted(params))}"
        digest = str(vm.config.get("digest", ""))
        actions.append(ConfigureVm(reason=why, target=target_of(s), params=params, digest=digest))
    growth = missing_gib(s.machine, vm.config)
    if growth is not None:
        why = f"the template's disk is smaller than {growth[1]} GiB"
        actions.append(ResizeDisk(reason=why, target=target_of(s), disk=growth[0], size_gib=growth[1]))
    return Step(tuple(actions), goes_on=True) if actions else None
