"""Turns a schema text (`schema/*.schema`) into protobuf file descriptors.

A schema names one package and then, line by line:

    service MachineService
      rpc Version .google.protobuf.Empty -> VersionResponse      (`stream` before a type marks a stream)
    enum ListRequest.Type
      REGULAR 0, DIRECTORY 1
    message Metadata
      hostname string 1, labels map<string,string> 2, tags []string 3, id string 4 optional, a bytes 5 in choice

A type with a leading dot is a full name, any other is of the same package; a dotted name is nested.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from google.protobuf import descriptor_pb2

_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "double": _Field.TYPE_DOUBLE,
    "int64": _Field.TYPE_INT64,
    "uint64": _Field.TYPE_UINT64,
    "int32": _Field.TYPE_INT32,
    "bool": _Field.TYPE_BOOL,
    "string": _Field.TYPE_STRING,
    "bytes": _Field.TYPE_BYTES,
    "uint32": _Field.TYPE_UINT32,
}
_IMPORTS = {
    ".google.protobuf.Any": "google/protobuf/any.proto",
    ".google.protobuf.Duration": "google/protobuf/duration.proto",
    ".google.protobuf.Empty": "google/protobuf/empty.proto",
    ".google.protobuf.Timestamp": "google/protobuf/timestamp.proto",
    ".google.protobuf.Struct": "google/protobuf/struct.proto",
}
# A comma between fields, not the one inside of map<,>.
_SEPARATOR = re.compile(r",\s+")


@dataclass(frozen=True, slots=True)
class Rpc:
    """One method; requests and responses are full message names."""

    path: str
    request: str
    response: str
    client_stream: bool
    server_stream: bool


@dataclass(slots=True)
class Schema:
    """A parsed schema text: names to their definitions, in order of appearance."""

    package: str = ""
    enums: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    rpcs: list[Rpc] = field(default_factory=list)

    def full_name(self, type_name: str) -> str:
        """With a leading dot, as descriptors want it."""
        return type_name if type_name.startswith(".") else f".{self.package}.{type_name}"


def parse_schema(text: str) -> Schema:
    """Raises ValueError for a line that is none of the forms above."""
    schema = Schema()
    section, name = "", ""
    for line in text.splitlines():
        if not line.strip():
            continue
        if line.startswith("package "):
            schema.package = line.split()[1]
        elif not line.startswith(" "):
            section, name = line.split()
            if section != "service":
                _definitions(schema, section)[name] = ""
        elif section == "service":
            schema.rpcs.append(_parse_rpc(schema, name, line))
        else:
            _definitions(schema, section)[name] += " " + line.strip()
    return schema


def file_descriptor(schema: Schema) -> descriptor_pb2.FileDescriptorProto:
    """The descriptor of one package's file, `<package>.proto`."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{schema.package}.proto", package=schema.package, syntax="proto3")
    placed: dict[str, descriptor_pb2.DescriptorProto] = {}
    for name in sorted(schema.messages, key=lambda n: n.count(".")):
        outer, _, own = name.rpartition(".")
        placed[name] = (placed[outer].nested_type if outer else file.message_type).add(name=own)
    for name, values in schema.enums.items():
        outer, _, own = name.rpartition(".")
        enum = (placed[outer].enum_type if outer else file.enum_type).add(name=own)
        for value_name, number in (value.split() for value in _split(values)):
            enum.value.add(name=value_name, number=int(number))
    enums = {schema.full_name(name) for name in schema.enums}
    dependencies: set[str] = set()
    for name, fields in schema.messages.items():
        _FieldBuilder(schema, placed[name], enums, dependencies).add_all(fields)
    file.dependency.extend(sorted(dependencies))
    return file


class _FieldBuilder:
    """Adds the fields of one message; collects the files that they need."""

    def __init__(
        self, schema: Schema, target: descriptor_pb2.DescriptorProto, enums: set[str], dependencies: set[str]
    ) -> None:
        self._schema = schema
        self._target = target
        self._enums = enums
        self._dependencies = dependencies
        self._synthetic: list[descriptor_pb2.FieldDescriptorProto] = []

    def add_all(self, fields: str) -> None:
        for words in (text.split() for text in _split(fields)):
            self._add(*words)
        # The one-of of an `optional` field comes after all real ones.
        for added in self._synthetic:
            added.oneof_index = len(self._target.oneof_decl)
            self._target.oneof_decl.add(name=f"_{added.name}")

    def _add(self, name: str, type_name: str, number: str, *more: str) -> None:
        added = self._target.field.add(name=name, number=int(number), label=_Field.LABEL_OPTIONAL)
        if type_name.startswith("[]"):
            added.label, type_name = _Field.LABEL_REPEATED, type_name[2:]
        if type_name.startswith("map<"):
            added.label = _Field.LABEL_REPEATED
            added.type, added.type_name = _Field.TYPE_MESSAGE, self._add_map_entry(name, type_name)
        else:
            self._set_type(added, type_name)
        if more[:1] == ("in",):
            added.oneof_index = self._oneof(more[1])
        elif more == ("optional",):
            added.proto3_optional = True
            self._synthetic.append(added)

    def _set_type(self, added: descriptor_pb2.FieldDescriptorProto, type_name: str) -> None:
        scalar = _SCALARS.get(type_name)
        if scalar is not None:
            added.type = scalar
            return
        full = self._schema.full_name(type_name)
        if full in _IMPORTS:
            self._dependencies.add(_IMPORTS[full])
        elif type_name.startswith("."):
            self._dependencies.add(f"{full[1:].rpartition('.')[0]}.proto")
        is_enum = full in self._enums or full in _ENUMS_OF_OTHER_PACKAGES
        added.type = _Field.TYPE_ENUM if is_enum else _Field.TYPE_MESSAGE
        added.type_name = full

    def _add_map_entry(self, name: str, type_name: str) -> str:
        key, value = type_name[4:-1].split(",")
        own = "".join(part.capitalize() for part in name.split("_")) + "Entry"
        entry = self._target.nested_type.add(name=own)
        entry.options.map_entry = True
        for number, (field_name, field_type) in enumerate((("key", key), ("value", value)), 1):
            self._set_type(entry.field.add(name=field_name, number=number, label=_Field.LABEL_OPTIONAL), field_type)
        return own

    def _oneof(self, name: str) -> int:
        for index, declared in enumerate(self._target.oneof_decl):
            if declared.name == name:
                return index
        self._target.oneof_decl.add(name=name)
        return len(self._target.oneof_decl) - 1


_ENUMS_OF_OTHER_PACKAGES = frozenset({".common.Code", ".common.ContainerDriver", ".common.ContainerdNamespace"})


def _split(definitions: str) -> Iterator[str]:
    return (text for text in _SEPARATOR.split(definitions.strip()) if text)


def _definitions(schema: Schema, section: str) -> dict[str, str]:
    if section not in ("enum", "message"):
        raise ValueError(f"unknown section {section!r}")
    return schema.enums if section == "enum" else schema.messages


def _parse_rpc(schema: Schema, service: str, line: str) -> Rpc:
    keyword, name, *types = line.split()
    arrow = types.index("->")
    request, response = types[:arrow], types[arrow + 1 :]
    if keyword != "rpc":
        raise ValueError(f"expected rpc, found {keyword!r}")
    return Rpc(
        path=f"/{schema.package}.{service}/{name}",
        request=schema.full_name(request[-1])[1:],
        response=schema.full_name(response[-1])[1:],
        client_stream=request[0] == "stream",
        server_stream=response[0] == "stream",
    )
