"""Admission of built-in kinds: defaults and immutable fields as tables, the rest as one function for a kind. Pure."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

from capstan.api.kinds import Admission, AdmissionRequest, Query
from capstan.api.kubernetes.kinds import TABLES
from capstan.api.kubernetes.rules.defaults import DEFAULTS, filled
from capstan.api.kubernetes.rules.faults import IMMUTABLE, immutable_faults
from capstan.api.objects import Obj

Rule = Callable[[AdmissionRequest, Obj], Admission]

#: API groups of which a module has rules that are more than tables: it has `RULES` and perhaps `LOOKUPS`, by kind.
_RULED: Final = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apps",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "networking.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "scheduling.k8s.io",
    }
)


def admit(group: str, kind: str, request: AdmissionRequest) -> Admission:
    """The object with its defaults, or why it is refused. Status and deletes have no rules but a kind's own."""
    if request.new is None:
        return Admission(None)
    new = request.new
    if request.subresource in ("", "*", "scale"):
        new = filled(new, DEFAULTS.get((group, kind), {}))
    rule = _rules(group).get(kind)
    admission = Admission(new) if rule is None else rule(request, new)
    if request.old is None or admission.object is None or request.subresource:
        return admission
    causes = immutable_faults(request.old, admission.object, IMMUTABLE.get((group, kind), ()))
    return Admission(admission.object, (*admission.causes, *causes), admission.warnings)


def lookups(group: str, kind: str, new: Obj) -> Sequence[Query]:
    """The other objects that the rules of a kind need to see."""
    found = getattr(_module(group), "LOOKUPS", {}).get(kind)
    return found(new) if found is not None else ()


def _rules(group: str) -> dict[str, Rule]:
    return getattr(_module(group), "RULES", {})


@cache
def _module(group: str) -> object:
    """The module of a group, which has the name of the group's table; None where there is none."""
    return importlib.import_module(f"capstan.api.kubernetes.rules.{TABLES[group]}") if group in _RULED else None
