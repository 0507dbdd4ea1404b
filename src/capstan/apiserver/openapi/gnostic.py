"""An OpenAPI v2 document as the protobuf messages of `openapi.v2`, in which Go clients ask for it.

Numbers are those of the fields in gnostic's OpenAPIv2.proto. What a message has no field for (`x-...`) travels as
YAML text in its vendor extensions; JSON is YAML.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

Obj = Mapping[str, Any]
Encode = Callable[[Any], bytes]

_STRINGS = {"$ref": 1, "format": 2, "title": 3, "description": 4, "pattern": 13}
_DOUBLES = {"multipleOf": 6, "maximum": 7, "minimum": 9}
_COUNTS = {"maxLength": 11, "minLength": 12, "maxItems": 14, "minItems": 15, "maxProperties": 17, "minProperties": 18}
_FLAGS = {"exclusiveMaximum": 8, "exclusiveMinimum": 10, "uniqueItems": 16}
_METHODS = {"get": 2, "put": 3, "post": 4, "delete": 5, "options": 6, "head": 7, "patch": 8}


def document(info: Obj, paths: bytes, definitions: bytes) -> bytes:
    """The whole document, of paths and definitions that are encoded already."""
    security = _named("BearerToken", _message(2, _text(1, "apiKey") + _text(2, "authorization") + _text(3, "header")))
    return b"".join(
        (
            _text(1, "2.0"),
            _message(2, _text(1, info["title"]) + _text(2, info["version"])),
            _message(8, paths),
            _message(9, definitions),
            _message(12, _message(1, _named("BearerToken", b""))),
            _message(13, _message(1, security)),
        )
    )


def encoded_paths(paths: Obj) -> bytes:
    """The entries of `paths`; those of several documents can be put one after the other."""
    return b"".join([_message(2, _named(path, _path(item))) for path, item in paths.items()])


def encoded_definitions(definitions: Obj) -> bytes:
    """The entries of `definitions`; those of several documents can be put one after the other."""
    return b"".join([_message(1, _named(name, _schema(schema))) for name, schema in definitions.items()])


def _path(item: Obj) -> bytes:
    found = [_message(number, _operation(item[name])) for name, number in _METHODS.items() if name in item]
    found += [_message(9, _parameter(parameter)) for parameter in item.get("parameters") or ()]
    return b"".join(found)


def _operation(operation: Obj) -> bytes:
    found = [_text(1, tag) for tag in operation.get("tags") or ()]
    found.append(_text(3, operation.get("description", "")))
    found.append(_text(5, operation.get("operationId", "")))
    found += [_text(6, media) for media in operation.get("produces") or ()]
    found += [_text(7, media) for media in operation.get("consumes") or ()]
    found += [_message(8, _parameter(parameter)) for parameter in operation.get("parameters") or ()]
    codes = [_message(1, _named(code, _response(r))) for code, r in (operation.get("responses") or {}).items()]
    found.append(_message(9, b"".join(codes)))
    found.append(_extensions(13, operation))
    return b"".join(found)


def _response(response: Obj) -> bytes:
    body = _text(1, response.get("description", ""))
    if "schema" in response:
        body += _message(2, _message(1, _schema(response["schema"])))
    return _message(1, body)


def _parameter(parameter: Obj) -> bytes:
    """A ParametersItem that holds a Parameter."""
    common = {name: parameter.get(name, "") for name in ("in", "description", "name", "type", "format")}
    required = _flag(bool(parameter.get("required")))
    if common["in"] == "body":
        body = _text(1, common["description"]) + _text(2, common["name"]) + _text(3, "body")
        body += _key(4, 0) + required if parameter.get("required") else b""
        return _message(1, _message(1, body + _message(5, _schema(parameter["schema"]))))
    shared = (_key(1, 0) + required if parameter.get("required") else b"") + _text(2, common["in"])
    shared += _text(3, common["description"]) + _text(4, common["name"])
    unique = bool(parameter.get("uniqueItems"))
    if common["in"] == "path":
        shared += _text(5, common["type"]) + (_key(19, 0) + b"\x01" if unique else b"")
        return _message(1, _message(2, _message(4, shared)))
    shared += _text(6, common["type"]) + (_key(20, 0) + b"\x01" if unique else b"")
    return _message(1, _message(2, _message(3, shared)))


def _schema(schema: Obj) -> bytes:
    found = []
    for name, value in schema.items():
        encode = _KEYWORDS.get(name)
        if encode is not None:
            found.append(encode(value))
    found.append(_extensions(31, schema))
    return b"".join(found)


def _additional(value: Any) -> bytes:
    inner = _key(2, 0) + _flag(value) if isinstance(value, bool) else _message(1, _schema(value))
    return _message(21, inner)


def _typed(value: Any) -> bytes:
    return _message(22, b"".join([_text(1, name) for name in ([value] if isinstance(value, str) else value)]))


def _properties(value: Obj) -> bytes:
    return _message(25, b"".join([_message(1, _named(name, _schema(part))) for name, part in value.items()]))


def _any(value: Any) -> bytes:
    return _text(2, orjson.dumps(value).decode())


def _extensions(number: int, holder: Obj) -> bytes:
    extra = [_message(number, _named(name, _any(value))) for name, value in holder.items() if name.startswith("x-")]
    return b"".join(extra)


def _named(name: str, value: bytes) -> bytes:
    return _text(1, name) + _message(2, value)


def _varint(value: int) -> bytes:
    value &= 0xFFFF_FFFF_FFFF_FFFF
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _key(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _message(number: int, body: bytes) -> bytes:
    return _key(number, 2) + _varint(len(body)) + body


def _text(number: int, text: str) -> bytes:
    """A string; the empty one is not sent."""
    return _message(number, text.encode()) if text else b""


def _flag(value: bool) -> bytes:
    return b"\x01" if value else b"\x00"


def _texts_of(number: int) -> Encode:
    return lambda values: b"".join([_text(number, value) for value in values])


def _text_of(number: int) -> Encode:
    return lambda value: _text(number, value)


def _double_of(number: int) -> Encode:
    return lambda value: _key(number, 1) + struct.pack("<d", value)


def _count_of(number: int) -> Encode:
    return lambda value: _key(number, 0) + _varint(int(value))


def _flag_of(number: int) -> Encode:
    return lambda value: _key(number, 0) + b"\x01" if value else b""


def _any_of(number: int) -> Encode:
    return lambda value: _message(number, _any(value))


def _anys_of(number: int) -> Encode:
    return lambda values: b"".join([_message(number, _any(value)) for value in values])


def _schemas(values: Iterable[Obj]) -> bytes:
    return b"".join([_message(24, _schema(value)) for value in values])


_KEYWORDS: dict[str, Encode] = {
    **{name: _text_of(number) for name, number in _STRINGS.items()},
    **{name: _double_of(number) for name, number in _DOUBLES.items()},
    **{name: _count_of(number) for name, number in _COUNTS.items()},
    **{name: _flag_of(number) for name, number in _FLAGS.items()},
    "default": _any_of(5),
    "required": _texts_of(19),
    "enum": _anys_of(20),
    "additionalProperties": _additional,
    "type": _typed,
    "items": lambda value: _message(23, _message(1, _schema(value))),
    "allOf": _schemas,
    "properties": _properties,
    "example": _any_of(30),
}
