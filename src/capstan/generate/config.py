"""The commented default of a parameter file, written from the parameters' own documentation."""

from __future__ import annotations

from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from capstan.generate.parameters import Network, Parameters, Part, Proxmox

#: What a new file begins with where a parameter has no default.
EXAMPLE = Parameters(
    name="homelab",
    network=Network(
        vip="192.168.0.30",
        addresses=("192.168.0.20-192.168.0.29",),
        gateway="192.168.0.1",
    ),
    proxmox=Proxmox(template_id=9000),
)


def default_config() -> str:
    """A whole parameter file with a comment above every key."""
    lines = [
        "# Parameters of a cluster. Make its manifests with: capstan generate cluster --config FILE",
        "# Every key that has a default may be left out. The schema: capstan generate config --schema",
        "",
    ]
    lines += _part(EXAMPLE, 0)
    return "\n".join(lines) + "\n"


def _part(part: Part, depth: int) -> list[str]:
    hints = get_type_hints(type(part), include_extras=True)
    lines: list[str] = []
    indent = "  " * depth
    fields = zip(type(part).__struct_fields__, type(part).__struct_encode_fields__, strict=True)
    for field, wire in fields:
        value = getattr(part, field)
        if depth == 0 and lines:
            lines.append("")
        lines.append(f"{indent}# {_description(hints[field])}")
        lines += _value(wire, value, depth)
    return lines


def _value(wire: str, value: Any, depth: int) -> list[str]:
    indent = "  " * depth
    if isinstance(value, Part):
        return [f"{indent}{wire}:", *_part(value, depth + 1)]
    if isinstance(value, tuple) and value and isinstance(value[0], Part):
        lines = [f"{indent}{wire}:"]
        for item in value:
            first, *rest = _part(item, depth + 2)
            lines += [f"{indent}  - {first.strip()}", *rest]
        return lines
    return [f"{indent}{wire}: {msgspec.json.encode(value).decode()}"]


def _description(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        for extra in get_args(hint)[1:]:
            if isinstance(extra, msgspec.Meta) and extra.description:
                return extra.description
    return ""
