"""ClusterResourceSet, manifests for all clusters that a selector chooses."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capstan.api.addons.resource import ResourceRef, Strategy
from capstan.api.facts import ATOMIC_LIST, Facts, Int64, Required, between, entries, items, keyed_by
from capstan.api.meta import Condition, LabelSelector, LegacyCondition, TypedObject
from capstan.api.struct import Struct


class ClusterResourceSetSpec(Struct, frozen=True, kw_only=True):
    """What is applied, where, and how often.

    cluster_selector: which Clusters of the namespace; never changes.
    resources: the ConfigMaps and Secrets that hold the manifests, applied in this order.
    strategy: ApplyOnce, or Reconcile to apply again what changed; never changes.
    """

    cluster_selector: Required[LabelSelector] = LabelSelector()
    resources: Required[Annotated[tuple[ResourceRef, ...], items(1, 100), ATOMIC_LIST]] = ()
    strategy: Strategy = ""


class ClusterResourceSetV1Beta1Status(Struct, frozen=True, kw_only=True):
    """What clients of v1beta1 see.

    conditions: how things stand, one by one.
    """

    conditions: tuple[LegacyCondition, ...] = ()


class ClusterResourceSetDeprecatedStatus(Struct, frozen=True, kw_only=True):
    """What only older contracts ask for.

    v1beta1: what clients of v1beta1 see.
    """

    v1beta1: ClusterResourceSetV1Beta1Status = ClusterResourceSetV1Beta1Status()


class ClusterResourceSetStatus(Struct, frozen=True, kw_only=True):
    """What is observed of the set.

    conditions: how things stand, one by one.
    deprecated: what only older contracts ask for.
    observed_generation: the metadata.generation that this status is about.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    conditions: Annotated[tuple[Condition, ...], items(None, 32), keyed_by("type")] = ()
    deprecated: ClusterResourceSetDeprecatedStatus = ClusterResourceSetDeprecatedStatus()
    observed_generation: Annotated[Int64, between(1)] | None = None


class ClusterResourceSet(TypedObject, frozen=True, kw_only=True):
    """Applies manifests to all workload clusters whose Clusters a selector chooses.

    spec: what is wanted.
    status: what is observed.
    """

    spec: Required[ClusterResourceSetSpec] = ClusterResourceSetSpec()
    status: ClusterResourceSetStatus = ClusterResourceSetStatus()
