"""Pruning, defaults, nulls, unknown fields and metadata."""

from __future__ import annotations

import pytest

from capstan.api.errors import ApiError
from capstan.apiserver.validation import Validator
from tests.unit.apiserver.validation.checks import applied, schema_with

NESTED = {
    "type": "object",
    "properties": {
        "replicas": {"type": "integer", "default": 1},
        "note": {"type": "string", "nullable": True},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "deep": {
            "type": "object",
            "default": {},
            "properties": {"port": {"type": "integer", "default": 6443}, "host": {"type": "string"}},
        },
    },
}


def test_pruning_and_defaults() -> None:
    result = applied(NESTED, {"reps": 5, "note": None, "replicas": None, "free": {"x": 1}, "labels": {"a": "b"}})
    assert result.object["spec"] == {
        "note": None,
        "free": {"x": 1},
        "labels": {"a": "b"},
        "replicas": 1,
        "deep": {"port": 6443},
    }
    assert result.causes == ()


def test_what_is_valid_is_shared_not_copied() -> None:
    obj = {"spec": {"replicas": 2, "deep": {"port": 1}}, "metadata": {"name": "a", "labels": {"x": "y"}}}
    result = Validator({"type": "object", "properties": {"spec": NESTED}}).apply(obj, mode="Strict")
    assert result.object is obj


def test_unknown_fields_by_mode() -> None:
    spec = {"repplicas": 1, "deep": {"prot": 2, "zzz": 3}}
    assert applied(NESTED, spec, mode="Ignore").warnings == ()
    expected = (
        'unknown field "spec.repplicas" (did you mean "spec.replicas"?)',
        'unknown field "spec.deep.prot" (did you mean "spec.deep.port"?)',
        'unknown field "spec.deep.zzz"',
    )
    assert applied(NESTED, spec, mode="Warn").warnings == expected
    assert applied(NESTED, spec, mode="").warnings == expected
    with pytest.raises(ApiError) as caught:
        applied(NESTED, spec, mode="Strict")
    assert (caught.value.code, caught.value.reason) == (400, "BadRequest")
    assert caught.value.message == "strict decoding error: " + ", ".join(expected)


def test_unknown_metadata_and_duplicates_are_reported_too() -> None:
    obj = {"apiVersion": "x/v1", "kind": "X", "metadata": {"nmae": "a"}}
    validator = Validator(schema_with())
    with pytest.raises(ApiError) as caught:
        validator.apply(obj, mode="Strict", duplicates=("spec.a",))
    assert caught.value.message == (
        'X in version "v1" cannot be handled as a X: strict decoding error: '
        'unknown field "metadata.nmae" (did you mean "metadata.name"?), duplicate field "spec.a"'
    )


def test_metadata_is_checked() -> None:
    validator = Validator(schema_with())
    found = validator.apply({"metadata": {"labels": {"a": 1}, "ownerReferences": [{"kind": "A"}]}})
    assert [c.field for c in found.causes] == [
        "metadata.labels.a",
        "metadata.ownerReferences[0].apiVersion",
        "metadata.ownerReferences[0].name",
        "metadata.ownerReferences[0].uid",
    ]
    assert validator.apply({"metadata": {"name": "x", "creationTimestamp": None}}).causes == ()


def test_embedded_resources_keep_their_own_metadata_rules() -> None:
    schema = {
        "type": "object",
        "x-kubernetes-embedded-resource": True,
        "x-kubernetes-preserve-unknown-fields": True,
    }
    good = applied(
        schema, {"apiVersion": "v1", "kind": "X", "metadata": {"name": "a", "odd": 1}, "any": 1}, mode="Warn"
    )
    assert good.object["spec"] == {"apiVersion": "v1", "kind": "X", "metadata": {"name": "a"}, "any": 1}
    assert good.warnings == ('unknown field "spec.metadata.odd"',)
    assert [c.field for c in applied(schema, {}).causes] == ["spec.apiVersion", "spec.kind"]


def test_null_is_absent_where_it_is_no_value() -> None:
    schema = {"type": "object", "required": ["must"], "properties": {"must": {"type": "string"}, "may": {}}}
    assert applied({"type": "object", "properties": {"v": {"type": "string"}}}, {"v": None}).object == {"spec": {}}
    refused = applied(schema, {"must": None, "may": None})
    assert refused.object == {"spec": {}}
    assert [(c.field, c.message) for c in refused.causes] == [("spec.must", "Required value")]
