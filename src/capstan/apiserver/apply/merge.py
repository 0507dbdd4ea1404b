"""A configuration merged into an object, and fields taken out of one. Nothing that is given is changed."""

from __future__ import annotations

from typing import Any

from capstan.apiserver.apply.compare import ABSENT, is_list, is_map
from capstan.apiserver.apply.fieldset import Fields, is_member
from capstan.apiserver.apply.items import ItemError, element_of, index
from capstan.apiserver.apply.types import FieldType


def merge(kind: FieldType, live: Any, config: Any) -> Any:
    """`live` with everything that `config` says. Nothing is removed by it; lists that merge keep the order of
    `live` unless `config` orders what both have differently."""
    if config is ABSENT or live is ABSENT:
        return live if config is ABSENT else config
    if is_map(kind, live) and is_map(kind, config):
        return _merge_maps(kind, live, config)
    if is_list(kind, live) and is_list(kind, config):
        return _merge_lists(kind, live or [], config or []) if live or config else config
    return config


def _merge_maps(kind: FieldType, live: Any, config: Any) -> Any:
    if not config:
        return live or config
    result: dict[str, Any] | None = None
    base = live or {}
    for name, part in config.items():
        inner = kind.child(name)
        if inner is None:
            merged = part
        else:
            merged = merge(inner, base.get(name, ABSENT), part)
        if name in base and merged is base[name]:
            continue
        if result is None:
            result = dict(base)
        result[name] = merged
    return live if result is None else result


def _merge_lists(kind: FieldType, live: list[Any], config: list[Any]) -> list[Any]:
    assert kind.element is not None
    theirs, ours = index(kind, live), index(kind, config)
    present = [_element(kind, item) for item in live]
    order = _merged_order(present, list(ours), theirs.keys() & ours.keys())
    result: list[Any] = []
    for element, at in order:
        if element is None or element not in ours:
            result.append(live[at])
            continue
        items = theirs.get(element, [])
        # Several live items of one element cannot be merged with: the configured one takes their place.
        result.append(merge(kind.element, items[0] if len(items) == 1 else ABSENT, ours[element][0]))
    unchanged = len(result) == len(live) and all(a is b for a, b in zip(result, live, strict=True))
    return live if unchanged else result


def _element(kind: FieldType, item: Any) -> str | None:
    try:
        return element_of(kind, item)
    except ItemError:
        return None


def _merged_order(live: list[str | None], config: list[str], shared: set[str]) -> list[tuple[str | None, int]]:
    """The elements of the merged list, each with its place in `live` (-1: only in the configuration).

    What both have comes in the order of the configuration; an item that only one has stays before the shared
    item that it stood before there, those of the live list first.
    """
    result: list[tuple[str | None, int]] = []
    wanted = [element for element in config if element in shared]
    placed: set[str] = set()
    next_shared = 0
    at = other = 0
    while at < len(live) or other < len(config):
        element = live[at] if at < len(live) else None
        if at < len(live) and element not in shared:
            result.append((element, at))
            at += 1
            continue
        if at < len(live) and element is not None:
            if element in placed:
                at += 1
                continue
            if other < len(config) and next_shared < len(wanted) and element != wanted[next_shared]:
                # The configuration wants another shared item first: this one comes when its turn is there.
                at += 1
                continue
        if other < len(config):
            chosen = config[other]
            result.append((chosen, -1))
            placed.add(chosen)
            if next_shared < len(wanted) and chosen == wanted[next_shared]:
                next_shared += 1
            other += 1
    return result


def remove(kind: FieldType, value: Any, fields: Fields) -> Any:
    """`value` without the items and fields of a set. What loses all that it had stays as an empty one."""
    if not fields:
        return value
    if value and is_map(kind, value):
        return _remove_from_map(kind, value, fields)
    if value and is_list(kind, value):
        return _remove_from_list(kind, value, fields)
    return value


def _remove_from_map(kind: FieldType, value: dict[str, Any], fields: Fields) -> dict[str, Any]:
    result: dict[str, Any] | None = None
    for name, part in value.items():
        node = fields.get(f"f:{name}")
        if node is None:
            continue
        inner = kind.child(name)
        kept = ABSENT if is_member(node) else part if inner is None else remove(inner, part, node)
        if kept is part:
            continue
        if result is None:
            result = dict(value)
        if kept is ABSENT:
            del result[name]
        else:
            result[name] = kept
    return value if result is None else result


def _remove_from_list(kind: FieldType, value: list[Any], fields: Fields) -> list[Any]:
    assert kind.element is not None
    result: list[Any] = []
    for item in value:
        element = _element(kind, item)
        node = None if element is None else fields.get(element)
        if node is None:
            result.append(item)
        elif not is_member(node):
            result.append(remove(kind.element, item, node))
    return value if all(a is b for a, b in zip(result, value, strict=False)) and len(result) == len(value) else result
