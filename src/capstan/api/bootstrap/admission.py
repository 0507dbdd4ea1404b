"""Rules of TalosConfig and TalosConfigTemplate (talos.md 1.1). Nothing is defaulted: specs are compared as written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.rules.causes import forbidden_value, invalid_value
from capstan.api.rules.fields import text_at

_HOSTNAME_SOURCES: Final = ("", "MachineName", "InfrastructureName")


def admit_talos_config(request: AdmissionRequest) -> Admission:
    """The hostname's source is a known one; the spec never changes."""
    if request.new is None or request.subresource == "status":
        return Admission(request.new)
    causes = (*hostname_causes(request.new, "spec"), *_immutable(request, "TalosConfig"))
    return Admission(request.new, causes)


def admit_talos_config_template(request: AdmissionRequest) -> Admission:
    """The spec never changes: a new template takes its place."""
    if request.new is None:
        return Admission(None)
    return Admission(request.new, tuple(_immutable(request, "TalosConfigTemplate")))


def hostname_causes(obj: Mapping[str, Any], at: str) -> Iterator[FieldCause]:
    """Where the hostname comes from, in the Talos configuration at a path."""
    field = f"{at}.hostname.source"
    source = text_at(obj, field)
    if source not in _HOSTNAME_SOURCES:
        named = ", ".join(f'"{name}"' for name in _HOSTNAME_SOURCES[1:])
        yield invalid_value(field, source, f"valid values are: {named}, or none at all")


def _immutable(request: AdmissionRequest, kind: str) -> Iterator[FieldCause]:
    old, new = request.old, request.new
    if request.operation == "UPDATE" and old is not None and new is not None and old.get("spec") != new.get("spec"):
        yield forbidden_value("spec", f"{kind}.Spec is immutable: make a {kind} of another name and refer to that")
