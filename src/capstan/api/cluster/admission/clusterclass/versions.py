"""Rules of the Kubernetes versions that Clusters of a class may have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from capstan.api.errors import FieldCause
from capstan.api.objects import Obj
from capstan.api.rules.causes import invalid_value
from capstan.api.rules.fields import value_at
from capstan.api.rules.semver import SemVer, compare_builds_too, parse_tolerant

_FIELD: Final = "spec.kubernetesVersions"


def kubernetes_version_causes(new: Obj) -> Iterator[FieldCause]:
    """The oldest comes first, no minor is left out, and no version comes twice; other builds of one may follow it."""
    before: SemVer | None = None
    for index, version in enumerate(value_at(new, _FIELD) or ()):
        field, this = f"{_FIELD}[{index}]", parse_tolerant(str(version))
        if this is None:
            yield invalid_value(field, version, "version must be a valid semantic version, as in v1.34.1")
            continue
        if before is not None:
            yield from _after(field, version, before, this)
        before = this


def _after(field: str, version: str, before: SemVer, this: SemVer) -> Iterator[FieldCause]:
    if compare_builds_too(this, before) <= 0:
        yield invalid_value(field, version, f"version must be greater than v{before}")
    if this.minor not in (before.minor, before.minor + 1):
        why = f"expecting a version with minor {before.minor} or {before.minor + 1}, found version {this}"
        yield invalid_value(field, version, why)
