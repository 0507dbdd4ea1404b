"""MachineSet between v1beta1 and v1beta2."""

from __future__ import annotations

from typing import Final

from capstan.api.cluster.conversion.moves import CONDITIONS, FAILURES, counters, machine_spec, with_defaults
from capstan.api.cluster.conversion.references import TEMPLATE_REFS, refs_down, refs_up
from capstan.api.cluster.machineset import MachineSet
from capstan.api.conversion import Converter, Spoke, downgrade, move, unless_empty, upgrade
from capstan.api.fieldnames import FieldNames
from capstan.api.objects import Obj

_OLD_COUNTERS: Final = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")
_NEW_COUNTERS: Final = ("readyReplicas", "availableReplicas", "upToDateReplicas")
_MOVES: Final = (
    *CONDITIONS,
    *FAILURES,
    *machine_spec("spec.template.spec."),
    *counters("status", "status.deprecated.v1beta1", _OLD_COUNTERS),
    *counters("status.v1beta2", "status", _NEW_COUNTERS),
    move("spec.deletePolicy", "spec.deletion.order", unless_empty, unless_empty),
    move("spec.machineNamingStrategy.template", "spec.machineNaming.template", unless_empty, unless_empty),
    move("spec.minReadySeconds", "spec.template.spec.minReadySeconds", unless_empty),
)
_ZEROS: Final = dict.fromkeys(_OLD_COUNTERS, 0)


def _up(obj: Obj) -> Obj:
    return with_defaults(upgrade(refs_up(obj, TEMPLATE_REFS), _MOVES), ("status", "deprecated", "v1beta1"), _ZEROS)


def _down(obj: Obj) -> Obj:
    return with_defaults(downgrade(refs_down(obj, TEMPLATE_REFS), _MOVES), ("status",), _ZEROS)


convert_machineset = Converter(
    "v1beta2", {"v1beta1": Spoke(_up, _down, fields=FieldNames(_MOVES))}, remembers=False, struct=MachineSet
)
