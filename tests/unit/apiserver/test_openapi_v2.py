"""OpenAPI version 2: what it leaves out, its two forms, how it follows definitions, its headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from capstan.api.errors import ApiError
from capstan.api.scheme import SCHEME
from capstan.apiserver.customresources import kind_of_crd
from capstan.apiserver.exchange import Request
from capstan.apiserver.openapi import OpenApi
from capstan.apiserver.openapi.version2 import version2_schema
from capstan.apiserver.protobuf.wire import fields
from capstan.apiserver.resources import Registry
from capstan.apiserver.server import served_kind
from tests.unit.apiserver.definitions.crd import changed

_PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"


def _openapi(*crds: dict[str, Any]) -> tuple[Registry, OpenApi]:
    registry = Registry()
    for kind in SCHEME.kinds:
        registry.add(served_kind(kind))
    for crd in crds:
        registry.add(kind_of_crd(crd))
    return registry, OpenApi(registry, "v1.36.0")


def _get(openapi: OpenApi, accept: str = "application/json", **headers: str) -> Any:
    return openapi.answer(Request("GET", "/openapi/v2", headers={"accept": accept, **headers}))


def _document(openapi: OpenApi) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(_get(openapi).body)
    return found


@pytest.mark.parametrize(
    ("schema", "shown"),
    [
        ({"type": "string", "nullable": True, "default": "x", "enum": ["x"]}, {"enum": ["x"]}),
        ({"type": "object", "nullable": True, "properties": {"a": {"type": "string"}}}, {}),
        (
            {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
            {"x-kubernetes-int-or-string": True},
        ),
        (
            {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"a": {"type": "string"}}},
            {"x-kubernetes-preserve-unknown-fields": True},
        ),
        (
            {
                "type": "object",
                "required": ["a", "b"],
                "properties": {"a": {"type": "string", "nullable": True}, "b": {}},
            },
            {"type": "object", "required": ["b"], "properties": {"a": {}, "b": {}}},
        ),
        ({"type": "array", "items": {"type": "string", "nullable": True}}, {"type": "array", "items": {}}),
        ({"type": "array"}, {}),
        (
            {"allOf": [{"$ref": "#/components/schemas/x"}], "description": "d", "default": {}},
            {"description": "d", "$ref": "#/definitions/x"},
        ),
        (
            {"type": "object", "oneOf": [{"required": ["a"]}], "not": {"required": ["b"]}, "properties": {"a": {}}},
            {"type": "object", "properties": {"a": {}}},
        ),
    ],
)
def test_what_version_two_cannot_say(schema: dict[str, Any], shown: dict[str, Any]) -> None:
    assert version2_schema(schema) == shown


def test_the_document() -> None:
    _, openapi = _openapi(changed({}))
    document = _document(openapi)
    assert (document["swagger"], document["info"]["title"]) == ("2.0", "Kubernetes")
    kind = {"group": "example.io", "version": "v1", "kind": "Widget"}
    widget = document["definitions"]["io.example.v1.Widget"]
    assert widget["x-kubernetes-group-version-kind"] == [kind]
    assert widget["properties"]["metadata"]["$ref"] == "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    assert widget["properties"]["spec"]["properties"]["size"] == {"type": "integer"}
    listed = document["definitions"]["io.example.v1.WidgetList"]
    assert listed["properties"]["items"]["items"] == {"$ref": "#/definitions/io.example.v1.Widget"}
    # A kind that keeps everything is published as a plain object: clients must not miss fields in it.
    gvk = {**kind, "version": "v1beta1"}
    assert document["definitions"]["io.example.v1beta1.Widget"] == {
        "type": "object",
        "x-kubernetes-group-version-kind": [gvk],
    }
    path = document["paths"]["/apis/example.io/v1/namespaces/{namespace}/widgets/{name}"]
    assert set(path) == {"get", "put", "patch", "delete", "parameters"}
    put = path["put"]
    body = put["parameters"][0]
    assert (body["in"], body["schema"]) == ("body", {"$ref": "#/definitions/io.example.v1.Widget"})
    assert put["responses"]["200"]["schema"] == {"$ref": "#/definitions/io.example.v1.Widget"}
    assert {"name": "dryRun", "in": "query", "type": "string", "uniqueItems": True}.items() <= {
        k: v for k, v in put["parameters"][1].items() if k != "description"
    }.items()
    assert put["x-kubernetes-group-version-kind"] == kind


def test_every_reference_leads_somewhere() -> None:
    document = _document(_openapi()[1])
    names, pending = set(document["definitions"]), [document["paths"], document["definitions"]]
    while pending:
        node: Any = pending.pop()
        if isinstance(node, dict):
            assert "#/components" not in str(node.get("$ref", ""))
            if isinstance(node.get("$ref"), str):
                assert node["$ref"].removeprefix("#/definitions/") in names
            pending += node.values()
        elif isinstance(node, list):
            pending += node


def test_definitions_come_and_go_with_their_versions() -> None:
    registry, openapi = _openapi(changed({}))
    before = _get(openapi).headers["ETag"]
    assert "io.example.v1beta1.Widget" in _document(openapi)["definitions"]
    registry.add(kind_of_crd(changed({"spec.versions.0.served": False})))
    names = _document(openapi)["definitions"]
    assert "io.example.v1beta1.Widget" not in names
    assert "io.example.v1.Widget" in names
    registry.add(kind_of_crd(changed({"spec.versions.0.name": "v3"})))
    assert "io.example.v3.Widget" in _document(openapi)["definitions"]
    registry.remove("example.io", "widgets")
    assert not [name for name in _document(openapi)["definitions"] if name.startswith("io.example.")]
    assert _get(openapi).headers["ETag"] != before


def test_answers_follow_what_is_asked() -> None:
    _, openapi = _openapi()
    first = _get(openapi)
    assert (first.status, first.content_type, first.headers["Vary"]) == (200, "application/json", "Accept")
    again = _get(openapi, **{"if-none-match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    for accept in (_PROTOBUF, f"{_PROTOBUF}, application/json", _PROTOBUF.replace("@", ".")):
        found = _get(openapi, accept)
        assert found.content_type == "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
        assert found.headers["ETag"] != first.headers["ETag"]
    assert _get(openapi, "*/*").content_type == "application/json"
    with pytest.raises(ApiError) as refused:
        _get(openapi, "text/html")
    assert refused.value.code == 406


def _named(data: memoryview, number: int) -> Mapping[str, memoryview]:
    """The entries of a message of (name, value) pairs."""
    found = {}
    for field, _, entry in fields(data):
        assert isinstance(entry, memoryview)
        if field == number:
            parts = {n: v for n, _, v in fields(entry)}
            name, value = parts[1], parts.get(2, memoryview(b""))
            assert isinstance(name, memoryview)
            assert isinstance(value, memoryview)
            found[bytes(name).decode()] = value
    return found


def _one(data: memoryview, number: int) -> memoryview:
    (found,) = [value for field, _, value in fields(data) if field == number]
    assert isinstance(found, memoryview)
    return found


def test_the_protobuf_form_says_the_same() -> None:
    schema = {
        "type": "object",
        "required": ["s"],
        "properties": {
            "s": {"type": "string", "maxLength": 5, "pattern": "^a", "enum": ["a", "b"]},
            "n": {"type": "number", "minimum": 0.5, "exclusiveMinimum": True},
            "m": {"type": "object", "additionalProperties": {"type": "string"}},
            "f": {"type": "object", "additionalProperties": True},
            "l": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
        },
    }
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    _, openapi = _openapi(changed({"spec.versions": [version]}))
    body = memoryview(_get(openapi, _PROTOBUF).body)
    document = _document(openapi)
    assert bytes(_one(body, 1)) == b"2.0"
    assert set(_named(_one(body, 8), 2)) == set(document["paths"])
    definitions = _named(_one(body, 9), 1)
    assert set(definitions) == set(document["definitions"])
    widget = definitions["io.example.v1.Widget"]
    assert bytes(_one(_one(widget, 22), 1)) == b"object"
    assert bytes(_one(widget, 19)) == b"s"
    (kind,) = orjson.loads(bytes(_one(_named(widget, 31)["x-kubernetes-group-version-kind"], 2)))
    assert kind == {"group": "example.io", "kind": "Widget", "version": "v1"}
    properties = _named(_one(widget, 25), 1)
    assert set(properties) == {"apiVersion", "kind", "metadata", *schema["properties"]}
    assert bytes(_one(properties["metadata"], 1)).endswith(b"ObjectMeta")
    text = {number: value for number, _, value in fields(properties["s"])}
    assert (text[11], bytes(text[13])) == (5, b"^a")
    assert {number for number, _, _ in fields(properties["n"])} == {9, 10, 22}
    assert bytes(_one(_one(_one(_one(properties["m"], 21), 1), 22), 1)) == b"string"
    assert [(n, v) for n, _, v in fields(_one(properties["f"], 21))] == [(2, 1)]
    assert bytes(_one(_named(properties["l"], 31)["x-kubernetes-list-type"], 2)) == b'"set"'
