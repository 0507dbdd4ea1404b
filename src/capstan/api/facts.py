"""Schema facts: what an OpenAPI schema says of a field beyond its Python type, attached with `Annotated`.

Decoding ignores them on purpose: a typed view never refuses an object that the API server admitted. They are
what `schema.py` turns into the schemas that Capstan serves and checks requests against.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fact:
    """Keywords of an OpenAPI v3 structural schema; `required` belongs to the object that has the field."""

    keywords: Mapping[str, Any] = field(default_factory=dict)
    required: bool = False

    def __hash__(self) -> int:
        return hash((repr(sorted(self.keywords.items())), self.required))


Facts: TypeAlias = tuple[Fact, ...]

#: A field that the schema demands. Decoding still tolerates its absence.
Required: TypeAlias = Annotated[T, Fact(required=True)]


def _given(**keywords: Any) -> Fact:
    return Fact({name: value for name, value in keywords.items() if value is not None})


def length(at_least: int | None = None, at_most: int | None = None) -> Fact:
    """How many characters a string has."""
    return _given(minLength=at_least, maxLength=at_most)


def between(at_least: float | None = None, at_most: float | None = None) -> Fact:
    """The range of a number, both ends included."""
    return _given(minimum=at_least, maximum=at_most)


def multiple_of(step: int) -> Fact:
    return Fact({"multipleOf": step})


def items(at_least: int | None = None, at_most: int | None = None) -> Fact:
    """How many items a list has."""
    return _given(minItems=at_least, maxItems=at_most)


def entries(at_least: int | None = None, at_most: int | None = None) -> Fact:
    """How many fields an object has."""
    return _given(minProperties=at_least, maxProperties=at_most)


def pattern(regex: str) -> Fact:
    """An RE2 expression that the string contains; anchors are its own business."""
    return Fact({"pattern": regex})


def format_of(name: str) -> Fact:
    """The `format` keyword: int32, int64, double, date-time, byte, ..."""
    return Fact({"format": name})


def one_of(*values: str) -> Fact:
    return Fact({"enum": list(values)})


def cel(rule: str, message: str) -> Fact:
    """A validation rule in CEL (x-kubernetes-validations); several of them add up."""
    return Fact({"x-kubernetes-validations": [{"rule": rule, "message": message}]})


def default(value: Any) -> Fact:
    """What the API server fills in where the field is absent."""
    return Fact({"default": value})


def keyed_by(*names: str) -> Fact:
    """A list whose items are told apart by these fields (x-kubernetes-list-type map)."""
    return Fact({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(names)})


#: A list that is replaced as a whole.
ATOMIC_LIST = Fact({"x-kubernetes-list-type": "atomic"})
#: A list without duplicates.
SET_LIST = Fact({"x-kubernetes-list-type": "set"})
#: An object that is replaced as a whole.
ATOMIC_MAP = Fact({"x-kubernetes-map-type": "atomic"})
#: An object, or anything, whose unknown fields are kept.
KEEP_UNKNOWN = Fact({"x-kubernetes-preserve-unknown-fields": True})

Int32: TypeAlias = Annotated[int, format_of("int32")]
Int64: TypeAlias = Annotated[int, format_of("int64")]
NonNegative32: TypeAlias = Annotated[Int32, between(0)]
Positive32: TypeAlias = Annotated[Int32, between(1)]
Port: TypeAlias = Annotated[Int32, between(1, 65535)]
#: Anything at all, kept as it is.
AnyValue: TypeAlias = Annotated[Any, KEEP_UNKNOWN]

_QUALIFIED_NAME = (
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"
)
_TAINT_KEY = (
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$"
)
_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"

Text63: TypeAlias = Annotated[str, length(1, 63)]
Text256: TypeAlias = Annotated[str, length(1, 256)]
Text512: TypeAlias = Annotated[str, length(1, 512)]
Text10240: TypeAlias = Annotated[str, length(1, 10240)]
#: A DNS-1123 subdomain: the name of most objects, and of API groups.
Subdomain: TypeAlias = Annotated[str, length(1, 253), pattern(_SUBDOMAIN)]
ShortSubdomain: TypeAlias = Annotated[str, length(1, 63), pattern(_SUBDOMAIN)]
#: A DNS-1123 label: the name of a namespace.
DnsLabel: TypeAlias = Annotated[str, length(1, 63), pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
KindName: TypeAlias = Annotated[str, length(1, 63), pattern(r"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$")]
#: The type of a condition: a name with an optional DNS prefix.
ConditionType: TypeAlias = Annotated[str, length(1, 316), pattern(_QUALIFIED_NAME)]
OptionalConditionType: TypeAlias = Annotated[str, length(None, 316), pattern(_QUALIFIED_NAME)]
ConditionStatus: TypeAlias = Annotated[str, one_of("True", "False", "Unknown")]
TaintKey: TypeAlias = Annotated[str, length(1, 317), pattern(_TAINT_KEY)]
TaintValue: TypeAlias = Annotated[str, length(1, 63), pattern(r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")]
TaintEffect: TypeAlias = Annotated[str, one_of("NoSchedule", "PreferNoSchedule", "NoExecute")]
