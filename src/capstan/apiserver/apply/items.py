"""Items of lists that merge: by which path element each is known."""

from __future__ import annotations

from typing import Any

from capstan.apiserver.apply.elements import key_element, value_element
from capstan.apiserver.apply.types import FieldType


class ItemError(ValueError):
    """A list that merges has an item that cannot be told apart from the others."""


def element_of(listing: FieldType, item: Any) -> str:
    """The path element of an item. Raises ItemError when it has none."""
    if not listing.keys:
        if isinstance(item, dict | list) or item is None:
            raise ItemError("a set has an item that is not a scalar")
        return value_element(item)
    if not isinstance(item, dict):
        raise ItemError("a list with keys has an item that is not an object")
    keys: dict[str, Any] = {}
    for name in listing.keys:
        if name in item:
            keys[name] = item[name]
        elif name in listing.key_defaults:
            keys[name] = listing.key_defaults[name]
    if not keys:
        raise ItemError(f"an item omits all key fields {list(listing.keys)}")
    return key_element(keys)


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
