"""`JSONPatch{...}` and `jsonpatch.escapeKey` of mutating policies."""

from __future__ import annotations

from capstan.apiserver.cel import types as t
from capstan.apiserver.cel.functions import Functions, function
from capstan.apiserver.cel.types import Field, Type

#: One operation of RFC 6902.
JSON_PATCH = Type(
    "object",
    "JSONPatch",
    fields={
        "op": Field("op", "op", t.STRING),
        "path": Field("path", "path", t.STRING),
        "from": Field("from", "from", t.STRING),
        "value": Field("value", "value", t.DYN),
    },
)


def escape_key(text: str) -> str:
    """A name as one part of a JSON pointer."""
    return text.replace("~", "~0").replace("/", "~1")


JSON_PATCHES: Functions = {
    "jsonpatch.escapeKey": (function("string_jsonpatch_escapeKey_string", (t.STRING,), t.STRING, escape_key),),
}
