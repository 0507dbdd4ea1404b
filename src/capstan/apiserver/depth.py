"""How deep documents may nest: what goes in must come out again, and encoders stop at 254 levels."""

from __future__ import annotations

from typing import Any

from capstan.api.errors import bad_request

MAX_DEPTH = 200


def refuse_depth(value: Any, what: str) -> None:
    """Raises 400 when `value` nests too deep. Iterative, so that depth cannot exhaust the stack."""
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for part in level:
            inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
            below.extend([v for v in inner if isinstance(v, dict | list)])
        if not below:
            return
        level = below
    raise bad_request(f"{what}: exceeded max depth of {MAX_DEPTH}")
