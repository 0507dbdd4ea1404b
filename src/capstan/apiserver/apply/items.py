"""Items of lists that merge: by which path element each is known."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from capstan.apiserver.apply.elements import key_element, value_element
from capstan.apiserver.apply.types import FieldType


class ItemError(ValueError):
    """A list that merges has an item that cannot be told apart from the others."""


def element_of(listing: FieldType, item: Any) -> str:
    """The path element of an item. Raises ItemError when it has none."""
    keys = listing.keys
    if len(keys) == 1 and type(item) is dict and type(value := item.get(keys[0])) is str:
        return _single(keys[0], value)
    if not keys:
        if isinstance(item, dict | list) or item is None:
            raise ItemError("a set has an item that is not a scalar")
        return value_element(item)
    if not isinstance(item, dict):
        raise ItemError("a list with keys has an item that is not an object")
    found: dict[str, Any] = {}
    for name in keys:
        if name in item:
            found[name] = item[name]
        elif name in listing.key_defaults:
            found[name] = listing.key_defaults[name]
    if not found:
        raise ItemError(f"an item omits all key fields {list(keys)}")
    return key_element(found)


@lru_cache(maxsize=8192)
def _single(name: str, value: str) -> str:
    """The element of the most common kind of item: one key, a string."""
    return key_element({name: value})


def index(listing: FieldType, items: list[Any]) -> dict[str, list[Any]]:
    """The items by their element, in the order of their first occurrence; those without an element are left out."""
    found: dict[str, list[Any]] = {}
    for item in items:
        try:
            element = element_of(listing, item)
        except ItemError:
            continue
        found.setdefault(element, []).append(item)
    return found


def changed_in_place(listing: FieldType, old: list[Any], new: list[Any]) -> list[tuple[Any, Any]] | None:
    """The items that differ, when both lists have the same items in the same places, known by one string each;
    None when that is not so. Conditions change like this, and most of them do not."""
    if len(listing.keys) != 1 or len(old) != len(new):
        return None
    key = listing.keys[0]
    names = [item.get(key) if type(item) is dict else None for item in old]
    if len(set(names)) != len(names) or any(type(name) is not str for name in names):
        return None
    pairs = [(left, right) for left, right in zip(old, new, strict=True) if left is not right and left != right]
    in_place = all(type(right) is dict and right.get(key) == left[key] for left, right in pairs)
    return pairs if in_place else None
