"""The parts of times and spans: years, days, hours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from capstan.apiserver.cel import times
from capstan.apiserver.cel import types as t
from capstan.apiserver.cel.functions import Functions, Overload, member
from capstan.apiserver.cel.values import Duration, Timestamp


def _clock(name: str, read: Callable[[Any], int]) -> tuple[Overload, Overload]:
    return (
        member(f"timestamp_to_{name}", (t.TIMESTAMP,), t.INT, lambda v: read(times.calendar(v))),
        member(f"timestamp_to_{name}_with_tz", (t.TIMESTAMP, t.STRING), t.INT, lambda v, z: read(times.calendar(v, z))),
    )


def _span(name: str, unit: int) -> Overload:
    return member(f"duration_to_{name}", (t.DURATION,), t.INT, lambda v: times.part(v, unit))


def _span_milliseconds(value: Duration) -> int:
    return times.part(value, 1_000_000) - times.part(value, 1_000_000_000) * 1000


def _clock_milliseconds(value: Timestamp, zone: str = "UTC") -> int:
    times.calendar(value, zone)
    return times.milliseconds(value)


CLOCKS: Functions = {
    "getFullYear": _clock("year", lambda d: d.year),
    "getMonth": _clock("month", lambda d: d.month - 1),
    "getDayOfYear": _clock("day_of_year", lambda d: d.timetuple().tm_yday - 1),
    "getDayOfMonth": _clock("day_of_month", lambda d: d.day - 1),
    "getDate": _clock("day_of_month_1_based", lambda d: d.day),
    "getDayOfWeek": _clock("day_of_week", lambda d: d.isoweekday() % 7),
    "getHours": (*_clock("hours", lambda d: d.hour), _span("hours", 3_600_000_000_000)),
    "getMinutes": (*_clock("minutes", lambda d: d.minute), _span("minutes", 60_000_000_000)),
    "getSeconds": (*_clock("seconds", lambda d: d.second), _span("seconds", 1_000_000_000)),
    "getMilliseconds": (
        member("timestamp_to_milliseconds", (t.TIMESTAMP,), t.INT, _clock_milliseconds),
        member("timestamp_to_milliseconds_with_tz", (t.TIMESTAMP, t.STRING), t.INT, _clock_milliseconds),
        member("duration_to_milliseconds", (t.DURATION,), t.INT, _span_milliseconds),
    ),
}
