"""Defaults and rules of the Proxmox kinds (proxmox.md 1.8). Rules written in CEL are in the schemas, not here."""

from __future__ import annotations

from capstan.api.infrastructure.admission.cluster import admit_proxmox_cluster, admit_proxmox_cluster_template
from capstan.api.infrastructure.admission.machine import admit_proxmox_machine, admit_proxmox_machine_template

__all__ = [
    "admit_proxmox_cluster",
    "admit_proxmox_cluster_template",
    "admit_proxmox_machine",
    "admit_proxmox_machine_template",
]
