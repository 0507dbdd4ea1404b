"""Core decisions: one folder for each kind of the core provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from capstan.controllers.machine.snapshot import Synced
    from capstan.runtime.client.protocol import Client
    from capstan.runtime.controller import Controller
    from capstan.runtime.keys import KeySource
    from capstan.runtime.updater import InPlaceUpdater
    from capstan.runtime.workload import WorkloadClients


def core_controllers(
    workloads: WorkloadClients,
    client: Client,
    keys: KeySource,
    updater: InPlaceUpdater | None = None,
    synced: Synced | None = None,
    unchecked: frozenset[str] = frozenset(),
    with_pools: bool = True,
) -> list[Controller[Any, Any]]:
    """The controllers of the core kinds, for a composition root. With an `updater` Machines may change in place;
    `synced` says which labels and annotations of Machines go on to their Nodes besides the usual, `unchecked` which
    preflight checks MachineSets do not make; without `with_pools` MachinePools are left alone."""
    from capstan.controllers.cluster.controller import ClusterController
    from capstan.controllers.clusterresourceset.controller import ClusterResourceSetController
    from capstan.controllers.clusterresourcesetbinding.controller import ClusterResourceSetBindingController
    from capstan.controllers.extensionconfig.controller import ExtensionConfigController
    from capstan.controllers.machine.controller import MachineController
    from capstan.controllers.machinedeployment.controller import MachineDeploymentController
    from capstan.controllers.machinehealthcheck.controller import MachineHealthCheckController
    from capstan.controllers.machinepool.controller import MachinePoolController
    from capstan.controllers.machineset.controller import MachineSetController

    return [
        ClusterController(client, keys),
        MachineController(workloads, updater, synced),
        MachineSetController(unchecked),
        MachineDeploymentController(updater),
        MachineHealthCheckController(client),
        *((MachinePoolController(workloads),) if with_pools else ()),
        ClusterResourceSetController(workloads, client),
        ClusterResourceSetBindingController(),
        ExtensionConfigController(),
    ]
