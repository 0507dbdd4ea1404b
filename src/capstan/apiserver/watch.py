"""Watches: the synthetic start, selector transitions, bookmarks, streaming lists and the end of a watch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import msgspec

from capstan.api.errors import ApiError, FieldCause, expired, invalid
from capstan.api.objects import EventType, Obj, WatchEvent
from capstan.api.verbs import ListOptions
from capstan.apiserver.backend import Backend, view
from capstan.apiserver.conversion import prepare
from capstan.apiserver.reading import parse_resource_version, reached
from capstan.apiserver.resources import Target
from capstan.apiserver.selectors import Predicate, metadata_name, selector
from capstan.store.entry import Change, Entry
from capstan.store.protocol import CompactedError, StoreError, Subscription

BOOKMARK_SECONDS = 60.0
#: A bookmark is sent this long before the server ends a watch.
LAST_BOOKMARK_SECONDS = 2.0
#: A reader that falls this many changes behind is closed and has to list again.
MAX_BEHIND = 10_000
INITIAL_EVENTS_END = "k8s.io/initial-events-end"


class Event(msgspec.Struct, frozen=True):
    """One event before it is encoded. `change` is None for the synthetic start and for bookmarks; a bookmark
    has no entry, only a revision."""

    type: EventType
    entry: Entry | None
    change: Change | None = None
    revision: int = 0
    initial_events_end: bool = False


class Watch:
    """One running watch. `next` gives events in batches, an empty batch never; None is the regular end."""

    def __init__(self, backend: Backend, target: Target, options: ListOptions) -> None:
        check_watch_options(options)
        self._backend = backend
        self.target = target
        self._options = options
        self._matches = selector(options.label_selector, options.field_selector, target.served, target.version)
        self._after = parse_resource_version(options.resource_version)
        self._name = metadata_name(options.field_selector)
        self._subscription: Subscription | None = None
        self._deadline: float | None = None
        self._bookmark_at: float | None = None

    async def start(self) -> Sequence[Event]:
        """Begin, and give the first events, if there are any. Raises ApiError 410."""
        return await self._start()

    async def next(self) -> Sequence[Event] | None:
        """The next events. Raises ApiError 410 when the watch fell behind."""
        while True:
            if self._subscription is None:
                started = await self._start()
                if started:
                    return started
            assert self._subscription is not None
            if self._is_over():
                return None
            try:
                changes = await self._subscription.next(self._wait_seconds())
            except CompactedError as error:
                raise expired(str(error)) from None
            except StoreError:
                return None
            if changes and self.target.served.converter is not None:
                await self._converted(changes)
            events = self._transitions(changes) if changes else []
            if events:
                return events
            if due := self._due_bookmark(changes):
                return due

    def close(self) -> None:
        if self._subscription is not None:
            self._subscription.close()

    async def _start(self) -> Sequence[Event]:
        """Subscribe, and give the present state first where the options ask for it."""
        loop = asyncio.get_running_loop()
        await reached(self._backend.store, self._after)
        if self._options.timeout_seconds:
            self._deadline = loop.time() + self._options.timeout_seconds
        if self._options.allow_bookmarks:
            self._bookmark_at = self._next_bookmark(loop.time())
        initial: list[Event] = []
        target, store = self.target, self._backend.store
        after = self._after
        if self._options.send_initial_events or not after:
            page = await store.list(target.served.prefix, target.namespace)
            after = page.revision
            await prepare(target.served, page.entries, target.version.name)
            initial = [Event("ADDED", entry) for entry in page.entries if self._selects(entry)]
            if self._options.send_initial_events and self._options.allow_bookmarks:
                initial.append(Event("BOOKMARK", None, revision=after, initial_events_end=True))
        try:
            self._subscription = await store.watch(target.served.prefix, after, buffer=MAX_BEHIND)
        except CompactedError as error:
            raise expired(str(error)) from None
        return initial

    async def _converted(self, changes: Sequence[Change]) -> None:
        """What these changes show, asked for before it is looked at. Errors: ApiError of the webhook."""
        shown = [change.entry for change in changes]
        if self._matches is not None:
            shown += [change.previous for change in changes if change.previous is not None]
        await prepare(self.target.served, shown, self.target.version.name)

    def _selects(self, entry: Entry) -> bool:
        if self._matches is None:
            return True
        return self._matches(view(self.target.served, entry, self.target.version.name))

    def _transitions(self, changes: Sequence[Change]) -> list[Event]:
        events = []
        namespace = self.target.namespace
        matches: Predicate | None = self._matches
        for change in changes:
            if namespace and change.entry.namespace != namespace:
                continue
            if self._name and change.entry.name != self._name:
                continue
            before = change.previous is not None and (matches is None or self._selects(change.previous))
            after = not change.deleted and (matches is None or self._selects(change.entry))
            if after:
                events.append(Event("MODIFIED" if before else "ADDED", change.entry, change))
            elif before:
                events.append(Event("DELETED", change.entry, change))
        return events

    def _wait_seconds(self) -> float | None:
        until = self._deadline
        if self._bookmark_at is not None and (until is None or self._bookmark_at < until):
            until = self._bookmark_at
        return None if until is None else max(0.0, until - asyncio.get_running_loop().time())

    def _is_over(self) -> bool:
        return self._deadline is not None and asyncio.get_running_loop().time() >= self._deadline

    def _due_bookmark(self, changes: Sequence[Change]) -> Sequence[Event]:
        """A bookmark when it is time for one: at the last change that was looked at, or at the newest revision when
        there is none that was not."""
        now = asyncio.get_running_loop().time()
        if self._bookmark_at is None or now < self._bookmark_at:
            return ()
        self._bookmark_at = self._next_bookmark(now)
        return (Event("BOOKMARK", None, revision=changes[-1].revision if changes else self._backend.store.revision),)

    def _next_bookmark(self, now: float) -> float | None:
        """In a minute, or shortly before the end, so that the client comes back with a new revision."""
        regular = now + BOOKMARK_SECONDS
        if self._deadline is None:
            return regular
        last = self._deadline - LAST_BOOKMARK_SECONDS
        if now < last:
            return min(regular, last)
        return None


def check_watch_options(options: ListOptions) -> None:
    """Raises 422 for combinations that mean nothing."""
    causes = []
    match = options.resource_version_match
    if options.send_initial_events and match != "NotOlderThan":
        message = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        causes.append(FieldCause("resourceVersionMatch", message, "FieldValueForbidden"))
    if match and not options.send_initial_events:
        message = "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        causes.append(FieldCause("resourceVersionMatch", message, "FieldValueForbidden"))
    if causes:
        raise invalid("ListOptions.meta.k8s.io", "", causes)
    if options.continue_token:
        raise ApiError(400, "BadRequest", "continue is not allowed for a watch")


def bookmark_object(target: Target, event: Event) -> Obj:
    metadata: Obj = {"resourceVersion": str(event.revision), "creationTimestamp": None}
    if event.initial_events_end:
        metadata["annotations"] = {INITIAL_EVENTS_END: "true"}
    return {"kind": target.served.kind, "apiVersion": target.api_version, "metadata": metadata}


async def watch_objects(watch: Watch, target: Target) -> AsyncIterator[WatchEvent]:
    """A watch as decoded objects, for callers in the process."""
    try:
        while (events := await watch.next()) is not None:
            for event in events:
                if event.entry is None:
                    yield WatchEvent("BOOKMARK", bookmark_object(target, event))
                else:
                    yield WatchEvent(event.type, view(target.served, event.entry, target.version.name))
    finally:
        watch.close()
