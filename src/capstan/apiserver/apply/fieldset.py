"""Sets of fields, kept as what they are on the wire: the JSON tree of FieldsV1.

A node is a dict from path element to node. An empty node below another is a member; a member that has children
too holds the key `.`. The empty tree is the empty set. Trees are shared between revisions and never changed:
every operation gives back one of its arguments where nothing differs. Keys are in Kubernetes' order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from capstan.apiserver.apply.elements import SELF, FieldsError, canonical, order, shown

Fields: TypeAlias = dict[str, Any]

#: The node of a member without children, and the empty set; nobody changes it.
MEMBER: Fields = {}
EMPTY: Fields = {}

_MAX_DEPTH = 200


def parse(encoded: Any, depth: int = 0) -> Fields:
    """The set in a `fieldsV1` that a client sent, in canonical form. Raises FieldsError."""
    if not isinstance(encoded, dict) or depth > _MAX_DEPTH:
        raise FieldsError("fieldsV1 must be a tree of objects")
    parsed: Fields = {}
    for element, node in encoded.items():
        if element == SELF:
            if depth:
                parsed[SELF] = MEMBER
            continue
        name, inner = canonical(element), parse(node, depth + 1)
        parsed[name] = _union_node(parsed[name], inner) if name in parsed else inner
    return _leafed(ordered(parsed))


def ordered(node: Fields) -> Fields:
    """A node with its own keys in order."""
    return {element: node[element] for element in sorted(node, key=order)} if len(node) > 1 else node


def _leafed(node: Fields) -> Fields:
    """A node that holds nothing but itself is written as empty."""
    return MEMBER if len(node) == 1 and SELF in node else node


def is_member(node: Fields | None) -> bool:
    """Whether the node of an element says that the element itself is in the set."""
    return node is not None and (not node or SELF in node)


def union(a: Fields, b: Fields) -> Fields:
    """All fields of both."""
    if not a or a is b:
        return b
    return _merged(a, b) if b else a


def _union_node(a: Fields, b: Fields) -> Fields:
    if a is b or not (a or b):
        return a
    if not a:
        return b if is_member(b) else {SELF: MEMBER, **b}
    if not b:
        return a if is_member(a) else {SELF: MEMBER, **a}
    return _merged(a, b)


def _merged(a: Fields, b: Fields) -> Fields:
    result: Fields | None = None
    grown = False
    for element, node in b.items():
        present = a.get(element)
        if present is None:
            grown, joined = True, node
        else:
            joined = present if element == SELF else _union_node(present, node)
            if joined is present:
                continue
        if result is None:
            result = dict(a)
        result[element] = joined
    if result is None:
        return a
    return ordered(result) if grown else result


def difference(a: Fields, b: Fields) -> Fields:
    """The fields of `a` that are not in `b`; children of a field in `b` stay."""
    if not a or not b:
        return a
    if a is b:
        return EMPTY
    return _without(a, b)


def _without(a: Fields, b: Fields) -> Fields:
    """`a` without the members of `b`, as children of the same element; empty when nothing is left."""
    result: Fields | None = None
    for element, gone in b.items():
        node = a.get(element)
        if node is None or element == SELF:
            continue
        rest = _node_without(node, gone)
        if rest is node:
            continue
        if result is None:
            result = dict(a)
        if rest is None:
            del result[element]
        else:
            result[element] = rest
    return a if result is None else result


def _node_without(node: Fields, gone: Fields) -> Fields | None:
    """What is left of one element, or None."""
    drops = is_member(gone)
    if not node:
        return None if drops else node
    rest = _without(node, gone)
    if drops and SELF in rest:
        rest = {element: child for element, child in rest.items() if element != SELF}
    if not rest:
        return None
    return MEMBER if len(rest) == 1 and SELF in rest else rest


def intersection(a: Fields, b: Fields) -> Fields:
    """The fields that are in both."""
    if a is b:
        return a
    common: Fields = {}
    small, large = (a, b) if len(a) <= len(b) else (b, a)
    for element, node in small.items():
        other = large.get(element)
        if other is None or element == SELF:
            continue
        inner = intersection(node, other) if node and other else EMPTY
        if is_member(node) and is_member(other):
            common[element] = {SELF: MEMBER, **inner} if inner else MEMBER
        elif inner:
            common[element] = inner
    return common


def has(fields: Fields, path: tuple[str, ...]) -> bool:
    """Whether the field at a path of elements is in the set."""
    node = fields
    for element in path:
        if element not in node:
            return False
        node = node[element]
    return bool(path) and is_member(node)


def paths(fields: Fields, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every field of the set, in order, as a path of elements."""
    for element, node in fields.items():
        if element == SELF:
            continue
        path = (*prefix, element)
        if is_member(node):
            yield path
        yield from paths(node, path)


def shown_path(path: tuple[str, ...]) -> str:
    """A path as people read it: `.spec.containers[name="a"].image`."""
    return "".join(shown(element) for element in path)
