"""Rules of PodDisruptionBudgets. Pure."""

from __future__ import annotations

from typing import Final

from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.kubernetes.rules.faults import invalid
from capstan.api.objects import Obj


def _budget(request: AdmissionRequest, new: Obj) -> Admission:
    spec = new.get("spec") or {}
    if request.subresource == "" and spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        why = "minAvailable and maxUnavailable cannot be both set"
        return Admission(new, (invalid("spec", spec, why),))
    return Admission(new)


RULES: Final = {"PodDisruptionBudget": _budget}
