"""Which virtual machine belongs to a ProxmoxMachine: written down before the VM exists, checked before it is touched.

The annotation `capstan.dev/vm-identity` holds the VMID, a nonce and where the clone goes; the VM's description
carries the nonce. Once the VM has been seen its SMBIOS UUID (`spec.providerID`) is the identity. A VMID alone never
is: Proxmox VE hands freed ones out again within seconds.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

import msgspec

from capstan.api.infrastructure.proxmoxmachine import ProxmoxMachine
from capstan.api.struct import Struct
from capstan.providers.proxmox.config import marker_of, smbios_uuid
from capstan.providers.proxmox.resources import IDENTITY_ANNOTATION

PROVIDER_PREFIX = "proxmox://"


class VmIdentity(Struct, frozen=True, kw_only=True):
    """What is written down. `pve` names the Proxmox VE cluster, `gate` the storage whose clones queue together;
    `memory_mib` and `cores` count against `node` until the VM itself can be seen there."""

    vmid: int
    nonce: str = ""
    pve: str = ""
    node: str = ""
    source_node: str = ""
    template_id: int = 0
    gate: str = ""
    memory_mib: int = 0
    cores: int = 0
    reserved_at: datetime | None = None


@lru_cache(maxsize=4096)
def _decode(text: str) -> VmIdentity | None:
    try:
        return msgspec.json.decode(text, type=VmIdentity)
    except msgspec.DecodeError:
        return None


def identity_of(machine: ProxmoxMachine) -> VmIdentity | None:
    """What was written down; for machines that CAPMOX made, what their own fields tell."""
    text = machine.metadata.annotations.get(IDENTITY_ANNOTATION, "")
    known = _decode(text) if text else None
    if known is not None:
        return known
    vmid = machine.spec.virtual_machine_id or 0
    if vmid < 100 or not machine.spec.provider_id:
        return None
    node = machine.status.proxmox_node or machine.spec.source_node
    return VmIdentity(vmid=vmid, node=node, source_node=machine.spec.source_node)


def encode_identity(identity: VmIdentity) -> str:
    return msgspec.json.encode(identity).decode()


def provider_id(uuid: str) -> str:
    return f"{PROVIDER_PREFIX}{uuid.lower()}"


def uuid_of(provider: str) -> str:
    return provider.removeprefix(PROVIDER_PREFIX).lower()


def is_same_vm(config: dict[str, object], nonce: str, provider: str) -> bool:
    """Whether this config is the machine's own: by SMBIOS UUID once that is known, before by the nonce."""
    if provider:
        return smbios_uuid(config) == uuid_of(provider)
    return bool(nonce) and marker_of(config.get("description")) == nonce
