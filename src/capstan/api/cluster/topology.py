"""TODO cluster/topology"""

from __future__ import annotations

from typing import Annotated, ClassVar

from capstan.api.cluster.deletion import MachineDeletion
from capstan.api.cluster.gates import ConditionGate
from capstan.api.cluster.healthcheck import ControlPlaneHealthCheck, MachineDeploymentHealthCheck
from capstan.api.cluster.reference import ClassReference
from capstan.api.cluster.rollout import Rollout, RolloutAfter
from capstan.api.cluster.taint import MachineTaint
from capstan.api.cluster.template import TemplateMetadata
from capstan.api.facts import (
    ATOMIC_LIST,
    AnyValue,
    Facts,
    Int32,
    NonNegative32,
    Required,
    ShortSubdomain,
    Text256,
    entries,
    items,
    keyed_by,
    one_of,
)
from capstan.api.struct import Struct


class TopologyVariable(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.controlPlane.variables.overrides[]']"""

    name: Required[Text256] = ""
    value: Required[AnyValue] = None


class TopologyVariables(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.controlPlane.variables']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    overrides: Annotated[tuple[TopologyVariable, ...], items(1, 1000), keyed_by("name")] = ()


class ControlPlaneTopology(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.controlPlane']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    deletion: MachineDeletion = MachineDeletion()
    health_check: ControlPlaneHealthCheck = ControlPlaneHealthCheck()
    metadata: TemplateMetadata = TemplateMetadata()
    readiness_gates: Annotated[tuple[ConditionGate, ...], items(1, 32), keyed_by("conditionType")] = ()
    replicas: Int32 | None = None
    rollout: RolloutAfter = RolloutAfter()
    taints: Annotated[tuple[MachineTaint, ...], items(1, 64), keyed_by("key", "effect")] = ()
    variables: TopologyVariables = TopologyVariables()


class MachineDeploymentTopologyDeletion(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.workers.machineDeployments[].deletion']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    node_deletion_timeout_seconds: NonNegative32 | None = None
    node_drain_timeout_seconds: NonNegative32 | None = None
    node_volume_detach_timeout_seconds: NonNegative32 | None = None
    order: Annotated[str, one_of("Random", "Newest", "Oldest")] = ""


class MachineDeploymentTopology(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.workers.machineDeployments[]']"""

    class_: Required[Text256] = ""
    deletion: MachineDeploymentTopologyDeletion = MachineDeploymentTopologyDeletion()
    failure_domain: Text256 = ""
    health_check: MachineDeploymentHealthCheck = MachineDeploymentHealthCheck()
    metadata: TemplateMetadata = TemplateMetadata()
    min_ready_seconds: NonNegative32 | None = None
    name: Required[ShortSubdomain] = ""
    readiness_gates: Annotated[tuple[ConditionGate, ...], items(1, 32), keyed_by("conditionType")] = ()
    replicas: Int32 | None = None
    rollout: Rollout = Rollout()
    taints: Annotated[tuple[MachineTaint, ...], items(1, 64), keyed_by("key", "effect")] = ()
    variables: TopologyVariables = TopologyVariables()


class MachinePoolTopology(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.workers.machinePools[]']"""

    class_: Required[Text256] = ""
    deletion: MachineDeletion = MachineDeletion()
    failure_domains: Annotated[tuple[Text256, ...], items(1, 100), ATOMIC_LIST] = ()
    metadata: TemplateMetadata = TemplateMetadata()
    min_ready_seconds: NonNegative32 | None = None
    name: Required[ShortSubdomain] = ""
    replicas: Int32 | None = None
    taints: Annotated[tuple[MachineTaint, ...], items(1, 64), keyed_by("key", "effect")] = ()
    variables: TopologyVariables = TopologyVariables()


class WorkersTopology(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.workers']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    machine_deployments: Annotated[tuple[MachineDeploymentTopology, ...], items(1, 2000), keyed_by("name")] = ()
    machine_pools: Annotated[tuple[MachinePoolTopology, ...], items(1, 2000), keyed_by("name")] = ()


class Topology(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology']"""

    class_ref: Required[ClassReference] = ClassReference()
    control_plane: ControlPlaneTopology = ControlPlaneTopology()
    variables: Annotated[tuple[TopologyVariable, ...], items(1, 1000), keyed_by("name")] = ()
    version: Required[Text256] = ""
    workers: WorkersTopology = WorkersTopology()
