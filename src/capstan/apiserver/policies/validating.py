"""What validating policies decide about one write: admit, warn, or deny in Kubernetes' words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from capstan.api.errors import ApiError, FieldCause, forbidden
from capstan.api.objects import Obj
from capstan.apiserver.admission import Attributes
from capstan.apiserver.policies.compiled import Compiled, Validation
from capstan.apiserver.policies.evaluation import Evaluation, ExpressionError, Seen

_CODES = {"Unauthorized": 401, "Forbidden": 403, "Invalid": 422, "RequestEntityTooLarge": 413}
_LONGEST_NOTE = 10 * 1024


@dataclass(frozen=True, slots=True)
class Denial:
    """One validation that does not hold, or could not be asked. An empty `binding` means the policy itself."""

    policy: str
    binding: str
    message: str
    reason: str = "Invalid"

    def text(self) -> str:
        by = f" with binding '{self.binding}'" if self.binding else ""
        return f"ValidatingAdmissionPolicy '{self.policy}'{by} denied request: {self.message}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one policy says for one binding and parameter: denials by the place of their validation, notes for the
    audit log, and errors of those notes."""

    denials: tuple[tuple[int, Denial], ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    failed_notes: tuple[Denial, ...] = ()


def judge(policy: Compiled, binding: str, seen: Seen, params: Obj | None) -> Verdict:
    """Evaluates a policy."""
    evaluation = Evaluation(policy, seen.values(params))
    try:
        if not evaluation.applies():
            return Verdict()
    except ExpressionError as error:
        return Verdict() if policy.fails_open else Verdict(((0, Denial(policy.name, binding, str(error))),))
    denials = []
    for place, validation in enumerate(policy.validations):
        denial = _denial(policy, binding, evaluation, validation)
        if denial is not None:
            denials.append((place, denial))
    notes, failed = [], []
    for key, found in _notes(policy, binding, evaluation):
        if isinstance(found, Denial):
            failed.append(found)
        else:
            notes.append((key, found))
    return Verdict(tuple(denials), tuple(notes), tuple(failed))


def _denial(policy: Compiled, binding: str, evaluation: Evaluation, validation: Validation) -> Denial | None:
    try:
        if evaluation.result(validation.expression) is True:
            return None
    except ExpressionError as error:
        return None if policy.fails_open else Denial(policy.name, binding, str(error))
    message = ""
    if validation.message_expression is not None:
        message = evaluation.message(validation.message_expression)
    message = message or validation.message or f"failed expression: {validation.expression.source.strip()}"
    return Denial(policy.name, binding, message, validation.reason)


def _notes(policy: Compiled, binding: str, evaluation: Evaluation) -> Iterator[tuple[str, str | Denial]]:
    for key, expression in policy.annotations:
        try:
            found = evaluation.result(expression)
        except ExpressionError as error:
            if not policy.fails_open:
                yield key, Denial(policy.name, binding, str(error))
            continue
        if found is None or (isinstance(found, str) and not found.strip()):
            continue
        if not isinstance(found, str):
            why = f"valueExpression '{expression.source}' resulted in unsupported return type"
            yield key, Denial(policy.name, binding, f"{why}. Return type must be either string or null.")
            continue
        yield key, found.strip()[:_LONGEST_NOTE]


def refusal(attributes: Attributes, denial: Denial) -> ApiError:
    """The answer to a write that is denied."""
    text = denial.text()
    refused = forbidden(attributes.target.served.group_resource, attributes.name, text)
    code = _CODES.get(denial.reason, 422)
    return ApiError(code, denial.reason, refused.message, refused.details, (FieldCause("", text, ""),))
