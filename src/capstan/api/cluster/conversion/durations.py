"""Durations: Go's text (`1h5m0s`) in v1beta1, whole seconds in v1beta2."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from capstan.api.errors import bad_request

_MAX_INT32: Final = 2**31 - 1
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_SECONDS: Final = {
    "ns": Decimal("1e-9"),
    "us": Decimal("1e-6"),
    "µs": Decimal("1e-6"),
    "μs": Decimal("1e-6"),
    "ms": Decimal("1e-3"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
}


def seconds_of(duration: Any) -> Any:
    """Whole seconds of a Go duration: the fraction is cut off, the value capped at the largest int32."""
    if not isinstance(duration, str):
        return duration
    sign, text = (-1, duration[1:]) if duration.startswith("-") else (1, duration.removeprefix("+"))
    if text == "0":
        return 0
    parts = list(_PART.finditer(text))
    if not parts or "".join(part.group() for part in parts) != text:
        raise bad_request(f'time: invalid duration "{duration}": write it as in 30s, 10m or 1h30m')
    total = sum((Decimal(part[1]) * _SECONDS[part[2]] for part in parts), Decimal(0))
    return max(-_MAX_INT32 - 1, min(_MAX_INT32, sign * int(total)))


def duration_of(seconds: Any) -> Any:
    """The Go duration of whole seconds, as Go prints it: `90` is `1m30s`, `3600` is `1h0m0s`."""
    if not isinstance(seconds, int):
        return seconds
    sign, rest = ("-", -seconds) if seconds < 0 else ("", seconds)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    if hours:
        return f"{sign}{hours}h{minutes}m{rest}s"
    return f"{sign}{minutes}m{rest}s" if minutes else f"{sign}{rest}s"
