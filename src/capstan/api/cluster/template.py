"""TODO cluster/template"""

from __future__ import annotations

from typing import ClassVar

from capstan.api.cluster.machine import MachineSpec
from capstan.api.facts import Facts, Required, Text256, entries
from capstan.api.struct import Struct


class TemplateMetadata(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.controlPlane.metadata']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}


class MachineNaming(Struct, frozen=True, kw_only=True):
    """TODO ['MachineSet/v1beta2.spec.machineNaming']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    template: Text256 = ""


class MachineTemplate(Struct, frozen=True, kw_only=True):
    """TODO ['MachineSet/v1beta2.spec.template']"""

    metadata: TemplateMetadata = TemplateMetadata()
    spec: Required[MachineSpec] = MachineSpec()
