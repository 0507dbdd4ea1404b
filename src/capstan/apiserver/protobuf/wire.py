"""The protobuf wire format: fields of a message as numbers and raw values. Knows nothing of Kubernetes."""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class WireError(ValueError):
    """Bytes that are no protobuf message."""


def fields(data: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """(number, wire type, value) of each field in order; lengths and ends are checked. Errors: WireError."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        if not number:
            raise WireError("field number 0")
        if wire_type == VARINT:
            value, at = varint(data, at)
            yield number, wire_type, value
            continue
        if wire_type == BYTES:
            size, at = varint(data, at)
        elif wire_type in (FIXED64, FIXED32):
            size = 8 if wire_type == FIXED64 else 4
        else:
            raise WireError(f"unknown wire type {wire_type}")
        if size > len(data) - at:
            raise WireError("a field ends beyond its message")
        yield number, wire_type, data[at : at + size]
        at += size


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """The number at `at`, and where the next begins."""
    result = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise WireError("a number does not end")
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7


def signed(value: int) -> int:
    """The int32 or int64 that a varint stands for."""
    return value - (1 << 64) if value >= 1 << 63 else value


def double(value: memoryview) -> float:
    result: float = struct.unpack("<d", value)[0]
    return result
