"""Proxmox VE as an infrastructure provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from capstan.providers.proxmox.client import Clients
    from capstan.providers.proxmox.transport import Endpoint
    from capstan.runtime.controller import Controller
    from capstan.runtime.keys import KeySource
    from capstan.runtime.workload import WorkloadClients


def proxmox_controllers(
    clients: Clients, keys: KeySource, workloads: WorkloadClients, default_endpoint: Endpoint | None = None
) -> list[Controller[Any, Any]]:
    """The controllers of ProxmoxCluster and ProxmoxMachine, for a composition root."""
    from capstan.providers.proxmox.proxmoxcluster.controller import ProxmoxClusterController
    from capstan.providers.proxmox.proxmoxmachine.controller import ProxmoxMachineController

    return [
        ProxmoxClusterController(clients, default_endpoint=default_endpoint),
        ProxmoxMachineController(clients, keys, workloads=workloads, default_endpoint=default_endpoint),
    ]
