"""Request bodies to objects: which format a body is in, and its duplicate keys when a client asks for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import orjson

from capstan.api.errors import ApiError, bad_request
from capstan.api.verbs import PatchType
from capstan.apiserver import protobuf
from capstan.apiserver.depth import MAX_DEPTH, refuse_depth
from capstan.apiserver.yamldocument import load_yaml

MAX_BODY_BYTES = 3 * 1024 * 1024
MAX_DUPLICATES = 100

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
ACCEPTED = (JSON, YAML, PROTOBUF)

_PATCH_TYPES: dict[str, PatchType] = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
}


class Decoded(msgspec.Struct, frozen=True):
    """A body's value, and the paths of keys that it holds twice (only looked for when asked); `lines` of a YAML
    body are those that hold such a key again."""

    value: Any
    duplicates: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()


def decode_checked(
    body: bytes, content_type: str = "", content_encoding: str = "", *, duplicates: bool = False
) -> Decoded:
    """The object in a request body, with the paths of duplicate keys when `duplicates`. A missing content type means
    JSON.

    Errors: ApiError 400 (not readable, not an object), 413 (too large), 415 (a format or encoding not served).
    """
    _refuse_size_and_encoding(body, content_encoding)
    media = media_type(content_type) or JSON
    if media == PROTOBUF:
        return Decoded(protobuf.decode_body(body))
    if media == JSON:
        decoded = decode_json(body, duplicates=duplicates)
    elif media == YAML:
        decoded = decode_yaml(body, duplicates=duplicates)
    else:
        raise unsupported_media_type(ACCEPTED)
    if not isinstance(decoded.value, dict):
        raise bad_request(f"the body of the request must be an object, not {_named(decoded.value)}")
    return decoded


def decode_patch(
    body: bytes, content_type: str, content_encoding: str = "", *, duplicates: bool = False
) -> tuple[PatchType, Decoded]:
    """What kind of patch a PATCH body is, and its value. Errors: as `decode_checked`."""
    patch_type = _PATCH_TYPES.get(media_type(content_type))
    if patch_type is None:
        raise unsupported_media_type(tuple(_PATCH_TYPES))
    _refuse_size_and_encoding(body, content_encoding)
    return patch_type, decode_yaml(body, duplicates=duplicates) if patch_type == "apply" else decode_json(
        body, duplicates=duplicates
    )


def media_type(content_type: str) -> str:
    """The media type of a Content-Type header, without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def unsupported_media_type(accepted: Sequence[str]) -> ApiError:
    """415 that names what is accepted."""
    message = "the body of the request was in an unknown format - accepted media types include: " + ", ".join(accepted)
    return ApiError(415, "UnsupportedMediaType", message)


def decode_json(body: bytes, *, duplicates: bool = False) -> Decoded:
    """JSON as the wire has it; the last of duplicate keys wins. Errors: ApiError 400."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"error decoding JSON: {error}") from None
    # No document nests deeper than it has pairs of brackets; most have fewer than the limit and need no walk.
    if len(body) > 2 * MAX_DEPTH and body.count(b"{") + body.count(b"[") > MAX_DEPTH:
        refuse_depth(value, "error decoding JSON")
    return Decoded(value, _find_duplicates(body) if duplicates and _may_repeat(body, value) else ())


def decode_yaml(body: bytes, *, duplicates: bool = True) -> Decoded:
    """YAML read as Kubernetes reads it (`yamldocument`). Errors: ApiError 400."""
    if body.lstrip()[:1] == b"{":
        # Most often this is JSON, which YAML readers treat differently in rare characters only: it stays as it is.
        try:
            orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
        else:
            return decode_json(body, duplicates=duplicates)
    return Decoded(*load_yaml(body, MAX_DUPLICATES))


def repeated_lines(decoded: Decoded) -> ApiError:
    """400 for a strict YAML body that holds keys twice, in the words of the reader that Kubernetes has."""
    keys = [path.rpartition(".")[2] for path in decoded.duplicates]
    told = [f'  line {line}: key "{key}" already set in map' for line, key in zip(decoded.lines, keys, strict=True)]
    where = "error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:"
    return bad_request("\n".join([where, *told]))


def _refuse_size_and_encoding(body: bytes, content_encoding: str) -> None:
    if content_encoding and content_encoding.strip().lower() != "identity":
        message = f"Content-Encoding {content_encoding.strip()[:40]!r} is not accepted: send the body as it is"
        raise ApiError(415, "UnsupportedMediaType", message)
    if len(body) > MAX_BODY_BYTES:
        limit = f"limit is {MAX_BODY_BYTES}"
        raise ApiError(413, "RequestEntityTooLarge", f"Request entity too large: {limit}")


def _may_repeat(body: bytes, value: Any) -> bool:
    """Whether a document may hold a key twice: each one that was dropped took its quotes with it. A document that
    spells its strings in unusual ways is looked through in any case."""
    try:
        again = orjson.dumps(value)
    except TypeError:
        return True
    # Most clients write JSON as this encoder does, and the same bytes have lost nothing.
    return again != body and _quotes(again) != _quotes(body)


def _quotes(text: bytes) -> int:
    return text.count(b'"') - text.count(b'\\"')


class _Pairs(dict[str, Any]):
    """An object of which a key was seen twice."""

    twice: tuple[str, ...] = ()


def _find_duplicates(body: bytes) -> tuple[str, ...]:
    """The paths of keys that occur twice in one object, in document order."""
    found = False

    def hook(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal found
        plain = dict(pairs)
        if len(plain) == len(pairs):
            return plain
        found = True
        marked = _Pairs(plain)
        seen: set[str] = set()
        marked.twice = tuple(dict.fromkeys(n for n, _ in pairs if n in seen or seen.add(n)))  # type: ignore[func-returns-value]
        return marked

    loads: Callable[..., Any] = json.loads
    try:
        value = loads(body, object_pairs_hook=hook)
    except (ValueError, RecursionError):
        # orjson read it; what only this second reading stumbles over is depth.
        raise bad_request("error decoding JSON: exceeded max depth") from None
    return tuple(_walk(value)) if found else ()


def _walk(value: Any) -> list[str]:
    paths: list[str] = []
    stack: list[tuple[str, Any]] = [("", value)]
    while stack and len(paths) < MAX_DUPLICATES:
        path, part = stack.pop()
        if isinstance(part, dict):
            if isinstance(part, _Pairs):
                paths.extend(f"{path}.{name}".lstrip(".") for name in part.twice)
            stack.extend(
                (f"{path}.{n}".lstrip("."), v) for n, v in reversed(part.items()) if isinstance(v, dict | list)
            )
        else:
            stack.extend((f"{path}[{i}]", v) for i, v in reversed(list(enumerate(part))) if isinstance(v, dict | list))
    return paths[:MAX_DUPLICATES]


def _named(value: Any) -> str:
    names = {type(None): "null", list: "an array", str: "a string", bool: "a boolean"}
    return names.get(type(value), "a number")
