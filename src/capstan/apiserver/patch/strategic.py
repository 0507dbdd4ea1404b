"""Strategic merge patch: merge patch whose lists merge by key, with `$patch` directives (kubernetes-api.md A10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from capstan.api.errors import bad_request
from capstan.api.objects import Obj
from capstan.api.rules.jsonpatch import json_equal
from capstan.apiserver.patch.mergekeys import Field, rules_of

DIRECTIVE = "$patch"
RETAIN = "$retainKeys"
DELETE_FROM = "$deleteFromPrimitiveList/"
ORDER = "$setElementOrder/"


def apply_strategic_patch(current: Obj, patch: Obj, schema: dict[str, Any] | None) -> Obj:
    """`current` after `patch`; unchanged subtrees are shared. Errors: ApiError 400 for a malformed patch."""
    merged: Obj = _merge_object(current, patch, rules_of(current, schema), "")
    # Deleting or replacing a whole object must not cost it its identity.
    identity: Obj = {name: current[name] for name in ("apiVersion", "kind") if name in current}
    if any(merged.get(name) != value for name, value in identity.items()):
        return {**merged, **identity}
    return merged


def _merge_object(current: Obj, patch: Obj, rules: Field, path: str) -> Obj:
    directive = patch.get(DIRECTIVE)
    if directive == "replace":
        replaced: Obj = _cleaned(patch)
        return replaced
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise bad_request(f"unknown patch type found in {path or 'the patch'}: {directive!r}")
    merged = _retained(current, patch, path)
    for name, change in patch.items():
        if not name.startswith("$"):
            merged = _merge_field(merged, current, name, change, patch, rules.child(name), f"{path}.{name}".lstrip("."))
    for name in patch:
        merged = _merge_directive(merged, current, name, patch, rules, path)
    return merged


def _retained(current: Obj, patch: Obj, path: str) -> Obj:
    """`current` without what `$retainKeys` does not name; every key of the patch must be named."""
    if RETAIN not in patch:
        return current
    names = patch[RETAIN]
    keys = {name for name in patch if not name.startswith("$") and patch[name] is not None}
    if not isinstance(names, list) or not keys <= {n for n in names if isinstance(n, str)}:
        raise bad_request(f"invalid patch format of retainKeys at {path or 'the top'}: it must list the patch's keys")
    if all(name in names for name in current):
        return current
    return {n: v for n, v in current.items() if n in names}


def _merge_field(merged: Obj, current: Obj, name: str, change: Any, patch: Obj, rules: Field, path: str) -> Obj:
    old = merged.get(name)
    if change is None:
        return {n: v for n, v in merged.items() if n != name} if name in merged else merged
    if isinstance(change, dict):
        new: Any = _merge_object(old if isinstance(old, dict) else {}, change, rules, path)
        # `{}` says: be there. A deletion leaves nothing behind instead.
        if change.get(DIRECTIVE) == "delete":
            return {n: v for n, v in merged.items() if n != name}
    elif isinstance(change, list):
        new = _merge_list(old if isinstance(old, list) else [], change, rules, path)
    else:
        new = change
    if name in merged and (new is old or (new == old and json_equal(new, old))):
        return merged
    return {**merged, name: new}


def _merge_directive(merged: Obj, current: Obj, name: str, patch: Obj, rules: Field, path: str) -> Obj:
    """Applies `$deleteFromPrimitiveList/<field>` and `$setElementOrder/<field>`."""
    if name.startswith(DELETE_FROM):
        target = name.removeprefix(DELETE_FROM)
        gone = _list_of(patch[name], name, path)
        old = merged.get(target)
        if not isinstance(old, list):
            return merged
        # What the same patch adds stays: kubectl lists both when a value was moved.
        added = patch.get(target) if isinstance(patch.get(target), list) else []
        return {**merged, target: [v for v in old if v not in gone or v in (added or ())]}
    if name.startswith(ORDER):
        target = name.removeprefix(ORDER)
        order = _list_of(patch[name], name, path)
        value = merged.get(target)
        if not isinstance(value, list):
            return merged
        key = rules.child(target).key
        _refuse_unordered(patch.get(target), order, key, name, path)
        return {**merged, target: _ordered(value, order, current.get(target) or [], key)}
    if name.startswith("$") and name not in (DIRECTIVE, RETAIN):
        raise bad_request(f"unknown directive {name!r} at {path or 'the top'} of the patch")
    return merged


def _list_of(value: Any, name: str, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise bad_request(f"invalid patch format: {name!r} at {path or 'the top'} must be a list")
    return value


def _merge_list(current: list[Any], patch: list[Any], rules: Field, path: str) -> list[Any]:
    directives = [item for item in patch if isinstance(item, dict) and DIRECTIVE in item]
    if any(item[DIRECTIVE] == "replace" and len(item) == 1 for item in directives) or not rules.merge:
        return [_cleaned(item) for item in patch if not (isinstance(item, dict) and DIRECTIVE in item)]
    if rules.key:
        return _merge_by_key(current, patch, rules, path)
    merged = list(current)
    for item in patch:
        if isinstance(item, dict | list):
            raise bad_request(f"invalid patch format of primitive list at {path}")
        if item not in merged:
            merged.append(item)
    return merged if len(merged) != len(current) else current


def _merge_by_key(current: list[Any], patch: list[Any], rules: Field, path: str) -> list[Any]:
    merged = list(current)
    for item in patch:
        if not isinstance(item, dict):
            raise bad_request(f"invalid patch format: items of {path} must be objects")
        if rules.key not in item:
            raise bad_request(f"an item of {path} in the patch does not contain declared merge key: {rules.key}")
        wanted = item[rules.key]
        places = [i for i, old in enumerate(merged) if isinstance(old, dict) and old.get(rules.key) == wanted]
        directive = item.get(DIRECTIVE)
        if directive == "delete":
            for place in reversed(places):
                del merged[place]
        elif directive == "replace":
            fresh = _cleaned({n: v for n, v in item.items() if n != DIRECTIVE})
            merged[places[0] : places[0] + 1] = [fresh] if places else []
            if not places:
                merged.append(fresh)
        elif places:
            merged[places[0]] = _merge_object(merged[places[0]], item, rules, f"{path}[{wanted}]")
        else:
            merged.append(_merge_object({}, item, rules, f"{path}[{wanted}]"))
    unchanged = len(merged) == len(current) and all(a is b for a, b in zip(merged, current, strict=True))
    return current if unchanged else merged


def _identity(item: Any, key: str) -> Any:
    return item.get(key) if key and isinstance(item, dict) else item


def _place(order: Sequence[Any], item: Any, key: str) -> int:
    wanted = _identity(item, key)
    return next((i for i, other in enumerate(order) if _identity(other, key) == wanted), -1)


def _refuse_unordered(patched: Any, order: list[Any], key: str, name: str, path: str) -> None:
    """Every item that the patch sets must have a place in its `$setElementOrder` list, in that order."""
    if not isinstance(patched, list):
        return
    kept = [i for i in patched if not (isinstance(i, dict) and DIRECTIVE in i)]
    places = [_place(order, item, key) for item in kept]
    if -1 in places or places != sorted(places):
        raise bad_request(f"the order in the patch list does not match {name!r} at {path or 'the top'}")


def _ordered(merged: list[Any], order: list[Any], before: list[Any], key: str) -> list[Any]:
    """Items that `order` names in its order; the others keep their place relative to the list as it was."""
    named = sorted((i for i in merged if _place(order, i, key) >= 0), key=lambda i: _place(order, i, key))
    others = [i for i in merged if _place(order, i, key) < 0]
    result: list[Any] = []
    while others and named:
        left, right = _place(before, others[0], key), _place(before, named[0], key)
        first = others if 0 <= left < right else named
        result.append(first.pop(0))
    return result + named + others


def _cleaned(value: Any) -> Any:
    """A value that the patch brings in whole: without nulls and directives."""
    if not isinstance(value, dict):
        return value
    return {n: _cleaned(v) for n, v in value.items() if v is not None and not n.startswith("$")}
