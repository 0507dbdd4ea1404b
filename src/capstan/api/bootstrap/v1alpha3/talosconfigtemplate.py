"""TalosConfigTemplate, the form of TalosConfigs, as v1alpha3 has it."""

from __future__ import annotations

from capstan.api.bootstrap.v1alpha3.talosconfig import TalosConfigSpec
from capstan.api.facts import Required
from capstan.api.meta import TypedObject
from capstan.api.struct import Struct


class TalosConfigTemplateResource(Struct, frozen=True, kw_only=True):
    """The form of the TalosConfigs.

    spec: what is wanted.
    """

    spec: TalosConfigSpec = TalosConfigSpec()


class TalosConfigTemplateSpec(Struct, frozen=True, kw_only=True):
    """What the template holds.

    template: the form of what is made.
    """

    template: Required[TalosConfigTemplateResource] = TalosConfigTemplateResource()


class TalosConfigTemplate(TypedObject, frozen=True, kw_only=True):
    """The form of TalosConfigs that are made for a set of Machines.

    spec: what is wanted.
    """

    spec: TalosConfigTemplateSpec = TalosConfigTemplateSpec()
