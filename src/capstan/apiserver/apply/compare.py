"""What differs between two states of an object, field by field, as the kind's types see it."""

from __future__ import annotations

from typing import Any

import msgspec

from capstan.apiserver.apply.elements import SELF
from capstan.apiserver.apply.fieldset import EMPTY, MEMBER, Fields, ordered
from capstan.apiserver.apply.items import changed_in_place, element_of, index
from capstan.apiserver.apply.types import FieldType


class Comparison(msgspec.Struct, frozen=True):
    """No field is in more than one of the three sets; all are empty when the objects are equal."""

    removed: Fields
    modified: Fields
    added: Fields


class _Absent:
    """Not there, as opposed to null."""


ABSENT = _Absent()
#: The nodes of one place: removed, modified, added; None where there is nothing.
_Nodes = tuple[Fields | None, Fields | None, Fields | None]
_NOTHING: _Nodes = (None, None, None)
_MODIFIED: _Nodes = (None, MEMBER, None)


def compare(kind: FieldType, old: Any, new: Any) -> Comparison:
    """The difference between two objects (an empty one compares as not there)."""
    removed, modified, added = _children(kind, old or {}, new or {})
    return Comparison(removed or EMPTY, modified or EMPTY, added or EMPTY)


def same(old: Any, new: Any) -> bool:
    """Equality of JSON values: true is not 1."""
    if old is new:
        return True
    return bool(old == new) and (type(old) is bool) == (type(new) is bool)


def is_map(kind: FieldType, value: Any) -> bool:
    """Whether a value is taken apart by its fields here. Null is as good as an empty object."""
    return kind.shape in ("map", "deduced") and (value is None or isinstance(value, dict))


def is_list(kind: FieldType, value: Any) -> bool:
    return kind.shape == "list" and (value is None or isinstance(value, list))


def whole(kind: FieldType, value: Any) -> Fields | None:
    """The node of a value that comes or goes as a whole: it and everything below it. None where nothing is owned."""
    if kind.bare:
        return _fields(kind, value) or None if value and is_map(kind, value) else None
    if value and is_map(kind, value):
        return {SELF: MEMBER, **_fields(kind, value)}
    if value and is_list(kind, value):
        assert kind.element is not None
        found = index(kind, value)
        # What is there more than once cannot be told apart: it is owned as one.
        inner = {e: whole(kind.element, items[0]) if len(items) == 1 else MEMBER for e, items in found.items()}
        return {SELF: MEMBER, **ordered(inner)}
    return MEMBER


def _fields(kind: FieldType, value: dict[str, Any]) -> Fields:
    nodes: Fields = {}
    for name, part in value.items():
        inner = kind.child(name)
        if inner is not None and (node := whole(inner, part)) is not None:
            nodes[f"f:{name}"] = node
    return ordered(nodes)


def _place(kind: FieldType, old: Any, new: Any) -> _Nodes:
    """The nodes of one field or item."""
    if old is ABSENT:
        return None, None, whole(kind, new)
    if new is ABSENT:
        return whole(kind, old), None, None
    if kind.shape == "none" or same(old, new):
        return _NOTHING
    if kind.shape == "leaf":
        return _MODIFIED
    if not old and not new:
        return _NOTHING if kind.bare else _MODIFIED
    if is_map(kind, old) and is_map(kind, new):
        return _children(kind, old or {}, new or {})
    if is_list(kind, old) and is_list(kind, new):
        return _items(kind, old or [], new or [])
    gone, come = _inner(whole(kind, old)), _inner(whole(kind, new))
    return gone or None, MEMBER, come or None


def _inner(node: Fields | None) -> Fields:
    return {element: child for element, child in (node or {}).items() if element != SELF}


def _children(kind: FieldType, old: dict[str, Any], new: dict[str, Any]) -> _Nodes:
    collected: tuple[Fields, Fields, Fields] = ({}, {}, {})
    for name, value in old.items():
        other = new.get(name, ABSENT)
        # Most fields are texts that stay as they are: these need no type.
        if value is other or (type(value) is str and value == other):
            continue
        inner = kind.child(name)
        if inner is None:
            continue
        nodes = _place(inner, value, other)
        if nodes is not _NOTHING:
            _collect(collected, f"f:{name}", nodes)
    for name, value in new.items():
        if name not in old and (inner := kind.child(name)) is not None:
            _collect(collected, f"f:{name}", _place(inner, ABSENT, value))
    return _finished(collected)


def _collect(collected: tuple[Fields, Fields, Fields], element: str, nodes: _Nodes) -> None:
    for sink, node in zip(collected, nodes, strict=True):
        if node is not None:
            sink[element] = node


def _finished(collected: tuple[Fields, Fields, Fields]) -> _Nodes:
    removed, modified, added = collected
    return ordered(removed) or None, ordered(modified) or None, ordered(added) or None


def _items(kind: FieldType, old: list[Any], new: list[Any]) -> _Nodes:
    assert kind.element is not None
    collected: tuple[Fields, Fields, Fields] = ({}, {}, {})
    pairs = changed_in_place(kind, old, new)
    if pairs is not None:
        for left, right in pairs:
            _collect(collected, element_of(kind, left), _place(kind.element, left, right))
        return _finished(collected)
    before, after = index(kind, old), index(kind, new)
    for element in {**before, **after}:
        _collect(collected, element, _item(kind.element, before.get(element, []), after.get(element, [])))
    return _finished(collected)


def _item(kind: FieldType, left: list[Any], right: list[Any]) -> _Nodes:
    """One element on both sides; where it is there more than once, its items count as one leaf."""
    if len(left) <= 1 and len(right) <= 1:
        return _place(kind, left[0] if left else ABSENT, right[0] if right else ABSENT)
    if len(left) > 1 and len(right) > 1:
        return _NOTHING if left == right else _MODIFIED
    if len(left) > 1:
        return MEMBER, None, whole(kind, right[0]) if right else None
    return whole(kind, left[0]) if left else None, None, MEMBER
