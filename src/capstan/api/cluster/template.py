"""The form of Machines, and what they are called."""

from __future__ import annotations

from typing import ClassVar

from capstan.api.cluster.machine import MachineSpec
from capstan.api.facts import Facts, Required, Text256, entries
from capstan.api.struct import Struct


class TemplateMetadata(Struct, frozen=True, kw_only=True):
    """Labels and annotations that are handed down to what is made from the template.

    annotations: annotations.
    labels: labels.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}


class MachineNaming(Struct, frozen=True, kw_only=True):
    """How new Machines are called.

    template: a Go template with .cluster.name, .machineSet.name and .random.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    template: Text256 = ""


class MachineTemplate(Struct, frozen=True, kw_only=True):
    """The form of the Machines.

    metadata: labels and annotations that are handed down.
    spec: what is wanted.
    """

    metadata: TemplateMetadata = TemplateMetadata()
    spec: Required[MachineSpec] = MachineSpec()
