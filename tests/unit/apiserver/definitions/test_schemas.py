"""Schemas of definitions: structural ones, keywords, list types, defaults, rules' texts; unknown keywords."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.api.apiextensions.customresourcedefinition import CustomResourceDefinition
from capstan.api.errors import ApiError
from capstan.api.schema import structural_schema
from capstan.api.scheme import SCHEME
from capstan.apiserver.definitions.celrules import cel_faults
from capstan.apiserver.definitions.rules import definition_faults
from capstan.apiserver.definitions.structural import structural_faults
from capstan.apiserver.definitions.validator import DefinitionValidator
from capstan.apiserver.definitions.warnings import definition_warnings
from tests.unit.apiserver.definitions.crd import single, told

_STRING = {"type": "string"}
_KEYED: dict[str, Any] = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["k"],
    "items": {"type": "object", "required": ["k"], "properties": {"k": _STRING}},
}


def _faults(schema: dict[str, Any], **version: Any) -> dict[str, str]:
    found = definition_faults(single({"type": "object", **schema}, **version))
    return told(found, "spec.validation.openAPIV3Schema")


def _of_a(node: dict[str, Any]) -> dict[str, str]:
    """The faults of one property."""
    return {field.removeprefix(".properties[a]"): m for field, m in _faults({"properties": {"a": node}}).items()}


@pytest.mark.parametrize(
    ("node", "field", "words"),
    [
        ({}, ".type", "must not be empty for specified object fields"),
        ({"type": "array"}, ".items", "must be specified"),
        ({"type": "array", "items": {}}, ".items.type", "must not be empty for specified array items"),
        ({"type": "thing"}, ".type", 'Unsupported value: "thing"'),
        ({"type": "null"}, ".type", 'Unsupported value: "null"'),
        ({"type": "string", "$ref": "#/x"}, ".$ref", "$ref is not supported"),
        ({"type": "object", "definitions": {"x": _STRING}}, ".definitions", "definitions is not supported"),
        ({"type": "object", "patternProperties": {"x": _STRING}}, ".patternProperties", "is not supported"),
        ({"type": "array", "items": _STRING, "uniqueItems": True}, ".uniqueItems", "runtime complexity"),
        (
            {"type": "object", "properties": {"b": _STRING}, "additionalProperties": _STRING},
            ".additionalProperties",
            "additionalProperties and properties are mutual exclusive",
        ),
        ({"type": "string", "anyOf": [_STRING]}, ".anyOf[0].type", "must be empty to be structural"),
        (
            {"type": "object", "properties": {"b": _STRING}, "not": {"properties": {"b": {"default": "x"}}}},
            ".not.properties[b].default",
            "must be undefined to be structural",
        ),
        (
            {"type": "object", "anyOf": [{"properties": {"b": {"minLength": 1}}}]},
            ".properties[b]",
            "because it is defined in spec.validation.openAPIV3Schema.properties[a].anyOf[0].properties[b]",
        ),
        (
            {
                "type": "object",
                "properties": {"metadata": {"type": "object"}},
                "allOf": [{"properties": {"metadata": {}}}],
            },
            ".allOf[0].properties[metadata]",
            "must not be specified in a nested context",
        ),
        (
            {"type": "object", "x-kubernetes-embedded-resource": True},
            ".properties",
            "must not be empty if x-kubernetes-embedded-resource is true without",
        ),
        (
            {"type": "string", "x-kubernetes-embedded-resource": True},
            ".type",
            "must be object if x-kubernetes-embedded-resource is true",
        ),
        (
            {"x-kubernetes-int-or-string": True, "x-kubernetes-preserve-unknown-fields": True},
            ".x-kubernetes-preserve-unknown-fields",
            "must be false if x-kubernetes-int-or-string is true",
        ),
        (
            {"type": "object", "x-kubernetes-preserve-unknown-fields": False},
            ".x-kubernetes-preserve-unknown-fields",
            "must be true or undefined",
        ),
        ({"type": "string", "pattern": "(?<=x)"}, ".pattern", "must be a valid regular expression, but isn't"),
        ({"type": "string", "x-kubernetes-list-type": "set"}, ".type", "must be array if x-kubernetes-list-type is"),
        ({"type": "string", "x-kubernetes-map-type": "atomic"}, ".type", "must be object if x-kubernetes-map-type is"),
        ({"type": "object", "x-kubernetes-map-type": "x"}, ".x-kubernetes-map-type", "Unsupported value"),
        ({**_KEYED, "x-kubernetes-list-type": "bag"}, ".x-kubernetes-list-type", 'Unsupported value: "bag"'),
        ({**_KEYED, "x-kubernetes-list-type": "atomic"}, ".x-kubernetes-list-type", "must be map if x-kubernetes-list"),
        ({**_KEYED, "x-kubernetes-list-map-keys": []}, ".x-kubernetes-list-map-keys", "must not be empty if"),
        ({**_KEYED, "x-kubernetes-list-map-keys": ["k", "z"]}, ".x-kubernetes-list-map-keys", "names of item prop"),
        ({**_KEYED, "x-kubernetes-list-map-keys": ["k", "k"]}, ".x-kubernetes-list-map-keys", "duplicate entries"),
        ({**_KEYED, "items": _STRING}, ".items.type", "must be object if parent array's x-kubernetes-list-type is map"),
        (
            {**_KEYED, "items": {"type": "object", "properties": {"k": _STRING}}},
            ".items.properties[k].default",
            "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
        ),
        (
            {**_KEYED, "items": {**_KEYED["items"], "properties": {"k": {"type": "string", "nullable": True}}}},
            ".items.properties[k].nullable",
            "so it cannot be nullable",
        ),
        (
            {**_KEYED, "items": {**_KEYED["items"], "properties": {"k": {"type": "object"}}}},
            ".items.properties[k].type",
            "must be a scalar type",
        ),
        (
            {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "object"}},
            ".items.x-kubernetes-map-type",
            "must be atomic as item of a list with x-kubernetes-list-type=set",
        ),
        (
            {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string", "nullable": True}},
            ".items.nullable",
            "cannot be nullable when x-kubernetes-list-type is set",
        ),
        ({"type": "integer", "default": "x"}, ".default", 'must be of type integer: "string"'),
        ({"type": "integer", "default": 5, "maximum": 3}, ".default", "should be less than or equal to 3"),
        (
            {"type": "object", "properties": {"b": _STRING}, "default": {"c": 1}},
            ".default",
            "must not have unknown fields",
        ),
        (
            {"type": "object", "required": ["b"], "properties": {"b": _STRING}, "default": {}},
            ".default.b",
            "Required value",
        ),
        (
            {"type": "string", "x-kubernetes-validations": [{"rule": " "}]},
            ".x-kubernetes-validations[0].rule",
            "rule is not specified",
        ),
        (
            {"type": "string", "x-kubernetes-validations": [{"rule": "true &&\ntrue"}]},
            ".x-kubernetes-validations[0].message",
            "message must be specified if rule contains line breaks",
        ),
        (
            {"type": "string", "x-kubernetes-validations": [{"rule": "true", "message": "a\nb"}]},
            ".x-kubernetes-validations[0].message",
            "must not contain line breaks",
        ),
        (
            {"type": "string", "x-kubernetes-validations": [{"rule": "true", "reason": "BecauseISaySo"}]},
            ".x-kubernetes-validations[0].reason",
            'Unsupported value: "BecauseISaySo"',
        ),
        (
            {"type": "object", "x-kubernetes-validations": [{"rule": "true", "fieldPath": ".nothing"}]},
            ".x-kubernetes-validations[0].fieldPath",
            "must be a valid path",
        ),
        (
            {"type": "string", "x-kubernetes-validations": [{"rule": "self +"}]},
            ".x-kubernetes-validations[0].rule",
            "compilation failed",
        ),
    ],
)
def test_what_a_node_cannot_say(node: dict[str, Any], field: str, words: str) -> None:
    found = _of_a(node)
    assert words in found[field], found


@pytest.mark.parametrize(
    "node",
    [
        {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
        {"x-kubernetes-int-or-string": True, "allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}]},
        {"type": "object", "additionalProperties": True},
        {"x-kubernetes-preserve-unknown-fields": True},
        {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
        {
            "type": "array",
            "x-kubernetes-list-type": "set",
            "items": {"type": "object", "x-kubernetes-map-type": "atomic"},
        },
        {"type": "object", "default": {}, "properties": {"b": {"type": "string", "default": "x"}}},
        {"type": "string", "nullable": True, "default": "x", "enum": ["x", "y"]},
        _KEYED,
    ],
)
def test_what_a_node_may_say(node: dict[str, Any]) -> None:
    assert _of_a(node) == {}


@pytest.mark.parametrize(
    ("schema", "field", "words"),
    [
        ({"type": "array", "items": _STRING}, ".type", "must be object at the root"),
        ({"nullable": True}, ".nullable", "nullable cannot be true at the root"),
        ({"additionalProperties": _STRING}, ".additionalProperties", "must not be used at the root"),
        (
            {"properties": {"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}}},
            ".properties[metadata]",
            "must not specify anything other than name and generateName",
        ),
        ({"properties": {"kind": {"type": "integer"}}}, ".properties[kind].type", "must be string"),
        (
            {"properties": {"kind": {"type": "string", "default": "x"}}},
            ".properties[kind].default",
            "must not be set in top-level kind",
        ),
    ],
)
def test_what_a_root_cannot_say(schema: dict[str, Any], field: str, words: str) -> None:
    assert words in _faults(schema)[field]


def test_metadata_can_restrict_the_name() -> None:
    name = {"type": "string", "maxLength": 8}
    assert _faults({"properties": {"metadata": {"type": "object", "properties": {"name": name}}}}) == {}


def test_with_a_status_the_root_says_less() -> None:
    words = "fields are allowed at the root of the schema if the status subresource is enabled"
    assert words in _faults({"maxProperties": 5}, subresources={"status": {}})[""]
    assert _faults({"maxProperties": 5}) == {}


def _validator() -> DefinitionValidator:
    return DefinitionValidator(structural_schema(CustomResourceDefinition))


def test_unknown_keywords_are_dropped_and_told_of() -> None:
    crd = single({"type": "object", "properties": {"a": {"type": "string", "descripton": "x", "nullable": None}}})
    checked = _validator().apply(crd)
    assert checked.warnings == (
        'unknown field "spec.versions[0].schema.openAPIV3Schema.properties.a.descripton" '
        '(did you mean "spec.versions[0].schema.openAPIV3Schema.properties.a.description"?)',
    )
    schema = checked.object["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert schema["properties"]["a"] == {"type": "string"}
    with pytest.raises(ApiError, match="strict decoding error: unknown field") as refused:
        _validator().apply(crd, mode="Strict")
    assert refused.value.code == 400


@pytest.mark.parametrize(
    "schema",
    [
        {"type": ["object"]},
        {"type": "object", "properties": []},
        {"type": "object", "properties": {"a": "string"}},
        {"type": "object", "required": "a"},
        {"type": "object", "required": [1]},
        {"type": "object", "minProperties": "1"},
        {"type": "object", "maximum": True},
        {"type": "object", "anyOf": {}},
        {"type": "object", "anyOf": [1]},
        {"type": "object", "nullable": "yes"},
        {"type": "object", "x-kubernetes-validations": [{"rule": 1}]},
        {"type": "object", "x-kubernetes-validations": ["true"]},
        {"type": "object", "additionalProperties": 1},
        "object",
    ],
)
def test_keywords_of_a_wrong_type_cannot_be_read(schema: Any) -> None:
    with pytest.raises(ApiError, match="cannot be handled as a CustomResourceDefinition: json: cannot") as refused:
        _validator().apply(single(schema))
    assert refused.value.code == 400


def test_warnings() -> None:
    crd = single(
        {
            "type": "object",
            "properties": {
                "a": {"type": "string", "format": "k8s-short-name"},
                "b": {"type": "string", "format": "zipcode"},
                "c": {"type": "integer", "format": "int8"},
                "d": {
                    "type": "array",
                    "x-kubernetes-list-type": "set",
                    "items": {"type": "object", "x-kubernetes-map-type": "atomic"},
                },
            },
        }
    )
    assert definition_warnings(crd) == (
        'unrecognized format "zipcode"',
        'unrecognized format "int8"',
        'x-kubernetes-list-type: set for items of type "object" is not supported by server-side apply '
        "or CEL validation rules",
    )
    assert definition_warnings(crd, crd) == ()


def test_a_transition_rule_needs_a_former_self() -> None:
    rule = [{"rule": "self == oldSelf"}]
    item: dict[str, Any] = {
        "type": "object",
        "properties": {"k": _STRING, "v": {**_STRING, "maxLength": 5}},
        "required": ["k"],
    }
    item["properties"]["v"]["x-kubernetes-validations"] = rule
    assert _of_a({**_KEYED, "items": item, "maxItems": 5}) == {}
    found = _of_a({"type": "array", "maxItems": 5, "items": item})
    at = ".items.properties[v].x-kubernetes-validations[0].rule"
    assert "oldSelf cannot be used on the uncorrelatable portion of the schema within" in found[at]


def test_an_optional_old_self_without_use_is_refused() -> None:
    node = {**_STRING, "x-kubernetes-validations": [{"rule": "self != ''", "optionalOldSelf": True}]}
    at = ".x-kubernetes-validations[0].optionalOldSelf"
    assert _of_a(node)[at] == "Invalid value: true: may not be set if oldSelf is not used in rule\n"


@pytest.mark.parametrize(
    ("rule", "field", "words"),
    [
        ({"rule": "self.size() + 1"}, "rule", "cel expression must evaluate to a bool"),
        ({"rule": "self.nothing == 1"}, "rule", "compilation failed: ERROR: <input>:1:5"),
        ({"rule": "true", "messageExpression": "1"}, "messageExpression", "must evaluate to a string"),
        ({"rule": "true", "messageExpression": "'"}, "messageExpression", "messageExpression compilation failed"),
    ],
)
def test_rules_that_do_not_compile(rule: dict[str, Any], field: str, words: str) -> None:
    assert words in _of_a({**_STRING, "x-kubernetes-validations": [rule]})[f".x-kubernetes-validations[0].{field}"]


def test_rules_that_can_become_too_expensive() -> None:
    rule = [{"rule": "self.all(x, self.all(y, x == y))"}]
    node = {"type": "array", "items": _STRING, "x-kubernetes-validations": rule}
    at = ".x-kubernetes-validations[0].rule"
    assert "estimated rule cost exceeds budget by factor of more than 100x" in _of_a(node)[at]
    assert _of_a({**node, "maxItems": 10, "items": {**_STRING, "maxLength": 10}}) == {}
    # The single rules of an unchanged schema were accepted once; their sum is still looked at.
    crd = {**single({"type": "object", "properties": {"a": node}}), "status": {"storedVersions": ["v1"]}}
    unchanged = told(definition_faults(crd, crd), "spec.validation.openAPIV3Schema.properties[a]")
    assert "estimated rule cost exceeds budget" not in unchanged[at]


def test_the_schemas_of_the_programs_own_kinds_would_be_accepted() -> None:
    for kind in SCHEME.kinds:
        for version in kind.versions if not kind.builtin else ():
            schema = structural_schema(version.struct)
            assert [*structural_faults(schema, "s"), *cel_faults(schema, "s", False)] == [], (kind.kind, version.name)
