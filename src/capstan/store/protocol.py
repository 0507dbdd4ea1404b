"""What a store promises: the contract that memory, SQLite and etcd implement and one suite checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from capstan.api.errors import ApiError
from capstan.store.entry import Change, Entry


class Put(msgspec.Struct, frozen=True):
    """Write one object. `expected` is the revision that the key must have now: 0 means it must not exist."""

    prefix: str
    namespace: str
    name: str
    value: bytes
    expected: int


class Remove(msgspec.Struct, frozen=True):
    """Delete one object at revision `expected`. `value` is its last state, if that differs from the stored one."""

    prefix: str
    namespace: str
    name: str
    expected: int
    value: bytes | None = None


Write = Put | Remove

#: The largest batch that every store takes.
MAX_BATCH = 100


@dataclass(frozen=True, slots=True)
class Page:
    """Entries in the order of namespace and name, as of `revision`; `remaining` are those after the last."""

    entries: Sequence[Entry]
    revision: int
    remaining: int = 0


class StoreError(Exception):
    """The store cannot serve: the file is damaged, in use, or a write did not become durable."""


class StoreUnavailableError(StoreError, ApiError):
    """The store cannot be reached now and may be later; a write may have happened or not. Callers in the process see
    what clients see: 503."""

    def __init__(self, message: str) -> None:
        ApiError.__init__(self, 503, "ServiceUnavailable", message, retry_after_seconds=1)


class UnreadableError(ApiError, StoreError):
    """One stored object cannot be read: its bytes do not decrypt. Reads that would show it fail with this, which is
    an answer to clients too, so that nobody takes it for deleted; all others go on."""

    def __init__(self, prefix: str, namespace: str, name: str, why: str) -> None:
        place = f"{prefix} {namespace}/{name}" if namespace else f"{prefix} {name}"
        message = f"Internal error occurred: {place} cannot be decrypted ({why}); restore it from a backup"
        super().__init__(500, "InternalError", message)
        self.key = (prefix, namespace, name)
        self.place = place
        self.why = why

    def again(self) -> UnreadableError:
        """The same for another reader: a raised exception belongs to who catches it."""
        return UnreadableError(*self.key, self.why)


class MismatchError(Exception):
    """A write expected another revision of its key. Nothing of the batch was written."""

    def __init__(self, write: Write, current: Entry | None) -> None:
        super().__init__(f"{write.prefix} {write.namespace}/{write.name}: expected revision {write.expected}")
        self.write = write
        self.current = current


class CompactedError(Exception):
    """The revision asked for is older than the retained history, or a reader was too slow for it."""

    def __init__(self, asked: int, oldest: int) -> None:
        super().__init__(f"too old resource version: {asked} ({oldest})")
        self.asked = asked
        self.oldest = oldest


class Subscription(Protocol):
    """Changes in the order of their revisions, each once."""

    async def next(self, timeout_seconds: float | None = None) -> Sequence[Change]:
        """All changes that arrived since the last call; waits for the first. Empty when the time is over.
        Raises CompactedError when this reader was too slow, StoreError when the store was closed."""
        ...

    def close(self) -> None: ...


class Store(Protocol):
    """One ordered log of revisions over all objects.

    Guarantees: a commit that returned is durable and every later read sees it; every operation of a batch gets
    its own revision, rising in the order of the batch; a batch (up to MAX_BATCH) is written as a whole or not at all;
    changes are published after they are durable, in revision order; revisions never go back or repeat. How far apart
    two revisions are means nothing.
    Assumptions: all calls come from one event loop; a file is opened by one process, etcd by any number.
    """

    @property
    def revision(self) -> int:
        """The newest published revision."""
        ...

    @property
    def compacted(self) -> int:
        """History up to and including this revision is gone; watches may start after it or later."""
        ...

    async def get(self, prefix: str, namespace: str, name: str) -> Entry | None: ...

    async def list(
        self,
        prefix: str,
        namespace: str = "",
        *,
        after: tuple[str, str] | None = None,
        limit: int = 0,
        revision: int = 0,
    ) -> Page:
        """Entries of a prefix, in one namespace or all, after a key, as of a revision (0: now).
        Raises CompactedError when that revision is no longer retained."""
        ...

    async def prefixes(self) -> Sequence[str]:
        """Prefixes that hold objects, sorted."""
        ...

    async def commit(self, batch: Sequence[Write]) -> Sequence[Entry]:
        """Raises MismatchError (nothing written) or StoreError (unknown whether it became durable)."""
        ...

    async def watch(self, prefix: str, after: int, *, buffer: int = 0) -> Subscription:
        """Changes of a prefix (the empty one: of everything) with a revision above `after`. A reader that falls
        more than `buffer` changes behind is closed (0: never). Raises CompactedError."""
        ...

    async def compact(self, revision: int) -> None:
        """Forget history up to and including `revision`; present objects stay."""
        ...

    async def close(self) -> None: ...
