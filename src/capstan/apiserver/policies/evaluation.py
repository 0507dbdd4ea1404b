"""One policy against one write: the values that its expressions see, within one budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capstan.api.objects import Obj
from capstan.api.verbs import DeleteOptions, User
from capstan.apiserver import authorization
from capstan.apiserver.admission import Attributes
from capstan.apiserver.authorization import Authorizer
from capstan.apiserver.cel import ABSENT, Budget, CelEvaluationError, CostExceeded, View
from capstan.apiserver.cel.libraries.authorizer import RESOURCE_CHECK, Answer, Check, Question
from capstan.apiserver.policies.compiled import Compiled, Expression
from capstan.apiserver.policies.scope import REQUEST_RESOURCE

OUT_OF_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"
#: The longest message that a messageExpression may give.
_LONGEST_MESSAGE = 5 * 1024


class ExpressionError(Exception):
    """An expression has no result; the text says why."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A write in the version that a policy names: objects, namespace, who may what."""

    attributes: Attributes
    version: str
    old: Obj | None
    new: Obj | None
    namespace: Obj | None
    authorizer: Authorizer

    def values(self, params: Obj | None) -> dict[str, Any]:
        check = Check(self._ask)
        served, attributes = self.attributes.target.served, self.attributes
        question = Question(
            group=served.group,
            resource=served.plural,
            subresource=attributes.subresource,
            namespace=attributes.target.namespace,
            name=attributes.name,
        )
        return {
            "object": self.new,
            "oldObject": self.old,
            "request": self.request(),
            "namespaceObject": self.namespace,
            "params": params,
            "authorizer": check,
            REQUEST_RESOURCE: Check(self._ask, RESOURCE_CHECK, question),
        }

    def request(self) -> dict[str, Any]:
        """The AdmissionRequest without its objects."""
        attributes, target = self.attributes, self.attributes.target
        served, user = target.served, attributes.user
        own = target.version.name
        options = _options(attributes)
        return {
            "kind": {"group": served.group, "version": self.version, "kind": served.kind},
            "resource": {"group": served.group, "version": self.version, "resource": served.plural},
            "requestKind": {"group": served.group, "version": own, "kind": served.kind},
            "requestResource": {"group": served.group, "version": own, "resource": served.plural},
            "subResource": attributes.subresource,
            "requestSubResource": attributes.subresource,
            "name": attributes.name,
            "namespace": target.namespace,
            "operation": attributes.operation,
            "userInfo": {
                "username": user.name,
                "uid": user.uid,
                "groups": list(user.groups),
                "extra": {key: list(values) for key, values in user.extra.items()},
            },
            "dryRun": attributes.dry_run,
            "options": options,
        }

    def _ask(self, question: Question) -> Answer:
        user = self.attributes.user
        if question.service_account:
            namespace, _, name = question.service_account.partition(":")
            groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
            user = User(f"system:serviceaccount:{namespace}:{name}", groups)
        asked = authorization.Attributes(
            question.verb,
            question.group,
            question.resource,
            question.namespace,
            question.name,
            question.subresource,
            question.path,
        )
        decision = self.authorizer.decide(user, asked)
        return Answer(decision.allowed, decision.reason)


def _options(attributes: Attributes) -> dict[str, Any]:
    kind = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions", "DELETE": "DeleteOptions"}.get(attributes.operation)
    found: dict[str, Any] = {"kind": kind, "apiVersion": "meta.k8s.io/v1"}
    if attributes.dry_run:
        found["dryRun"] = ["All"]
    given = attributes.options
    if isinstance(given, DeleteOptions):
        if given.propagation:
            found["propagationPolicy"] = given.propagation
    elif given is not None and given.field_manager:
        found["fieldManager"] = given.field_manager
    return found


class _Variables(View):
    """`variables`: each is worked out when it is first asked for."""

    __slots__ = ("_evaluate", "_known", "_variables")

    def __init__(self, variables: Mapping[str, Expression], evaluate: Callable[[Expression], Any]) -> None:
        self._variables = variables
        self._evaluate = evaluate
        self._known: dict[str, Any] = {}

    def find(self, name: str) -> Any:
        if name not in self._variables:
            return ABSENT
        if name not in self._known:
            try:
                self._known[name] = self._evaluate(self._variables[name])
            except CelEvaluationError as error:
                self._known[name] = error
        found = self._known[name]
        if isinstance(found, CelEvaluationError):
            if isinstance(found, CostExceeded):
                raise found
            raise CelEvaluationError(f'composited variable "{name}" fails to evaluate: {found}')
        return found

    def names(self) -> Sequence[str]:
        return list(self._variables)


class Evaluation:
    """The expressions of one policy for one write and one parameter."""

    def __init__(self, policy: Compiled, values: Mapping[str, Any]) -> None:
        self._budget = Budget()
        self._values = {**values, "variables": _Variables(policy.variables, self._run)}
        self._policy = policy

    def with_object(self, new: Obj) -> Evaluation:
        """The same with the object as a mutation has left it."""
        return Evaluation(self._policy, {**self._values, "object": new})

    def _run(self, expression: Expression) -> Any:
        if expression.program is None:
            raise CelEvaluationError(f"compilation error: {expression.error}")
        return expression.program.evaluate(self._values, self._budget)

    def result(self, expression: Expression) -> Any:
        """The value. Errors: ExpressionError."""
        if expression.program is None:
            raise ExpressionError(f"compilation error: {expression.error}")
        try:
            return self._run(expression)
        except CostExceeded as error:
            if self._budget.remaining <= 0:
                raise ExpressionError(OUT_OF_BUDGET) from None
            raise ExpressionError(f"expression '{expression.source}' resulted in error: {error}") from None
        except CelEvaluationError as error:
            raise ExpressionError(f"expression '{expression.source}' resulted in error: {error}") from None

    def applies(self) -> bool:
        """Whether all match conditions hold. One that fails beside one that does not hold does not matter.
        Errors: ExpressionError."""
        failed: list[str] = []
        for condition in self._policy.conditions:
            try:
                if self.result(condition) is not True:
                    return False
            except ExpressionError as error:
                failed.append(str(error))
        if failed:
            raise ExpressionError(failed[0] if len(failed) == 1 else f"[{', '.join(failed)}]")
        return True

    def message(self, expression: Expression) -> str:
        """What a messageExpression says, empty if it says nothing that could be shown."""
        try:
            found = self.result(expression)
        except ExpressionError:
            return ""
        text = found.strip() if isinstance(found, str) else ""
        return "" if "\n" in text or len(text.encode()) > _LONGEST_MESSAGE else text
