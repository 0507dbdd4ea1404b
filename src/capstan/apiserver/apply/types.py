"""How the fields of a kind merge, from its schema: what is owned as a whole, what by its parts, and by which keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from capstan.apiserver.patch.mergekeys import PLAIN, Field
from capstan.apiserver.validation.objectmeta import OBJECT_META

Shape = Literal["leaf", "map", "list", "deduced", "none"]

_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_EMBEDDED = "x-kubernetes-embedded-resource"

#: Lists whose items are told apart by more than the merge key of strategic patches (the keys of the API types).
_FURTHER_KEYS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("ports", "containerPort"): ("protocol",),
    ("ports", "port"): ("protocol",),
    ("topologySpreadConstraints", "topologyKey"): ("whenUnsatisfiable",),
}
_KEY_DEFAULTS: Mapping[str, Any] = {"protocol": "TCP"}


@dataclass(eq=False, slots=True)
class FieldType:
    """One node. A `leaf` is owned as a whole: scalars, atomic lists and objects. A `map` has named `fields` and,
    where others are allowed, `element`s. A `list` has items told apart by `keys`, or by value when there are none.
    `deduced` goes by the value: objects are maps of the same, all else leaves. A `bare` one is never owned by
    itself, only what lies in it; of `none` nothing is owned."""

    shape: Shape
    fields: dict[str, FieldType] = field(default_factory=dict)
    element: FieldType | None = None
    keys: tuple[str, ...] = ()
    key_defaults: dict[str, Any] = field(default_factory=dict)
    bare: bool = False

    def child(self, name: str) -> FieldType | None:
        """The type of a field; None where the schema does not know it."""
        return self.fields.get(name, self.element)


LEAF = FieldType("leaf")
#: Fields that are in no set.
NOBODYS = FieldType("none", bare=True)
DEDUCED = FieldType("deduced")
DEDUCED.element = DEDUCED


def type_of(schema: Mapping[str, Any] | None, rules: Field = PLAIN) -> FieldType:
    """The type of a whole object. `rules` are the merge keys of a built-in kind, for lists of which the schema
    says nothing. Without a schema everything is deduced. What only the server writes, and what names the object,
    is in no type: nobody owns it."""
    if schema is None:
        schema = {"type": "object", _PRESERVE: True}
    whole = _object({"properties": {}, **schema, "type": "object", _EMBEDDED: True}, rules)
    fields = {name: part for name, part in whole.fields.items() if name not in ("apiVersion", "kind", "metadata")}
    fields.update(dict.fromkeys(("apiVersion", "kind"), NOBODYS), metadata=_OWN_METADATA)
    return FieldType("map", fields, whole.element, bare=True)


def _node(schema: Mapping[str, Any], rules: Field, name: str) -> FieldType:
    kind = schema.get("type", "")
    if kind == "array" or "items" in schema:
        return _list(schema, rules, name)
    if kind == "object" or "properties" in schema or "additionalProperties" in schema or schema.get(_EMBEDDED):
        return _object(schema, rules)
    if schema.get(_PRESERVE) and not kind and not schema.get("x-kubernetes-int-or-string"):
        return DEDUCED
    return LEAF


def _object(schema: Mapping[str, Any], rules: Field) -> FieldType:
    if schema.get("x-kubernetes-map-type") == "atomic":
        return LEAF
    properties: dict[str, Any] = dict(schema.get("properties") or {})
    if schema.get(_EMBEDDED):
        properties = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, **properties}
        properties.pop("metadata", None)
    fields = {name: _node(part, rules.child(name), name) for name, part in properties.items()}
    if schema.get(_EMBEDDED):
        fields["metadata"] = METADATA
    additional = schema.get("additionalProperties")
    element = _node(additional, PLAIN, "") if isinstance(additional, dict) else None
    if element is None and (additional is True or schema.get(_PRESERVE) or not fields):
        # An object of which nothing is known holds what its writers put there, each field by itself.
        element = DEDUCED
    return FieldType("map", fields, element)


def _list(schema: Mapping[str, Any], rules: Field, name: str) -> FieldType:
    stated = schema.get("x-kubernetes-list-type")
    keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())
    if stated is None:
        stated, keys = _merge_keys(schema, rules, name)
    items = schema.get("items")
    if stated == "atomic" or not isinstance(items, dict):
        return LEAF
    if stated == "set":
        return FieldType("list", element=LEAF)
    element = _node(items, Field(fields=rules.fields), "")
    if not keys:
        return LEAF
    defaults = {key: _KEY_DEFAULTS[key] for key in keys if key in _KEY_DEFAULTS and key != keys[0]}
    for key in keys:
        default = ((items.get("properties") or {}).get(key) or {}).get("default")
        if default is not None:
            defaults[key] = default
    return FieldType("list", element=element, keys=keys, key_defaults=defaults)


def _merge_keys(schema: Mapping[str, Any], rules: Field, name: str) -> tuple[str, tuple[str, ...]]:
    """What the tags of strategic merge patches say of a list that states no list type."""
    strategies = str(schema.get("x-kubernetes-patch-strategy", "")).split(",")
    key = str(schema.get("x-kubernetes-patch-merge-key", "")) or rules.key
    if not (rules.merge or "merge" in strategies):
        return "atomic", ()
    if not key:
        return "set", ()
    return "map", (key, *_FURTHER_KEYS.get((name, key), ()))


#: Metadata that the server alone writes, and what tells objects apart.
_NOT_OWNED = frozenset(
    ("name", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "managedFields", "resourceVersion")
)


def _metadata(*, own: bool) -> FieldType:
    strings = FieldType("map", element=LEAF)
    fields = dict.fromkeys(OBJECT_META["properties"], LEAF)
    fields["labels"] = fields["annotations"] = strings
    fields["finalizers"] = FieldType("list", element=LEAF)
    fields["ownerReferences"] = FieldType("list", element=LEAF, keys=("uid",))
    if own:
        fields.update(dict.fromkeys(_NOT_OWNED, NOBODYS))
    return FieldType("map", fields, bare=own)


#: The metadata of an object inside another. Owner references are told apart by uid and owned as a whole.
METADATA = _metadata(own=False)
_OWN_METADATA = _metadata(own=True)
