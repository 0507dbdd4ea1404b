"""The one write to the machine itself."""

from __future__ import annotations

import msgspec

from capstan.api.infrastructure.proxmoxmachine import ProxmoxMachine
from capstan.api.meta import ObjectMeta
from capstan.providers.proxmox.resources import MACHINE_FINALIZER, PROXMOX_MACHINES
from capstan.runtime.plan import Update


def update_machine(
    machine: ProxmoxMachine,
    reason: str,
    *,
    annotations: dict[str, str] | None = None,
    vmid: int | None = None,
    provider_id: str = "",
) -> Update:
    """The machine with its finalizer and these fields. Always the last action: it is committed with the status."""
    meta: ObjectMeta = machine.metadata
    finalizers = meta.finalizers if MACHINE_FINALIZER in meta.finalizers else (*meta.finalizers, MACHINE_FINALIZER)
    after = msgspec.structs.replace(
        machine,
        metadata=msgspec.structs.replace(meta, annotations=annotations or meta.annotations, finalizers=finalizers),
        spec=msgspec.structs.replace(
            machine.spec,
            virtual_machine_id=vmid or machine.spec.virtual_machine_id,
            provider_id=provider_id or machine.spec.provider_id,
        ),
    )
    return Update(reason=reason, resource=PROXMOX_MACHINES, before=machine, after=after)
