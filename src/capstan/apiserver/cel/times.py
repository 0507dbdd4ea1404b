"""Timestamps and durations: reading, showing, parts of the calendar, and sums that do not overflow."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from capstan.apiserver.cel.errors import CelEvaluationError
from capstan.apiserver.cel.values import INT_MAX, INT_MIN, Duration, Timestamp

_SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = -62135596800, 253402300799
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII
)
_UNITS = {
    "ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 1_000_000,
    "s": _SECOND, "m": 60 * _SECOND, "h": 3600 * _SECOND,
}  # fmt: skip
_SPAN = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_OFFSET = re.compile(r"([+-]?)(\d{1,2}):(\d\d)", re.ASCII)


def timestamp(nanoseconds: int) -> Timestamp:
    """An instant. Errors: CelEvaluationError outside the years 1 to 9999."""
    if not _FIRST <= nanoseconds // _SECOND <= _LAST:
        raise CelEvaluationError("timestamp overflow")
    return Timestamp(nanoseconds)


def duration(nanoseconds: int) -> Duration:
    if not INT_MIN <= nanoseconds <= INT_MAX:
        raise CelEvaluationError("duration overflow")
    return Duration(nanoseconds)


def timestamp_of(text: str) -> Timestamp:
    """An RFC 3339 text. Errors: CelEvaluationError."""
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise _no_conversion("google.protobuf.Timestamp")
    year, month, day, hour, minute, second, fraction, _, sign, hours, minutes = found.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        raise _no_conversion("google.protobuf.Timestamp") from None
    offset = (int(hours) * 3600 + int(minutes) * 60) * (-1 if sign == "-" else 1) if sign else 0
    seconds = (moment - _EPOCH) // timedelta(seconds=1) - offset
    return timestamp(seconds * _SECOND + int((fraction or "0").ljust(9, "0")))


def _no_conversion(target: str) -> CelEvaluationError:
    return CelEvaluationError(f"type conversion error from 'string' to '{target}'")


def duration_of(text: str) -> Duration:
    """A text like `1h30m` or `-1.5s`. Errors: CelEvaluationError."""
    body = text[1:] if text[:1] in ("+", "-") else text
    if body == "0":
        return Duration(0)
    total, place = 0, 0
    while place < len(body):
        found = _SPAN.match(body, place)
        if found is None:
            break
        whole, _, fraction = found.group(1).partition(".")
        unit = _UNITS[found.group(2)]
        total += int(whole or 0) * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)
        place = found.end()
    if place != len(body) or not body or total > 2**63:
        raise _no_conversion("google.protobuf.Duration")
    return duration(-total if text[0] == "-" else total)


def show_timestamp(value: Timestamp) -> str:
    seconds, nanoseconds = divmod(value.nanoseconds, _SECOND)
    moment = _EPOCH + timedelta(seconds=seconds)
    fraction = f".{nanoseconds:09d}".rstrip("0") if nanoseconds else ""
    return (
        f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d}T"
        f"{moment.hour:02d}:{moment.minute:02d}:{moment.second:02d}{fraction}Z"
    )


def show_duration(value: Duration) -> str:
    sign = "-" if value.nanoseconds < 0 else ""
    seconds, nanoseconds = divmod(abs(value.nanoseconds), _SECOND)
    fraction = f".{nanoseconds:09d}".rstrip("0") if nanoseconds else ""
    return f"{sign}{seconds}{fraction}s"


def calendar(value: Timestamp, zone: str = "UTC") -> datetime:
    """The date and time in a zone: an IANA name or an offset like `-08:00`."""
    try:
        moment = _EPOCH + timedelta(seconds=value.nanoseconds // _SECOND)
        return moment.astimezone(_zone(zone)) if zone != "UTC" else moment
    except OverflowError:
        raise CelEvaluationError("timestamp overflow") from None


def _zone(name: str) -> tzinfo:
    offset = _OFFSET.fullmatch(name)
    if offset is not None:
        sign, hours, minutes = offset.groups()
        if int(hours) > 23 or int(minutes) > 59:
            raise CelEvaluationError(f"timezone offset minutes out of range [0, 59]: {name}")
        span = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(-span if sign == "-" else span)
    if ":" in name:
        raise CelEvaluationError(f"unknown time zone {name}")
    try:
        return ZoneInfo(name)
    except Exception:
        raise CelEvaluationError(f"unknown time zone {name}") from None


def milliseconds(value: Timestamp) -> int:
    return value.nanoseconds % _SECOND // 1_000_000


def part(value: Duration, unit: int) -> int:
    """How many whole units a duration has, towards zero."""
    return abs(value.nanoseconds) // unit * (-1 if value.nanoseconds < 0 else 1)
