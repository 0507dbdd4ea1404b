"""A page for each kind: every field of every served version, from the schemas that the API server serves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from capstan.api.crd import crd_of
from capstan.api.kinds import Kind
from capstan.api.scheme import SCHEME
from docs.generators.kinds import describe, page_name
from docs.generators.markdown import code, notice, table

_ENVELOPE = ("apiVersion", "kind", "metadata")
_LIMITS = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("default", "default {}"),
)


def field_pages() -> dict[str, str]:
    """File name -> page, for the kinds that Kubernetes itself does not document."""
    return {page_name(kind): _page(kind) for kind in SCHEME.kinds if not kind.builtin}


def _page(kind: Kind) -> str:
    schemas = {v["name"]: v["schema"]["openAPIV3Schema"] for v in crd_of(kind)["spec"]["versions"]}
    resource = kind.resource()
    parts = [
        notice("the types in `src/capstan/api/`"),
        f"# {kind.kind}\n",
        f"{schemas[kind.storage.name].get('description', '')}\n",
        f"`{resource.group_resource}`, {'namespaced' if kind.namespaced else 'cluster-wide'}"
        + (f", short names {', '.join(map(code, kind.short_names))}" if kind.short_names else "")
        + ". Every object also has `apiVersion`, `kind` and `metadata`.\n",
    ]
    for version in kind.versions:
        if version.served:
            parts.append(f"## {version.name}{describe(version)}\n")
            parts.append(table(("Field", "Type", "Required", "Description"), _rows(schemas[version.name])))
    return "\n".join(parts)


def _rows(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, str, str, str]]:
    for name, field in schema.get("properties", {}).items():
        if not path and name in _ENVELOPE:
            continue
        here = f"{path}.{name}" if path else name
        required = "yes" if name in schema.get("required", ()) else ""
        yield code(here), _type(field), required, _text(field)
        yield from _rows(_inner(field), here + _suffix(field))


def _inner(field: dict[str, Any]) -> dict[str, Any]:
    """The object below a field: itself, its items, or its values."""
    for keyword in ("items", "additionalProperties"):
        if isinstance(field.get(keyword), dict):
            return _inner(field[keyword])
    return field


def _suffix(field: dict[str, Any]) -> str:
    if isinstance(field.get("items"), dict):
        return "[]" + _suffix(field["items"])
    if isinstance(field.get("additionalProperties"), dict):
        return "{}" + _suffix(field["additionalProperties"])
    return ""


def _type(field: dict[str, Any]) -> str:
    if field.get("x-kubernetes-int-or-string"):
        return "integer or string"
    if isinstance(field.get("items"), dict):
        return f"list of {_type(field['items'])}"
    if isinstance(field.get("additionalProperties"), dict):
        return f"map to {_type(field['additionalProperties'])}"
    return str(field.get("format") or field.get("type") or "any")


def _text(field: dict[str, Any]) -> str:
    """The description, then what is allowed."""
    notes = [field.get("description", "")]
    if "enum" in field:
        notes.append("One of " + ", ".join(code(str(value) or '""') for value in field["enum"]) + ".")
    limits = [text.format(code(str(field[name]))) for name, text in _LIMITS if name in field]
    if limits:
        notes.append(f"({', '.join(limits)})")
    return " ".join(note for note in notes if note)
