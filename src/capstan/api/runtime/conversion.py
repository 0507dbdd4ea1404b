"""ExtensionConfig between v1alpha1 and v1beta2 (cluster-api-core.md 14.2)."""

from __future__ import annotations

from typing import Final

from capstan.api.conversion import Converter, Spoke, downgrade, each, move, stay, unless_empty, upgrade
from capstan.api.objects import Obj
from capstan.api.runtime.extensionconfig import ExtensionConfig

_TIMEOUT: Final = (
    stay("timeoutSeconds", unless_empty, unless_empty),
    stay("failurePolicy", unless_empty, unless_empty),
)


def _handler_up(handler: Obj) -> Obj:
    return upgrade(handler, _TIMEOUT)


def _handler_down(handler: Obj) -> Obj:
    return downgrade(handler, _TIMEOUT)


_MOVES: Final = (
    move("status.conditions", "status.deprecated.v1beta1.conditions"),
    move("status.v1beta2.conditions", "status.conditions"),
    stay("status.handlers", each(_handler_up), each(_handler_down)),
    stay("spec.clientConfig.url", unless_empty, unless_empty),
    stay("spec.clientConfig.service.path", unless_empty, unless_empty),
)


def _up(obj: Obj) -> Obj:
    return upgrade(obj, _MOVES)


def _down(obj: Obj) -> Obj:
    return downgrade(obj, _MOVES)


convert_extensionconfig = Converter("v1beta2", {"v1alpha1": Spoke(_up, _down)}, remembers=False, struct=ExtensionConfig)
