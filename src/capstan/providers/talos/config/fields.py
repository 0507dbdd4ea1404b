"""The fields of every document kind, from `schema/fields.schema`, read when first asked for.

kind BondConfig network.BondConfig 1.12 named        (kind, structure, since, flags)
struct network.BondConfig
  name text required, links []text, mtu int, stp network.BridgeSTPConfig, env map<text>, resources any
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

V1ALPHA1 = "legacy.Config"


@dataclass(frozen=True, slots=True)
class Field:
    """`type` is text, int, bool, any, a structure's name, `[]type` or `map<type>`."""

    type: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """`since` is the first Talos release (1.9 stands for older ones too)."""

    struct: str
    since: str
    named: bool
    control_plane_only: bool


@dataclass(frozen=True, slots=True)
class Fields:
    kinds: Mapping[str, DocumentKind] = field(default_factory=dict)
    structs: Mapping[str, Mapping[str, Field]] = field(default_factory=dict)


@cache
def fields() -> Fields:
    """Kinds and structures of Talos 1.14, with the older sections of the v1alpha1 document that it still reads."""
    text = (resources.files("capstan.providers.talos.config") / "schema" / "fields.schema").read_text("utf-8")
    kinds: dict[str, DocumentKind] = {}
    structs: dict[str, dict[str, Field]] = {}
    current: dict[str, Field] = {}
    for line in text.splitlines():
        words = line.split()
        if line.startswith("kind "):
            kinds[words[1]] = DocumentKind(words[2], words[3], "named" in words[4:], "controlplane" in words[4:])
        elif line.startswith("struct "):
            current = structs[words[1]] = {}
        elif words:
            current.update(map(_field, line.strip().rstrip(",").split(", ")))
    return Fields(kinds, structs)


def _field(text: str) -> tuple[str, Field]:
    name, type_name, *flags = text.split()
    return name, Field(type_name, "required" in flags)
