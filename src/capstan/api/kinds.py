"""What the API server and the clients know of a kind: names, versions, columns, conversion, admission."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from capstan.api.errors import FieldCause
from capstan.api.meta import TypedObject
from capstan.api.objects import Obj, Resource

Operation = Literal["CREATE", "UPDATE", "DELETE"]


@dataclass(frozen=True, slots=True)
class Column:
    """A printer column. `type` is string, integer, boolean, number or date; `priority` 0 is always shown."""

    name: str
    json_path: str
    type: str = "string"
    priority: int = 0
    description: str = ""
    format: str = ""


#: The column that nearly every table ends with.
AGE = Column("Age", ".metadata.creationTimestamp", "date")


@dataclass(frozen=True, slots=True)
class ScalePaths:
    """Where the scale subresource reads and writes; simple JSON paths such as `.spec.replicas`."""

    spec_replicas: str = ".spec.replicas"
    status_replicas: str = ".status.replicas"
    label_selector: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a kind and the Struct that describes its fields. `schema` overrides the Struct's own."""

    name: str
    struct: type[TypedObject]
    storage: bool = False
    served: bool = True
    deprecated: bool = False
    deprecation_warning: str = ""
    columns: tuple[Column, ...] = ()
    status: bool = True
    scale: ScalePaths | None = None
    schema: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """An object that an admission decision needs: one by name, or all of a namespace when `name` is empty.
    An empty namespace asks for all namespaces."""

    group: str
    kind: str
    namespace: str = ""
    name: str = ""


class AdmissionRequest(msgspec.Struct, frozen=True):
    """What admission decides about, in the stored version. `found` answers the kind's `lookups`."""

    operation: Operation
    old: Obj | None
    new: Obj | None
    found: Mapping[Query, Sequence[Obj]] = msgspec.field(default_factory=dict)
    dry_run: bool = False
    user: str = ""
    subresource: str = ""


class Admission(msgspec.Struct, frozen=True):
    """The answer: the object with defaults applied, what was refused, and what to warn about."""

    object: Obj | None
    causes: tuple[FieldCause, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EmbeddedSchema:
    """A part of an object that is itself a schema, of values that others give: where it is, by which name it is
    known from one version of the object to the next, and what it says."""

    field: str
    name: str
    schema: Obj


def admit_unchanged(request: AdmissionRequest) -> Admission:
    """Admission for kinds that have neither defaults nor rules of their own."""
    return Admission(request.new)


def no_lookups(_new: Obj) -> Sequence[Query]:
    return ()


def no_schemas(_new: Obj) -> Iterable[EmbeddedSchema]:
    return ()


def convert_by_name_only(obj: Obj, to_version: str) -> Obj:
    """Conversion strategy None: only `apiVersion` changes."""
    group = obj["apiVersion"].rpartition("/")[0]
    return {**obj, "apiVersion": f"{group}/{to_version}" if group else to_version}


def same_field(field: str, _version: str) -> str:
    """All versions call the field the same."""
    return field


def no_other_name(_field: str, _version: str) -> tuple[str, ...]:
    """No version calls the field otherwise."""
    return ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind that Capstan itself serves.

    `convert(obj, to_version)` works on whole objects, keeps what it does not know, and loses nothing on the
    round trip but what the specification says is dropped. `admit` is pure; what it must look up it names in
    `lookups(new)` and gets as values.
    """

    group: str
    kind: str
    plural: str
    versions: tuple[Version, ...]
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    namespaced: bool = True
    builtin: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    convert: Callable[[Obj, str], Obj] = convert_by_name_only
    admit: Callable[[AdmissionRequest], Admission] = admit_unchanged
    lookups: Callable[[Obj], Sequence[Query]] = no_lookups
    #: What in an object is itself a schema: the server checks it as it does those of definitions.
    schemas: Callable[[Obj], Iterable[EmbeddedSchema]] = no_schemas
    #: Where the stored version has references without a version, which older versions show with one.
    references: tuple[tuple[str, ...], ...] = ()

    @property
    def storage(self) -> Version:
        return next(v for v in self.versions if v.storage)

    def resource(self, version: str = "") -> Resource:
        """The resource of one version; the stored one unless named."""
        return Resource(self.group, version or self.storage.name, self.plural, self.kind, self.namespaced)

    def version(self, name: str) -> Version | None:
        return next((v for v in self.versions if v.name == name), None)


class Scheme:
    """The kinds of one program, by group and kind, by plural, and by their stored Struct."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self.kinds = tuple(kinds)
        self._by_kind = {(k.group, k.kind): k for k in kinds}
        self._by_plural = {(k.group, k.plural): k for k in kinds}
        self._by_struct: dict[type[Any], Kind] = {v.struct: k for k in kinds for v in k.versions if v.storage}

    def by_kind(self, group: str, kind: str) -> Kind | None:
        return self._by_kind.get((group, kind))

    def by_plural(self, group: str, plural: str) -> Kind | None:
        return self._by_plural.get((group, plural))

    def of(self, struct: type[Any]) -> Kind:
        """The kind whose stored version has this Struct."""
        return self._by_struct[struct]
