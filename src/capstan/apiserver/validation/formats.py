"""The string formats that the API server enforces; formats that are not listed here are not checked."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from datetime import date
from urllib.parse import urlsplit

_DATE_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[tT](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[zZ]|[+-](?:[01]\d|2[0-3]):?[0-5]\d)"
)
_DURATION = re.compile(r"[-+]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)")
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?([0-9a-f])[0-9a-f]{3}-?([0-9a-f])[0-9a-f]{3}-?[0-9a-f]{12}", re.I)
_HOSTNAME = re.compile(r"(?=.{1,255}$)[a-zA-Z0-9](?:[-a-zA-Z0-9]{0,62})(?:\.[a-zA-Z0-9][-a-zA-Z0-9]{0,62})*\.?")
_MAC = re.compile(r"[0-9a-fA-F]{2}(?:([:-])[0-9a-fA-F]{2})(?:\1[0-9a-fA-F]{2}){4}")
_CREDIT_CARD = re.compile(
    r"4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11}"
)
_RGB = re.compile(r"rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)")
_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")


def _date_time(text: str) -> bool:
    found = _DATE_TIME.fullmatch(text)
    return bool(found) and _date(text[:10])


def _date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == 10


def _byte(text: str) -> bool:
    if len(text) % 4 or not _BASE64.fullmatch(text):
        return False
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    return True


def _address(version: int | None) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            found = ipaddress.ip_address(text)
        except ValueError:
            return False
        return version is None or found.version == version

    return check


def _cidr(text: str) -> bool:
    address, slash, length = text.partition("/")
    if not slash or not (length.isascii() and length.isdigit()):
        return False
    try:
        return int(length) <= ipaddress.ip_address(address).max_prefixlen
    except ValueError:
        return False


def _uri(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme or text.startswith("/")) and not re.search(r"[\s\x00-\x1f]", text)


def _uuid(version: str = "") -> Callable[[str], bool]:
    def check(text: str) -> bool:
        found = _UUID.fullmatch(text)
        if found is None or not version:
            return found is not None
        # Versions 4 and 5 also fix the variant.
        return found.group(1) == version and (version == "3" or found.group(2).lower() in "89ab")

    return check


def _isbn(*lengths: int) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        digits = text.replace("-", "").replace(" ", "")
        if len(digits) == 10 in lengths and re.fullmatch(r"\d{9}[\dX]", digits):
            values = [10 if d == "X" else int(d) for d in digits]
            return sum((10 - place) * value for place, value in enumerate(values)) % 11 == 0
        if len(digits) == 13 in lengths and re.fullmatch(r"97[89]\d{10}", digits):
            return sum(int(d) * (3 if place % 2 else 1) for place, d in enumerate(digits)) % 10 == 0
        return False

    return check


def _credit_card(text: str) -> bool:
    return _CREDIT_CARD.fullmatch(re.sub(r"\D", "", text)) is not None


def _rgb(text: str) -> bool:
    found = _RGB.fullmatch(text)
    return found is not None and all(int(part) < 256 for part in found.groups())


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


#: Format -> whether a string has it.
FORMATS: dict[str, Callable[[str], bool]] = {
    "bsonobjectid": _matches(re.compile(r"[0-9a-fA-F]{24}")),
    "byte": _byte,
    "cidr": _cidr,
    "creditcard": _credit_card,
    "date": _date,
    "date-time": _date_time,
    "datetime": _date_time,
    "duration": _matches(_DURATION),
    "email": _matches(_EMAIL),
    "hexcolor": _matches(re.compile(r"#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")),
    "hostname": _matches(_HOSTNAME),
    "ipv4": _address(4),
    "ipv6": _address(6),
    "isbn": _isbn(10, 13),
    "isbn10": _isbn(10),
    "isbn13": _isbn(13),
    "k8s-long-name": _matches(_SUBDOMAIN),
    "k8s-short-name": _matches(_LABEL),
    "mac": _matches(_MAC),
    "rgbcolor": _rgb,
    "ssn": _matches(re.compile(r"\d{3}[- ]?\d{2}[- ]?\d{4}")),
    "uri": _uri,
    "uuid": _uuid(),
    "uuid3": _uuid("3"),
    "uuid4": _uuid("4"),
    "uuid5": _uuid("5"),
}

#: Formats that are fine and say nothing that is checked here.
_UNCHECKED = frozenset(("password",))

#: Integer format -> lowest and highest value.
INTEGERS = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}


def is_known_format(type_: str, name: str) -> bool:
    """Whether Kubernetes knows a format for values of a type. Dashes do not matter in those of strings."""
    if type_ == "integer":
        return name in INTEGERS
    if type_ == "number":
        return name in ("float", "double")
    return type_ in ("", "string") and (format_of(name) is not None or name in _UNCHECKED)


def format_of(name: str) -> Callable[[str], bool] | None:
    """What checks a format of strings, or None. `datetime` and `date-time` are one."""
    return _BY_PLAIN_NAME.get(name.replace("-", ""))


_BY_PLAIN_NAME = {name.replace("-", ""): check for name, check in FORMATS.items()}
