"""Path elements of FieldsV1 (`f:name`, `k:{keys}`, `v:value`, `i:index`): written, read, ordered and shown."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import orjson

#: Marks a node itself as a member, beside its children.
SELF = "."

_INDEX = re.compile(r"-?[0-9]+")


class FieldsError(ValueError):
    """What a client calls FieldsV1 is none."""


def json_text(value: Any) -> str:
    """A value as Kubernetes writes it inside an element: as JSON with `<`, `>` and `&` escaped, whole floats as
    integers, keys of objects sorted."""
    if type(value) is str and value.isascii() and value.isalnum():
        return f'"{value}"'
    if type(value) is float and value.is_integer() and abs(value) < 1e21:
        value = int(value)
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    for char in "<>&\u2028\u2029":
        if char in text:
            text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def key_element(keys: dict[str, Any]) -> str:
    """The element of an item in a list that is a map, from the key fields that it has."""
    inner = ",".join(f"{json_text(name)}:{json_text(keys[name])}" for name in sorted(keys))
    return f"k:{{{inner}}}"


def value_element(value: Any) -> str:
    """The element of an item in a list that is a set."""
    return f"v:{json_text(value)}"


@lru_cache(maxsize=8192)
def canonical(element: str) -> str:
    """The one way to write an element. Raises FieldsError when it is none."""
    kind, text = element[:2], element[2:]
    if kind == "f:":
        return element
    if kind == "i:" and _INDEX.fullmatch(text):
        return f"i:{int(text)}"
    if kind not in ("k:", "v:"):
        raise FieldsError(f"unknown path element {element[:60]!r}")
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise FieldsError(f"path element {element[:60]!r} is not JSON") from None
    if kind == "v:":
        return value_element(value)
    if not isinstance(value, dict):
        raise FieldsError(f"path element {element[:60]!r} has no keys")
    return key_element(value)


@lru_cache(maxsize=8192)
def order(element: str) -> tuple[Any, ...]:
    """Sorts elements as Kubernetes does: fields, keys, values, indexes; each kind by its content."""
    if element == SELF:
        return (0,)
    kind, text = element[0], element[2:]
    if kind == "f":
        return (1, text)
    if kind == "i":
        return (4, int(text))
    content = orjson.loads(text)
    if kind == "v":
        return (3, _value_order(content))
    return (2, tuple((name, _value_order(content[name])) for name in sorted(content)))


def _value_order(value: Any) -> tuple[Any, ...]:
    """A total order over JSON values: numbers, strings, booleans, lists, objects, null."""
    if isinstance(value, bool):
        return (3, value)
    if isinstance(value, int | float):
        return (1, value)
    if isinstance(value, str):
        return (2, value)
    if isinstance(value, list):
        return (4, tuple(_value_order(item) for item in value))
    if isinstance(value, dict):
        return (5, tuple((name, _value_order(value[name])) for name in sorted(value)))
    return (6,)


def shown(element: str) -> str:
    """An element as people read it in a conflict: `.name`, `[name="a"]`, `[="a"]`, `[0]`."""
    kind, text = element[0], element[2:]
    if kind == "f":
        return f".{text}"
    if kind == "i":
        return f"[{text}]"
    content = orjson.loads(text)
    if kind == "v":
        return f"[={_shown_value(content)}]"
    return "[" + ",".join(f"{name}={_shown_value(content[name])}" for name in sorted(content)) + "]"


def _shown_value(value: Any) -> str:
    return orjson.dumps(value).decode()
