"""Schemas of a ClusterClass's variables: which are refused, where, and that a class goes through the server whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from capstan.api.errors import ApiError
from capstan.api.objects import Obj
from capstan.api.verbs import WriteOptions
from capstan.apiserver.definitions.embedded import embedded_faults
from tests.unit.apiserver.conftest import World

Run = Callable[[Callable[[World], Awaitable[None]]], None]

FIELD = "spec.variables[v].schema.openAPIV3Schema"
MANIFESTS = Path(__file__).resolve().parents[5] / "shared" / "data" / "manifests"


def rule(expression: str, **more: Any) -> list[Obj]:
    return [{"rule": expression, **more}]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "default": "a", "enum": ["a", "b"], "example": "b"},
        {"type": "integer", "minimum": 1, "exclusiveMinimum": True, "default": 2},
        {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        {"type": "object", "properties": {"metadata": {"type": "object", "default": {}}}},
        {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        {"type": "object", "properties": {"a": {"type": "string", "nullable": True, "title": "not a keyword here"}}},
        {"type": "object", "additionalProperties": {"type": "integer"}, "example": {"a": 1}},
        {"x-kubernetes-int-or-string": True},
        {"type": "integer", "x-kubernetes-validations": rule("self > 1"), "default": 3},
        {"type": "string", "x-kubernetes-validations": rule("self == oldSelf", messageExpression="'not ' + self")},
        {"type": "string", "x-metadata": {"labels": {"a": "b"}}},
    ],
)
def test_schemas_of_values(schema: Obj) -> None:
    assert list(embedded_faults(schema, FIELD)) == []


@pytest.mark.parametrize(
    ("schema", "field", "says"),
    [
        ({"properties": {}}, f"{FIELD}.type", "Required value: must not be empty for specified object fields"),
        ({"type": "text"}, f"{FIELD}.type", 'Unsupported value: "text"'),
        ({"type": "array"}, f"{FIELD}.items", "Required value: must be specified"),
        (
            {"type": "object", "properties": {"a": {"minLength": 1}}},
            f"{FIELD}.properties[a].type",
            "Required value: must not be empty for specified object fields",
        ),
        ({"type": "object", "properties": {"a": {"type": 3}}}, FIELD, "schema cannot be read: cannot unmarshal number"),
        ({"type": "integer", "default": "a"}, f"{FIELD}.default", "Invalid value"),
        ({"type": "string", "pattern": "("}, f"{FIELD}.pattern", "must be a valid regular expression"),
        ({"type": "object", "default": {"a": 1}}, f"{FIELD}.default", "must not have unknown fields"),
        ({"type": "integer", "default": 1, "x-kubernetes-validations": rule("self > 1")}, f"{FIELD}.default", "failed"),
        ({"type": "string", "maxLength": 1, "example": "ab"}, f"{FIELD}.example", "Too long"),
        ({"type": "integer", "maximum": 5, "enum": [1, 9]}, f"{FIELD}.enum[1]", "less than or equal to 5"),
        (
            {"type": "integer", "enum": [1, 9], "x-kubernetes-validations": rule("self < 5")},
            f"{FIELD}.enum[1]",
            "failed rule: self < 5",
        ),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}},
            f"{FIELD}.additionalProperties",
            "mutual exclusive",
        ),
        (
            {"type": "string", "x-kubernetes-validations": rule("self +")},
            f"{FIELD}.x-kubernetes-validations[0].rule",
            "compilation failed",
        ),
        (
            {"type": "string", "x-kubernetes-validations": rule("self == 'a' &&\n true")},
            f"{FIELD}.x-kubernetes-validations[0].message",
            "message must be specified if rule contains line breaks",
        ),
        (
            {"type": "string", "x-kubernetes-validations": rule("true", messageExpression="1")},
            f"{FIELD}.x-kubernetes-validations[0].messageExpression",
            "must evaluate to a string",
        ),
        (
            {"type": "object", "x-kubernetes-validations": rule("true", fieldPath=".a")},
            f"{FIELD}.x-kubernetes-validations[0].fieldPath",
            "must be a valid path",
        ),
        (
            {"type": "array", "items": {"type": "string", "x-kubernetes-validations": rule("self == oldSelf")}},
            f"{FIELD}.items.x-kubernetes-validations[0].rule",
            "oldSelf cannot be used on the uncorrelatable portion of the schema",
        ),
        (
            {
                "type": "array",
                "items": {"type": "array", "items": {"type": "string"}},
                "x-kubernetes-validations": rule("self.all(a, self.all(b, a.all(x, b.all(y, x != y))))"),
            },
            f"{FIELD}.x-kubernetes-validations[0].rule",
            "exceeds budget",
        ),
    ],
)
def test_schemas_that_are_none(schema: Obj, field: str, says: str) -> None:
    faults = list(embedded_faults(schema, FIELD))
    assert field in [fault.field for fault in faults]
    assert any(says in fault.message for fault in faults if fault.field == field)
    assert not any("variableSchema" in fault.field + fault.message for fault in faults)


def small_class(schema: Obj) -> Obj:
    def ref(kind: str) -> Obj:
        return {"templateRef": {"apiVersion": "example.org/v1", "kind": kind, "name": "t"}}

    spec = {"infrastructure": ref("ATemplate"), "controlPlane": ref("BTemplate")}
    return {"spec": {**spec, "variables": [{"name": "v", "required": False, "schema": {"openAPIV3Schema": schema}}]}}


def test_the_server_refuses_a_class_with_a_bad_schema(run: Run) -> None:
    async def body(world: World) -> None:
        with pytest.raises(ApiError) as refused:
            await world.create("ClusterClass", "c", small_class({"type": "integer", "default": "a"}))
        assert refused.value.code == 422
        assert [cause.field for cause in refused.value.causes] == [f"{FIELD}.default"]
        resource = world.resource("ClusterClass")
        made = {"metadata": {"name": "c"}, **small_class({"type": "integer"})}
        answer = await world.verbs.create(resource, "default", made, WriteOptions())
        assert any("makes no Clusters from classes yet" in warning for warning in answer.warnings)
        with pytest.raises(ApiError, match="Required value"):
            await world.patch("ClusterClass", "c", {"spec": small_class({"maximum": 3})["spec"]})
        changed = await world.patch("ClusterClass", "c", {"metadata": {"labels": {"a": "b"}}})
        assert changed["metadata"]["labels"] == {"a": "b"}
        topology = {"spec": {"topology": {"classRef": {"name": "c"}, "version": "v1.34.0"}}}
        with pytest.raises(ApiError, match="managed topologies are not there yet"):
            await world.create("Cluster", "lab", topology)
        await world.delete("ClusterClass", "c")
        assert await world.names("ClusterClass") == []

    run(body)


def classes() -> list[Any]:
    files = sorted(MANIFESTS.glob("*cluster-class*.yaml")) if MANIFESTS.is_dir() else []
    found = [obj for file in files for obj in yaml.safe_load_all(file.read_text()) if obj]
    return [obj for obj in found if obj["kind"] == "ClusterClass"]


def test_classes_as_users_write_them_come_back_unchanged(run: Run) -> None:
    async def body(world: World) -> None:
        written = classes()
        if not written:
            pytest.skip("the manifests are not beside the checkout (../shared/data/manifests)")
        for obj in written:
            name = obj["metadata"]["name"]
            await world.create("ClusterClass", name, {"spec": obj["spec"]})
            stored = await world.get("ClusterClass", name)
            assert stored["spec"] == obj["spec"]
            old = await world.get("ClusterClass", name, version="v1beta1")
            old["metadata"] = {**old["metadata"], "labels": {"touched": "yes"}}
            resource = world.resource("ClusterClass", "v1beta1")
            await world.verbs.update(resource, "default", name, old, WriteOptions())
            again = await world.get("ClusterClass", name)
            assert again["spec"] == obj["spec"]
            assert again["metadata"]["labels"] == {"touched": "yes"}

    run(body)
