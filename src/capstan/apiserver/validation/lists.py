"""Lists by their list type: atomic, set (no value twice), map (no key twice)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from capstan.apiserver.validation import fielderror
from capstan.apiserver.validation.fielderror import Path
from capstan.apiserver.validation.keywords import SchemaError
from capstan.apiserver.validation.run import Check, Run


def list_check(schema: Mapping[str, Any], item: Check | None) -> Check:
    """The check of the items of a list; gives the very list back when no item changed."""
    kind = schema.get("x-kubernetes-list-type", "atomic")
    if kind == "map":
        keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())
        if not keys:
            raise SchemaError("x-kubernetes-list-type map needs x-kubernetes-list-map-keys")
        return _map(item, keys)
    check = _each(item)
    return _set(check) if kind == "set" or schema.get("uniqueItems") else check


def _each(item: Check | None) -> Check:
    def check(value: Any, path: Path, run: Run) -> Any:
        if item is None:
            return value
        result = value
        for index, old in enumerate(value):
            new = item(old, (path, index), run)
            if new is not old:
                result = list(value) if result is value else result
                result[index] = new
        return result

    return check


def _set(inner: Check) -> Check:
    def check(value: Any, path: Path, run: Run) -> Any:
        result = inner(value, path, run)
        seen: dict[bytes, int] = {}
        for index, item in enumerate(result):
            identity = orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
            times = seen[identity] = seen.get(identity, 0) + 1
            if times == 2:  # a third one is not worth another message
                run.repeated.append((path, fielderror.duplicate((path, index), item)))
        return result

    return check


def _map(item: Check | None, keys: tuple[str, ...]) -> Check:
    def check(value: Any, path: Path, run: Run) -> Any:
        result = value
        seen: dict[Any, int] = {}
        for index, old in enumerate(value):
            found = old if isinstance(old, dict) else {}
            # The step carries the keys, so that the item's former self can be found in an older list.
            step = (index, keys, tuple([found.get(key) for key in keys]))
            new = item(old, (path, step), run) if item else old
            if new is not old:
                result = list(value) if result is value else result
                result[index] = new
            if isinstance(new, dict):
                values = tuple([new.get(key) for key in keys])
                identity = values if _is_scalars(values) else orjson.dumps(values)
                times = seen[identity] = seen.get(identity, 0) + 1
                if times == 2:
                    shown = {key: new[key] for key in keys if key in new}
                    run.repeated.append((path, fielderror.duplicate((path, index), shown)))
        return result

    return check


def _is_scalars(values: tuple[Any, ...]) -> bool:
    return all(isinstance(value, str) for value in values)
