"""Protobuf bodies of every kind with every field set, written by Google's own encoder from the facts' numbers."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given, settings
from hypothesis import strategies as st

from capstan.api.errors import ApiError
from capstan.api.kubernetes.kinds import builtin_kinds
from capstan.api.kubernetes.messages import Field, message
from capstan.apiserver.protobuf import MAGIC, decode_body

Proto = descriptor_pb2.FieldDescriptorProto
SCALARS = {
    "string": Proto.TYPE_STRING,
    "bytes": Proto.TYPE_BYTES,
    "bool": Proto.TYPE_BOOL,
    "int32": Proto.TYPE_INT32,
    "int64": Proto.TYPE_INT64,
    "uint32": Proto.TYPE_UINT32,
    "double": Proto.TYPE_DOUBLE,
}
#: How the well-known forms lie on the wire: fields as `type number`.
WELL_KNOWN = {
    "time": ("int64 1", "int32 2"),
    "microtime": ("int64 1", "int32 2"),
    "duration": ("int64 1",),
    "quantity": ("string 1",),
    "intstr": ("int64 1", "int32 2", "string 3"),
    "json": ("bytes 1",),
    "strings": ("[string] 1",),
}
#: A value of each form: as fields on the wire, and in JSON.
VALUES: dict[str, tuple[Any, Any]] = {
    "string": ("text", "text"),
    "bytes": (b"\x00\xff", base64.b64encode(b"\x00\xff").decode()),
    "bool": (True, True),
    "int32": (-7, -7),
    "int64": (2**40, 2**40),
    "uint32": (7, 7),
    "double": (1.5, 1.5),
    "time": ({1: 1767225600}, "2026-01-01T00:00:00Z"),
    "microtime": ({1: 1767225600, 2: 1234000}, "2026-01-01T00:00:00.001234Z"),
    "duration": ({1: 1500000000}, "1.5s"),
    "quantity": ({1: "500m"}, "500m"),
    "intstr": ({1: 1, 3: "25%"}, "25%"),
    "json": ({1: b'{"a":[1]}'}, {"a": [1]}),
    "strings": ({1: ["a", "b"]}, ["a", "b"]),
}
MAX_DEPTH = 9
#: Messages that are no kept version of a kind here.
OTHERS = ("apiextensions.CustomResourceDefinition", "autoscaling.HorizontalPodAutoscaler", "meta.Status")


def _all_messages() -> set[str]:
    seen: set[str] = set()
    todo = [kind.message for kind in builtin_kinds()] + list(OTHERS)
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += [field.type for field in message(name).fields if field.is_message]
    return seen


def _spelled(name: str) -> str:
    return name.replace(".", "_")


def _add(proto: Any, number: int, kind: str, repeated: bool) -> None:
    field = proto.field.add(name=f"f{number}", number=number)
    field.label = Proto.LABEL_REPEATED if repeated else Proto.LABEL_OPTIONAL
    if kind in SCALARS:
        field.type = SCALARS[kind]
    else:
        field.type, field.type_name = Proto.TYPE_MESSAGE, f".t.{kind}"


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="kinds_test.proto", package="t", syntax="proto2")
    for form, members in WELL_KNOWN.items():
        proto = file.message_type.add(name=form)
        for member in members:
            kind, number = member.split()
            _add(proto, int(number), kind.strip("[]"), kind.startswith("["))
    for name in sorted(_all_messages()):
        proto = file.message_type.add(name=_spelled(name))
        for field in message(name).fields:
            kind = _spelled(field.type) if field.is_message else field.type
            if field.shape == "map":
                entry = file.message_type.add(name=f"{_spelled(name)}_entry{field.number}")
                _add(entry, 1, "string", False)
                _add(entry, 2, kind, False)
                kind = entry.name
            _add(proto, field.number, kind, bool(field.shape))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    names = [proto.name for proto in file.message_type]
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"t.{name}")) for name in names}


CLASSES = _classes()


def _fill(into: Any, value: Any) -> None:
    for number, part in value.items():
        name = f"f{number}"
        if isinstance(part, dict):
            getattr(into, name).SetInParent()
            _fill(getattr(into, name), part)
        elif isinstance(part, list) and part and isinstance(part[0], dict):
            for item in part:
                _fill(getattr(into, name).add(), item)
        elif isinstance(part, list):
            getattr(into, name).extend(part)
        else:
            setattr(into, name, part)


def _full(name: str, depth: int = 0) -> tuple[dict[int, Any], Any]:
    """A message with every field set: its fields on the wire, and the JSON object that they mean."""
    wire: dict[int, Any] = {}
    obj: dict[str, Any] = {}
    for field in message(name).fields:
        if field.is_message and depth >= MAX_DEPTH:
            continue
        sent, meant = _value(field, depth)
        if field.inline:
            obj.update(meant)
        elif field.shape == "list":
            sent, obj[field.name] = [sent], [meant]
        elif field.shape == "map":
            sent, obj[field.name] = [{1: "key", 2: sent}], {"key": meant}
        else:
            obj[field.name] = meant
        wire[field.number] = sent
    return wire, _EITHER[name](obj) if name in _EITHER else obj


#: Messages that stand for one of several JSON forms.
_EITHER: dict[str, Any] = {
    "apiextensions.JSONSchemaPropsOrArray": lambda obj: obj.get("schema", []),
    "apiextensions.JSONSchemaPropsOrBool": lambda obj: obj.get("schema", True),
    "apiextensions.JSONSchemaPropsOrStringArray": lambda obj: obj.get("schema", ["text"]),
}


def _value(field: Field, depth: int) -> tuple[Any, Any]:
    return _full(field.type, depth + 1) if field.is_message else VALUES[field.type]


def _encoded(name: str, wire: dict[int, Any]) -> bytes:
    made = CLASSES[_spelled(name)]()
    _fill(made, wire)
    return bytes(made.SerializeToString())


def _varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def _framed(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(data)) + data


def _body(api_version: str, kind: str, raw: bytes) -> bytes:
    type_meta = _framed(1, api_version.encode()) + _framed(2, kind.encode())
    return MAGIC + _framed(1, type_meta) + _framed(2, raw)


@pytest.mark.parametrize("kind", builtin_kinds(), ids=lambda k: f"{k.api_version} {k.kind}")
def test_every_field_arrives(kind: Any) -> None:
    wire, wanted = _full(kind.message)
    decoded = decode_body(_body(kind.api_version, kind.kind, _encoded(kind.message, wire)))
    assert decoded == {"apiVersion": kind.api_version, "kind": kind.kind, **wanted}


def test_the_older_autoscaler_and_definitions() -> None:
    for api_version, kind, name in (
        ("autoscaling/v1", "HorizontalPodAutoscaler", "autoscaling.HorizontalPodAutoscaler"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "apiextensions.CustomResourceDefinition"),
        ("v1", "Status", "meta.Status"),
    ):
        # Schemas contain schemas in a dozen ways: a few levels say it all.
        wire, wanted = _full(name, depth=3)
        assert decode_body(_body(api_version, kind, _encoded(name, wire))) == {
            "apiVersion": api_version,
            "kind": kind,
            **wanted,
        }


@settings(max_examples=150)
@given(st.data())
def test_broken_bodies_are_refused(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(builtin_kinds()))
    raw = bytearray(_encoded(kind.message, _full(kind.message)[0]))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    for broken in (bytes(raw), bytes(raw[:cut])):
        try:
            assert decode_body(_body(kind.api_version, kind.kind, broken))["kind"] == kind.kind
        except ApiError as refused:
            assert refused.code in (400, 415)
