"""ClusterClass itself, as v1beta1 has it."""

from __future__ import annotations

from typing import Annotated

from capstan.api.cluster.clusterclass.clusterclass import ClassUpgrade
from capstan.api.cluster.gates import ConditionGate
from capstan.api.cluster.v1beta1.clusterclass.controlplane import ClassNaming, ControlPlaneClass, TemplateOfClass
from capstan.api.cluster.v1beta1.clusterclass.patches import ClassPatch
from capstan.api.cluster.v1beta1.clusterclass.variables import ClassVariable, VariableStatus
from capstan.api.cluster.v1beta1.clusterclass.workers import WorkersClass
from capstan.api.cluster.v1beta1.conditions import ConditionsV1Beta2Status
from capstan.api.facts import ATOMIC_LIST, Int64, Text256, items, keyed_by
from capstan.api.meta import LegacyCondition, TypedObject
from capstan.api.struct import Struct


class ClusterClassSpec(Struct, frozen=True, kw_only=True):
    """What Clusters of this class are made from.

    availability_gates: conditions that must hold as well before a Cluster is Available.
    control_plane: the control plane.
    infrastructure: the infrastructure.
    infrastructure_naming_strategy: how the objects of the infrastructure are called.
    kubernetes_versions: the Kubernetes versions that Clusters may have, the oldest first; any, where empty.
    patches: how the templates are changed for each Cluster.
    upgrade: how Clusters go to another Kubernetes version.
    variables: what each Cluster may give values to.
    workers: the classes of workers.
    """

    availability_gates: Annotated[tuple[ConditionGate, ...], items(None, 32), keyed_by("conditionType")] = ()
    control_plane: ControlPlaneClass = ControlPlaneClass()
    infrastructure: TemplateOfClass = TemplateOfClass()
    infrastructure_naming_strategy: ClassNaming = ClassNaming()
    kubernetes_versions: Annotated[tuple[Text256, ...], items(1, 100), ATOMIC_LIST] = ()
    patches: Annotated[tuple[ClassPatch, ...], items(None, 1000)] = ()
    upgrade: ClassUpgrade = ClassUpgrade()
    variables: Annotated[tuple[ClassVariable, ...], items(None, 1000)] = ()
    workers: WorkersClass = WorkersClass()


class ClusterClassStatus(Struct, frozen=True, kw_only=True):
    """What is observed of the class.

    conditions: how things stand, one by one.
    observed_generation: the metadata.generation that this status is about.
    v1beta2: what clients of v1beta2 see.
    variables: the variables, wherever they are defined.
    """

    conditions: tuple[LegacyCondition, ...] = ()
    observed_generation: Int64 | None = None
    v1beta2: ConditionsV1Beta2Status = ConditionsV1Beta2Status()
    variables: Annotated[tuple[VariableStatus, ...], items(None, 1000)] = ()


class ClusterClass(TypedObject, frozen=True, kw_only=True):
    """The form of Clusters that are described by a topology.

    spec: what is wanted.
    status: what is observed.
    """

    spec: ClusterClassSpec = ClusterClassSpec()
    status: ClusterClassStatus = ClusterClassStatus()
