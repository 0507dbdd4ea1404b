"""What mutating policies make of an object: a configuration merged into it, or a JSON patch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capstan.api.errors import ApiError, FieldCause, forbidden
from capstan.api.objects import Obj
from capstan.apiserver.admission import Attributes
from capstan.apiserver.apply.merge import merge
from capstan.apiserver.apply.types import type_of
from capstan.apiserver.cel.values import copy_plain
from capstan.apiserver.patch.jsonpatch import apply_json_patch
from capstan.apiserver.patch.mergekeys import builtin_rules
from capstan.apiserver.policies.compiled import Compiled, Mutation
from capstan.apiserver.policies.evaluation import Evaluation, ExpressionError, Seen

_OPERATION = frozenset({"op", "path", "from", "value"})


def mutated(policy: Compiled, binding: str, seen: Seen, new: Obj, params: Obj | None) -> Obj:
    """The object after all mutations of a policy. Errors: ApiError, unless the policy ignores failures."""
    evaluation = Evaluation(policy, {**seen.values(params), "object": new})
    try:
        if not evaluation.applies():
            return new
    except ExpressionError as error:
        return _failed(policy, binding, seen, new, str(error))
    for mutation in policy.mutations:
        try:
            new = _applied(evaluation, mutation, seen, new)
        except ExpressionError as error:
            new = _failed(policy, binding, seen, new, str(error))
            continue
        evaluation = evaluation.with_object(new)
    return new


def _failed(policy: Compiled, binding: str, seen: Seen, new: Obj, why: str) -> Obj:
    if policy.fails_open:
        return new
    raise refusal(seen.attributes, policy.name, binding, why)


def refusal(attributes: Attributes, policy: str, binding: str, why: str) -> ApiError:
    """The answer to a write that cannot be mutated as it must be."""
    text = f"policy '{policy}' with binding '{binding}' denied request: {why}"
    refused = forbidden(attributes.target.served.group_resource, attributes.name, text)
    return ApiError(422, "Invalid", refused.message, refused.details, (FieldCause("", text, ""),))


def _applied(evaluation: Evaluation, mutation: Mutation, seen: Seen, new: Obj) -> Obj:
    found = copy_plain(evaluation.result(mutation.expression))
    if mutation.kind == "JSONPatch":
        return _patched(new, found)
    return _configured(seen, new, found)


def _patched(new: Obj, found: Any) -> Obj:
    if not isinstance(found, list):
        raise ExpressionError("type mismatch: JSONPatchType.expression should evaluate to array")
    for operation in found:
        if not isinstance(operation, Mapping) or not set(operation) <= _OPERATION:
            raise ExpressionError("type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch")
    try:
        patched: Obj = apply_json_patch(new, found)
    except ApiError as error:
        raise ExpressionError(f"JSON Patch: {error.message}") from None
    return patched


def _configured(seen: Seen, new: Obj, found: Any) -> Obj:
    if not isinstance(found, dict):
        raise ExpressionError("unsupported return type from ApplyConfiguration expression")
    served = seen.attributes.target.served
    version = served.version(seen.version)
    schema = None if version is None else version.schema()
    rules = builtin_rules(served.group, served.kind) if served.builtin else None
    kind = type_of(schema, rules) if rules else type_of(schema)
    for name in ("apiVersion", "kind"):
        if found.get(name, new.get(name)) != new.get(name):
            raise ExpressionError("patch and original object are not of the same gvk")
    try:
        merged: Obj = merge(kind, new, found)
    except ValueError as error:
        raise ExpressionError(f"error applying patch: {error}") from None
    return merged
