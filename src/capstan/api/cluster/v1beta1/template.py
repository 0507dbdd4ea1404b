"""The form of Machines, and what they are called, as v1beta1 has it."""

from __future__ import annotations

from capstan.api.cluster.v1beta1.machine import MachineSpec
from capstan.api.facts import Text256
from capstan.api.struct import Struct


class TemplateMetadata(Struct, frozen=True, kw_only=True):
    """Labels and annotations that are handed down to what is made from the template.

    annotations: annotations.
    labels: labels.
    """

    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}


class MachineNaming(Struct, frozen=True, kw_only=True):
    """How new Machines are called.

    template: a Go template with .cluster.name, .machineSet.name and .random.
    """

    template: Text256 = ""


class MachineTemplate(Struct, frozen=True, kw_only=True):
    """The form of the Machines.

    metadata: labels and annotations that are handed down.
    spec: what is wanted.
    """

    metadata: TemplateMetadata = TemplateMetadata()
    spec: MachineSpec = MachineSpec()
