"""Group A: what the server says of fields that it does not know, and of fields that are written twice."""

from __future__ import annotations

from typing import Any

from tests.conformance.kubernetes.definitions import OPEN, define, definition
from tests.conformance.kubernetes.harness import APPLY, Answer, Kube, Obj

_CLOSED: Obj = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {"foo": {"type": "string"}, "cronSpec": {"type": "string"}},
        }
    },
}
_EMBEDDED: Obj = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
            "properties": {
                "template": {
                    "type": "object",
                    "x-kubernetes-embedded-resource": True,
                    "properties": {"metadata": {"type": "object", "properties": {"name": {"type": "string"}}}},
                }
            },
        }
    },
}


async def _apply(kube: Kube, made: Obj, name: str, text: str) -> Answer:
    """A strict apply of YAML below the name of the kind."""
    group = made["spec"]["group"]
    whole = f"apiVersion: {group}/v1\nkind: Foo\nmetadata:\n  name: {name}\n{text}"
    query = {"fieldManager": "field_validation_mgr", "fieldValidation": "Strict"}
    return await kube.raw("PATCH", kube.path(f"{group}/v1", "foos", name), whole, {"Content-Type": APPLY}, **query)


async def _create(kube: Kube, made: Obj, text: str) -> Answer:
    group = made["spec"]["group"]
    whole = f'{{"apiVersion": "{group}/v1", "kind": "Foo", {text}}}'
    return await kube.raw("POST", kube.path(f"{group}/v1", "foos"), whole, fieldValidation="Strict")


def test_no_schema(against: Any) -> None:
    """[sig-api-machinery] FieldValidation should create/apply a CR with unknown fields for CRD with no validation
    schema"""

    async def body(kube: Kube) -> None:
        made = await define(kube, definition(kube, {"v1": OPEN}))
        applied = await _apply(kube, made, "mytest", "spec:\n  foo: foo1\n  cronSpec: '* * * * */5'\n")
        assert (applied.status, applied.body["spec"]["foo"]) == (201, "foo1")
        assert (await _create(kube, made, '"metadata": {"name": "two"}, "spec": {"knownOrNot": 1}')).status == 201

    against(body)


def test_valid(against: Any) -> None:
    """[sig-api-machinery] FieldValidation should create/apply a valid CR for CRD with validation schema"""

    async def body(kube: Kube) -> None:
        made = await define(kube, definition(kube, {"v1": _CLOSED}))
        applied = await _apply(kube, made, "mytest", "spec:\n  foo: foo1\n  cronSpec: '* * * * */5'\n")
        assert (applied.status, applied.body["spec"]["foo"]) == (201, "foo1")
        assert (await _create(kube, made, '"metadata": {"name": "two"}, "spec": {"foo": "x"}')).status == 201

    against(body)


def test_unknown(against: Any) -> None:
    """[sig-api-machinery] FieldValidation should create/apply an invalid CR with extra properties for CRD with
    validation schema"""

    async def body(kube: Kube) -> None:
        made = await define(kube, definition(kube, {"v1": _CLOSED}))
        applied = await _apply(kube, made, "mytest", "spec:\n  foo: foo1\n  extraProperty: arbitrary-value\n")
        assert applied.status >= 400 and ".spec.extraProperty: field not declared in schema" in applied.body["message"]
        created = await _create(kube, made, '"metadata": {"name": "two"}, "spec": {"extraProperty": "x"}')
        assert (created.status, created.body["reason"]) == (400, "BadRequest")
        assert 'strict decoding error: unknown field "spec.extraProperty"' in created.body["message"]

    against(body)


def test_duplicates(against: Any) -> None:
    """[sig-api-machinery] FieldValidation should detect duplicates in a CR when preserving unknown fields"""

    async def body(kube: Kube) -> None:
        made = await define(kube, definition(kube, {"v1": _EMBEDDED}))
        applied = await _apply(kube, made, "mytest", "spec:\n  unknown: uk1\n  foo: foo1\n  foo: foo2\n")
        # It is told on which line the second one is.
        assert applied.status == 400 and 'line 8: key "foo" already set in map' in applied.body["message"]
        text = '"metadata": {"name": "two"}, "spec": {"unknown": "uk1", "foo": "1", "foo": "2"}'
        created = await _create(kube, made, text)
        assert created.status == 400 and 'duplicate field "spec.foo"' in created.body["message"]

    against(body)


def test_metadata(against: Any) -> None:
    """[sig-api-machinery] FieldValidation should detect unknown metadata fields in both the root and embedded object
    of a CR"""

    async def body(kube: Kube) -> None:
        made = await define(kube, definition(kube, {"v1": _EMBEDDED}))
        template = '{"apiVersion": "foo/v1", "kind": "Sub", "metadata": {"unknownSubMeta": "x", "name": "sub"}}'
        text = f'"metadata": {{"name": "two", "unknownMeta": "x"}}, "spec": {{"template": {template}}}'
        created = await _create(kube, made, text)
        assert created.status == 400
        for field in ("metadata.unknownMeta", "spec.template.metadata.unknownSubMeta"):
            assert f'unknown field "{field}"' in created.body["message"]
        embedded = "spec:\n  template:\n    apiVersion: foo/v1\n    kind: Sub\n    metadata:\n      unknownSubMeta: x\n"
        applied = await _apply(kube, made, "mytest", f"  unknownMeta: foo\n{embedded}")
        words = ".metadata.unknownMeta: field not declared in schema"
        assert applied.status == 400 and words in applied.body["message"]

    against(body)
