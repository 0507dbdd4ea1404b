"""The way from client-side to server-side apply: what kubectl's annotation says that kubectl owns already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from capstan.api.objects import Obj
from capstan.apiserver.apply.compare import compare
from capstan.apiserver.apply.configured import field_set
from capstan.apiserver.apply.conflicts import Conflict, ConflictError
from capstan.apiserver.apply.fieldset import EMPTY, Fields, difference, has
from capstan.apiserver.apply.types import FieldType

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"


def allowed_conflicts(kind: FieldType, live: Obj) -> Fields:
    """The fields that the annotation states and that are still as it states them."""
    try:
        stated = orjson.loads(_annotation(live) or "null")
    except orjson.JSONDecodeError:
        return EMPTY
    if not isinstance(stated, dict) or stated.get("apiVersion") != live.get("apiVersion"):
        return EMPTY
    changes = compare(kind, stated, live)
    fields = field_set(kind, stated)
    for changed in (changes.modified, changes.added, changes.removed):
        fields = difference(fields, changed)
    return fields


def without_allowed(error: ConflictError, allowed: Fields) -> Sequence[Conflict]:
    """The conflicts that remain."""
    return [conflict for conflict in error.conflicts if not has(allowed, conflict.path)]


def with_annotation(obj: Obj, config: Obj) -> Obj:
    """The object with the annotation of kubectl, if it has one, saying what is applied now."""
    if not _annotation(obj):
        return obj
    metadata: Obj = {**(config.get("metadata") or {})}
    metadata["annotations"] = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != ANNOTATION}
    if not metadata["annotations"]:
        del metadata["annotations"]
    text = orjson.dumps({**config, "metadata": metadata}, option=orjson.OPT_SORT_KEYS).decode() + "\n"
    annotations = {**obj["metadata"]["annotations"], ANNOTATION: text}
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}


def _annotation(obj: Obj) -> str:
    annotations: Any = (obj.get("metadata") or {}).get("annotations") or {}
    text = annotations.get(ANNOTATION)
    return text if isinstance(text, str) else ""
