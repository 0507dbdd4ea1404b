"""What the control planes and the infrastructure of a class are made from, as v1beta1 has it."""

from __future__ import annotations

from typing import Annotated

from capstan.api.cluster.gates import ConditionGate
from capstan.api.cluster.taint import MachineTaint
from capstan.api.cluster.v1beta1.healthcheck import ClassHealthCheck
from capstan.api.cluster.v1beta1.template import TemplateMetadata
from capstan.api.core.reference import ObjectReference
from capstan.api.facts import Required, items, keyed_by, length
from capstan.api.struct import Struct


class ClassNaming(Struct, frozen=True, kw_only=True):
    """How objects that are made from the class are called.

    template: a Go template with .cluster.name and .random, and for workers with their .topologyName.
    """

    template: Annotated[str, length(1, 1024)] = ""


class TemplateOfClass(Struct, frozen=True, kw_only=True):
    """What is made, by its template.

    ref: the template.
    """

    ref: Required[ObjectReference] = ObjectReference()


class ControlPlaneClass(Struct, frozen=True, kw_only=True):
    """The control planes of the Clusters.

    machine_health_check: when Machines count as unhealthy, and what is done then.
    machine_infrastructure: what the Machines run on, if the control plane has Machines.
    metadata: labels and annotations that are handed down.
    naming_strategy: how the objects are called.
    node_deletion_timeout: how long deleting the node object is tried; 0s means for ever.
    node_drain_timeout: how long draining the node may take; 0s means for ever.
    node_volume_detach_timeout: how long detaching its volumes may take; 0s means for ever.
    readiness_gates: conditions that must hold as well before a Machine is Ready.
    ref: the template.
    taints: taints that the nodes get.
    """

    machine_health_check: ClassHealthCheck = ClassHealthCheck()
    machine_infrastructure: TemplateOfClass | None = None
    metadata: TemplateMetadata = TemplateMetadata()
    naming_strategy: ClassNaming = ClassNaming()
    node_deletion_timeout: str = ""
    node_drain_timeout: str = ""
    node_volume_detach_timeout: str = ""
    readiness_gates: Annotated[tuple[ConditionGate, ...], items(None, 32), keyed_by("conditionType")] = ()
    ref: Required[ObjectReference] = ObjectReference()
    taints: Annotated[tuple[MachineTaint, ...], items(1, 64), keyed_by("key", "effect")] = ()
