"""What admission beyond a kind's own rules looks like to the writing path: one chain, asked twice for each write.

First `mutate` may change the object, then, when the server is done with it, `validate` may refuse it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec
from msgspec.structs import replace

from capstan.api.objects import Obj
from capstan.api.verbs import DeleteOptions, User, WriteOptions
from capstan.apiserver.resources import Target

Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]


class Attributes(msgspec.Struct, frozen=True):
    """A write as admission sees it. `target` names the kind, the version of the request and the namespace;
    `old` and `new` are in the version that is stored (`target.served.convert` gives others). `new` is None for a
    delete, `old` for a create. Both are shared and must not be changed."""

    operation: Operation
    target: Target
    name: str
    subresource: str
    old: Obj | None
    new: Obj | None
    user: User
    dry_run: bool = False
    options: WriteOptions | DeleteOptions | None = None


class Chain(Protocol):
    """Errors: both raise ApiError to refuse the write."""

    async def mutate(self, attributes: Attributes) -> tuple[Obj | None, tuple[str, ...]]:
        """The object as it is to be written (the very `attributes.new` when nothing changed) and warnings. What
        comes back is pruned, defaulted and checked again. The object of a delete cannot be changed."""
        ...

    async def validate(self, attributes: Attributes) -> tuple[str, ...]:
        """Warnings about the object as it will be stored."""
        ...


class NoChain:
    """Nothing is configured: everything passes."""

    async def mutate(self, attributes: Attributes) -> tuple[Obj | None, tuple[str, ...]]:
        return attributes.new, ()

    async def validate(self, attributes: Attributes) -> tuple[str, ...]:
        return ()


class Chained:
    """Several links, asked one after the other."""

    def __init__(self, links: Sequence[Chain]) -> None:
        self._links = tuple(link for link in links if not isinstance(link, NoChain))

    async def mutate(self, attributes: Attributes) -> tuple[Obj | None, tuple[str, ...]]:
        warnings: tuple[str, ...] = ()
        for link in self._links:
            new, more = await link.mutate(attributes)
            warnings += more
            if new is not attributes.new:
                attributes = replace(attributes, new=new)
        return attributes.new, warnings

    async def validate(self, attributes: Attributes) -> tuple[str, ...]:
        warnings: tuple[str, ...] = ()
        for link in self._links:
            warnings += await link.validate(attributes)
        return warnings
