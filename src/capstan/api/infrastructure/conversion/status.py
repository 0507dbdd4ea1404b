"""What the status of ProxmoxCluster and ProxmoxMachine have in common: readiness, failures, conditions."""

from __future__ import annotations

from typing import Any, Final

from capstan.api.conversion import dropped, each, move, stay, true_only
from capstan.api.objects import Obj

#: The reason of a condition that came up without one; v1alpha2 demands a reason.
_NO_REASON: Final = "APIConversionReason"


def _condition_up(condition: Obj) -> Obj:
    after = {name: value for name, value in condition.items() if name != "severity"}
    return {**after, "reason": after.get("reason") or _NO_REASON, "message": after.get("message", "")}


def _condition_down(condition: Obj) -> Obj:
    def told(name: str, value: Any) -> bool:
        return name != "observedGeneration" and not (name in ("reason", "message") and value in ("", _NO_REASON))

    return {name: value for name, value in condition.items() if told(name, value)}


STATUS: Final = (
    move("status.ready", "status.initialization.provisioned", true_only),
    stay("status.failureReason", up=dropped),
    stay("status.failureMessage", up=dropped),
    stay("status.conditions", each(_condition_up), each(_condition_down)),
)
