"""The contract of a controller: observe, plan, act, status. The engine around it lives in the manager.

Guarantees of the engine: one reconcile of a key at a time; a key that changes meanwhile runs again; errors are
retried with back-off; the status is committed last, in one revision with a trailing Update of the subject where
the API allows it, and only if something differs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from capstan.api.core.node import Node
from capstan.api.meta import TypedObject
from capstan.api.objects import GroupKind, Key
from capstan.runtime.plan import Action, Outcomes, Plan
from capstan.runtime.queue import Pace
from capstan.runtime.reader import Reader
from capstan.runtime.significance import EVERYTHING, Interest

K = TypeVar("K", bound=TypedObject)
S = TypeVar("S")

#: Maps a changed object (its typed view, or an Obj for provider kinds) to the keys to reconcile.
Mapper = Callable[[Reader, Any], Iterable[Key]]

#: Maps a change in a workload cluster to the keys to reconcile.
WorkloadMapper = Callable[[Reader, Key, Node | None], Iterable[Key]]


def owner_keys(kind: str) -> Mapper:
    """Wakes the owners of that kind: the usual mapping for children."""

    def mapper(_reader: Reader, obj: Any) -> Iterable[Key]:
        if isinstance(obj, dict):
            meta = obj["metadata"]
            refs = [(r["kind"], r["name"]) for r in meta.get("ownerReferences", ())]
            namespace = meta.get("namespace", "")
        else:
            refs = [(r.kind, r.name) for r in obj.metadata.owner_references]
            namespace = obj.metadata.namespace
        return [Key(namespace, name) for owner_kind, name in refs if owner_kind == kind]

    return mapper


@dataclass(frozen=True, slots=True)
class Watch:
    """A kind whose changes wake this controller. `indexes` names functions from a typed view to index values.
    The others say what the controller reads of its objects (see `Interest`): a change of anything else does not wake
    it. Paths are those of the version in which the kind is stored."""

    kind: type[TypedObject]
    wakes: Mapper
    indexes: Mapping[str, Callable[[Any], Iterable[str]]] = field(default_factory=dict)
    conditions: bool | tuple[str, ...] = True
    fields: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    awaited: tuple[str, ...] = ()

    def interest(self) -> Interest:
        return Interest(self.fields, later=self.later, awaited=self.awaited, conditions=self.conditions)


@dataclass(frozen=True, slots=True)
class Writes:
    """A declared output: the kind, and the fields (dotted paths) that only this controller writes."""

    kind: type[TypedObject] | GroupKind | str
    fields: tuple[str, ...]


#: Carries out one provider action and gives its result. Registered by action type.
Handler = Callable[[Any], Awaitable[Any]]


class Controller(ABC, Generic[K, S]):
    """A pure decision between a read and a write. `K` is the kind, `S` its snapshot."""

    kind: type[K]
    watches: ClassVar[tuple[Watch, ...]] = ()
    #: Wakes for changes of provider objects whose cache `Reader.get_object` starts on first use.
    external_wakes: ClassVar[Mapper | None] = None
    #: What is read of those objects.
    external_interest: ClassVar[Interest] = EVERYTHING
    #: Wakes for changes of Nodes in workload clusters whose cache `Reader.nodes` starts: gets the cluster's key
    #: and the Node, or None when the connection itself came or went.
    workload_wakes: ClassVar[WorkloadMapper | None] = None
    writes: ClassVar[tuple[Writes, ...]] = ()
    indexes: ClassVar[Mapping[str, Callable[[Any], Iterable[str]]]] = {}
    #: What its plans and its wakes read of the status that it writes itself: only such a change, written without any
    #: action, is looked at again. A wake that asks whether the subject says that it waits has asked too early while
    #: that is being written.
    own: ClassVar[Interest] = Interest(conditions=("Paused",))
    #: What of its status is told at once; the rest waits a moment for more to tell. By default that is mere wording
    #: which does not come with an action.
    told: ClassVar[Interest] = EVERYTHING
    #: For how many seconds nothing is told of a subject that has no conditions yet: those that it needs are about to
    #: do their part. What comes with a Warning is told at once.
    first_patience: ClassVar[float] = 0.0
    #: The kind of the owner without which nothing is done: a subject that has neither this owner nor conditions is
    #: looked at after `first_patience`, or when it has got it.
    awaited_owner: ClassVar[str] = ""
    #: How often its subjects are looked at while there is always something new.
    pace: ClassVar[Pace] = Pace()
    concurrency: ClassVar[int] = 10

    @property
    def name(self) -> str:
        return self.kind.__name__.lower()

    @abstractmethod
    async def observe(self, reader: Reader, key: Key) -> S | None:
        """Every read, into a frozen snapshot; None when the object is gone. A failed read is a value in it."""

    @abstractmethod
    def plan(self, snapshot: S) -> Plan:
        """Pure: the same snapshot gives the same plan."""

    @abstractmethod
    def compute_status(self, snapshot: S, outcomes: Outcomes) -> K | None:
        """Pure: the subject with its status as it should be now. Only its `status` is committed. None: leave it."""

    def handlers(self) -> Mapping[type[Action], Handler]:
        """The effects of this controller's own actions, from its `act.py`."""
        return {}
