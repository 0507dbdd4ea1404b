"""Stage `reserved`: a VMID, a nonce and a place are written down before anything is asked of Proxmox VE."""

from __future__ import annotations

from capstan.providers.proxmox.proxmoxmachine.identity import VmIdentity, encode_identity
from capstan.providers.proxmox.proxmoxmachine.placement import Choice, Refusal, place
from capstan.providers.proxmox.proxmoxmachine.snapshot import Snapshot
from capstan.providers.proxmox.proxmoxmachine.stages.claims import missing_claims
from capstan.providers.proxmox.proxmoxmachine.stages.ownership import is_taken_by_other
from capstan.providers.proxmox.proxmoxmachine.stages.step import REFUSED_SECONDS, Step, waiting
from capstan.providers.proxmox.proxmoxmachine.stages.update import update_machine
from capstan.providers.proxmox.resources import IDENTITY_ANNOTATION
from capstan.runtime.plan import Emit, Update


def reserved(s: Snapshot) -> Step | None:
    """A VMID, a nonce and a place are written down before anything is asked of Proxmox VE."""
    if s.identity is not None and not is_taken_by_other(s):
        return None
    if s.site is None:
        return Step(waiting=waiting("Cloning", "the nodes and templates are being looked at"), requeue_after=1.0)
    choice = place(s.site)
    if isinstance(choice, Refusal):
        told = Emit(reason=choice.message, name=choice.reason, type="Warning")
        return Step((told,), waiting(choice.reason, choice.message), REFUSED_SECONDS)
    why = f"VM {s.site.vmid} on {choice.node}, cloned from template {choice.template.vmid} of {choice.template.node}"
    if s.identity is not None:
        why = f"VMID {s.identity.vmid} was taken by somebody else; {why}"
    claims = tuple(missing_claims(s))
    return Step((*claims, _reserve(s, choice, why)), waiting("Cloning", f"reserved {why}"))


def _reserve(s: Snapshot, choice: Choice, why: str) -> Update:
    assert s.site is not None
    identity = VmIdentity(
        vmid=s.site.vmid,
        nonce=s.identity.nonce if s.identity is not None and s.identity.nonce else s.fresh_nonce,
        pve=s.pve,
        node=choice.node,
        source_node=choice.template.node,
        template_id=choice.template.vmid,
        gate=s.machine.spec.storage or choice.template.storage,
        memory_mib=choice.memory_mib,
        cores=choice.cores,
        reserved_at=s.now.replace(microsecond=0),
    )
    return update_machine(
        s.machine,
        f"reserve {why}",
        annotations={**s.machine.metadata.annotations, IDENTITY_ANNOTATION: encode_identity(identity)},
        vmid=identity.vmid,
    )
