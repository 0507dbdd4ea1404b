"""Core decisions: one folder for each kind of the core provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from capstan.runtime.controller import Controller
    from capstan.runtime.workload import WorkloadClients


def core_controllers(workloads: WorkloadClients) -> list[Controller[Any, Any]]:
    """The controllers of the core kinds, for a composition root."""
    from capstan.controllers.cluster.controller import ClusterController
    from capstan.controllers.machine.controller import MachineController
    from capstan.controllers.machinedeployment.controller import MachineDeploymentController
    from capstan.controllers.machinehealthcheck.controller import MachineHealthCheckController
    from capstan.controllers.machineset.controller import MachineSetController

    return [
        ClusterController(),
        MachineController(workloads),
        MachineSetController(),
        MachineDeploymentController(),
        MachineHealthCheckController(),
    ]
