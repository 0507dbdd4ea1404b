"""TalosConfig and TalosConfigTemplate between v1alpha3 and v1beta1 (talos.md 1.1).

The specs are the same in both versions and are passed on untouched: control plane providers compare them field by
field. Only the status moved. `talosConfig` of v1alpha3 was already deprecated and has no place in v1beta1.
"""

from __future__ import annotations

from typing import Final

from capstan.api.conversion import Converter, Spoke, downgrade, dropped, move, same, stay, true_only, upgrade
from capstan.api.objects import Obj

_MOVES: Final = (
    move("status.conditions", "status.deprecated.v1beta.conditions"),
    move("status.v1beta2Status.conditions", "status.conditions"),
    move("status.failureReason", "status.deprecated.v1beta.failureReason"),
    move("status.failureMessage", "status.deprecated.v1beta.failureMessage"),
    move("status.ready", "status.initialization.dataSecretCreated", true_only, true_only),
    stay("status.talosConfig", up=dropped),
)


def _up(obj: Obj) -> Obj:
    return upgrade(obj, _MOVES)


def _down(obj: Obj) -> Obj:
    return downgrade(obj, _MOVES)


convert_talosconfig = Converter("v1beta1", {"v1alpha3": Spoke(_up, _down)})
convert_talosconfigtemplate = Converter("v1beta1", {"v1alpha3": Spoke(same, same)}, remembers=False)
