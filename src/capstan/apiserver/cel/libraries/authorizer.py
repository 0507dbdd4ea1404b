"""`authorizer`: what a policy may ask about the rights of the user, through an interface that is passed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from capstan.apiserver.cel import types as t
from capstan.apiserver.cel.errors import CelEvaluationError
from capstan.apiserver.cel.functions import Functions, member
from capstan.apiserver.cel.values import Opaque

AUTHORIZER = t.Type("object", "kubernetes.authorization.Authorizer")
PATH_CHECK = t.Type("object", "kubernetes.authorization.PathCheck")
GROUP_CHECK = t.Type("object", "kubernetes.authorization.GroupCheck")
RESOURCE_CHECK = t.Type("object", "kubernetes.authorization.ResourceCheck")
DECISION = t.Type("object", "kubernetes.authorization.Decision")


@dataclass(frozen=True, slots=True)
class Question:
    """May a user do this? `service_account` is "namespace:name" if it is asked for another than the requester."""

    verb: str = ""
    path: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    field_selector: str = ""
    label_selector: str = ""
    service_account: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    allowed: bool
    reason: str = ""
    error: str = ""


#: Answers a question at once, from what is in memory.
Ask = Callable[[Question], Answer]


@dataclass(frozen=True, slots=True, eq=False)
class Check(Opaque):
    """A question that is still being put together; `cel_type` says how far it is."""

    ask: Ask
    cel_type: t.Type = AUTHORIZER
    question: Question = field(default_factory=Question)


@dataclass(frozen=True, slots=True, eq=False)
class Decision(Opaque):
    answer: Answer
    cel_type: t.Type = DECISION


def _next(of: Check, kind: t.Type, **values: str) -> Check:
    return Check(of.ask, kind, replace(of.question, **values))


def _path(of: Check, path: str) -> Check:
    if not path:
        raise CelEvaluationError("path must not be empty")
    return _next(of, PATH_CHECK, path=path)


def _resource(of: Check, resource: str) -> Check:
    if not resource:
        raise CelEvaluationError("resource must not be empty")
    return _next(of, RESOURCE_CHECK, resource=resource)


def _service_account(of: Check, namespace: str, name: str) -> Check:
    if not name or "/" in name or ":" in name:
        raise CelEvaluationError("Invalid service account name")
    if not namespace or "." in namespace or ":" in namespace:
        raise CelEvaluationError("Invalid service account namespace")
    return _next(of, AUTHORIZER, service_account=f"{namespace}:{name}")


def _check(of: Check, verb: str) -> Decision:
    return Decision(of.ask(replace(of.question, verb=verb)))


def _set(name: str) -> Callable[[Check, str], Check]:
    return lambda of, value: _next(of, RESOURCE_CHECK, **{name: value})


def _more(id: str, name: str) -> Any:
    return (member(id, (RESOURCE_CHECK, t.STRING), RESOURCE_CHECK, _set(name)),)


AUTHORIZERS: Functions = {
    "path": (member("authorizer_path", (AUTHORIZER, t.STRING), PATH_CHECK, _path),),
    "group": (
        member("authorizer_group", (AUTHORIZER, t.STRING), GROUP_CHECK, lambda a, g: _next(a, GROUP_CHECK, group=g)),
    ),
    "serviceAccount": (
        member("authorizer_serviceaccount", (AUTHORIZER, t.STRING, t.STRING), AUTHORIZER, _service_account),
    ),
    "resource": (member("groupcheck_resource", (GROUP_CHECK, t.STRING), RESOURCE_CHECK, _resource),),
    "subresource": _more("resourcecheck_subresource", "subresource"),
    "namespace": _more("resourcecheck_namespace", "namespace"),
    "name": _more("resourcecheck_name", "name"),
    "fieldSelector": _more("authorizer_fieldselector", "field_selector"),
    "labelSelector": _more("authorizer_labelselector", "label_selector"),
    "check": (
        member("pathcheck_check", (PATH_CHECK, t.STRING), DECISION, _check),
        member("resourcecheck_check", (RESOURCE_CHECK, t.STRING), DECISION, _check),
    ),
    "allowed": (member("decision_allowed", (DECISION,), t.BOOL, lambda d: d.answer.allowed),),
    "reason": (member("decision_reason", (DECISION,), t.STRING, lambda d: d.answer.reason),),
    "errored": (member("decision_errored", (DECISION,), t.BOOL, lambda d: bool(d.answer.error)),),
    "error": (member("decision_error", (DECISION,), t.STRING, lambda d: d.answer.error),),
}
