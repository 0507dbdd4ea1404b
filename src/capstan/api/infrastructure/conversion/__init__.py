"""How the Proxmox kinds convert between v1alpha1 and v1alpha2 (proxmox.md 1.5)."""

from __future__ import annotations

from capstan.api.infrastructure.conversion.cluster import convert_proxmoxcluster, convert_proxmoxclustertemplate
from capstan.api.infrastructure.conversion.machine import convert_proxmoxmachine, convert_proxmoxmachinetemplate

__all__ = [
    "convert_proxmoxcluster",
    "convert_proxmoxclustertemplate",
    "convert_proxmoxmachine",
    "convert_proxmoxmachinetemplate",
]
