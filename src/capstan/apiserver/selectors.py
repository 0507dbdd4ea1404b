"""Label and field selectors: their syntax, and the predicates that lists and watches filter by."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from capstan.api.errors import bad_request
from capstan.api.objects import Obj
from capstan.apiserver.resources import Served, ServedVersion

Predicate = Callable[[Obj], bool]
LabelTest = Callable[[Mapping[str, str]], bool]

_TOKEN = re.compile(r"\s*(?:(==|!=|=|,|\(|\)|!|<|>)|([^\s=!,()<>]+))")
_NAME = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_DNS = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")

#: Field selectors that are no path, or of which absence is a value: path -> how it is read.
_SPECIAL: Mapping[str, tuple[tuple[str, ...], str]] = {
    "spec.unschedulable": (("spec", "unschedulable"), "false"),
    "spec.hostNetwork": (("spec", "hostNetwork"), "false"),
    "status.replicas": (("status", "replicas"), "0"),
    "status.successful": (("status", "succeeded"), "0"),
}


def _tokens(text: str) -> list[str]:
    tokens, position = [], 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise bad_request(f"unable to parse requirement: found '{stripped[position:]}'")
        tokens.append(match.group(1) or match.group(2))
        position = match.end()
    return tokens


class _LabelParser:
    """Recursive descent over the tokens of one label selector."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0

    def parse(self) -> list[LabelTest]:
        tests: list[LabelTest] = []
        if not self._tokens:
            return tests
        while True:
            tests.append(self._requirement())
            if self._at == len(self._tokens):
                return tests
            if self._next() != ",":
                raise self._error()

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _error(self) -> Exception:
        return bad_request(f'unable to parse label selector "{self._text}"')

    def _key(self) -> str:
        key = self._next()
        if not is_label_key(key):
            raise self._error()
        return key

    def _value(self) -> str:
        if self._peek() in ("", ",", ")"):
            return ""
        value = self._next()
        if not is_label_value(value):
            raise self._error()
        return value

    def _requirement(self) -> LabelTest:
        if self._peek() == "!":
            self._next()
            key = self._key()
            return lambda labels: key not in labels
        key = self._key()
        operator = self._peek()
        if operator in ("", ","):
            return lambda labels: key in labels
        self._next()
        if operator in ("=", "=="):
            wanted = self._value()
            return lambda labels: labels.get(key) == wanted
        if operator == "!=":
            unwanted = self._value()
            return lambda labels: labels.get(key) != unwanted
        if operator in ("in", "notin"):
            values = self._values()
            if operator == "in":
                return lambda labels: key in labels and labels[key] in values
            return lambda labels: key not in labels or labels[key] not in values
        return self._comparison(key, operator)

    def _comparison(self, key: str, operator: str) -> LabelTest:
        bound = self._value()
        if operator not in ("<", ">") or not bound.lstrip("-").isdigit():
            raise self._error()

        def compare(labels: Mapping[str, str]) -> bool:
            value = labels.get(key, "")
            if not value.lstrip("-").isdigit():
                return False
            return int(value) < int(bound) if operator == "<" else int(value) > int(bound)

        return compare

    def _values(self) -> frozenset[str]:
        if self._next() != "(":
            raise self._error()
        values = {self._value()}
        while (token := self._next()) == ",":
            values.add(self._value())
        if token != ")":
            raise self._error()
        return frozenset(values)


def is_label_key(key: str) -> bool:
    """A qualified name: an optional DNS prefix and a slash, then up to 63 characters."""
    prefix, slash, name = key.rpartition("/")
    if slash and (not prefix or len(prefix) > 253 or not _DNS.fullmatch(prefix)):
        return False
    return 0 < len(name) <= 63 and _NAME.fullmatch(name) is not None


def is_label_value(value: str) -> bool:
    return len(value) <= 63 and _NAME.fullmatch(value) is not None


def label_predicate(text: str) -> LabelTest | None:
    """The test of a label selector; None when it selects everything. Raises 400."""
    tests = _LabelParser(text).parse()
    if not tests:
        return None
    return lambda labels: all(test(labels) for test in tests)


def field_terms(text: str) -> list[tuple[str, bool, str]]:
    """The terms of a field selector: path, equal or not, value; `\\,` `\\=` `\\\\` are escapes. Raises 400."""
    terms = []
    for part in re.split(r"(?<!\\),", text):
        if not part.strip():
            continue
        match = re.match(r"\s*([^=!\\]+?)\s*(==|!=|=)(.*)$", part, re.DOTALL)
        if match is None:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        path, operator, value = match.groups()
        terms.append((path, operator != "!=", re.sub(r"\\([\\,=])", r"\1", value)))
    return terms


def _allowed_fields(served: Served, version: ServedVersion) -> frozenset[str]:
    fields = {"metadata.name", *(path.lstrip(".") for path in version.selectable)}
    if served.namespaced:
        fields.add("metadata.namespace")
    return frozenset(fields)


def _text_of(obj: Any, path: tuple[str, ...]) -> str:
    for name in path:
        obj = obj.get(name) if isinstance(obj, dict) else None
    if obj is None:
        return ""
    if obj is True or obj is False:
        return "true" if obj else "false"
    return str(obj)


def _field_value(served: Served, path: str) -> Callable[[Obj], str]:
    if path == "source" and served.kind == "Event":
        return lambda obj: _text_of(obj, ("source", "component")) or _text_of(obj, ("reportingComponent",))
    if served.builtin and path in _SPECIAL:
        inner, absent = _SPECIAL[path]
        return lambda obj: _text_of(obj, inner) or absent
    parts = tuple(path.split("."))
    return lambda obj: _text_of(obj, parts)


def field_predicate(text: str, served: Served, version: ServedVersion) -> Predicate | None:
    """The test of a field selector in the version that was asked for. Raises 400 for unknown fields."""
    terms = field_terms(text)
    if not terms:
        return None
    allowed = _allowed_fields(served, version)
    tests = []
    for path, equal, value in terms:
        if path not in allowed:
            raise bad_request(
                f'Unable to find "{served.group_resource}" that match label selector "", '
                f'field selector "{text}": field label not supported: {path}'
            )
        tests.append((_field_value(served, path), equal, value))
    return lambda obj: all((get(obj) == value) is equal for get, equal, value in tests)


def metadata_name(text: str) -> str:
    """The name that a field selector pins (`metadata.name=x`), or the empty string."""
    return next((value for path, equal, value in field_terms(text) if path == "metadata.name" and equal), "")


def selector(labels: str, fields: str, served: Served, version: ServedVersion) -> Predicate | None:
    """One test for both selectors, on an object in the version asked for; None selects everything."""
    by_label = label_predicate(labels)
    by_field = field_predicate(fields, served, version)
    if by_label is None:
        return by_field
    only_labels = by_label

    def by_both(obj: Obj) -> bool:
        if not only_labels(obj["metadata"].get("labels") or {}):
            return False
        return by_field is None or by_field(obj)

    return by_both
