"""Which lists of built-in kinds a strategic merge patch merges, and by which key (kubernetes-api.md A10).

The facts are the `patchStrategy` and `patchMergeKey` tags of the Kubernetes API types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from capstan.api.kubernetes.kinds import builtin_kind
from capstan.api.kubernetes.messages import message
from capstan.api.objects import Obj
from capstan.apiserver.protobuf import message_of


@dataclass(frozen=True, slots=True)
class Field:
    """How one field merges. Lists are replaced unless `merge`; `key` names the merge key of a list of
    objects (empty for a set of scalars). `fields` are those of the object, or of each item."""

    merge: bool = False
    key: str = ""
    fields: Mapping[str, Field] = field(default_factory=dict)

    def child(self, name: str) -> Field:
        return self.fields.get(name, PLAIN)


#: Objects merge, lists are replaced: the rule of every field that says nothing else.
PLAIN = Field()


SET = Field(merge=True)

METADATA = Field(fields={"finalizers": SET, "ownerReferences": Field(True, "uid")})

#: Messages that contain themselves and that nothing merges in.
_ENDLESS = frozenset(("apiextensions.JSONSchemaProps",))


@cache
def merge_rules(name: str) -> Mapping[str, Field]:
    """What merges below the message `name` of a built-in kind: the fields that merge, and those that contain some."""
    found: dict[str, Field] = {}
    for member in message(name).by_name.values():
        contains = member.is_message and member.shape != "map" and member.type not in _ENDLESS
        inner = merge_rules(member.type) if contains else {}
        if member.merge or inner:
            found[member.name] = Field(member.merge, member.merge_key, inner)
    return found


def builtin_rules(group: str, kind: str) -> Field:
    """The merge rules of a built-in kind below the top level, metadata apart."""
    found = builtin_kind(group, kind)
    return Field(fields=merge_rules(found.message)) if found is not None else PLAIN


def rules_of(obj: Obj, schema: dict[str, Any] | None) -> Field:
    """The merge rules of an object: those that `schema` states, else the built-in kind's."""
    if schema is not None and states_rules(schema):
        rules = from_schema(schema)
        return Field(fields={"metadata": METADATA, **rules.fields})
    name = message_of(str(obj.get("apiVersion", "")), str(obj.get("kind", "")))
    return Field(fields={"metadata": METADATA, **(merge_rules(name) if name is not None else {})})


def states_rules(schema: Mapping[str, Any]) -> bool:
    """Whether a schema has patch extensions anywhere (`x-kubernetes-patch-strategy`)."""
    if "x-kubernetes-patch-strategy" in schema:
        return True
    parts = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    return any(isinstance(part, dict) and states_rules(part) for part in parts)


def from_schema(schema: Mapping[str, Any]) -> Field:
    """The rules in a schema's `x-kubernetes-patch-strategy` and `x-kubernetes-patch-merge-key`."""
    strategies = str(schema.get("x-kubernetes-patch-strategy", "")).split(",")
    items = schema.get("items")
    inner = items if isinstance(items, dict) else schema
    fields = {n: from_schema(s) for n, s in inner.get("properties", {}).items() if isinstance(s, dict)}
    telling = {n: f for n, f in fields.items() if f.merge or f.fields}
    return Field("merge" in strategies, str(schema.get("x-kubernetes-patch-merge-key", "")), telling)
