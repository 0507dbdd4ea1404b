"""Whatever arrives: decoders, patches and schemas give an object or a refusal, and never change what they read."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from capstan.api.errors import ApiError
from capstan.api.kinds import Kind
from capstan.api.schema import structural_schema
from capstan.api.scheme import SCHEME
from capstan.api.struct import merge_diff
from capstan.apiserver.decode import decode_checked
from capstan.apiserver.patch import apply_patch
from capstan.apiserver.schemas import struct_validator

NAMES = st.sampled_from(
    [
        *["metadata", "spec", "status", "labels", "finalizers", "ownerReferences", "uid", "secrets", "name", "data"],
        *[
            "conditions",
            "type",
            "$patch",
            "$retainKeys",
            "$setElementOrder/secrets",
            "$deleteFromPrimitiveList/finalizers",
        ],
    ]
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS | st.sampled_from(["", "a", "replace", "delete", "merge"]) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(NAMES.filter(lambda n: not n.startswith("$")), VALUES, max_size=4)


@given(OBJECTS, st.dictionaries(NAMES, VALUES, max_size=4), st.sampled_from(["merge", "strategic"]))
def test_patches_change_neither_argument(current: Any, patch: Any, kind: Any) -> None:
    current = {"apiVersion": "v1", "kind": "ServiceAccount", **current}
    before = copy.deepcopy((current, patch))
    try:
        result = apply_patch(kind, current, patch, None)
    except ApiError as refused:
        assert refused.code in (400, 422)
    else:
        assert isinstance(result, dict)
    assert (current, patch) == before


@given(OBJECTS, OBJECTS)
def test_a_merge_diff_leads_from_one_object_to_the_other(before: Any, after: Any) -> None:
    # Nulls cannot be set by a merge patch, and the server's own metadata is not a client's to remove.
    before, after = _without_nulls(before), _without_nulls(after)
    before.pop("metadata", None)
    after.pop("metadata", None)
    assert apply_patch("merge", before, merge_diff(before, after), None) == after


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {n: _without_nulls(v) for n, v in value.items() if v is not None}
    return value


def _pointer(parts: list[str]) -> str:
    return "".join("/" + part.replace("/", "~1") for part in parts)


_OPERATIONS = st.fixed_dictionaries(
    {
        "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]),
        "path": st.lists(NAMES | st.sampled_from(["0", "1", "-", "01"]), max_size=3).map(_pointer),
        "from": st.lists(NAMES | st.sampled_from(["0", "1"]), max_size=3).map(_pointer),
        "value": VALUES,
    }
)


@given(OBJECTS, st.lists(_OPERATIONS, max_size=5))
def test_json_patches_change_neither_argument(current: Any, patch: Any) -> None:
    before = orjson.dumps([current, patch])
    try:
        apply_patch("json", current, patch, None)
    except ApiError as refused:
        assert refused.code in (400, 422)
    assert orjson.dumps([current, patch]) == before


@given(st.binary(max_size=120) | st.text(max_size=120).map(str.encode), st.sampled_from(["json", "yaml"]))
def test_any_body_is_an_object_or_refused(body: bytes, kind: str) -> None:
    try:
        found = decode_checked(body, f"application/{kind}", duplicates=True)
    except ApiError as refused:
        assert refused.code == 400
    else:
        assert isinstance(found.value, dict)
        orjson.dumps(found.value)


@given(VALUES)
def test_json_is_read_alike_as_json_and_as_yaml(value: Any) -> None:
    body = orjson.dumps({"v": value})
    assert decode_checked(body, "application/yaml").value == decode_checked(body, "application/json").value


# PyYAML and Go's YAML differ about `y`, `n` and numbers such as 1e5; both are in the table of scalars.
_CHARACTERS = st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="0123456789")
PRINTABLE = st.text(_CHARACTERS, max_size=8).filter(lambda text: text not in ("y", "Y", "n", "N"))


@given(st.recursive(SCALARS | PRINTABLE, lambda v: st.lists(v, max_size=3) | st.dictionaries(PRINTABLE, v, max_size=3)))
def test_what_a_yaml_writer_writes_is_read_back(value: Any) -> None:
    text = yaml.safe_dump({"v": value})
    assert decode_checked(text.encode(), "application/yaml").value == {"v": value}


def _fields(schema: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that mostly have the schema's shape, and now and then anything."""
    properties = schema.get("properties") or {}
    if schema.get("type") == "object" and properties and depth < 4:
        parts = {name: _fields(part, depth + 1) for name, part in properties.items()}
        return st.fixed_dictionaries({}, optional=parts)
    if schema.get("type") == "array" and depth < 4 and "items" in schema:
        return st.lists(_fields(schema["items"], depth + 1), max_size=2) | VALUES
    return VALUES


@pytest.mark.parametrize("kind", SCHEME.kinds, ids=lambda kind: kind.kind)
def test_any_object_meets_any_schema(kind: Kind) -> None:
    struct = kind.storage.struct
    validator = struct_validator(struct)

    @settings(max_examples=15, deadline=None)
    @given(_fields(structural_schema(struct)), st.none() | _fields(structural_schema(struct)))
    def check(obj: Any, old: Any) -> None:
        before = orjson.dumps(obj)
        found = validator.apply(obj, old, mode="Ignore")
        assert orjson.dumps(obj) == before
        assert all(cause.field is not None and cause.message for cause in found.causes)
        # What came out needs no more pruning and no more defaults.
        again = validator.apply(found.object, old, mode="Warn")
        assert again.object == found.object
        assert not any("unknown" in warning for warning in again.warnings)

    check()
