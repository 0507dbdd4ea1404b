"""ClusterClass itself: its spec and its status."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capstan.api.cluster.clusterclass.controlplane import ControlPlaneClass, InfrastructureClass
from capstan.api.cluster.clusterclass.patches import ClassPatch
from capstan.api.cluster.clusterclass.variables import ClassVariable, VariableStatus
from capstan.api.cluster.clusterclass.workers import WorkersClass
from capstan.api.cluster.gates import ConditionGate
from capstan.api.facts import (
    ATOMIC_LIST,
    Facts,
    Int64,
    Required,
    Text256,
    Text512,
    between,
    entries,
    items,
    keyed_by,
)
from capstan.api.meta import Condition, LegacyCondition, TypedObject
from capstan.api.struct import Struct


class ExternalUpgrade(Struct, frozen=True, kw_only=True):
    """Upgrades that extensions plan.

    generate_upgrade_plan_extension: the extension that says through which versions an upgrade goes.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    generate_upgrade_plan_extension: Text512 = ""


class ClassUpgrade(Struct, frozen=True, kw_only=True):
    """How Clusters go to another Kubernetes version.

    external: the extensions that plan it.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    external: ExternalUpgrade = ExternalUpgrade()


class ClusterClassSpec(Struct, frozen=True, kw_only=True):
    """What Clusters of this class are made from.

    availability_gates: conditions that must hold as well before a Cluster is Available.
    control_plane: the control plane.
    infrastructure: the infrastructure.
    kubernetes_versions: the Kubernetes versions that Clusters may have, the oldest first; any, where empty.
    patches: how the templates are changed for each Cluster.
    upgrade: how Clusters go to another Kubernetes version.
    variables: what each Cluster may give values to.
    workers: the classes of workers.
    """

    availability_gates: Annotated[tuple[ConditionGate, ...], items(1, 32), keyed_by("conditionType")] = ()
    control_plane: Required[ControlPlaneClass] = ControlPlaneClass()
    infrastructure: Required[InfrastructureClass] = InfrastructureClass()
    kubernetes_versions: Annotated[tuple[Text256, ...], items(1, 100), ATOMIC_LIST] = ()
    patches: Annotated[tuple[ClassPatch, ...], items(1, 1000), ATOMIC_LIST] = ()
    upgrade: ClassUpgrade = ClassUpgrade()
    variables: Annotated[tuple[ClassVariable, ...], items(1, 1000), ATOMIC_LIST] = ()
    workers: WorkersClass = WorkersClass()


class ClusterClassV1Beta1Status(Struct, frozen=True, kw_only=True):
    """What clients of v1beta1 see.

    conditions: how things stand, one by one.
    """

    conditions: tuple[LegacyCondition, ...] = ()


class ClusterClassDeprecatedStatus(Struct, frozen=True, kw_only=True):
    """What only older contracts ask for.

    v1beta1: what clients of v1beta1 see.
    """

    v1beta1: ClusterClassV1Beta1Status = ClusterClassV1Beta1Status()


class ClusterClassStatus(Struct, frozen=True, kw_only=True):
    """What is observed of the class.

    conditions: how things stand, one by one.
    deprecated: what only older contracts ask for.
    observed_generation: the metadata.generation that this status is about.
    variables: the variables, wherever they are defined.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    conditions: Annotated[tuple[Condition, ...], items(None, 32), keyed_by("type")] = ()
    deprecated: ClusterClassDeprecatedStatus = ClusterClassDeprecatedStatus()
    observed_generation: Annotated[Int64, between(1)] | None = None
    variables: Annotated[tuple[VariableStatus, ...], items(None, 1000), ATOMIC_LIST] = ()


class ClusterClass(TypedObject, frozen=True, kw_only=True):
    """The form of Clusters that are described by a topology.

    spec: what is wanted.
    status: what is observed.
    """

    spec: Required[ClusterClassSpec] = ClusterClassSpec()
    status: ClusterClassStatus = ClusterClassStatus()
