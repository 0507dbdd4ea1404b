"""The fields that a configuration states, and those that it may not state twice."""

from __future__ import annotations

from typing import Any

from capstan.apiserver.apply.compare import is_list, is_map
from capstan.apiserver.apply.elements import SELF, shown
from capstan.apiserver.apply.fieldset import EMPTY, MEMBER, Fields, is_member, ordered
from capstan.apiserver.apply.items import ItemError, element_of, index
from capstan.apiserver.apply.types import FieldType


def field_set(kind: FieldType, value: Any) -> Fields:
    """Every leaf and every item that a value mentions. Objects with named fields are not in it by themselves,
    unless they are empty."""
    return _node(kind, value) or EMPTY


def _node(kind: FieldType, value: Any) -> Fields | None:
    """The node of a value by what lies in it; None when it mentions nothing."""
    if is_map(kind, value):
        return _map(kind, value or {})
    if is_list(kind, value):
        return _list(kind, value or [])
    return MEMBER


def _map(kind: FieldType, value: dict[str, Any]) -> Fields | None:
    nodes: Fields = {}
    for name, part in value.items():
        inner = kind.child(name)
        if inner is None or inner.shape == "none":
            continue
        node = _node(inner, part)
        if inner.bare:
            pass
        elif part is None or part == {} or name not in kind.fields:
            node = _with_self(node)
        if node is not None:
            nodes[f"f:{name}"] = node
    return ordered(nodes) or None


def _list(kind: FieldType, items: list[Any]) -> Fields | None:
    assert kind.element is not None
    nodes: Fields = {}
    for element, found in index(kind, items).items():
        nodes[element] = MEMBER if len(found) > 1 else _with_self(_node(kind.element, found[0]))
    return ordered(nodes) or None


def _with_self(node: Fields | None) -> Fields:
    return MEMBER if not node else node if SELF in node else {SELF: MEMBER, **node}


def with_named(kind: FieldType, fields: Fields) -> Fields:
    """The set with the objects of named fields on the way to its members as members too."""
    result: Fields | None = None
    for element, node in fields.items():
        inner = _below(kind, element)
        if not node or inner is None:
            continue
        grown = with_named(inner, node)
        if element.startswith("f:") and element[2:] in kind.fields and not (inner.bare or is_member(grown)):
            grown = {SELF: MEMBER, **grown}
        if grown is not node:
            result = dict(fields) if result is None else result
            result[element] = grown
    return fields if result is None else result


def _below(kind: FieldType, element: str) -> FieldType | None:
    if element == SELF:
        return None
    return kind.child(element[2:]) if element.startswith("f:") else kind.element


def reconciled(kind: FieldType, fields: Fields, path: tuple[str, ...] = ()) -> Fields:
    """A set written under an older schema: what is owned as a whole now is no longer owned by its parts."""
    if kind.shape == "leaf":
        return MEMBER if path and fields else fields
    result: Fields | None = None
    for element, node in fields.items():
        inner = _below(kind, element)
        if inner is None or not node:
            continue
        fixed = reconciled(inner, node, (*path, element))
        if fixed is not node:
            result = dict(fields) if result is None else result
            result[element] = fixed
    return fields if result is None else result


def faults(kind: FieldType, value: Any, path: str = "") -> list[str]:
    """Why a configuration cannot be applied: items of lists that merge without keys, or twice the same."""
    if is_map(kind, value):
        found: list[str] = []
        for name, part in (value or {}).items():
            inner = kind.child(name)
            if inner is not None:
                found += faults(inner, part, f"{path}.{name}")
        return found
    return _list_faults(kind, value or [], path) if is_list(kind, value) else []


def _list_faults(kind: FieldType, items: list[Any], path: str) -> list[str]:
    assert kind.element is not None
    found: list[str] = []
    seen: set[str] = set()
    for at, item in enumerate(items):
        try:
            element = element_of(kind, item)
        except ItemError as error:
            found.append(f"{path}: element {at}: {error}")
            continue
        if element in seen:
            found.append(f"{path}: duplicate entries for key {shown(element)}")
        seen.add(element)
        found += faults(kind.element, item, path + shown(element))
    return found
