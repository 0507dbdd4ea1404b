"""Protobuf request bodies of the built-in kinds to objects (kubernetes-api.md A4)."""

from __future__ import annotations

from capstan.api.errors import ApiError, bad_request
from capstan.api.objects import Obj
from capstan.apiserver.protobuf.decode import decode_message
from capstan.apiserver.protobuf.messages import IN_EVERY_GROUP, KINDS
from capstan.apiserver.protobuf.wire import BYTES, WireError, fields

__all__ = ["MAGIC", "decode_body"]

MAGIC = b"k8s\x00"


def decode_body(body: bytes) -> Obj:
    """The object in an `application/vnd.kubernetes.protobuf` body: magic bytes, then runtime.Unknown.

    Errors: ApiError 400 for malformed bytes, 415 for a kind that is not known in protobuf.
    """
    if not body.startswith(MAGIC):
        raise bad_request("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    try:
        return _decode(memoryview(body)[len(MAGIC) :])
    except (WireError, ValueError) as error:
        raise bad_request(f"error decoding protobuf: {error}") from None


def _decode(data: memoryview) -> Obj:
    envelope = _bytes_fields(data)
    type_meta = _bytes_fields(envelope.get(1, memoryview(b"")))
    api_version = bytes(type_meta.get(1, b"")).decode()
    kind = bytes(type_meta.get(2, b"")).decode()
    if envelope.get(3):
        raise ApiError(415, "UnsupportedMediaType", "protobuf bodies with a content encoding are not accepted")
    message = KINDS.get((api_version, kind)) or IN_EVERY_GROUP.get(kind)
    if message is None:
        raise _unknown(api_version, kind)
    obj = decode_message(message, envelope.get(2, memoryview(b"")))
    return {"apiVersion": api_version, "kind": kind, **obj}


def _bytes_fields(data: memoryview) -> dict[int, memoryview]:
    return {n: v for n, wire_type, v in fields(data) if wire_type == BYTES and isinstance(v, memoryview)}


def _unknown(api_version: str, kind: str) -> ApiError:
    shown = f"{kind[:100]} in {api_version[:100]}" if kind else "an object without a kind"
    message = f"{shown} cannot be read from protobuf: send application/json or application/yaml"
    return ApiError(415, "UnsupportedMediaType", message)
