"""Protobuf request bodies of the built-in kinds to objects (kubernetes-api.md A4)."""

from __future__ import annotations

from capstan.api.errors import ApiError, bad_request
from capstan.api.kubernetes.kinds import TABLES
from capstan.api.kubernetes.messages import message
from capstan.api.objects import Obj
from capstan.apiserver.protobuf.decode import decode_message
from capstan.apiserver.protobuf.wire import BYTES, WireError, fields

__all__ = ["MAGIC", "decode_body", "message_of"]

MAGIC = b"k8s\x00"
_IN_EVERY_GROUP = frozenset(("DeleteOptions", "Status"))


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
    name = message_of(api_version, kind)
    if name is None:
        raise _unknown(api_version, kind)
    obj = decode_message(name, envelope.get(2, memoryview(b"")))
    return {"apiVersion": api_version, "kind": kind, **obj}


def message_of(api_version: str, kind: str) -> str | None:
    """The message of a kind; None when it is not known. Options and Status are the same in every group."""
    if kind in _IN_EVERY_GROUP:
        return f"meta.{kind}"
    group, _, version = api_version.rpartition("/")
    table = TABLES.get(group)
    if table is None or (version != "v1" and api_version != "autoscaling/v2"):
        return None
    name = f"{table}_v2.{kind}" if version == "v2" else f"{table}.{kind}"
    try:
        # What has metadata is a kind; the rest are parts of one.
        return name if "metadata" in message(name).by_name and not kind.endswith("TemplateSpec") else None
    except KeyError:
        return None


def _bytes_fields(data: memoryview) -> dict[int, memoryview]:
    return {n: v for n, wire_type, v in fields(data) if wire_type == BYTES and isinstance(v, memoryview)}


def _unknown(api_version: str, kind: str) -> ApiError:
    shown = f"{kind[:100]} in {api_version[:100]}" if kind else "an object without a kind"
    message = f"{shown} cannot be read from protobuf: send application/json or application/yaml"
    return ApiError(415, "UnsupportedMediaType", message)
