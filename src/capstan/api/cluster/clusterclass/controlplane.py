"""What the control planes and the infrastructure of a class are made from."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capstan.api.cluster.deletion import MachineDeletion
from capstan.api.cluster.gates import ConditionGate
from capstan.api.cluster.healthcheck import ControlPlaneRemediation, HealthChecks
from capstan.api.cluster.reference import TemplateReference
from capstan.api.cluster.taint import MachineTaint
from capstan.api.cluster.template import TemplateMetadata
from capstan.api.facts import Facts, Required, entries, items, keyed_by, length
from capstan.api.struct import Struct


class ClassNaming(Struct, frozen=True, kw_only=True):
    """How objects that are made from the class are called.

    template: a Go template with .cluster.name and .random, and for workers with their .topologyName.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    template: Annotated[str, length(1, 1024)] = ""


class TemplateOfClass(Struct, frozen=True, kw_only=True):
    """What is made, by its template.

    template_ref: the template.
    """

    template_ref: Required[TemplateReference] = TemplateReference()


class InfrastructureClass(Struct, frozen=True, kw_only=True):
    """The infrastructure of the Clusters.

    naming: how the objects are called.
    template_ref: the template.
    """

    naming: ClassNaming = ClassNaming()
    template_ref: Required[TemplateReference] = TemplateReference()


class ControlPlaneClassHealthCheck(Struct, frozen=True, kw_only=True):
    """When control plane Machines count as unhealthy, and what is done then.

    checks: what is checked.
    remediation: what is done with unhealthy Machines.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    checks: HealthChecks = HealthChecks()
    remediation: ControlPlaneRemediation = ControlPlaneRemediation()


class ControlPlaneClass(Struct, frozen=True, kw_only=True):
    """The control planes of the Clusters.

    deletion: how Machines are deleted.
    health_check: when Machines count as unhealthy, and what is done then.
    machine_infrastructure: what the Machines run on, if the control plane has Machines.
    metadata: labels and annotations that are handed down.
    naming: how the objects are called.
    readiness_gates: conditions that must hold as well before a Machine is Ready.
    taints: taints that the nodes get.
    template_ref: the template.
    """

    deletion: MachineDeletion = MachineDeletion()
    health_check: ControlPlaneClassHealthCheck = ControlPlaneClassHealthCheck()
    machine_infrastructure: TemplateOfClass | None = None
    metadata: TemplateMetadata = TemplateMetadata()
    naming: ClassNaming = ClassNaming()
    readiness_gates: Annotated[tuple[ConditionGate, ...], items(1, 32), keyed_by("conditionType")] = ()
    taints: Annotated[tuple[MachineTaint, ...], items(1, 64), keyed_by("key", "effect")] = ()
    template_ref: Required[TemplateReference] = TemplateReference()
