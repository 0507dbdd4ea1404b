"""Whether a server-side apply would change anything: an intent, held against an object and what its manager owns.

An object's `managedFields` say which fields a manager has stated, down to the items of lists, and which values it owns
as a whole. So the answer needs no schema: where the manager owns exactly what the intent states, and the object says
the same, an apply leaves everything as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from capstan.api.objects import Obj

Fields = dict[str, Any]

SELF = "."
_ADDRESS = frozenset(("apiVersion", "kind"))
_IDENTITY = frozenset(("name", "namespace", "uid", "resourceVersion"))
#: Whatever the kind, each entry of these is owned by itself.
_MARKS = ("labels", "annotations")


def entry_of(metadata: Mapping[str, Any], manager: str) -> Obj | None:
    """What a manager owns by applying to the object itself."""
    for entry in metadata.get("managedFields") or ():
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource"):
            found: Obj = entry
            return found
    return None


def is_applied(have: Obj, intent: Obj, manager: str) -> bool:
    """Whether an apply of `intent` under that manager would leave the object as it is, its owners included."""
    entry = entry_of(have["metadata"], manager) or {}
    owned: Fields = entry.get("fieldsV1") or {}
    if owned and entry.get("apiVersion") != intent["apiVersion"]:
        return False
    stated = {name: part for name, part in intent.items() if name not in _ADDRESS and name != "metadata"}
    metadata = {name: part for name, part in intent["metadata"].items() if name not in _IDENTITY and part}
    if len(stated) + bool(metadata) != _count(owned):
        return False
    if metadata and not _metadata_holds(metadata, have["metadata"], owned.get("f:metadata") or {}):
        return False
    return _map_holds(stated, have, owned, len(stated))


def _metadata_holds(stated: Obj, have: Obj, owned: Fields) -> bool:
    if len(stated) != _count(owned):
        return False
    for name in _MARKS:
        if name in stated:
            marks, node = stated[name], owned.get(f"f:{name}") or {}
            if not _map_holds(marks, have.get(name) or {}, node, _count(node)):
                return False
    rest = {name: part for name, part in stated.items() if name not in _MARKS}
    return _map_holds(rest, have, owned, len(rest))


def _count(owned: Fields) -> int:
    return len(owned) - (SELF in owned)


def _map_holds(stated: Obj, have: Obj, owned: Fields, count: int) -> bool:
    """`count` is how many of the fields that are owned here have to be stated."""
    if len(stated) != count:
        return False
    for name, value in stated.items():
        node = owned.get(f"f:{name}")
        if node is None or name not in have:
            return False
        # Most are single values: these need no further look.
        if not (value == have[name] if not node else _holds(value, have[name], node)):
            return False
    return True


def _holds(stated: Any, have: Any, owned: Fields) -> bool:
    count = _count(owned)
    if not count:
        return bool(stated == have)
    if isinstance(stated, dict) and isinstance(have, dict):
        return _map_holds(stated, have, owned, count)
    if isinstance(stated, list) and isinstance(have, list):
        return _list_holds(stated, have, owned, count)
    return False


def _list_holds(stated: list[Any], have: list[Any], owned: Fields, count: int) -> bool:
    """Items in the order of the intent, whatever others have put between them."""
    if len(stated) != count:
        return False
    last = -1
    for item in stated:
        element = next((e for e in owned if _is_of(item, e)), None)
        at = next((i for i, other in enumerate(have) if element is not None and _is_of(other, element)), -1)
        if element is None or at <= last or not _holds(item, have[at], owned[element]):
            return False
        last = at
    return True


def _is_of(item: Any, element: str) -> bool:
    """Whether an element of FieldsV1 (`v:value`, `k:{keys}`) names this item of a list."""
    if element.startswith("v:"):
        return bool(item == _content(element))
    if not element.startswith("k:") or not isinstance(item, dict):
        return False
    # A key that the item does not give has the default that the element shows.
    return all(item.get(name, value) == value for name, value in _content(element).items())


@lru_cache(maxsize=4096)
def _content(element: str) -> Any:
    return orjson.loads(element[2:])
