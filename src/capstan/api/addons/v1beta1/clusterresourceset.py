"""ClusterResourceSet, manifests for all clusters that a selector chooses, as v1beta1 has it."""

from __future__ import annotations

from typing import Annotated

from capstan.api.addons.resource import ResourceRef, Strategy
from capstan.api.cluster.v1beta1.conditions import ConditionsV1Beta2Status
from capstan.api.facts import Int64, Required, items
from capstan.api.meta import LabelSelector, LegacyCondition, TypedObject
from capstan.api.struct import Struct


class ClusterResourceSetSpec(Struct, frozen=True, kw_only=True):
    """What is applied, where, and how often.

    cluster_selector: which Clusters of the namespace; never changes.
    resources: the ConfigMaps and Secrets that hold the manifests, applied in this order.
    strategy: ApplyOnce, or Reconcile to apply again what changed; never changes.
    """

    cluster_selector: Required[LabelSelector] = LabelSelector()
    resources: Annotated[tuple[ResourceRef, ...], items(None, 100)] = ()
    strategy: Strategy = ""


class ClusterResourceSetStatus(Struct, frozen=True, kw_only=True):
    """What is observed of the set.

    conditions: how things stand, one by one.
    observed_generation: the metadata.generation that this status is about.
    v1beta2: what clients of v1beta2 see.
    """

    conditions: tuple[LegacyCondition, ...] = ()
    observed_generation: Int64 | None = None
    v1beta2: ConditionsV1Beta2Status = ConditionsV1Beta2Status()


class ClusterResourceSet(TypedObject, frozen=True, kw_only=True):
    """Applies manifests to all workload clusters whose Clusters a selector chooses.

    spec: what is wanted.
    status: what is observed.
    """

    spec: ClusterResourceSetSpec = ClusterResourceSetSpec()
    status: ClusterResourceSetStatus = ClusterResourceSetStatus()
