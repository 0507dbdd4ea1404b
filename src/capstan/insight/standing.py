"""How one object stands: its conditions in the newest shape that it has, and the one of them that a tree shows.

Pure. Which condition is shown, and which are bad when True, are rules of kubeadm-clusterctl-ipam.md 3.8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from capstan.api.objects import Obj

#: Conditions whose True is bad.
NEGATIVE = frozenset(("Paused", "Deleting", "RollingOut", "ScalingUp", "ScalingDown", "Updating", "Remediating"))
#: Kinds that stand by Available; the rest by Ready.
BY_AVAILABLE = frozenset(("Cluster", "MachineDeployment"))


@dataclass(frozen=True, slots=True)
class Standing:
    """One condition as it is shown. `status` is empty when the object has not reported it. Only conditions of the
    older shape have a `severity`."""

    status: str = ""
    reason: str = ""
    since: datetime | None = None
    message: str = ""
    severity: str = ""


def conditions_of(obj: Obj) -> dict[str, Standing]:
    """The conditions by type, in the newest shape that the object has."""
    status = obj.get("status") or {}
    listed = (status.get("v1beta2") or {}).get("conditions") or status.get("conditions") or ()
    return {c["type"]: _standing(c) for c in listed if "type" in c}


def main_standing(obj: Obj, *, older: bool = False) -> Standing:
    """The condition that the tree shows for an object; for clients of v1beta1 that is its older Ready."""
    if older:
        return older_conditions_of(obj).get("Ready", Standing())
    found, kind = conditions_of(obj), obj["kind"]
    if kind in BY_AVAILABLE or kind.endswith("ControlPlane"):
        return found.get("Available") or found.get("Ready") or Standing()
    if kind == "MachineSet":
        return Standing()
    if kind == "MachinePool":
        # Cluster API gives a pool no summary in the newer shape.
        return found.get("Available") or found.get("Ready") or _deprecated(obj).get("Ready") or Standing()
    return found.get("Ready") or Standing()


def is_good(condition: str, status: str) -> bool:
    """Whether a status needs nobody's attention, by the polarity of its condition."""
    return status == ("False" if condition in NEGATIVE else "True")


def is_true(obj: Obj, condition: str) -> bool:
    return conditions_of(obj).get(condition, Standing()).status == "True"


def older_conditions_of(obj: Obj) -> dict[str, Standing]:
    """The conditions in the shape of v1beta1 by type, in their order by name: where the newer contract keeps them, or
    where providers of the older one have them."""
    listed = _deprecated(obj) or conditions_of({"status": {"conditions": (obj.get("status") or {}).get("conditions")}})
    return dict(sorted(listed.items()))


def _deprecated(obj: Obj) -> dict[str, Standing]:
    deprecated = ((obj.get("status") or {}).get("deprecated") or {}).get("v1beta1") or {}
    return {c["type"]: _standing(c) for c in deprecated.get("conditions") or () if "type" in c}


def _standing(condition: Mapping[str, Any]) -> Standing:
    text = condition.get("lastTransitionTime")
    since = datetime.fromisoformat(text) if text else None
    status, reason, message, severity = (condition.get(f, "") for f in ("status", "reason", "message", "severity"))
    return Standing(status, reason, since, message, severity)
