"""Owner-reference garbage collection: background, foreground and orphan, one step per event, cycles included."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from capstan.api.errors import ApiError, is_conflict, is_not_found
from capstan.api.objects import Obj
from capstan.api.verbs import DeleteOptions, Propagation, User, WriteOptions
from capstan.apiserver.backend import Backend
from capstan.apiserver.deleting import FOREGROUND, ORPHAN, Deleter
from capstan.apiserver.ownerevents import OwnerEvents
from capstan.apiserver.owners import Dependent, OwnerIndex, Place, owners_of, place_of
from capstan.apiserver.resources import Served
from capstan.apiserver.writing import Change as Write
from capstan.apiserver.writing import Writer
from capstan.store.entry import Change, Entry

log = logging.getLogger(__name__)

USER = User("system:serviceaccount:kube-system:generic-garbage-collector", ("system:masters",))
_DELETING = b'"deletionTimestamp"'
_AT_ONCE = 50
_SCAN_STEP = 500
_RETRY_SECONDS = 5.0
#: Of so many deleted objects it is remembered that they are gone: nobody looks for them, or for their kinds.
_MOST_GONE = 10_000

Owner = Literal["solid", "dangling", "waiting"]


@dataclass(slots=True)
class _Queue:
    """What is to be looked at, each once, in the order of its first mention."""

    dependents: dict[str, None] = field(default_factory=dict)
    owners: dict[Place, None] = field(default_factory=dict)


class GarbageCollector:
    """Follows every change; reads nothing twice and lists nothing after its start.

    Guarantees: every delete carries the uid and resourceVersion of what was judged; an object is deleted only
    when each of its owners was looked up or seen to be gone, or is being deleted in the foreground.
    """

    def __init__(self, backend: Backend, writer: Writer, deleter: Deleter) -> None:
        self._backend = backend
        self._writer = writer
        self._deleter = deleter
        self._index = OwnerIndex()
        self._queue = _Queue()
        self._waiting: dict[str, Place] = {}
        self._later: list[Callable[[], None]] = []
        self._events = OwnerEvents(backend, writer, USER)
        self._gone: dict[str, tuple[str, str, str, str]] = {}

    async def run(self) -> None:
        """Until cancelled."""
        store = self._backend.store
        subscription = await store.watch("", await self._scan())
        try:
            while True:
                await self._work()
                timeout = _RETRY_SECONDS if self._later else None
                changes = await subscription.next(timeout)
                if not changes:
                    again, self._later = self._later, []
                    for repeat in again:
                        repeat()
                for change in changes:
                    self._observe(change)
        finally:
            subscription.close()

    async def _scan(self) -> int:
        """Take in what is stored, in steps that leave room for requests. Gives the revision of the first look;
        changes since then are followed and may repeat what was seen."""
        store = self._backend.store
        start = store.revision
        for prefix in await store.prefixes():
            try:
                page = await store.list(prefix)
            except ApiError as error:
                # What cannot be read owns nothing that we know of, and is never judged: it stays.
                log.warning("garbage collection leaves %s alone: %s", prefix, error.message)
                continue
            for count, entry in enumerate(page.entries):
                self._see(entry)
                if count % _SCAN_STEP == _SCAN_STEP - 1:
                    await asyncio.sleep(0)
        return start

    def _observe(self, change: Change) -> None:
        if not change.deleted:
            self._see(change.entry)
            return
        if self._index.is_empty and not self._waiting:
            return
        uid = change.entry.object["metadata"].get("uid", "")
        self._gone[uid] = _named(change.entry)
        if len(self._gone) > _MOST_GONE:
            del self._gone[next(iter(self._gone))]
        for dependent in self._index.dependents(uid):
            self._queue.dependents[dependent.place.uid] = None
        self._waiting.pop(uid, None)
        gone = self._index.remove(uid)
        if gone is not None:
            self._wake_owners(gone)

    def _see(self, entry: Entry) -> None:
        if _DELETING in entry.value:
            self._see_deleting(entry)
        seen = self._index.observe(entry)
        if seen is not None:
            self._queue.dependents[seen.place.uid] = None
            self._wake_owners(seen)

    def _see_deleting(self, entry: Entry) -> None:
        metadata = entry.object["metadata"]
        finalizers = metadata.get("finalizers") or ()
        if not metadata.get("deletionTimestamp"):
            return
        if FOREGROUND in finalizers:
            place = place_of(entry)
            if place.uid not in self._waiting:
                self._waiting[place.uid] = place
                for dependent in self._index.dependents(place.uid):
                    self._queue.dependents[dependent.place.uid] = None
            self._queue.owners[place] = None
        elif ORPHAN in finalizers:
            self._queue.owners[place_of(entry)] = None

    def _wake_owners(self, dependent: Dependent) -> None:
        for ref in dependent.owners:
            place = self._waiting.get(str(ref.get("uid")))
            if place is not None:
                self._queue.owners[place] = None

    async def _work(self) -> None:
        """Everything that is queued, some of it at the same time so that the store can group the writes."""
        while self._queue.dependents or self._queue.owners:
            queue, self._queue = self._queue, _Queue()
            steps: list[Awaitable[None]] = [
                self._guarded(self._judge, uid, lambda uid=uid: self._queue.dependents.update({uid: None}))  # type: ignore[misc]
                for uid in queue.dependents
            ]
            steps += [
                self._guarded(self._release, place, lambda place=place: self._queue.owners.update({place: None}))  # type: ignore[misc]
                for place in queue.owners
            ]
            for start in range(0, len(steps), _AT_ONCE):
                await asyncio.gather(*steps[start : start + _AT_ONCE])

    async def _guarded(self, step: Callable[[Any], Awaitable[None]], item: Any, repeat: Callable[[], None]) -> None:
        """One step. What came between is looked at again; one failure never stops the collector."""
        try:
            await step(item)
        except ApiError as error:
            if is_conflict(error):
                repeat()
            elif not is_not_found(error):
                log.warning("garbage collection of %s waits: %s", item, error.message)
                self._later.append(repeat)

    async def _judge(self, uid: str) -> None:
        """Decide about one dependent, by its owners as they are now."""
        known = self._index.dependent(uid)
        if known is None:
            return
        served, entry = await self._current(known.place)
        if served is None or entry is None:
            return
        metadata = entry.object["metadata"]
        deleting = FOREGROUND in (metadata.get("finalizers") or ())
        if metadata.get("deletionTimestamp") and not deleting:
            return
        by_state: dict[Owner, list[Obj]] = {"solid": [], "dangling": [], "waiting": []}
        for ref in owners_of(metadata):
            by_state[await self._state(served, entry, ref)].append(ref)
        if by_state["solid"]:
            if by_state["dangling"] or by_state["waiting"]:
                await self._write(served, entry, {"ownerReferences": by_state["solid"]})
            return
        if not owners_of(metadata) or metadata.get("deletionTimestamp"):
            return
        if by_state["waiting"] and self._index.has_dependents(uid):
            await self._unblock_cycle(served, entry)
            await self._delete(served, entry.namespace, entry.name, uid, "", "Foreground")
            return
        await self._delete(served, entry.namespace, entry.name, uid, metadata["resourceVersion"], _policy(metadata))

    async def _unblock_cycle(self, served: Served, entry: Entry) -> None:
        """A dependent of this object waits for its own dependents: this object must not block it."""
        metadata = entry.object["metadata"]
        if not any(d.place.uid in self._waiting for d in self._index.dependents(metadata["uid"])):
            return
        refs = [{**ref, "blockOwnerDeletion": False} for ref in owners_of(metadata)]
        await self._write(served, entry, {"ownerReferences": refs})

    async def _state(self, served: Served, entry: Entry, ref: Obj) -> Owner:
        """How things stand with one owner. What cannot be resolved keeps its dependents, unless its end was seen."""
        group = str(ref.get("apiVersion", "")).rpartition("/")[0]
        known = self._gone.get(str(ref.get("uid")))
        named = (group, ref.get("kind"), ref.get("name"))
        if known is not None and known[:3] == named and known[3] in ("", entry.namespace):
            return "dangling"
        owner_kind = self._backend.registry.by_kind(group, str(ref.get("kind", "")))
        if owner_kind is None:
            return "solid"
        if owner_kind.namespaced and not served.namespaced:
            await self._events.tell(served, entry, ref)
            return "solid"
        namespace = entry.namespace if owner_kind.namespaced else ""
        owner = await self._backend.store.get(owner_kind.prefix, namespace, str(ref.get("name", "")))
        if owner is None or owner.object["metadata"].get("uid") != ref.get("uid"):
            if owner_kind.namespaced and await self._events.is_elsewhere(owner_kind, ref):
                await self._events.tell(served, entry, ref)
            return "dangling"
        metadata = owner.object["metadata"]
        if metadata.get("deletionTimestamp") and FOREGROUND in (metadata.get("finalizers") or ()):
            return "waiting"
        return "solid"

    async def _release(self, owner: Place) -> None:
        """Work off the finalizer of an owner that is being deleted."""
        served, entry = await self._current(owner)
        if served is None or entry is None:
            self._waiting.pop(owner.uid, None)
            return
        finalizers = entry.object["metadata"].get("finalizers") or []
        if ORPHAN in finalizers:
            await self._orphan(owner)
            await self._write(served, entry, {"finalizers": [f for f in finalizers if f != ORPHAN]})
        elif FOREGROUND in finalizers:
            if any(dependent.blocks(owner.uid) for dependent in self._index.dependents(owner.uid)):
                return
            self._waiting.pop(owner.uid, None)
            await self._write(served, entry, {"finalizers": [f for f in finalizers if f != FOREGROUND]})
        else:
            self._waiting.pop(owner.uid, None)

    async def _orphan(self, owner: Place) -> None:
        for dependent in self._index.dependents(owner.uid):
            served, entry = await self._current(dependent.place)
            if served is None or entry is None:
                continue
            refs = [ref for ref in owners_of(entry.object["metadata"]) if ref.get("uid") != owner.uid]
            await self._write(served, entry, {"ownerReferences": refs})

    async def _current(self, place: Place) -> tuple[Served | None, Entry | None]:
        """The object itself, unless it is gone or another one has its name."""
        group, _, plural = place.prefix.partition("/")
        served = self._backend.registry.by_plural(group, plural)
        entry = await self._backend.store.get(place.prefix, place.namespace, place.name)
        if entry is None or entry.object["metadata"].get("uid") != place.uid:
            return served, None
        return served, entry

    async def _write(self, served: Served, entry: Entry, metadata: Obj) -> None:
        """Replace lists of the metadata, if the object is still the one that was looked at."""

        def change(current: Obj) -> Obj:
            version = str(entry.revision)
            return {**current, "metadata": {**current["metadata"], **metadata, "resourceVersion": version}}

        write = Write(entry.name, change, WriteOptions(), USER)
        await self._writer.change(served.stored(entry.namespace), write)

    async def _delete(
        self, served: Served, namespace: str, name: str, uid: str, version: str, propagation: Propagation
    ) -> None:
        options = DeleteOptions(uid=uid, resource_version=version, propagation=propagation)
        await self._deleter.delete(served.stored(namespace), name, options, USER)


def _named(entry: Entry) -> tuple[str, str, str, str]:
    """Group, kind, name and namespace of an object."""
    group = str(entry.object["apiVersion"]).rpartition("/")[0]
    return group, str(entry.object["kind"]), entry.name, entry.namespace


def _policy(metadata: dict[str, Any]) -> Propagation:
    finalizers = metadata.get("finalizers") or ()
    if ORPHAN in finalizers:
        return "Orphan"
    return "Foreground" if FOREGROUND in finalizers else "Background"
