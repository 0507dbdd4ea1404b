"""`x-kubernetes-validations`: CEL rules of a schema node, compiled once, evaluated with `self` and `oldSelf`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from capstan.api.errors import FieldCause
from capstan.apiserver.validation.celfunctions import FUNCTIONS
from capstan.apiserver.validation.evaluator import OptionalValue, compile_program
from capstan.apiserver.validation.fielderror import Path, render
from capstan.apiserver.validation.formats import parse_date_time
from capstan.apiserver.validation.keywords import SchemaError

# Steps that one evaluation may take, as far as nested macros over the largest collection tell.
MAX_STEPS = 1_000_000

_REASONS = {"FieldValueRequired", "FieldValueInvalid", "FieldValueForbidden", "FieldValueDuplicate"}
_MACRO = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\($")
_SELF_FIELD = re.compile(r"\bself\.([A-Za-z_]\w*)(?!\w|\s*\()")
_SELF = re.compile(r"\b(?:self|oldSelf)\b")
_ESCAPED = re.compile(r"__\w+__")
_TIMES = {"date-time", "datetime", "date"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled rule."""

    program: Any
    source: str
    message: str
    message_program: Any
    reason: str
    field_path: str
    value_type: str
    uses_old: bool
    optional_old: bool
    functions: Mapping[str, Any]
    fields: frozenset[str] | None
    nesting: int
    times: bool

    def refusal(self, value: Any, old: Any, has_old: bool, path: Path) -> FieldCause | None:
        """Why `value` is refused, or None. Transition rules are skipped without an old value."""
        if self.uses_old and not has_old and not self.optional_old:
            return None
        if self.nesting > 1 and _largest(value) ** self.nesting > MAX_STEPS:
            return self._refused(path, "validation failed due to running out of cost budget, rule not evaluated")
        context = {"self": self._view(value), **self.functions}
        if self.uses_old:
            context["oldSelf"] = self._old_view(old, has_old)
        try:
            result = self.program.execute(context)
        except Exception as error:
            return self._refused(path, f"{_error_text(error)} evaluating rule: {self.message or self.source}")
        if result is True:
            return None
        return self._refused(path, self._message(context))

    def _message(self, context: Mapping[str, Any]) -> str:
        if self.message_program is not None:
            try:
                text = self.message_program.execute({**context, **FUNCTIONS})
            except Exception:
                text = ""
            if isinstance(text, str) and text.strip() and "\n" not in text:
                return text.strip()[:5120]
        return self.message or f"failed rule: {self.source}"

    def _refused(self, path: Path, detail: str) -> FieldCause:
        field = render(path)
        if self.field_path:
            field = f"{field}{self.field_path}".lstrip(".")
        if self.reason == "FieldValueRequired":
            return FieldCause(field, f"Required value: {detail}", self.reason)
        if self.reason == "FieldValueForbidden":
            return FieldCause(field, f"Forbidden: {detail}", self.reason)
        label = "Duplicate value" if self.reason == "FieldValueDuplicate" else "Invalid value"
        return FieldCause(field, f'{label}: "{self.value_type}": {detail}', self.reason)

    def _view(self, value: Any) -> Any:
        if self.times and isinstance(value, str):
            return parse_date_time(value) or value
        if isinstance(value, dict):
            if self.fields is not None:
                value = {name: value[name] for name in self.fields if name in value}
            if _ESCAPED.search(self.source):
                value = {_escape(name): inner for name, inner in value.items()}
        return value

    def _old_view(self, old: Any, has_old: bool) -> Any:
        if not self.optional_old:
            return self._view(old)
        return OptionalValue.of(self._view(old)) if has_old else OptionalValue.none()


def compile_rules(schema: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The rules of one node. Errors: SchemaError for a rule that does not compile."""
    found = schema.get("x-kubernetes-validations") or ()
    return tuple(_compile_rule(rule, schema) for rule in found)


def _compile_rule(rule: Mapping[str, Any], schema: Mapping[str, Any]) -> Rule:
    source = str(rule.get("rule", ""))
    expression = rule.get("messageExpression")
    program = compile_expression(source)
    variables = set(program.variables())
    message_program = compile_expression(str(expression)) if expression else None
    if message_program is not None:
        variables |= set(message_program.variables())
    names = set(program.functions())
    whole = f"{source} {expression or ''}"
    reason = str(rule.get("reason") or "FieldValueInvalid")
    return Rule(
        program=program,
        source=" ".join(source.split()),
        message=str(rule.get("message") or ""),
        message_program=message_program,
        reason=reason if reason in _REASONS else "FieldValueInvalid",
        field_path=str(rule.get("fieldPath") or ""),
        value_type=str(schema.get("type") or ""),
        uses_old="oldSelf" in variables,
        optional_old=bool(rule.get("optionalOldSelf")),
        functions={name: function for name, function in FUNCTIONS.items() if name in names},
        fields=_fields(whole),
        nesting=_nesting(source),
        times=schema.get("format") in _TIMES,
    )


@lru_cache(maxsize=4096)
def compile_expression(source: str) -> Any:
    """A compiled CEL program. Errors: SchemaError."""
    try:
        return compile_program(source)
    except ValueError as error:
        first = str(error).splitlines()[0][:300]
        raise SchemaError(f"rule {source[:200]!r} does not compile: {first}") from None


def _fields(source: str) -> frozenset[str] | None:
    """The fields of `self` that a rule reads, if it reads nothing but fields: only they need converting."""
    if _ESCAPED.search(source) or "oldSelf" in source:
        return None
    named = _SELF_FIELD.findall(source)
    return frozenset(named) if len(named) == len(_SELF.findall(source)) else None


def _nesting(source: str) -> int:
    """How deep macros over collections nest."""
    deepest, stack = 0, []
    for place, char in enumerate(source):
        if char == "(":
            stack.append(bool(_MACRO.search(source[max(0, place - 20) : place + 1])))
            deepest = max(deepest, sum(stack))
        elif char == ")" and stack:
            stack.pop()
    return deepest


def _largest(value: Any) -> int:
    largest, pending = 1, [value]
    while pending:
        part = pending.pop()
        if isinstance(part, dict | list):
            largest = max(largest, len(part))
            inner = part.values() if isinstance(part, dict) else part
            pending.extend(v for v in inner if isinstance(v, dict | list))
    return largest


def _escape(name: str) -> str:
    """A property's name as CEL expressions write it."""
    if name in _RESERVED:
        return f"__{name}__"
    for plain, escaped in (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__")):
        name = name.replace(plain, escaped)
    return name


_RESERVED = frozenset(
    (
        *("true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if"),
        *("import", "let", "loop", "package", "namespace", "return", "var", "void", "while"),
    )
)


def _error_text(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"no such key: {error.args[0] if error.args else ''}"
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__
