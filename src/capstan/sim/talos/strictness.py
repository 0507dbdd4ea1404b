"""What a Talos release refuses in a machine configuration: unknown kinds and keys, and the rules of its validator.

Sources: talos.md 5.3 (decoding), 5.5 (validation), 5.11 and 5.12 (documents and fields).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

import yaml

from capstan.api.objects import Obj

_LEGACY_KEYS = {"version", "machine", "cluster", "debug", "persist"}
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ConfigError(ValueError):
    """The machine configuration is refused; the text is Talos' way of saying why."""


@cache
def _schema() -> dict[str, Any]:
    text = (resources.files("capstan.sim.talos") / "config_schema.json").read_text()
    schema: dict[str, Any] = json.loads(text)
    return schema


def minor_of(version: str) -> int:
    """The minor of a Talos release: 11 for `v1.11.6`. An empty version is taken for the newest."""
    found = re.match(r"v?1\.(\d+)", version)
    return int(found[1]) if found else 99


def load_documents(text: bytes, talos_minor: int) -> tuple[Obj, list[Obj]]:
    """The v1alpha1 document (empty when there is none) and the other documents, strictly decoded."""
    try:
        loaded = [document for document in yaml.load_all(text, Loader=_Loader) if document is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigError(f"yaml: line {mark.line + 1 if mark else '?'}: {getattr(error, 'problem', '')}") from None
    legacy: Obj = {}
    others: list[Obj] = []
    for document in loaded:
        if not isinstance(document, dict):
            raise ConfigError("error decoding document: not a mapping")
        if "kind" in document:
            others.append(document)
        elif legacy:
            raise ConfigError("not expected more than one v1alpha1 document")
        elif _LEGACY_KEYS & document.keys():
            legacy = document
        else:
            raise ConfigError("missing kind")
    unknown = list(_unknown_keys(legacy, "Config", "", talos_minor))
    for document in others:
        unknown.extend(_check_document(document, talos_minor))
    if unknown:
        raise ConfigError("unknown keys found during decoding:\n" + "\n".join(unknown))
    _refuse_duplicates(others)
    return legacy, others


def _check_document(document: Obj, talos_minor: int) -> Iterator[str]:
    kind = document["kind"]
    if not document.get("apiVersion"):
        raise ConfigError("missing apiVersion")
    known = _schema()["kinds"].get(kind)
    if known is None or known["since"] > talos_minor or document["apiVersion"] != "v1alpha1":
        raise ConfigError(f'"{kind}" "{document["apiVersion"]}": not registered')
    if known["named"] and not document.get("name"):
        raise ConfigError(f"{kind}: name is required")
    for key in document:
        if key not in ("apiVersion", "kind") and key not in known["fields"]:
            yield f"{kind}.{key}"


def _refuse_duplicates(documents: list[Obj]) -> None:
    seen: set[tuple[str, str]] = set()
    for document in documents:
        identity = (document["kind"], str(document.get("name", "")))
        if identity in seen:
            raise ConfigError(f"duplicate document: {identity[0]} {identity[1]}".rstrip())
        seen.add(identity)


def _unknown_keys(value: Any, struct: str, path: str, talos_minor: int) -> Iterator[str]:
    """The keys of a legacy document that the release does not know, as dotted paths."""
    schema = _schema()
    fields: dict[str, str] = schema["legacy"][struct]
    if value is None:
        return
    if not isinstance(value, dict):
        raise ConfigError(f"{path or 'config'}: cannot unmarshal into {struct}")
    for key, inner in value.items():
        where = f"{path}.{key}" if path else str(key)
        if key not in fields or schema["since"].get(f"{struct}.{key}", 0) > talos_minor:
            yield where
            continue
        found = re.match(r"(\[\]|map\()?\{(\w+)\}", fields[key])
        if found is None or found[2] not in schema["legacy"]:
            continue
        if found[1] == "[]":
            if inner is not None and not isinstance(inner, list):
                raise ConfigError(f"{where}: cannot unmarshal into a list of {found[2]}")
            inners = [(f"{where}[{index}]", element) for index, element in enumerate(inner or ())]
        elif found[1]:
            inners = [(f"{where}.{name}", element) for name, element in (inner or {}).items()]
        else:
            inners = [(where, inner)]
        for inner_path, element in inners:
            yield from _unknown_keys(element, found[2], inner_path, talos_minor)


def controlplane_only(kind: str) -> bool:
    """Whether a worker must not have this document."""
    return bool(_schema()["kinds"][kind]["controlplane_only"])
