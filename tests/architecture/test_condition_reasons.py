"""Every condition and reason that Cluster API's core has for our kinds is set somewhere, or listed here with why not.

The table is cluster-api-core.md appendix B; f-strings count with what they begin or end with.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "capstan"
ROOMS = ("controllers", "api/rules", "api/cluster", "providers/ipam")

CURRENT = {
    "Cluster": {
        "Available": "Available NotAvailable AvailableUnknown InternalError",
        "TopologyReconciled": "ReconcileFailed",
        "InfrastructureReady": "Ready NotReady InvalidConditionReported InternalError ObjectDoesNotExist ObjectDeleted",
        "ControlPlaneInitialized": "Initialized NotInitialized InternalError",
        "ControlPlaneAvailable": "Available NotAvailable InvalidConditionReported ObjectDoesNotExist ObjectDeleted",
        "WorkersAvailable": "Available NotAvailable AvailableUnknown NoWorkers InternalError",
        "ControlPlaneMachinesReady": "Ready NotReady ReadyUnknown NoReplicas InternalError",
        "WorkerMachinesReady": "Ready NotReady ReadyUnknown NoReplicas InternalError",
        "ControlPlaneMachinesUpToDate": "UpToDate NotUpToDate UpToDateUnknown NoReplicas InternalError",
        "WorkerMachinesUpToDate": "UpToDate NotUpToDate UpToDateUnknown NoReplicas InternalError",
        "RemoteConnectionProbe": "ProbeFailed ProbeSucceeded",
        "RollingOut": "RollingOut NotRollingOut RollingOutUnknown InternalError",
        "ScalingUp": "ScalingUp NotScalingUp ScalingUpUnknown InternalError",
        "ScalingDown": "ScalingDown NotScalingDown ScalingDownUnknown InternalError",
        "Remediating": "Remediating NotRemediating InternalError",
        "Deleting": "NotDeleting WaitingForBeforeDeleteHook WaitingForWorkersDeletion WaitingForControlPlaneDeletion "
        "WaitingForInfrastructureDeletion DeletionCompleted InternalError",
        "Paused": "Paused NotPaused",
    },
    "Machine": {
        "Available": "WaitingForMinReadySeconds Available InternalError",
        "Ready": "Ready NotReady ReadyUnknown InternalError",
        "UpToDate": "UpToDate NotUpToDate Updating",
        "Updating": "NotUpdating InPlaceUpdating InPlaceUpdateFailed",
        "BootstrapConfigReady": "DataSecretProvided Ready NotReady InvalidConditionReported InternalError "
        "ObjectDoesNotExist ObjectDeleted",
        "InfrastructureReady": "Ready NotReady InvalidConditionReported InternalError ObjectDoesNotExist ObjectDeleted",
        "NodeReady": "NodeReady NodeNotReady NodeReadyUnknown",
        "NodeHealthy": "NodeHealthy NodeNotHealthy NodeHealthyUnknown NodeDoesNotExist NodeDeleted InspectionFailed "
        "ConnectionDown InternalError",
        "HealthCheckSucceeded": "HealthCheckSucceeded UnhealthyNode UnhealthyMachine NodeStartupTimeout NodeDeleted "
        "HasRemediateAnnotation",
        "OwnerRemediated": "WaitingForRemediation",
        "ExternallyRemediated": "WaitingForRemediation RemediationTemplateNotFound RemediationRequestCreationFailed",
        "Deleting": "NotDeleting Deleting InternalError WaitingForPreDrainHook DrainingNode WaitingForVolumeDetach "
        "WaitingForPreTerminateHook WaitingForInfrastructureDeletion WaitingForBootstrapDeletion DeletingNode "
        "DeletionCompleted",
    },
    "MachineDeployment": {
        "Available": "WaitingForReplicasSet WaitingForAvailableReplicasSet Available NotAvailable InternalError",
        "MachinesReady": "Ready NotReady ReadyUnknown NoReplicas InternalError",
        "MachinesUpToDate": "UpToDate NotUpToDate UpToDateUnknown NoReplicas InternalError",
        "RollingOut": "RollingOut NotRollingOut InternalError",
        "ScalingUp": "ScalingUp NotScalingUp InternalError WaitingForReplicasSet",
        "ScalingDown": "ScalingDown NotScalingDown InternalError WaitingForReplicasSet",
        "Remediating": "Remediating NotRemediating InternalError",
        "Deleting": "NotDeleting Deleting InternalError",
    },
    "MachineSet": {
        "ScalingUp": "ScalingUp NotScalingUp InternalError WaitingForReplicasSet",
        "ScalingDown": "ScalingDown NotScalingDown InternalError WaitingForReplicasSet",
        "MachinesReady": "Ready NotReady ReadyUnknown NoReplicas InternalError",
        "MachinesUpToDate": "UpToDate NotUpToDate UpToDateUnknown NoReplicas InternalError",
        "Remediating": "Remediating NotRemediating InternalError CannotBeRemediated RemediationDeferred "
        "MachineDeleting",
        "Deleting": "NotDeleting Deleting InternalError",
    },
    "MachineHealthCheck": {"RemediationAllowed": "TooManyUnhealthy RemediationAllowed"},
    "IPAddressClaim": {"Ready": "AllocationFailed PoolNotReady PoolExhausted"},
    "ClusterResourceSet": {"ResourcesApplied": "Applied NotApplied WrongSecretType InternalError"},
    "ExtensionConfig": {"Discovered": "NotDiscovered"},
}

LEGACY = {
    "Ready": "Deleting DeletionFailed Deleted IncorrectExternalRef",
    "InfrastructureReady": "WaitingForInfrastructure",
    "ControlPlaneInitialized": "MissingNodeRef WaitingForControlPlaneProviderInitialized",
    "ControlPlaneReady": "WaitingForControlPlane WaitingForControlPlaneAvailable",
    "BootstrapReady": "WaitingForDataSecret",
    "DrainingSucceeded": "Draining DrainingFailed",
    "PreDrainDeleteHookSucceeded": "",
    "PreTerminateDeleteHookSucceeded": "WaitingExternalHook",
    "VolumeDetachSucceeded": "WaitingForVolumeDetach",
    "HealthCheckSucceeded": "MachineHasFailure HasRemediateMachineAnnotation NodeStartupTimeout UnhealthyNode "
    "UnhealthyMachine",
    "OwnerRemediated": "WaitingForRemediation RemediationFailed RemediationInProgress",
    "ExternalRemediationTemplateAvailable": "ExternalRemediationTemplateNotFound",
    "ExternalRemediationRequestAvailable": "ExternalRemediationRequestCreationFailed",
    "NodeHealthy": "WaitingForNodeRef NodeProvisioning NodeNotFound NodeConditionsFailed NodeInspectionFailed",
    "RemediationAllowed": "TooManyUnhealthy",
    "MachineSetReady": "WaitingForMachineSet WaitingForAvailableMachines",
    "MachinesCreated": "",
    "MachinesReady": "PreflightCheckFailed BootstrapTemplateCloningFailed InfrastructureTemplateCloningFailed "
    "MachineCreationFailed",
    "Resized": "ScalingUp ScalingDown",
    "ReplicasReady": "WaitingForReplicasReady AllocationFailed PoolNotReady PoolExhausted",
    "ResourcesApplied": "RemoteClusterClientFailed ClusterMatchFailed ApplyFailed RetrievingResourceFailed "
    "WrongSecretType",
}

#: What no code sets, and why.
NOT_SET = {
    "ClusterMatchFailed": "a selector that cannot be read is refused when it is written",
    "WaitingForBeforeDeleteHook": "runtime hooks around a Cluster's life belong to managed topologies",
    "WaitingForControlPlaneAvailable": "upstream sets it for topologies only",
    "MachineHasFailure": "terminal failures are read for old clients only, and remediate nothing",
    "RemediationFailed": "the control plane provider of kubeadm sets it",
    "RemediationInProgress": "the control plane provider of kubeadm sets it",
}


def _texts() -> Iterator[str]:
    for room in ROOMS:
        for path in sorted((SOURCE / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value
                elif isinstance(node, ast.JoinedStr):
                    yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values)


TEXTS = frozenset(_texts())


def is_set(name: str) -> bool:
    """As a constant, or out of a type and `Not` or `Unknown`, as conditions of one shape are made."""
    if name in TEXTS:
        return True
    of_type = name.removeprefix("Not").removesuffix("Unknown")
    shape = name.replace(of_type, "*")
    return shape in TEXTS and of_type in TEXTS and shape != "*"


def _cases() -> list[tuple[str, str]]:
    cases = [
        (f"{kind} {type_}", name)
        for kind, types in CURRENT.items()
        for type_, text in types.items()
        for name in (type_, *text.split())
    ]
    return cases + [(f"v1beta1 {type_}", name) for type_, text in LEGACY.items() for name in (type_, *text.split())]


@pytest.mark.parametrize(("where", "name"), _cases())
def test_each_is_set_or_listed(where: str, name: str) -> None:
    assert is_set(name) != (name in NOT_SET), f"{where}: {name}"
