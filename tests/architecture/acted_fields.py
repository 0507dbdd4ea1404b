"""Finds the fields of our kinds that no acting code names yet; run it to rewrite the list in docs/reference.

A field counts as acted on when code of a room that acts on its group names it (as an attribute, an argument, or a
part of a string that is a path of fields), and likewise each field on the way to it. What references, selectors and
conditions hold is taken to be acted on with them. Names that many fields share, such as `name`, can make a field
look acted on that is not: the list may be too short by those.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec

from capstan.api.kinds import Kind
from capstan.api.scheme import SCHEME

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "capstan"
LISTED = ROOT / "docs" / "reference" / "fields-not-acted-on.md"

_FIELD_PATH = re.compile(r"\.?[A-Za-z_]\w*(\.[A-Za-z_]\w*|\[\d*\])*\.?")

#: Shapes of these modules are used as a whole.
_WHOLE = re.compile(r"capstan\.api\.(meta|core\..*|cluster\.(reference|legacy|address))")

#: Fields that code looks at only to say that it does nothing with them.
_LOOKED_AT_ONLY = frozenset({("Topology", "spec.topology")})

#: Kinds that are kept and checked, and that no controller knows.
UNTOUCHED = frozenset({"ClusterClass"})

#: The folders whose code acts on the kinds of a group. Simulation, generators and the API server do not act.
ROOMS = {
    "cluster.x-k8s.io": ("controllers", "providers", "runtime", "insight"),
    "addons.cluster.x-k8s.io": ("controllers",),
    "runtime.cluster.x-k8s.io": ("controllers",),
    "infrastructure.cluster.x-k8s.io": ("providers/proxmox",),
    "bootstrap.cluster.x-k8s.io": ("providers/talos",),
    "controlplane.cluster.x-k8s.io": ("providers/talos",),
    "ipam.cluster.x-k8s.io": ("providers/ipam", "providers/proxmox"),
}

HEADER = """\
# Fields that nothing acts on yet

Every field of these kinds is accepted, checked, stored, converted and shown. Those below are not acted on yet: no
controller or provider reads or writes them. A line stands for everything below it. Written by
`python tests/architecture/acted_fields.py`; a test compares it with the code.
"""


@cache
def names_in_code(folders: tuple[str, ...]) -> frozenset[str]:
    """Every name that code in these folders mentions."""
    found: set[str] = set()
    for folder in folders:
        for file in sorted((SOURCE / folder).rglob("*.py")):
            found.update(_mentioned(ast.parse(file.read_text())))
    return frozenset(found)


def _mentioned(tree: ast.Module) -> Iterator[str]:
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.Constant) and id(node) not in docstrings:
            yield from _path_names(node.value)


def _path_names(value: object) -> list[str]:
    return re.findall(r"[A-Za-z_]\w*", value) if isinstance(value, str) and _FIELD_PATH.fullmatch(value) else []


def inner_struct(annotation: Any) -> type[msgspec.Struct] | None:
    """The Struct that an annotation holds, itself or as items or values."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation
    if get_origin(annotation) is None:
        return None
    return next((found for found in map(inner_struct, get_args(annotation)) if found), None)


def not_acted_on(struct: type[msgspec.Struct], names: frozenset[str], path: str = "") -> Iterator[str]:
    """The wire paths below a Struct that are not named; the first on each way only."""
    for field in msgspec.structs.fields(struct):
        if not path and field.name in ("api_version", "kind", "metadata"):
            continue
        here = f"{path}.{field.encode_name}" if path else field.encode_name
        inner = inner_struct(field.type)
        passive = inner is not None and (inner.__name__, here) in _LOOKED_AT_ONLY
        if passive or not {field.name, field.encode_name} & names:
            yield here
        elif inner is not None and not _WHOLE.fullmatch(inner.__module__):
            yield from not_acted_on(inner, names, here)


def unacted_fields() -> dict[str, list[str]]:
    """By kind, the fields of its stored version that nothing acts on."""
    return {kind.kind: sorted(_of(kind)) for kind in SCHEME.kinds if not kind.builtin}


def _of(kind: Kind) -> Iterator[str]:
    rooms = ("api/rules", *ROOMS[kind.group])
    if kind.kind in UNTOUCHED:
        # Other kinds have fields of the same names.
        return iter(("spec", "status"))
    # Templates are copied by the core's controllers, and what they hold is acted on by their provider.
    copied = ("controllers",) if kind.kind.endswith("Template") else ()
    return not_acted_on(kind.storage.struct, names_in_code((*rooms, *copied)))


def as_text() -> str:
    sections = (
        f"## {kind}\n\n" + "\n".join(f"* `{field}`" for field in fields)
        for kind, fields in unacted_fields().items()
        if fields
    )
    return HEADER + "\n" + "\n\n".join(sections) + "\n"


if __name__ == "__main__":
    LISTED.parent.mkdir(parents=True, exist_ok=True)
    LISTED.write_text(as_text())
