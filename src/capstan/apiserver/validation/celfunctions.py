"""The CEL functions of Kubernetes' libraries that the evaluator lacks, as plain functions of Python values."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import re2

from capstan.apiserver.validation.evaluator import STDLIB_FUNCTIONS

_QUANTITY = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?")
_SEMVER = re.compile(
    r"(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)"
    r"(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_VERB = re.compile(r"%(?:\.(\d+))?([%sdfexXob])")


def is_sorted(values: Sequence[Any]) -> bool:
    return all(values[i] <= values[i + 1] for i in range(len(values) - 1))


def index_of(value: Any, part: Any, start: int = 0) -> int:
    if isinstance(value, str):
        return value.find(part, start)
    return next((i for i, item in enumerate(value) if item == part), -1)


def last_index_of(value: Any, part: Any) -> int:
    if isinstance(value, str):
        return value.rfind(part)
    return next((i for i in range(len(value) - 1, -1, -1) if value[i] == part), -1)


def find(text: str, pattern: str) -> str:
    found = re2.search(pattern, text)
    return str(found.group()) if found else ""


def find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found = [str(match.group()) for match in re2.finditer(pattern, text)]
    return found if limit < 0 else found[:limit]


def is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def is_cidr(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text


def is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool((parts.scheme and parts.netloc) or text.startswith("/"))


def is_quantity(text: str) -> bool:
    return bool(_QUANTITY.fullmatch(text))


def is_semver(text: str) -> bool:
    return bool(_SEMVER.fullmatch(text))


def format_text(template: str, arguments: Sequence[Any]) -> str:
    """`'%s has %d'.format([a, b])`."""
    remaining = list(arguments)

    def replace(found: re.Match[str]) -> str:
        precision, verb = found.groups()
        if verb == "%":
            return "%"
        return _formatted(remaining.pop(0), verb, int(precision or 6))

    return _VERB.sub(replace, template)


def _formatted(value: Any, verb: str, precision: int) -> str:
    if verb == "s":
        return "true" if value is True else "false" if value is False else str(value)
    if verb == "f":
        return f"{value:.{precision}f}"
    return format(value, verb)


#: By the name that rules call them by.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **STDLIB_FUNCTIONS,
    "find": find,
    "findAll": find_all,
    "format": format_text,
    "indexOf": index_of,
    "isCIDR": is_cidr,
    "isIP": is_ip,
    "isQuantity": is_quantity,
    "isSemver": is_semver,
    "isSorted": is_sorted,
    "isURL": is_url,
    "lastIndexOf": last_index_of,
}
