"""Admission of roles and bindings: what Kubernetes fills in, and what it refuses. Pure.

The refusals are those of kube-apiserver's validation of rbac.authorization.k8s.io.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.objects import Obj

GROUP = "rbac.authorization.k8s.io"

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def _role(_request: AdmissionRequest, new: Obj) -> Admission:
    return Admission(new, tuple(_rules(new, namespaced=True)))


def _cluster_role(_request: AdmissionRequest, new: Obj) -> Admission:
    return Admission(new, (*_rules(new, namespaced=False), *_aggregation(new)))


def _role_binding(request: AdmissionRequest, new: Obj) -> Admission:
    return _binding(request, new, ("Role", "ClusterRole"), namespaced=True)


def _cluster_role_binding(request: AdmissionRequest, new: Obj) -> Admission:
    return _binding(request, new, ("ClusterRole",), namespaced=False)


def _required(field: str, why: str = "") -> FieldCause:
    return FieldCause(field, f"Required value: {why}" if why else "Required value", "FieldValueRequired")


def _unsupported(field: str, value: str, *supported: str) -> FieldCause:
    listed = ", ".join(f'"{name}"' for name in supported)
    return FieldCause(field, f'Unsupported value: "{value}": supported values: {listed}', "FieldValueNotSupported")


def _rules(role: Obj, *, namespaced: bool) -> Iterator[FieldCause]:
    for number, rule in enumerate(role.get("rules") or ()):
        yield from _rule(f"rules[{number}]", rule, namespaced=namespaced)


def _rule(field: str, rule: Mapping[str, Any], *, namespaced: bool) -> Iterator[FieldCause]:
    if not rule.get("verbs"):
        yield _required(f"{field}.verbs", "verbs must contain at least one value")
    if urls := rule.get("nonResourceURLs"):
        shown = "[" + ", ".join(f'"{url}"' for url in urls) + "]"
        if namespaced:
            why = "namespaced rules cannot apply to non-resource URLs"
            yield FieldCause(f"{field}.nonResourceURLs", f"Invalid value: {shown}: {why}")
        if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
            why = "rules cannot apply to both regular resources and non-resource URLs"
            yield FieldCause(f"{field}.nonResourceURLs", f"Invalid value: {shown}: {why}")
        return
    if not rule.get("apiGroups"):
        yield _required(f"{field}.apiGroups", "resource rules must supply at least one api group")
    if not rule.get("resources"):
        yield _required(f"{field}.resources", "resource rules must supply at least one resource")


def _aggregation(role: Obj) -> Iterator[FieldCause]:
    rule = role.get("aggregationRule")
    if rule is None:
        return
    field = "aggregationRule.clusterRoleSelectors"
    selectors = rule.get("clusterRoleSelectors") or ()
    if not selectors:
        yield _required(field, "at least one clusterRoleSelector required if aggregationRule is non-nil")
    for number, selector in enumerate(selectors):
        for index, expression in enumerate(selector.get("matchExpressions") or ()):
            yield from _expression(f"{field}[{number}].matchExpressions[{index}]", expression)


def _expression(field: str, expression: Mapping[str, Any]) -> Iterator[FieldCause]:
    operator, values = expression.get("operator", ""), expression.get("values") or ()
    if operator not in _OPERATORS:
        yield FieldCause(f"{field}.operator", f'Invalid value: "{operator}": not a valid selector operator')
    elif operator in ("In", "NotIn") and not values:
        yield _required(f"{field}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist") and values:
        why = "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        yield FieldCause(f"{field}.values", why, "FieldValueForbidden")


def _binding(request: AdmissionRequest, new: Obj, roles: tuple[str, ...], *, namespaced: bool) -> Admission:
    new = _filled_in(new)
    causes = [*_role_ref(new.get("roleRef") or {}, roles)]
    for number, subject in enumerate(new.get("subjects") or ()):
        causes += _subject(f"subjects[{number}]", subject, namespaced=namespaced)
    if request.old is not None and request.old.get("roleRef") != new.get("roleRef"):
        ref = new.get("roleRef") or {}
        shown = (
            f'{{"apiGroup":"{ref.get("apiGroup", "")}","kind":"{ref.get("kind", "")}","name":"{ref.get("name", "")}"}}'
        )
        causes.append(FieldCause("roleRef", f"Invalid value: {shown}: cannot change roleRef"))
    return Admission(new, tuple(causes))


def _filled_in(binding: Obj) -> Obj:
    """The API groups that go without saying."""
    new = dict(binding)
    ref = new.get("roleRef")
    if isinstance(ref, dict) and not ref.get("apiGroup"):
        new["roleRef"] = {**ref, "apiGroup": GROUP}
    if new.get("subjects"):
        new["subjects"] = [
            {**subject, "apiGroup": GROUP}
            if subject.get("kind") in ("User", "Group") and not subject.get("apiGroup")
            else subject
            for subject in new["subjects"]
        ]
    return new


def _role_ref(ref: Mapping[str, Any], roles: tuple[str, ...]) -> Iterator[FieldCause]:
    if ref.get("apiGroup", GROUP) != GROUP:
        yield _unsupported("roleRef.apiGroup", ref["apiGroup"], GROUP)
    if ref.get("kind") not in roles:
        yield _unsupported("roleRef.kind", ref.get("kind", ""), *sorted(roles))
    name = ref.get("name", "")
    if not name:
        yield _required("roleRef.name")
    elif problem := _segment_problem(name):
        yield FieldCause("roleRef.name", f'Invalid value: "{name}": {problem}')


def _subject(field: str, subject: Mapping[str, Any], *, namespaced: bool) -> Iterator[FieldCause]:
    name, kind, group = subject.get("name", ""), subject.get("kind", ""), subject.get("apiGroup", "")
    if not name:
        yield _required(f"{field}.name")
    if kind == "ServiceAccount":
        if name and not (len(name) <= 253 and _SUBDOMAIN.fullmatch(name)):
            yield FieldCause(f"{field}.name", f'Invalid value: "{name}": a lowercase RFC 1123 subdomain is expected')
        if group:
            yield _unsupported(f"{field}.apiGroup", group, "")
        if not namespaced and not subject.get("namespace"):
            yield _required(f"{field}.namespace")
    elif kind in ("User", "Group"):
        if group != GROUP:
            yield _unsupported(f"{field}.apiGroup", group, GROUP)
    else:
        yield _unsupported(f"{field}.kind", kind, "Group", "ServiceAccount", "User")


def _segment_problem(name: str) -> str:
    if name in (".", ".."):
        return f"may not be '{name}'"
    bad = [f"'{c}'" for c in "/%" if c in name]
    return f"may not contain {bad[0]}" if bad else ""


RULES = {
    "Role": _role,
    "ClusterRole": _cluster_role,
    "RoleBinding": _role_binding,
    "ClusterRoleBinding": _cluster_role_binding,
}
