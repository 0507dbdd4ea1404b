"""What a definition is warned about though it is accepted: formats that nobody checks, sets of more than scalars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from capstan.api.objects import Obj
from capstan.apiserver.validation.formats import is_known_format


def definition_warnings(crd: Obj, old: Obj | None = None) -> tuple[str, ...]:
    """Warnings about what is new since `old`."""
    before = frozenset(_warnings(old)) if old is not None else frozenset()
    return tuple(dict.fromkeys(text for text in _warnings(crd) if text not in before))


def _warnings(crd: Obj) -> list[str]:
    formats, sets = [], set()
    for version in (crd.get("spec") or {}).get("versions") or ():
        for node in _nodes((version.get("schema") or {}).get("openAPIV3Schema")):
            format_ = node.get("format")
            if format_ and not is_known_format(str(node.get("type") or ""), format_):
                formats.append(f'unrecognized format "{format_}"')
            items = node.get("items")
            if node.get("x-kubernetes-list-type") == "set" and isinstance(items, dict):
                kind = items.get("type")
                if kind in ("object", "array"):
                    sets.add(
                        f'x-kubernetes-list-type: set for items of type "{kind}" is not supported by server-side '
                        "apply or CEL validation rules"
                    )
    return formats + sorted(sets)


def _nodes(schema: Any) -> Iterator[Mapping[str, Any]]:
    """All nodes of a schema, value constraints among them."""
    pending = [schema]
    while pending:
        node = pending.pop()
        if not isinstance(node, dict):
            continue
        yield node
        pending += [node.get("items"), node.get("additionalProperties"), node.get("not")]
        for word in ("allOf", "anyOf", "oneOf"):
            pending += node.get(word) or ()
        pending += reversed(list((node.get("properties") or {}).values()))
