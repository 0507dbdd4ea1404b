"""Protobuf request bodies of the built-in kinds to objects."""

from __future__ import annotations

from capstan.api.errors import ApiError
from capstan.api.objects import Obj


def decode_body(body: bytes) -> Obj:
    """The object in an `application/vnd.kubernetes.protobuf` body."""
    raise ApiError(415, "UnsupportedMediaType", "protobuf is not accepted")
