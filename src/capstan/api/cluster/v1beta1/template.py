"""TODO cluster/v1beta1/template"""

from __future__ import annotations

from capstan.api.cluster.v1beta1.machine import MachineSpec
from capstan.api.facts import Text256
from capstan.api.struct import Struct


class TemplateMetadata(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta1.spec.topology.controlPlane.metadata']"""

    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}


class MachineNaming(Struct, frozen=True, kw_only=True):
    """TODO ['MachineSet/v1beta1.spec.machineNamingStrategy']"""

    template: Text256 = ""


class MachineTemplate(Struct, frozen=True, kw_only=True):
    """TODO ['MachineSet/v1beta1.spec.template']"""

    metadata: TemplateMetadata = TemplateMetadata()
    spec: MachineSpec = MachineSpec()
