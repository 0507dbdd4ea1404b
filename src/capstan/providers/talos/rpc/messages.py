"""Message classes and methods by full name, built from the schema texts when the first one is asked for.

The descriptors live in a pool of their own, so that they meet no other program's definitions of these names.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    empty_pb2,
    message_factory,
    struct_pb2,
    timestamp_pb2,
)

from capstan.providers.talos.rpc.descriptors import Rpc, Schema, file_descriptor, parse_schema

#: In the order of their dependencies.
_PACKAGES = (
    "google.rpc",
    "common",
    "machine",
    "cluster",
    "cosi.resource",
    "securityapi",
    "storage",
    "time",
)
_WELL_KNOWN = (any_pb2, duration_pb2, empty_pb2, struct_pb2, timestamp_pb2)

#: Path (`/machine.MachineService/Version`), full names of request and response, and which of them are streams.
Method = Rpc


def message(full_name: str) -> Any:
    """The message class, for example `message("machine.VersionResponse")`. Raises KeyError for unknown names.

    `google.protobuf.Empty` and its like come from the same pool.
    """
    return _message_class(full_name)


def enum_value(full_name: str) -> int:
    """The number of an enum's value: `enum_value("machine.ApplyConfigurationRequest.Mode.AUTO")`."""
    enum_name, _, value = full_name.rpartition(".")
    number: int = _pool().FindEnumTypeByName(enum_name).values_by_name[value].number
    return number


def method(path: str) -> Method:
    """The method at a path such as `/machine.MachineService/Version`. Raises KeyError for unknown ones."""
    return methods()[path]


@cache
def methods() -> dict[str, Method]:
    """All methods by path."""
    return {rpc.path: rpc for schema in _schemas() for rpc in schema.rpcs}


@cache
def _message_class(full_name: str) -> Any:
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(full_name))


@cache
def _schemas() -> tuple[Schema, ...]:
    folder = resources.files("capstan.providers.talos.rpc") / "schema"
    return tuple(parse_schema((folder / f"{name}.schema").read_text("utf-8")) for name in _PACKAGES)


@cache
def _pool() -> Any:
    pool = descriptor_pool.DescriptorPool()
    for module in _WELL_KNOWN:
        known = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(known)
        pool.Add(known)
    for schema in _schemas():
        pool.Add(file_descriptor(schema))
    return pool
