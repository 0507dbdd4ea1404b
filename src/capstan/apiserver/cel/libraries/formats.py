"""Named formats: `format.dns1123Label().validate(text)` gives the reasons against a text, if there are any."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import date
from typing import Any

from capstan.apiserver.cel import times
from capstan.apiserver.cel import types as t
from capstan.apiserver.cel.errors import CelEvaluationError
from capstan.apiserver.cel.functions import Functions, function, member
from capstan.apiserver.cel.libraries.urls import url
from capstan.apiserver.cel.values import NONE, Opaque, Optional

FORMAT = t.Type("object", "kubernetes.NamedFormat")
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = f"({_NAME})?"
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Format(Opaque):
    """A format: its name, what it says against a text, and how long the pattern behind it is."""

    __slots__ = ("name", "pattern_size", "validate")
    cel_type = FORMAT

    def __init__(self, name: str, validate: Callable[[str], list[str]], pattern_size: int) -> None:
        self.name = name
        self.validate = validate
        self.pattern_size = pattern_size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Format) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


def _pattern(pattern: str, longest: int, rule: str, *examples: str) -> Callable[[str], list[str]]:
    compiled = re.compile(pattern, re.ASCII)
    shown = "".join(f"'{example}', " if n == 0 else f" or '{example}', " for n, example in enumerate(examples))
    reason = f"{rule} (e.g. {shown}regex used for validation is '{pattern}')"

    def validate(text: str) -> list[str]:
        found = [f"must be no more than {longest} characters"] if len(text) > longest else []
        return found if compiled.fullmatch(text) else [*found, reason]

    return validate


def _prefix(validate: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    """The same for the beginning of a name: a dash at the end stands for what is still to come."""
    return lambda text: validate(f"{text[:-1]}a" if text.endswith("-") and len(text) > 1 else text)


_LABEL_CHECK = _pattern(
    _LABEL, 63, "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
    "and end with an alphanumeric character", "my-name", "123-abc",
)  # fmt: skip
_SUBDOMAIN_CHECK = _pattern(
    _SUBDOMAIN, 253, "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character", "example.com",
)  # fmt: skip
_LABEL_1035_CHECK = _pattern(
    _LABEL_1035, 63, "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character", "my-name", "abc-123",
)  # fmt: skip
_VALUE_CHECK = _pattern(
    _VALUE, 63, "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and "
    "must start and end with an alphanumeric character", "MyValue", "my_value", "12345",
)  # fmt: skip
_NAME_CHECK = _pattern(
    _NAME, 63, "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character", "MyName", "my.name", "123-abc",
)  # fmt: skip


def _qualified(text: str) -> list[str]:
    prefix, slash, name = text.rpartition("/")
    if slash and ("/" in prefix):
        return ["a qualified name must consist of a name with an optional DNS subdomain prefix and '/'"]
    found = []
    if slash:
        found = (
            ["prefix part must be non-empty"] if not prefix else [f"prefix part {r}" for r in _SUBDOMAIN_CHECK(prefix)]
        )
    if not name:
        return [*found, "name part must be non-empty"]
    return [*found, *(r if r.startswith("name part") else f"name part {r}" for r in _NAME_CHECK(name))]


def _parses(parse: Callable[[str], Any], reason: str) -> Callable[[str], list[str]]:
    def validate(text: str) -> list[str]:
        try:
            parse(text)
        except (CelEvaluationError, ValueError, binascii.Error):
            return [reason]
        return []

    return validate


def _uri(text: str) -> list[str]:
    try:
        url(text)
    except CelEvaluationError as error:
        return [str(error).removeprefix("URL parse error during conversion from string: ")]
    return []


def _date(text: str) -> date:
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text)


_FORMATS = {
    name: Format(name, validate, size)
    for name, validate, size in (
        ("dns1123Label", _LABEL_CHECK, 30),
        ("dns1123Subdomain", _SUBDOMAIN_CHECK, 60),
        ("dns1035Label", _LABEL_1035_CHECK, 30),
        ("qualifiedName", _qualified, 60),
        ("dns1123LabelPrefix", _prefix(_LABEL_CHECK), 30),
        ("dns1123SubdomainPrefix", _prefix(_SUBDOMAIN_CHECK), 60),
        ("dns1035LabelPrefix", _prefix(_LABEL_1035_CHECK), 30),
        ("labelValue", _VALUE_CHECK, 40),
        ("uri", _uri, 1024),
        ("uuid", lambda text: [] if _UUID.fullmatch(text) else ["does not match the UUID format"], 80),
        ("byte", _parses(lambda text: base64.b64decode(text, validate=True), "invalid base64"), 84),
        ("date", _parses(_date, "invalid date"), 128),
        ("datetime", _parses(times.timestamp_of, "invalid datetime"), 128),
    )
}


def _named(name: str) -> Optional:
    found = _FORMATS.get(name)
    return Optional(found) if found is not None else NONE


def _validate(of: Format, text: str) -> Optional:
    reasons = of.validate(text)
    return Optional(reasons) if reasons else NONE


def _constant(of: Format) -> Callable[[], Format]:
    return lambda: of


FORMATS: Functions = {
    "validate": (member("format-validate", (FORMAT, t.STRING), t.optional_of(t.list_of(t.STRING)), _validate),),
    "format.named": (function("format-named", (t.STRING,), t.optional_of(FORMAT), _named),),
    **{
        f"format.{name}": (function(f"format.{name}", (), FORMAT, _constant(found)),)
        for name, found in _FORMATS.items()
    },
}
