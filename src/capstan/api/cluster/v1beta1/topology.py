"""A cluster described by a ClusterClass and variables, as v1beta1 has it."""

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
    """The value of one variable of the ClusterClass.

    definition_from: which of several definitions is meant.
    name: the name.
    value: the value.
    """

    definition_from: Annotated[str, length(None, 256)] = ""
    name: Required[Text256] = ""
    value: Required[AnyValue] = None


class TopologyVariables(Struct, frozen=True, kw_only=True):
    """Variables with another value here.

    overrides: the variables and their values.
    """

    overrides: Annotated[tuple[TopologyVariable, ...], items(None, 1000), keyed_by("name")] = ()


class ControlPlaneTopology(Struct, frozen=True, kw_only=True):
    """The control plane of a topology.

    machine_health_check: when Machines count as unhealthy, and what is done then.
    metadata: labels and annotations that are handed down.
    node_deletion_timeout: how long deleting the node object is tried; 0s means for ever.
    node_drain_timeout: how long draining the node may take; 0s means for ever.
    node_volume_detach_timeout: how long detaching its volumes may take; 0s means for ever.
    readiness_gates: conditions that must hold as well before a Machine is Ready.
    replicas: how many Machines.
    rollout: how Machines are replaced after a change.
    taints: taints that the nodes get.
    variables: values of the class's variables.
    """

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
    """One MachineDeployment of a topology.

    class_: the name of the class.
    failure_domain: the failure domain that Machines are made in.
    machine_health_check: when Machines count as unhealthy, and what is done then.
    metadata: labels and annotations that are handed down.
    min_ready_seconds: how long a Machine must be Ready before it is Available.
    name: the name.
    node_deletion_timeout: how long deleting the node object is tried; 0s means for ever.
    node_drain_timeout: how long draining the node may take; 0s means for ever.
    node_volume_detach_timeout: how long detaching its volumes may take; 0s means for ever.
    readiness_gates: conditions that must hold as well before a Machine is Ready.
    replicas: how many Machines.
    rollout: how Machines are replaced after a change.
    strategy: the way of replacing Machines.
    taints: taints that the nodes get.
    variables: values of the class's variables.
    """

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
    """One MachinePool of a topology.

    class_: the name of the class.
    failure_domains: the failure domains.
    metadata: labels and annotations that are handed down.
    min_ready_seconds: how long a Machine must be Ready before it is Available.
    name: the name.
    node_deletion_timeout: how long deleting the node object is tried; 0s means for ever.
    node_drain_timeout: how long draining the node may take; 0s means for ever.
    node_volume_detach_timeout: how long detaching its volumes may take; 0s means for ever.
    replicas: how many Machines.
    taints: taints that the nodes get.
    variables: values of the class's variables.
    """

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
    """The workers of a topology.

    machine_deployments: MachineDeployments.
    machine_pools: MachinePools.
    """

    machine_deployments: Annotated[tuple[MachineDeploymentTopology, ...], items(None, 2000), keyed_by("name")] = ()
    machine_pools: Annotated[tuple[MachinePoolTopology, ...], items(None, 2000), keyed_by("name")] = ()


class Topology(Struct, frozen=True, kw_only=True):
    """The cluster described by a ClusterClass and variables.

    class_: the name of the class.
    class_namespace: the namespace of the ClusterClass; the cluster's own where empty.
    control_plane: the control plane.
    rollout_after: Machines made before this moment are replaced once it has come.
    variables: values of the class's variables.
    version: the Kubernetes version, such as v1.33.1.
    workers: the workers.
    """

    class_: Required[Annotated[str, length(1, 253)]] = ""
    class_namespace: DnsLabel = ""
    control_plane: ControlPlaneTopology = ControlPlaneTopology()
    rollout_after: datetime | None = None
    variables: Annotated[tuple[TopologyVariable, ...], items(None, 1000), keyed_by("name")] = ()
    version: Required[Text256] = ""
    workers: WorkersTopology = WorkersTopology()
