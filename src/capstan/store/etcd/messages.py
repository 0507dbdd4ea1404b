"""The messages and methods of etcd's v3 API that the store speaks, from the facts of their schema.

Each line of the table is a message: its fields as `name type number`, `[]` for repeated ones. Fields of a one-of are
plain fields here: what goes on the wire is the same, and only one of them is ever set.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

RANGE = "/etcdserverpb.KV/Range"
TXN = "/etcdserverpb.KV/Txn"
COMPACT = "/etcdserverpb.KV/Compact"
WATCH = "/etcdserverpb.Watch/Watch"

#: Values of enums.
EQUAL = 0
TARGET_VERSION, TARGET_MOD = 0, 2
PUT, DELETE = 0, 1

_PACKAGE = "etcd"
_MESSAGES = {
    "KeyValue": "key bytes 1, create_revision int64 2, mod_revision int64 3, version int64 4, value bytes 5",
    "Event": "type int32 1, kv KeyValue 2",
    "Header": "cluster_id uint64 1, member_id uint64 2, revision int64 3, raft_term uint64 4",
    "RangeRequest": (
        "key bytes 1, range_end bytes 2, limit int64 3, revision int64 4, serializable bool 7, keys_only bool 8, "
        "min_mod_revision int64 10"
    ),
    "RangeResponse": "header Header 1, kvs []KeyValue 2, more bool 3, count int64 4",
    "PutRequest": "key bytes 1, value bytes 2",
    "DeleteRangeRequest": "key bytes 1, range_end bytes 2",
    "RequestOp": "request_range RangeRequest 1, request_put PutRequest 2, request_delete_range DeleteRangeRequest 3",
    "ResponseOp": "response_range RangeResponse 1",
    "Compare": "result int32 1, target int32 2, key bytes 3, version int64 4, mod_revision int64 6",
    "TxnRequest": "compare []Compare 1, success []RequestOp 2, failure []RequestOp 3",
    "TxnResponse": "header Header 1, succeeded bool 2, responses []ResponseOp 3",
    "CompactionRequest": "revision int64 1, physical bool 2",
    "CompactionResponse": "header Header 1",
    "WatchCreateRequest": "key bytes 1, range_end bytes 2, start_revision int64 3, fragment bool 8",
    "WatchRequest": "create_request WatchCreateRequest 1",
    "WatchResponse": (
        "header Header 1, watch_id int64 2, created bool 3, canceled bool 4, compact_revision int64 5, "
        "cancel_reason string 6, fragment bool 7, events []Event 11"
    ),
}
#: Members of one-ofs: an int64 that is 0 must be sent there to say which one is meant.
_PRESENT = frozenset({("Compare", "version"), ("Compare", "mod_revision")})
_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bytes": _Field.TYPE_BYTES,
    "string": _Field.TYPE_STRING,
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
    "uint64": _Field.TYPE_UINT64,
    "bool": _Field.TYPE_BOOL,
}


def message(name: str) -> Any:
    """The message class of a name in the table. Raises KeyError for others."""
    return _classes()[name]


@cache
def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name=f"{_PACKAGE}.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        built = file.message_type.add(name=name)
        for text in fields.split(", "):
            _add_field(built, *text.split())
        for field in built.field:
            if (name, field.name) in _PRESENT:
                field.proto3_optional = True
                field.oneof_index = len(built.oneof_decl)
                built.oneof_decl.add(name=f"_{field.name}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _MESSAGES
    }


def _add_field(built: descriptor_pb2.DescriptorProto, name: str, type_name: str, number: str) -> None:
    repeated = type_name.startswith("[]")
    type_name = type_name.removeprefix("[]")
    field = built.field.add(name=name, number=int(number))
    field.label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
    if type_name in _SCALARS:
        field.type = _SCALARS[type_name]
    else:
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{type_name}"
