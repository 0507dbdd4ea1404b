"""The schema of ObjectMeta, which the server puts in place of `metadata` in every kind's schema."""

from __future__ import annotations

from typing import Any

_STRING = {"type": "string"}
_STRINGS = {"type": "object", "additionalProperties": _STRING}
_TIME = {"type": "string", "format": "date-time", "nullable": True}

OWNER_REFERENCE: dict[str, Any] = {
    "type": "object",
    "required": ["apiVersion", "kind", "name", "uid"],
    "properties": {
        "apiVersion": _STRING,
        "kind": _STRING,
        "name": _STRING,
        "uid": _STRING,
        "controller": {"type": "boolean", "nullable": True},
        "blockOwnerDeletion": {"type": "boolean", "nullable": True},
    },
}

MANAGED_FIELDS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "apiVersion": _STRING,
        "fieldsType": _STRING,
        "fieldsV1": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "nullable": True},
        "manager": _STRING,
        "operation": _STRING,
        "subresource": _STRING,
        "time": _TIME,
    },
}

#: Nulls are how Go clients write absent values here, so everything is nullable.
OBJECT_META: dict[str, Any] = {
    "type": "object",
    "properties": {
        "annotations": {**_STRINGS, "nullable": True},
        "creationTimestamp": _TIME,
        "deletionGracePeriodSeconds": {"type": "integer", "format": "int64", "nullable": True},
        "deletionTimestamp": _TIME,
        "finalizers": {"type": "array", "items": _STRING, "nullable": True},
        "generateName": {**_STRING, "nullable": True},
        "generation": {"type": "integer", "format": "int64", "nullable": True},
        "labels": {**_STRINGS, "nullable": True},
        "managedFields": {"type": "array", "items": MANAGED_FIELDS, "nullable": True},
        "name": {**_STRING, "nullable": True},
        "namespace": {**_STRING, "nullable": True},
        "ownerReferences": {"type": "array", "items": OWNER_REFERENCE, "nullable": True},
        "resourceVersion": {**_STRING, "nullable": True},
        "selfLink": {**_STRING, "nullable": True},
        "uid": {**_STRING, "nullable": True},
    },
}
