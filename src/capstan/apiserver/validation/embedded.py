"""What an embedded object must say of itself: apiVersion, kind, and metadata as every object has it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from capstan.api.errors import FieldCause
from capstan.apiserver.validation import fielderror
from capstan.apiserver.validation.fielderror import Path

_KIND = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_PREFIX = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def embedded_causes(value: Mapping[str, Any], path: Path) -> list[FieldCause]:
    """Why an embedded object is refused."""
    causes = [fielderror.required((path, name)) for name in ("apiVersion", "kind") if name not in value]
    version, kind, metadata = value.get("apiVersion"), value.get("kind"), value.get("metadata")
    if isinstance(version, str):
        if not version:
            causes.append(fielderror.invalid((path, "apiVersion"), version, "must not be empty"))
        elif version.count("/") > 1:
            why = f"unexpected GroupVersion string: {version}"
            causes.append(fielderror.invalid((path, "apiVersion"), version, why))
    if isinstance(kind, str):
        if not kind:
            causes.append(fielderror.invalid((path, "kind"), kind, "must not be empty"))
        elif not _KIND.fullmatch(kind.lower()):
            why = "may have mixed case, but should otherwise match: a DNS-1035 label"
            causes.append(fielderror.invalid((path, "kind"), kind, why))
    if isinstance(metadata, dict):
        causes += _metadata_causes(metadata, (path, "metadata"))
    return causes


def _metadata_causes(metadata: Mapping[str, Any], path: Path) -> list[FieldCause]:
    causes = []
    name = metadata.get("name")
    if isinstance(name, str) and name:
        if name in (".", ".."):
            causes.append(fielderror.invalid((path, "name"), name, f"may not be '{name}'"))
        for char in "/%":
            if char in name:
                causes.append(fielderror.invalid((path, "name"), name, f"may not contain '{char}'"))
    causes += _key_causes(metadata.get("labels"), (path, "labels"), values=True)
    causes += _key_causes(metadata.get("annotations"), (path, "annotations"), values=False)
    for index, finalizer in enumerate(metadata.get("finalizers") or ()):
        if isinstance(finalizer, str) and not _is_qualified(finalizer):
            cause = fielderror.invalid(((path, "finalizers"), index), finalizer, "name part must be a qualified name")
            causes.append(replace(cause, field=fielderror.render((path, "finalizers"))))
    return causes


def _is_qualified(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    return _NAME.fullmatch(name) is not None and (not slash or _PREFIX.fullmatch(prefix) is not None)


def _key_causes(found: Any, path: Path, *, values: bool) -> list[FieldCause]:
    causes = []
    for key, value in found.items() if isinstance(found, dict) else ():
        if not _is_qualified(key if values else key.lower()):
            causes.append(fielderror.invalid(path, key, "name part must be a qualified name"))
        if values and isinstance(value, str) and value and not _NAME.fullmatch(value):
            why = (
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and "
                "must start and end with an alphanumeric character, at most 63 of them"
            )
            causes.append(fielderror.invalid(path, value, why))
    return causes
