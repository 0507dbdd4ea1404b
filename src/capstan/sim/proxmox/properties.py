"""Property strings such as `virtio=BC:24:11:00:00:01,bridge=vmbr0`, tags and sizes, as PVE writes them."""

from __future__ import annotations

import re

_SIZE = re.compile(r"^(\d+(?:\.\d+)?)([KMGT]?)$")
_FACTOR = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def parse(text: str, first: str = "") -> dict[str, str]:
    """Keys and values in order; a leading part without `=` is the value of `first`."""
    found: dict[str, str] = {}
    for number, part in enumerate(text.split(",")):
        name, equals, value = part.partition("=")
        if equals:
            found[name] = value
        elif number == 0 and first:
            found[first] = part
        else:
            found[name] = ""
    return found


def render(parts: dict[str, str], first: str = "") -> str:
    return ",".join(value if name == first else f"{name}={value}" for name, value in parts.items())


def size_bytes(text: str) -> int | None:
    """Bytes of `32G`; None when it is no size."""
    match = _SIZE.match(text)
    return int(float(match[1]) * _FACTOR[match[2]]) if match else None


def size_text(size: int) -> str:
    for unit in ("T", "G", "M", "K"):
        if size and size % _FACTOR[unit] == 0:
            return f"{size // _FACTOR[unit]}{unit}"
    return str(size)


def tags(text: str) -> str:
    """Normalised as PVE does: lower case, sorted, once each, joined by `;`."""
    return ";".join(sorted({tag.lower() for tag in re.split(r"[;, ]+", text) if tag}))


def truth(text: str) -> bool:
    return text.lower() in ("1", "on", "yes", "true")
