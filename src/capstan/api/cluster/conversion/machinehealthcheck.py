"""MachineHealthCheck between v1beta1 and v1beta2."""

from __future__ import annotations

from typing import Final

from capstan.api.cluster.conversion.durations import duration_of, seconds_of
from capstan.api.cluster.conversion.moves import CONDITIONS, with_defaults
from capstan.api.cluster.conversion.references import in_namespace, template_ref_up
from capstan.api.cluster.conversion.timeouts import timeouts_down, timeouts_up
from capstan.api.cluster.machinehealthcheck import MachineHealthCheck
from capstan.api.conversion import Converter, Spoke, downgrade, move, stay, unless_empty, upgrade
from capstan.api.fieldnames import FieldNames
from capstan.api.objects import Obj

_COUNTERS: Final = ("expectedMachines", "currentHealthy", "remediationsAllowed")
_MOVES: Final = (
    *CONDITIONS,
    move("spec.unhealthyConditions", "spec.checks.unhealthyNodeConditions", timeouts_up, timeouts_down),
    move("spec.unhealthyMachineConditions", "spec.checks.unhealthyMachineConditions", timeouts_up, timeouts_down),
    move("spec.nodeStartupTimeout", "spec.checks.nodeStartupTimeoutSeconds", seconds_of, duration_of),
    move("spec.maxUnhealthy", "spec.remediation.triggerIf.unhealthyLessThanOrEqualTo"),
    move("spec.unhealthyRange", "spec.remediation.triggerIf.unhealthyInRange", down=unless_empty),
    move("spec.remediationTemplate", "spec.remediation.templateRef", template_ref_up),
    *(stay(f"status.{name}", up=unless_empty) for name in _COUNTERS),
)


def _up(obj: Obj) -> Obj:
    return upgrade(obj, _MOVES)


def _down(obj: Obj) -> Obj:
    after = in_namespace(downgrade(obj, _MOVES), ("spec.remediationTemplate",))
    return with_defaults(after, ("status",), dict.fromkeys(_COUNTERS, 0))


convert_machinehealthcheck = Converter(
    "v1beta2", {"v1beta1": Spoke(_up, _down, fields=FieldNames(_MOVES))}, struct=MachineHealthCheck
)
