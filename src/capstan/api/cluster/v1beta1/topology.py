"""TODO cluster/v1beta1/topology"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from capstan.api.cluster.gates import ConditionGate
from capstan.api.cluster.rollout import RolloutAfter
from capstan.api.cluster.taint import MachineTaint
from capstan.api.cluster.v1beta1.healthcheck import ControlPlaneHealthCheck
from capstan.api.cluster.v1beta1.rollout import DeploymentStrategy
from capstan.api.cluster.v1beta1.template import TemplateMetadata
from capstan.api.facts import AnyValue, DnsLabel, Int32, Required, Text63, Text256, items, keyed_by, length
from capstan.api.struct import Struct


class TopologyVariable(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta1.spec.topology.controlPlane.variables.overrides[]']"""

    definition_from: Annotated[str, length(None, 256)] = ""
    name: Required[Text256] = ""
    value: Required[AnyValue] = None


class TopologyVariables(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta1.spec.topology.controlPlane.variables']"""

    overrides: Annotated[tuple[TopologyVariable, ...], items(None, 1000), keyed_by("name")] = ()


class ControlPlaneTopology(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta1.spec.topology.controlPlane']"""

    machine_health_check: ControlPlaneHealthCheck = ControlPlaneHealthCheck()
    metadata: TemplateMetadata = TemplateMetadata()
    node_deletion_timeout: str = ""
    node_drain_timeout: str = ""
    node_volume_detach_timeout: str = ""
    readiness_gates: Annotated[tuple[ConditionGate, ...], items(None, 32), keyed_by("conditionType")] = ()
    replicas: Int32 | None = None
    rollout: RolloutAfter = RolloutAfter()
    taints: Annotated[tuple[MachineTaint, ...], items(1, 64), keyed_by("key", "effect")] = ()
    variables: TopologyVariables = TopologyVariables()


class MachineDeploymentTopology(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta1.spec.topology.workers.machineDeployments[]']"""

    class_: Required[Text256] = ""
    failure_domain: Text256 = ""
    machine_health_check: ControlPlaneHealthCheck = ControlPlaneHealthCheck()
    metadata: TemplateMetadata = TemplateMetadata()
    min_ready_seconds: Int32 | None = None
    name: Required[Text63] = ""
    node_deletion_timeout: str = ""
    node_drain_timeout: str = ""
    node_volume_detach_timeout: str = ""
    readiness_gates: Annotated[tuple[ConditionGate, ...], items(None, 32), keyed_by("conditionType")] = ()
    replicas: Int32 | None = None
    rollout: RolloutAfter = RolloutAfter()
    strategy: DeploymentStrategy = DeploymentStrategy()
    taints: Annotated[tuple[MachineTaint, ...], items(1, 64), keyed_by("key", "effect")] = ()
    variables: TopologyVariables = TopologyVariables()


class MachinePoolTopology(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta1.spec.topology.workers.machinePools[]']"""

    class_: Required[Text256] = ""
    failure_domains: Annotated[tuple[Text256, ...], items(None, 100)] = ()
    metadata: TemplateMetadata = TemplateMetadata()
    min_ready_seconds: Int32 | None = None
    name: Required[Text63] = ""
    node_deletion_timeout: str = ""
    node_drain_timeout: str = ""
    node_volume_detach_timeout: str = ""
    replicas: Int32 | None = None
    taints: Annotated[tuple[MachineTaint, ...], items(1, 64), keyed_by("key", "effect")] = ()
    variables: TopologyVariables = TopologyVariables()


class WorkersTopology(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta1.spec.topology.workers']"""

    machine_deployments: Annotated[tuple[MachineDeploymentTopology, ...], items(None, 2000), keyed_by("name")] = ()
    machine_pools: Annotated[tuple[MachinePoolTopology, ...], items(None, 2000), keyed_by("name")] = ()


class Topology(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta1.spec.topology']"""

    class_: Required[Annotated[str, length(1, 253)]] = ""
    class_namespace: DnsLabel = ""
    control_plane: ControlPlaneTopology = ControlPlaneTopology()
    rollout_after: datetime | None = None
    variables: Annotated[tuple[TopologyVariable, ...], items(None, 1000), keyed_by("name")] = ()
    version: Required[Text256] = ""
    workers: WorkersTopology = WorkersTopology()
