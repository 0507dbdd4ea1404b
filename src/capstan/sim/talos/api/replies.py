"""Small pieces that every method's reply needs: messages by name, statuses, times."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from capstan.providers.talos.channel import RpcError
from capstan.providers.talos.rpc import message

UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, ALREADY_EXISTS = 2, 3, 4, 5, 6
PERMISSION_DENIED, FAILED_PRECONDITION, UNIMPLEMENTED, UNAVAILABLE, UNAUTHENTICATED = 7, 9, 12, 14, 16


def reply(name: str, **fields: Any) -> Any:
    """A `machine` response with one message in it: the shape of nearly all of them."""
    return message(f"machine.{name}Response")(messages=[fields])


def stamp(at: datetime) -> Any:
    """A protobuf Timestamp."""
    whole = int(at.timestamp())
    return message("google.protobuf.Timestamp")(seconds=whole, nanos=at.microsecond * 1000)


def failed_precondition(text: str) -> RpcError:
    return RpcError(FAILED_PRECONDITION, text)


def unimplemented(text: str) -> RpcError:
    return RpcError(UNIMPLEMENTED, text)
