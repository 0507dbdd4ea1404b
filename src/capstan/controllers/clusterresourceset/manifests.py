"""The objects that a ConfigMap or Secret holds as text: which they are, and in which order they are applied."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import yaml

from capstan.api.objects import Obj

#: Kinds that others need, in their order; all others follow as they are written.
_FIRST: Final = (
    "Namespace",
    "CustomResourceDefinition",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Secret",
    "ConfigMap",
    "ServiceAccount",
    "LimitRange",
    "Pod",
    "ReplicaSet",
    "Endpoints",
)
_RANK: Final = {kind: rank for rank, kind in enumerate(_FIRST)}


class ManifestError(ValueError):
    """A value that is no manifest. The text never quotes the value: it may be a Secret's."""


def digest(data: Mapping[str, bytes]) -> str:
    """The sum of all values in the order of their keys."""
    total = hashlib.sha256()
    for key in sorted(data):
        total.update(data[key])
    return f"sha256:{total.hexdigest()}"


def objects_of(data: Mapping[str, bytes]) -> tuple[Obj, ...]:
    """All objects, key by key; within a key those that others need come first. Raises ManifestError."""
    if not data:
        raise ManifestError("it has no data")
    return tuple(obj for key in sorted(data) for obj in _of_key(key, data[key]))


def _of_key(key: str, value: bytes) -> list[Obj]:
    try:
        documents = list(yaml.load_all(value, yaml.CSafeLoader))
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark is not None else ""
        raise ManifestError(f"key {key} is not YAML: {error.problem or 'it cannot be read'}{line}") from None
    except (yaml.YAMLError, ValueError):
        raise ManifestError(f"key {key} is not YAML") from None
    found = [obj for number, document in enumerate(documents, 1) for obj in _flat(document, key, number)]
    return sorted(found, key=lambda obj: _RANK.get(obj["kind"], len(_FIRST)))


def _flat(document: Any, key: str, number: int) -> list[Obj]:
    """A document may be nothing, an object, a JSON list of objects, or a List."""
    if document is None:
        return []
    if isinstance(document, list):
        return [obj for item in document for obj in _flat(item, key, number)]
    if not isinstance(document, dict) or not all(isinstance(document.get(n), str) for n in ("apiVersion", "kind")):
        raise ManifestError(f"document {number} of key {key} is no object: it needs apiVersion and kind")
    if document["kind"].endswith("List") and isinstance(document.get("items"), list):
        return _flat(document["items"], key, number)
    name = (document.get("metadata") or {}).get("name")
    if not isinstance(name, str) or not name:
        raise ManifestError(f"document {number} of key {key} is a {document['kind']} without metadata.name")
    return [document]
