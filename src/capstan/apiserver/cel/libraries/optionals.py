"""Optional values: `optional.of`, `optional.none`, `orValue`, `a[?b]` and what else works with them."""

from __future__ import annotations

from typing import Any

from capstan.apiserver.cel import types as t
from capstan.apiserver.cel.errors import CelEvaluationError
from capstan.apiserver.cel.functions import Functions, function, member
from capstan.apiserver.cel.values import ABSENT, NONE, Optional, is_zero, lookup

_OF_A, _OF_B = t.optional_of(t.A), t.optional_of(t.B)


def _value(found: Optional) -> Any:
    if not found.present:
        raise CelEvaluationError("optional.none() dereference")
    return found.value


def _at(items: list[Any], place: int) -> Optional:
    return Optional(items[place]) if 0 <= place < len(items) else NONE


def _under(value: Any, key: Any) -> Optional:
    found = lookup(value, key)
    return NONE if found is ABSENT else Optional(found)


def _through(look: Any) -> Any:
    return lambda found, key: look(found.value, key) if found.present else NONE


def _unwrap(items: list[Any]) -> list[Any]:
    for item in items:
        if not isinstance(item, Optional):
            raise CelEvaluationError("value is not optional")
    return [item.value for item in items if item.present]


_LIST, _MAP = t.list_of(t.A), t.map_of(t.A, t.B)

OPTIONALS: Functions = {
    "optional.of": (function("optional_of", (t.A,), _OF_A, Optional),),
    "optional.ofNonZeroValue": (
        function("optional_ofNonZeroValue", (t.A,), _OF_A, lambda v: NONE if is_zero(v) else Optional(v)),
    ),
    "optional.none": (function("optional_none", (), _OF_A, lambda: NONE),),
    "value": (member("optional_value", (_OF_A,), t.A, _value),),
    "hasValue": (member("optional_hasValue", (_OF_A,), t.BOOL, lambda v: v.present),),
    "or": (member("optional_or_optional", (_OF_A, _OF_A), _OF_A, lambda a, b: a if a.present else b),),
    "orValue": (member("optional_orValue_value", (_OF_A, t.A), t.A, lambda a, b: a.value if a.present else b),),
    "optional.unwrap": (function("optional_unwrap", (t.list_of(_OF_A),), _LIST, _unwrap),),
    "unwrapOpt": (member("optional_unwrapOpt", (t.list_of(_OF_A),), _LIST, _unwrap),),
    "first": (member("list_first", (_LIST,), _OF_A, lambda items: _at(items, 0)),),
    "last": (member("list_last", (_LIST,), _OF_A, lambda items: _at(items, len(items) - 1)),),
    "_[?_]": (
        function("list_optindex_optional_int", (_LIST, t.INT), _OF_A, _at),
        function("optional_list_optindex_optional_int", (t.optional_of(_LIST), t.INT), _OF_A, _through(_at)),
        function("map_optindex_optional_value", (_MAP, t.A), _OF_B, _under),
        function("optional_map_optindex_optional_value", (t.optional_of(_MAP), t.A), _OF_B, _through(_under)),
    ),
    "_[_]": (
        function("optional_list_index_int", (t.optional_of(_LIST), t.INT), _OF_A, _through(_at)),
        function("optional_map_index_value", (t.optional_of(_MAP), t.A), _OF_B, _through(_under)),
    ),
}
