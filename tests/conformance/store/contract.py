"""What the tests of the contract write, and how they tell what they saw."""

from __future__ import annotations

from capstan.store.entry import Change
from capstan.store.protocol import (
    Remove,
    Store,
    Subscription,
)

from .test_store import put

THINGS = "g/things"


def remove(name: str, expected: int, namespace: str = "a", prefix: str = THINGS, last: bytes | None = None) -> Remove:
    return Remove(prefix, namespace, name, expected, last)


async def numbered(store: Store, count: int, prefix: str = THINGS) -> list[int]:
    """Objects x0, x1, ... with one commit each; gives their revisions."""
    return [(await store.commit([put(f"x{i}", v=i, prefix=prefix)]))[0].revision for i in range(count)]


async def taken(watch: Subscription, count: int) -> list[Change]:
    """So many changes, however they arrive; and no more than those."""
    seen: list[Change] = []
    while len(seen) < count:
        batch = await watch.next(20)
        assert batch, f"only {len(seen)} of {count} changes came"
        seen += batch
    assert len(seen) == count
    return seen


def told(changes: list[Change]) -> list[tuple[str, str, int]]:
    return [
        ("delete" if c.deleted else "update" if c.previous else "create", c.entry.name, c.revision) for c in changes
    ]
