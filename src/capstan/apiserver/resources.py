"""What is served: the program's own kinds and those that users define, by group and plural and by kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from capstan.api.errors import ApiError
from capstan.api.kinds import (
    Admission,
    AdmissionRequest,
    Column,
    Query,
    ScalePaths,
    admit_unchanged,
    convert_by_name_only,
    no_lookups,
    no_other_name,
    same_field,
)
from capstan.api.objects import Obj, Resource
from capstan.api.verbs import User, WriteOptions
from capstan.apiserver.converter import Converter
from capstan.apiserver.validation import Validator


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """One version as clients see it. `schema` gives its structural schema and `validator` what checks objects
    against it, both made when first needed; without them nothing is checked.
    `selectable` are the field-selector paths besides metadata.name and metadata.namespace (`.spec.color`).
    `subresources` are further ones besides status and scale; `message` names the kind's message in the facts of the
    built-in kinds, and `normal` brings a request's object into the form in which such a kind is kept."""

    name: str
    schema: Callable[[], Obj | None]
    validator: Callable[[], Validator | None]
    columns: tuple[Column, ...] = ()
    status: bool = False
    scale: ScalePaths | None = None
    deprecated: bool = False
    deprecation_warning: str = ""
    selectable: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    message: str = ""
    normal: Callable[[Obj], Obj] | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A create that stores nothing: who asks, for what, and with which body. `target` is the resource of the path,
    `name` the object whose subresource is asked."""

    user: User
    target: Target
    name: str
    body: Obj
    options: WriteOptions


@dataclass(frozen=True, slots=True)
class Action:
    """What a create does where nothing is stored. `kind` is what body and answer are, when it is not the resource
    itself."""

    run: Callable[[Call], Awaitable[Obj]]
    kind: Served | None = None


def _unchecked() -> None:
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """One kind with all versions that it is served in. Objects are kept in `storage` under `prefix`. A `converter`
    takes the place of `convert` where objects are converted outside of the process."""

    group: str
    kind: str
    plural: str
    versions: tuple[ServedVersion, ...]
    storage: str
    singular: str = ""
    list_kind: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    #: The labels of its definition, which say which of its versions follow a contract.
    labels: Mapping[str, str] = field(default_factory=dict)
    namespaced: bool = True
    builtin: bool = False
    custom: bool = False
    convert: Callable[[Obj, str], Obj] = convert_by_name_only
    #: What a version calls a field of the stored one.
    field_in: Callable[[str, str], str] = same_field
    #: What a version has for a field that only other versions know.
    meant: Callable[[str, str], tuple[str, ...]] = no_other_name
    converter: Converter | None = None
    admit: Callable[[AdmissionRequest], Admission] = admit_unchanged
    lookups: Callable[[Obj], Sequence[Query]] = no_lookups
    verbs: tuple[str, ...] = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
    #: Where the objects are kept when this kind is a second view of another's.
    kept_at: str = ""
    #: Whether its objects count their generations.
    generation: bool = True
    #: Whether a PUT creates what is missing, and whether a create may bring its status along.
    upsert: bool = False
    born_with_status: bool = False
    #: Whether names need only be fit for a path.
    free_names: bool = False
    #: Whether a write of the status may bring labels and annotations along, as most built-in kinds let it.
    status_with_metadata: bool = False
    #: What creates of the kind itself (the empty name) or of a subresource do instead of storing something.
    actions: Mapping[str, Action] = field(default_factory=dict)

    @property
    def is_virtual(self) -> bool:
        """Whether there are no objects: a review is answered and forgotten."""
        return "" in self.actions

    @property
    def prefix(self) -> str:
        """Where the store keeps the objects. The slash cannot be part of a group or plural: no two overlap."""
        return self.kept_at or f"{self.group}/{self.plural}"

    @property
    def group_resource(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def group_kind(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def kind_of_list(self) -> str:
        return self.list_kind or f"{self.kind}List"

    def api_version(self, version: str) -> str:
        return f"{self.group}/{version}" if self.group else version

    def version(self, name: str) -> ServedVersion | None:
        for version in self.versions:
            if version.name == name:
                return version
        return None

    def as_defined(self, version: str, obj: Obj) -> Obj:
        """A stored object as the present schema shows it: what it does not know is gone, defaults are filled in."""
        shown = self.version(version)
        validator = None if shown is None else shown.validator()
        return obj if validator is None else validator.prune(obj)

    def resource(self, version: str = "") -> Resource:
        if not version:
            version = self.storage if self.version(self.storage) or not self.versions else self.versions[0].name
        return Resource(self.group, version, self.plural, self.kind, self.namespaced)

    def stored(self, namespace: str) -> Target:
        """The kind as it is kept, for the server's own upkeep; that version need not be served."""
        version = self.version(self.storage) or ServedVersion(self.storage, _unchecked, _unchecked)
        return Target(self, version, namespace)


# A msgspec Struct, like all values that each request makes anew: a frozen dataclass takes ten times as long to make.
class Target(msgspec.Struct, frozen=True):
    """What a request is about: a kind in one of its versions, and the namespace of the path."""

    served: Served
    version: ServedVersion
    namespace: str

    @property
    def api_version(self) -> str:
        return self.served.api_version(self.version.name)


def no_such_resource() -> ApiError:
    """404 for a path that is not served; clients tell it from a missing object by its text."""
    return ApiError(404, "NotFound", "the server could not find the requested resource")


@dataclass(slots=True)
class Registry:
    """The kinds of one server. `generation` counts changes, for documents that are made from all of them."""

    generation: int = 0
    _by_plural: dict[tuple[str, str], Served] = field(default_factory=dict)
    _by_kind: dict[tuple[str, str], Served] = field(default_factory=dict)
    _closing: set[tuple[str, str]] = field(default_factory=set)
    _listeners: list[Callable[[], None]] = field(default_factory=list)

    def add(self, served: Served) -> None:
        """Serve a kind, or serve it differently from now on."""
        self._by_plural[(served.group, served.plural)] = served
        self._by_kind[(served.group, served.kind)] = served
        self._changed()

    def remove(self, group: str, plural: str) -> None:
        served = self._by_plural.pop((group, plural), None)
        if served is not None:
            del self._by_kind[(group, served.kind)]
            self._closing.discard((group, plural))
            self._changed()

    def close(self, group: str, plural: str) -> None:
        """No more creates: the definition is being deleted."""
        self._closing.add((group, plural))

    def is_closing(self, served: Served) -> bool:
        return (served.group, served.plural) in self._closing

    def on_change(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    def all(self) -> Iterable[Served]:
        return tuple(self._by_plural.values())

    def by_plural(self, group: str, plural: str) -> Served | None:
        return self._by_plural.get((group, plural))

    def by_kind(self, group: str, kind: str) -> Served | None:
        return self._by_kind.get((group, kind))

    def target(self, resource: Resource, namespace: str) -> Target:
        """What a request names. Raises 404 when it is not served."""
        served = self._by_plural.get((resource.group, resource.plural))
        version = None if served is None else served.version(resource.version)
        if served is None or version is None or (namespace and not served.namespaced):
            raise no_such_resource()
        return Target(served, version, namespace)

    def _changed(self) -> None:
        self.generation += 1
        for listener in self._listeners:
            listener()
