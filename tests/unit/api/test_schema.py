"""How Structs become structural schemas, and that views tolerate what objects in the wild look like."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

import msgspec
import pytest

from capstan.api.cluster.machine import Machine, MachineStatus
from capstan.api.core.node import NodeSystemInfo
from capstan.api.core.secret import Secret
from capstan.api.crd import crd_of
from capstan.api.facts import (
    KEEP_UNKNOWN,
    AnyValue,
    Facts,
    Int32,
    Required,
    between,
    cel,
    default,
    entries,
    items,
    keyed_by,
    length,
)
from capstan.api.kinds import Kind
from capstan.api.meta import Condition, ObjectMeta
from capstan.api.objects import Obj
from capstan.api.schema import describe, object_schema, structural_schema, type_schema
from capstan.api.scheme import SCHEME
from capstan.api.struct import Struct, decode, encode


class Inner(Struct, frozen=True, kw_only=True):
    """Something inside.

    size: how much,
      in all.
    """

    schema_facts: ClassVar[Facts] = (entries(1), cel("self.size > 0", "too small"))

    size: Required[Annotated[Int32, between(1, 9)]] = msgspec.field(default_factory=int)
    note: str = "no description"


@pytest.mark.parametrize(
    ("annotation", "schema", "required"),
    [
        (str, {"type": "string"}, False),
        (bool | None, {"type": "boolean"}, False),
        (datetime | None, {"type": "string", "format": "date-time"}, False),
        (bytes, {"type": "string", "format": "byte"}, False),
        (Required[Annotated[str, length(1)]], {"type": "string", "minLength": 1}, True),
        (Annotated[Int32, default(3)] | None, {"type": "integer", "format": "int32", "default": 3}, False),
        (
            int | str | None,
            {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True},
            False,
        ),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}, False),
        (
            Annotated[dict[str, Any], KEEP_UNKNOWN],
            {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            False,
        ),
        (AnyValue, {"x-kubernetes-preserve-unknown-fields": True}, False),
        (
            Annotated[tuple[str, ...], items(None, 4), keyed_by("a", "b")],
            {
                "type": "array",
                "items": {"type": "string"},
                "maxItems": 4,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["a", "b"],
            },
            False,
        ),
    ],
)
def test_schema_of_an_annotation(annotation: Any, schema: Obj, required: bool) -> None:
    assert type_schema(annotation) == (schema, required)


def test_schema_of_a_struct() -> None:
    assert object_schema(Inner) == {
        "type": "object",
        "description": "Something inside.",
        "properties": {
            "size": {
                "type": "integer",
                "format": "int32",
                "minimum": 1,
                "maximum": 9,
                "description": "how much, in all.",
            },
            "note": {"type": "string"},
        },
        "required": ["size"],
        "minProperties": 1,
        "x-kubernetes-validations": [{"rule": "self.size > 0", "message": "too small"}],
    }


def test_a_type_without_schema_is_named() -> None:
    with pytest.raises(TypeError, match="complex"):
        type_schema(complex)


def nodes(schema: Obj, path: str) -> Iterator[tuple[str, Obj]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for part in ("items", "additionalProperties"):
        if isinstance(schema.get(part), dict):
            yield from nodes(schema[part], f"{path}[]")


@pytest.mark.parametrize("kind", SCHEME.kinds, ids=lambda kind: kind.kind)
def test_schemas_are_structural_and_explained(kind: Kind) -> None:
    for version in kind.versions:
        for path, schema in nodes(structural_schema(version.struct), version.name):
            anything = schema.get("x-kubernetes-preserve-unknown-fields") or schema.get("x-kubernetes-int-or-string")
            assert "type" in schema or anything, path
            assert schema.get("type") != "array" or "items" in schema, path
            if path.count(".") and not path.endswith(("[]", ".metadata")):
                assert schema.get("description"), path


@pytest.mark.parametrize("kind", SCHEME.kinds, ids=lambda kind: kind.kind)
def test_every_description_is_of_a_field(kind: Kind) -> None:
    for version in kind.versions:
        summary, notes = describe(version.struct)
        assert summary.endswith(".")
        assert notes.keys() <= set(version.struct.__struct_fields__)


@pytest.mark.parametrize("kind", SCHEME.kinds, ids=lambda kind: kind.kind)
def test_bare_objects_decode_and_encode_to_themselves(kind: Kind) -> None:
    for version in kind.versions:
        bare: Obj = {"apiVersion": "v", "kind": kind.kind, "metadata": {"name": "a"}}
        assert encode(decode(bare, version.struct)) == bare
        empty = {**bare, "spec": {}, "status": {}}
        assert decode(empty, version.struct).metadata == ObjectMeta(name="a")


def test_definitions_carry_contract_labels() -> None:
    contracts = {
        crd["metadata"]["name"]: crd["metadata"]["labels"].get("cluster.x-k8s.io/v1beta2")
        for crd in (crd_of(kind) for kind in SCHEME.kinds if not kind.builtin)
    }
    assert contracts["machines.cluster.x-k8s.io"] == "v1beta2"
    assert contracts["proxmoxmachines.infrastructure.cluster.x-k8s.io"] == "v1alpha2"
    assert contracts["talosconfigs.bootstrap.cluster.x-k8s.io"] == "v1beta1"
    assert contracts["taloscontrolplanes.controlplane.cluster.x-k8s.io"] is None


def test_required_fields_are_sent_even_when_empty() -> None:
    info = encode(NodeSystemInfo(kubelet_version="v1.33.1"))
    assert info["kubeProxyVersion"] == "" and "swap" not in info
    condition = encode(Condition(type="Ready", status="True", reason="Ready"))
    assert condition == {"type": "Ready", "status": "True", "reason": "Ready", "message": ""}


def test_a_whole_machine_survives_the_view() -> None:
    obj = {
        "apiVersion": "cluster.x-k8s.io/v1beta2",
        "kind": "Machine",
        "metadata": {"name": "m", "namespace": "d", "finalizers": ["machine.cluster.x-k8s.io"]},
        "spec": {
            "clusterName": "lab",
            "bootstrap": {"dataSecretName": "s"},
            "infrastructureRef": {"apiGroup": "g", "kind": "K", "name": "n"},
            "providerID": "proxmox://1",
        },
        "status": {"initialization": {"infrastructureProvisioned": False}, "lastUpdated": "2026-01-02T03:04:05Z"},
    }
    view = decode(obj, Machine)
    assert view.spec.provider_id == "proxmox://1"
    assert view.status.last_updated == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert encode(view) == obj
    assert encode(MachineStatus()) == {}


def test_a_secret_does_not_show_its_values() -> None:
    secret = decode({"metadata": {"name": "s", "namespace": "d"}, "data": {"token": "aHVzaA=="}}, Secret)
    assert secret.data == {"token": b"hush"}
    assert "hush" not in repr(secret) and "token" in repr(secret)
    assert encode(secret)["data"] == {"token": "aHVzaA=="}
