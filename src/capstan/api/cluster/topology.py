"""A cluster described by a ClusterClass and variables."""

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
    """The value of one variable of the ClusterClass.

    name: the name.
    value: the value.
    """

    name: Required[Text256] = ""
    value: Required[AnyValue] = None


class TopologyVariables(Struct, frozen=True, kw_only=True):
    """Variables with another value here.

    overrides: the variables and their values.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    overrides: Annotated[tuple[TopologyVariable, ...], items(1, 1000), keyed_by("name")] = ()


class ControlPlaneTopology(Struct, frozen=True, kw_only=True):
    """The control plane of a topology.

    deletion: how Machines are deleted.
    health_check: when Machines count as unhealthy, and what is done then.
    metadata: labels and annotations that are handed down.
    readiness_gates: conditions that must hold as well before a Machine is Ready.
    replicas: how many Machines.
    rollout: how Machines are replaced after a change.
    taints: taints that the nodes get.
    variables: values of the class's variables.
    """

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
    """Which worker Machines go first, and how long the steps of their deletion may take.

    node_deletion_timeout_seconds: how long deleting the node object is tried; 0 means for ever.
    node_drain_timeout_seconds: how long draining the node may take; 0 means for ever.
    node_volume_detach_timeout_seconds: how long detaching its volumes may take; 0 means for ever.
    order: which Machines go first: Random, Newest or Oldest.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    node_deletion_timeout_seconds: NonNegative32 | None = None
    node_drain_timeout_seconds: NonNegative32 | None = None
    node_volume_detach_timeout_seconds: NonNegative32 | None = None
    order: Annotated[str, one_of("Random", "Newest", "Oldest")] = ""


class MachineDeploymentTopology(Struct, frozen=True, kw_only=True):
    """One MachineDeployment of a topology.

    class_: the name of the class.
    deletion: how Machines are deleted.
    failure_domain: the failure domain that Machines are made in.
    health_check: when Machines count as unhealthy, and what is done then.
    metadata: labels and annotations that are handed down.
    min_ready_seconds: how long a Machine must be Ready before it is Available.
    name: the name.
    readiness_gates: conditions that must hold as well before a Machine is Ready.
    replicas: how many Machines.
    rollout: how Machines are replaced after a change.
    taints: taints that the nodes get.
    variables: values of the class's variables.
    """

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
    """One MachinePool of a topology.

    class_: the name of the class.
    deletion: how Machines are deleted.
    failure_domains: the failure domains.
    metadata: labels and annotations that are handed down.
    min_ready_seconds: how long a Machine must be Ready before it is Available.
    name: the name.
    replicas: how many Machines.
    taints: taints that the nodes get.
    variables: values of the class's variables.
    """

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
    """The workers of a topology.

    machine_deployments: MachineDeployments.
    machine_pools: MachinePools.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    machine_deployments: Annotated[tuple[MachineDeploymentTopology, ...], items(1, 2000), keyed_by("name")] = ()
    machine_pools: Annotated[tuple[MachinePoolTopology, ...], items(1, 2000), keyed_by("name")] = ()


class Topology(Struct, frozen=True, kw_only=True):
    """The cluster described by a ClusterClass and variables.

    class_ref: the ClusterClass.
    control_plane: the control plane.
    variables: values of the class's variables.
    version: the Kubernetes version, such as v1.33.1.
    workers: the workers.
    """

    class_ref: Required[ClassReference] = ClassReference()
    control_plane: ControlPlaneTopology = ControlPlaneTopology()
    variables: Annotated[tuple[TopologyVariable, ...], items(1, 1000), keyed_by("name")] = ()
    version: Required[Text256] = ""
    workers: WorkersTopology = WorkersTopology()
