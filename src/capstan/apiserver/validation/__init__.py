"""Holds objects against a structural schema as kube-apiserver does: prunes, defaults, checks, evaluates rules."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal

import msgspec

from capstan.api.errors import FieldCause, bad_request
from capstan.api.objects import Obj
from capstan.apiserver.cel import Budget
from capstan.apiserver.validation.compile import compile_node
from capstan.apiserver.validation.correlate import ABSENT, find_old, is_unchanged
from capstan.apiserver.validation.fielderror import Path, render
from capstan.apiserver.validation.keywords import SchemaError
from capstan.apiserver.validation.rules import OutOfBudget
from capstan.apiserver.validation.run import Run
from capstan.apiserver.validation.unknown import describe_unknown

__all__ = ["FieldValidation", "SchemaError", "Validated", "Validator"]

#: The `fieldValidation` of a request; empty means Warn, as servers have it.
FieldValidation = Literal["", "Ignore", "Warn", "Strict"]

MAX_REPORTED = 100

#: Refusals after which rules are not evaluated: they could not rely on what the schema promises them.
_BLOCKING = frozenset(
    (
        *("FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany"),
        "FieldValueTypeInvalid",
    )
)
_NOT_CHECKED = FieldCause(
    "<nil>",
    "Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation",
    "FieldValueInvalid",
)


class Validated(msgspec.Struct, frozen=True):
    """The object pruned and defaulted, why it is refused (not at all when empty), and what to warn about."""

    object: Obj
    causes: tuple[FieldCause, ...] = ()
    warnings: tuple[str, ...] = ()


class Validator:
    """One schema, compiled once. Safe to share. `root`: the schema is that of whole objects, with their metadata.

    Errors of the constructor: SchemaError, when the schema has a part that cannot be compiled.
    """

    def __init__(self, schema: dict[str, Any], *, root: bool = True) -> None:
        self._check = compile_node(schema, root=root)

    def apply(
        self,
        obj: Obj,
        old: Obj | None = None,
        *,
        mode: FieldValidation = "",
        duplicates: Sequence[str] = (),
    ) -> Validated:
        """The object as stored, or why not. `old` is the stored object on updates: transition rules see it, and
        what was wrong before and did not change is let through. `duplicates` are the paths that the decoder
        found twice.

        Guarantees: `obj` is not changed; unchanged subtrees are shared. Errors: ApiError 400 in mode Strict for
        unknown or duplicate fields.
        """
        run = Run()
        result = self._check(obj, None, run)
        warnings: tuple[str, ...] = ()
        if run.unknown or duplicates:
            found = [*_named(run), *(f'duplicate field "{path}"' for path in duplicates)]
            warnings = unknown_fields(obj, found, mode)
        causes = [cause for node, cause in run.causes if old is None or not is_unchanged(node, result, old)]
        causes += run.embedded
        if run.repeated and (old is None or not self._repeats(old)):
            causes += [cause for _, cause in run.repeated]
        if run.rules:
            blocked = any(cause.reason in _BLOCKING for cause in causes)
            causes += [_NOT_CHECKED] if blocked else _evaluate(run, result, old)
        return Validated(result, tuple(causes), warnings)

    def prune(self, obj: Obj) -> Obj:
        """The object as read from storage: unknown fields gone, defaults filled in, nothing refused."""
        result: Obj = self._check(obj, None, Run())
        return result

    def _repeats(self, obj: Obj) -> bool:
        """Whether a set or map of the object has an item twice. Then an update is not refused for such."""
        run = Run()
        self._check(obj, None, run)
        return bool(run.repeated)


def _evaluate(run: Run, new: Obj, old: Obj | None) -> list[FieldCause]:
    """What the rules refuse. On what did not change only rules that compare are asked."""
    causes: list[FieldCause] = []
    budget = Budget()
    try:
        for path, rules, value in run.rules:
            if value is None:
                continue
            before = ABSENT if old is None else find_old(path, old)
            has_old = before is not ABSENT and before is not None
            unchanged = old is not None and is_unchanged(path, new, old)
            for rule in rules:
                if unchanged and not rule.uses_old:
                    continue
                cause = rule.refusal(value, before if has_old else None, has_old, path, budget)
                if cause is not None:
                    causes.append(cause)
    except OutOfBudget as exhausted:
        causes.append(exhausted.cause)
    return causes


def _named(run: Run) -> list[str]:
    """The unknown fields that a run found, in words."""
    found: list[tuple[Path, str, Collection[str]]] = run.unknown[:MAX_REPORTED]
    return [describe_unknown(render((path, name)), name, known) for path, name, known in found]


def unknown_fields(obj: Obj, found: Sequence[str], mode: FieldValidation) -> tuple[str, ...]:
    """The warnings about unknown and duplicate fields. Raises 400 for them in mode Strict."""
    if mode == "Ignore" or not found:
        return ()
    if mode != "Strict":
        return tuple(found)
    kind = obj.get("kind", "")
    version = str(obj.get("apiVersion", "")).rpartition("/")[2]
    prefix = f'{kind} in version "{version}" cannot be handled as a {kind}: ' if kind else ""
    raise bad_request(f"{prefix}strict decoding error: {', '.join(found)}")
