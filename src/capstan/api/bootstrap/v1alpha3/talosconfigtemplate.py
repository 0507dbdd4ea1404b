"""TODO bootstrap/v1alpha3/talosconfigtemplate"""

from __future__ import annotations

from capstan.api.bootstrap.v1alpha3.talosconfig import TalosConfigSpec
from capstan.api.facts import Required
from capstan.api.meta import TypedObject
from capstan.api.struct import Struct


class TalosConfigTemplateResource(Struct, frozen=True, kw_only=True):
    """TODO ['TalosConfigTemplate/v1alpha3.spec.template']"""

    spec: TalosConfigSpec = TalosConfigSpec()


class TalosConfigTemplateSpec(Struct, frozen=True, kw_only=True):
    """TODO ['TalosConfigTemplate/v1alpha3.spec']"""

    template: Required[TalosConfigTemplateResource] = TalosConfigTemplateResource()


class TalosConfigTemplate(TypedObject, frozen=True, kw_only=True):
    """TODO ['TalosConfigTemplate/v1alpha3']"""

    spec: TalosConfigTemplateSpec = TalosConfigTemplateSpec()
