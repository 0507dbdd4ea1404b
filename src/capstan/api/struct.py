"""Typed views of objects: frozen msgspec Structs whose fields are snake_case here and camelCase on the wire.

A typed view is read-only and may hold less than the object does (unknown fields are not in it). Writers
therefore never send a view back: they send what changed between two views, as a merge patch (`merge_diff`).
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from capstan.api.objects import Obj


class Struct(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Base of every typed part of an object; subclasses repeat `frozen=True, kw_only=True` (type checkers
    do not inherit them). Wire names that camelCase misses (`providerID`) are given by
    `msgspec.field(name=...)`."""


S = TypeVar("S")


def decode(obj: Obj, struct: type[S]) -> S:
    """A typed view of `obj`. Raises msgspec.ValidationError with the path of the first field that does not fit."""
    return msgspec.convert(obj, struct)


def encode(view: Any) -> Obj:
    """The object of a typed view, as a JSON decoder would give it. Fields at their default are left out, but for
    those whose default is made by a factory: these the schema requires, even empty."""
    result: Obj = msgspec.json.decode(msgspec.json.encode(view))
    return result


def merge_diff(before: Obj, after: Obj) -> Obj:
    """The RFC 7386 merge patch that turns `before` into `after`; empty when they are equal.

    Lists are replaced as a whole; a key that is gone becomes null. Neither argument is changed.
    """
    patch: Obj = {}
    for name, old in before.items():
        if name not in after:
            patch[name] = None
        elif old != after[name]:
            new = after[name]
            if isinstance(old, dict) and isinstance(new, dict):
                patch[name] = merge_diff(old, new)
            else:
                patch[name] = new
    for name, new in after.items():
        if name not in before:
            patch[name] = new
    return patch
