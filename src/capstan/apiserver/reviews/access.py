"""Answers to who may do what: for oneself, for anybody, in one namespace, and as a list of rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capstan.api.errors import FieldCause, invalid
from capstan.api.objects import Obj
from capstan.api.verbs import User
from capstan.apiserver.authorization import Attributes
from capstan.apiserver.rbac.authorizer import RbacAuthorizer
from capstan.apiserver.resources import Call

_GROUP = "authorization.k8s.io"
_REQUIRED = "FieldValueRequired"


class AccessReviews:
    """Reviews by one authorizer: the same that decides about requests."""

    def __init__(self, authorizer: RbacAuthorizer) -> None:
        self._authorizer = authorizer

    async def self(self, call: Call) -> Obj:
        spec = _spec(call)
        causes = _attribute_causes(spec)
        return self._answer(call, call.user, spec, causes)

    async def subject(self, call: Call) -> Obj:
        spec = _spec(call)
        return self._answer(call, _user(spec), spec, _subject_causes(spec))

    async def local(self, call: Call) -> Obj:
        spec, causes = _spec(call), []
        resource: Obj = spec.get("resourceAttributes") or {}
        given = resource.get("namespace", "")
        if spec.get("nonResourceAttributes") is not None:
            why = "Forbidden: disallowed on this kind of request"
            causes.append(FieldCause("spec.nonResourceAttributes", why, "FieldValueForbidden"))
        elif given != call.target.namespace:
            why = f'Invalid value: "{given}": must match metadata.namespace'
            causes.append(FieldCause("spec.resourceAttributes.namespace", why))
        return self._answer(call, _user(spec), spec, [*_subject_causes(spec), *causes])

    async def rules(self, call: Call) -> Obj:
        """What the user may do in a namespace, as far as roles tell it: which is everything here."""
        namespace = str(_spec(call).get("namespace") or "")
        if not namespace:
            cause = FieldCause("spec.namespace", "Required value: no namespace on request", _REQUIRED)
            raise invalid(f"SelfSubjectRulesReview.{_GROUP}", "", [cause])
        held = self._authorizer.held(call.user, namespace)
        status: Obj = {
            "resourceRules": [rule.object() for rule in held.rules if not rule.paths],
            "nonResourceRules": [rule.object() for rule in held.rules if rule.paths],
            "incomplete": False,
        }
        return {**call.body, "status": status}

    def _answer(self, call: Call, user: User, spec: Obj, causes: list[FieldCause]) -> Obj:
        if causes:
            raise invalid(call.target.served.group_kind, "", causes)
        decision = self._authorizer.decide(user, _attributes(spec))
        status: Obj = {"allowed": decision.allowed}
        return {**call.body, "status": status | ({"reason": decision.reason} if decision.reason else {})}


def _spec(call: Call) -> Obj:
    spec: Any = call.body.get("spec")
    return spec if isinstance(spec, dict) else {}


def _attribute_causes(spec: Obj) -> list[FieldCause]:
    resource, other = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and other is not None:
        why = "cannot be specified in combination with resourceAttributes"
        return [FieldCause("spec.nonResourceAttributes", f"Invalid value: {why}")]
    if resource is None and other is None:
        why = "Invalid value: exactly one of nonResourceAttributes or resourceAttributes must be specified"
        return [FieldCause("spec.resourceAttributes", why)]
    return []


def _subject_causes(spec: Obj) -> list[FieldCause]:
    causes = _attribute_causes(spec)
    if not spec.get("user") and not spec.get("groups"):
        why = "Invalid value: at least one of user or group must be specified"
        causes.append(FieldCause("spec.user", why))
    return causes


def _user(spec: Obj) -> User:
    """The user that is asked about."""
    extra: Mapping[str, Any] = spec.get("extra") or {}
    groups = tuple(spec.get("groups") or ())
    shown = {key: tuple(values or ()) for key, values in extra.items()}
    return User(str(spec.get("user") or ""), groups, str(spec.get("uid") or ""), shown)


def _attributes(spec: Obj) -> Attributes:
    other = spec.get("nonResourceAttributes")
    if other is not None:
        return Attributes(str(other.get("verb", "")), path=str(other.get("path", "")) or "/")
    given: Obj = spec.get("resourceAttributes") or {}
    names = ("verb", "group", "resource", "namespace", "name", "subresource")
    verb, group, resource, namespace, name, subresource = (str(given.get(key) or "") for key in names)
    return Attributes(verb, group, resource, namespace, name, subresource)
