"""Definitions in service: registration, names, scope, versions, defaults, pruning, ratcheting, deletion."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from capstan.api.errors import ApiError
from capstan.api.objects import Resource
from capstan.api.verbs import DeleteOptions, ListOptions, WriteOptions
from capstan.apiserver.options import WireWriteOptions
from tests.unit.apiserver.conftest import World
from tests.unit.apiserver.definitions.crd import changed, single

CRDS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", False)
WIDGETS = Resource("example.io", "v1", "widgets", "Widget", True)
NAME = "widgets.example.io"

Body = Callable[[World], Awaitable[None]]


def _run(body: Body) -> None:
    async def main() -> None:
        world = World()
        await world.server.start()
        await world.settle()
        try:
            await body(world)
        finally:
            await world.server.stop()

    asyncio.run(main())


async def _define(world: World, crd: dict[str, Any]) -> dict[str, Any]:
    await world.verbs.create(CRDS, "", crd, WriteOptions())
    await world.settle()
    return await world.verbs.get(CRDS, "", crd["metadata"]["name"])


async def _redefine(world: World, patch: dict[str, Any], name: str = NAME, subresource: str = "") -> dict[str, Any]:
    await world.verbs.patch(CRDS, "", name, "merge", patch, WriteOptions(), subresource)
    await world.settle()
    return await world.verbs.get(CRDS, "", name)


async def _make(world: World, body: dict[str, Any], name: str = "a", **options: Any) -> Any:
    obj = {"metadata": {"name": name}, **body}
    return await world.verbs.create(WIDGETS, "default", obj, WireWriteOptions(**options))


def _condition(crd: dict[str, Any], type_: str) -> tuple[str, str]:
    return next((c["status"], c["reason"]) for c in crd["status"]["conditions"] if c["type"] == type_)


def _schema(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"spec": {"type": "object", "properties": properties, **more}}}


def test_a_definition_is_established_when_it_is_served() -> None:
    async def body(world: World) -> None:
        world.server.registry.on_change(lambda: None)
        crd = await _define(world, changed({}))
        assert _condition(crd, "Established") == ("True", "InitialNamesAccepted")
        assert crd["status"]["storedVersions"] == ["v1"]
        assert (await _make(world, {"spec": {"size": 1}})).object["spec"] == {"size": 1}

    _run(body)


def test_a_change_of_the_storage_version_is_remembered_until_it_is_said_to_be_over() -> None:
    async def body(world: World) -> None:
        crd = await _define(world, changed({}))
        versions = crd["spec"]["versions"]
        moved = [{**v, "storage": v["name"] == "v1beta1"} for v in versions]
        crd = await _redefine(world, {"spec": {"versions": moved}})
        assert crd["status"]["storedVersions"] == ["v1", "v1beta1"]
        with pytest.raises(ApiError, match=r"missing from spec.versions; v1 was previously a storage version"):
            await _redefine(world, {"spec": {"versions": [v for v in moved if v["name"] != "v1"]}})
        crd = await _redefine(world, {"status": {"storedVersions": ["v1beta1"]}}, subresource="status")
        assert crd["status"]["storedVersions"] == ["v1beta1"]
        crd = await _redefine(world, {"spec": {"versions": [v for v in moved if v["name"] != "v1"]}})
        assert [v["name"] for v in crd["spec"]["versions"]] == ["v1beta1", "v2alpha1"]

    _run(body)


def test_a_name_that_is_taken_is_accepted_when_it_becomes_free() -> None:
    async def body(world: World) -> None:
        await _define(world, changed({}))
        other = changed({"metadata.name": "gizmos.example.io", "spec.names": {"plural": "gizmos", "kind": "Widget"}})
        crd = await _define(world, other)
        assert _condition(crd, "NamesAccepted") == ("False", "ListKindConflict")
        assert _condition(crd, "Established") == ("False", "NotAccepted")
        gizmos = Resource("example.io", "v1", "gizmos", "Widget", True)
        with pytest.raises(ApiError, match="could not find the requested resource"):
            await world.verbs.list(gizmos, "default", ListOptions())
        await world.verbs.delete(CRDS, "", NAME, DeleteOptions())
        await world.settle()
        crd = await world.verbs.get(CRDS, "", "gizmos.example.io")
        assert _condition(crd, "Established") == ("True", "InitialNamesAccepted")
        assert (await world.verbs.list(gizmos, "default", ListOptions())).items == []

    _run(body)


def test_kinds_of_the_program_cannot_be_replaced() -> None:
    async def body(world: World) -> None:
        group = "coordination.k8s.io"
        crd = changed({"spec.group": group, "metadata.name": f"leases.{group}"})
        crd["metadata"]["annotations"] = {"api-approved.kubernetes.io": "unapproved"}
        crd["spec"]["names"] = {"plural": "leases", "kind": "Lease", "singular": "lease", "listKind": "LeaseList"}
        before = world.server.registry.by_plural(group, "leases")
        crd = await _define(world, crd)
        assert _condition(crd, "NamesAccepted")[0] == "False"
        assert world.server.registry.by_plural(group, "leases") is before

    _run(body)


def test_the_scope_decides_where_objects_are_found() -> None:
    async def body(world: World) -> None:
        await _define(world, changed({"spec.scope": "Cluster"}))
        cluster = Resource("example.io", "v1", "widgets", "Widget", False)
        await world.verbs.create(cluster, "", {"metadata": {"name": "a"}}, WriteOptions())
        with pytest.raises(ApiError, match="could not find the requested resource"):
            await world.verbs.get(WIDGETS, "default", "a")

    _run(body)


def test_custom_resource_defaulting_for_requests_and_from_storage_works() -> None:
    async def body(world: World) -> None:
        await _define(world, single(_schema({"a": {"type": "string", "default": "A"}, "b": {"type": "string"}})))
        assert (await _make(world, {"spec": {}})).object["spec"] == {"a": "A"}
        schema = _schema({"a": {"type": "string", "default": "A"}, "b": {"type": "string", "default": "B"}})
        await _redefine(world, {"spec": single(schema)["spec"]})
        assert (await world.verbs.get(WIDGETS, "default", "a"))["spec"] == {"a": "A", "b": "B"}
        items = (await world.verbs.list(WIDGETS, "default", ListOptions())).items
        assert items[0]["spec"] == {"a": "A", "b": "B"}

    _run(body)


@pytest.mark.parametrize(
    ("node", "given", "kept"),
    [
        ({"type": "string", "default": "d"}, {"x": None}, {"x": "d"}),
        ({"type": "string", "default": "d", "nullable": True}, {"x": None}, {"x": None}),
        ({"type": "string"}, {"x": None}, {}),
        ({"type": "string", "nullable": True}, {"x": None}, {"x": None}),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            {"x": {"a": None, "b": "c"}},
            {"x": {"b": "c"}},
        ),
        (
            {"type": "object", "additionalProperties": {"type": "string", "nullable": True}},
            {"x": {"a": None}},
            {"x": {"a": None}},
        ),
        (
            {"type": "object", "default": {}, "properties": {"y": {"type": "integer", "default": 3}}},
            {},
            {"x": {"y": 3}},
        ),
        ({"type": "object", "properties": {"y": {"type": "string"}}}, {"x": {"z": 1}, "other": 2}, {"x": {}}),
        (
            {
                "type": "object",
                "x-kubernetes-preserve-unknown-fields": True,
                "properties": {"y": {"type": "object", "properties": {"z": {"type": "string"}}}},
            },
            {"x": {"other": {"deep": 1}, "y": {"z": "1", "gone": 2}}},
            {"x": {"other": {"deep": 1}, "y": {"z": "1"}}},
        ),
        ({"x-kubernetes-int-or-string": True}, {"x": "5%"}, {"x": "5%"}),
        ({"x-kubernetes-int-or-string": True}, {"x": 5}, {"x": 5}),
    ],
)
def test_what_is_kept(node: dict[str, Any], given: dict[str, Any], kept: dict[str, Any]) -> None:
    async def body(world: World) -> None:
        await _define(world, single(_schema({"x": node})))
        assert (await _make(world, {"spec": given})).object["spec"] == kept

    _run(body)


_EMBEDDED = {
    "type": "object",
    "x-kubernetes-embedded-resource": True,
    "properties": {"spec": {"type": "object", "properties": {"a": {"type": "string"}}}},
}


@pytest.mark.parametrize(
    ("template", "field", "words"),
    [
        ({"kind": "Pod"}, "spec.template.apiVersion", "Required value"),
        ({"apiVersion": "v1"}, "spec.template.kind", "Required value"),
        ({"apiVersion": "", "kind": "Pod"}, "spec.template.apiVersion", "must not be empty"),
        ({"apiVersion": "a/b/c", "kind": "Pod"}, "spec.template.apiVersion", "unexpected GroupVersion string"),
        ({"apiVersion": "v1", "kind": "P!"}, "spec.template.kind", "may have mixed case, but should otherwise match"),
        (
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a/b"}},
            "spec.template.metadata.name",
            "may not contain '/'",
        ),
        (
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"a": "b c"}}},
            "spec.template.metadata.labels",
            "a valid label must be",
        ),
        (
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"a": 1}}},
            "spec.template.metadata.labels.a",
            "must be of type string",
        ),
    ],
)
def test_embedded_objects_are_objects(template: dict[str, Any], field: str, words: str) -> None:
    async def body(world: World) -> None:
        await _define(world, single(_schema({"template": _EMBEDDED})))
        with pytest.raises(ApiError) as refused:
            await _make(world, {"spec": {"template": template}})
        assert [words in c.message for c in refused.value.causes if c.field == field] == [True]

    _run(body)


@pytest.mark.parametrize(
    ("mode", "refused"),
    [("Strict", True), ("Warn", False), ("", False), ("Ignore", False)],
)
def test_unknown_fields_at_every_level_of_field_validation(mode: Any, refused: bool) -> None:
    template = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "unknownSubMeta": 1}}
    obj = {
        "metadata": {"name": "a", "unknownMeta": "x"},
        "spec": {"unknown": 1, "template": template, "bars": [{"age": 1}]},
    }
    bars = {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}}
    expected = (
        'unknown field "metadata.unknownMeta"',
        'unknown field "spec.unknown"',
        'unknown field "spec.template.metadata.unknownSubMeta"',
        'unknown field "spec.bars[0].age"',
        'duplicate field "spec.bars"',
    )

    async def body(world: World) -> None:
        await _define(world, single(_schema({"template": _EMBEDDED, "bars": bars})))
        options = WireWriteOptions(field_validation=mode, duplicates=("spec.bars",))
        if refused:
            with pytest.raises(ApiError, match='Widget in version "v1" cannot be handled as a Widget: strict') as error:
                await world.verbs.create(WIDGETS, "default", obj, options)
            assert error.value.code == 400
            assert all(text in error.value.message for text in expected)
            return
        answer = await world.verbs.create(WIDGETS, "default", obj, options)
        assert set(answer.warnings) == (set() if mode == "Ignore" else set(expected))
        assert answer.object["spec"] == {"template": {**template, "metadata": {"name": "p"}}, "bars": [{}]}

    _run(body)


def test_what_was_wrong_before_does_not_stop_other_changes() -> None:
    async def body(world: World) -> None:
        loose = _schema(
            {"a": {"type": "string"}, "b": {"type": "string"}, "l": {"type": "array", "items": {"type": "string"}}}
        )
        await _define(world, single(loose))
        await _make(world, {"spec": {"a": "long", "l": ["x", "x"]}})
        tight = _schema(
            {
                "a": {"type": "string", "maxLength": 2, "x-kubernetes-validations": [{"rule": "self.startsWith('z')"}]},
                "b": {"type": "string"},
                "l": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string", "maxLength": 5}},
            }
        )
        await _redefine(world, {"spec": single(tight)["spec"]})
        patch = {"spec": {"b": "new"}}
        changed_ = (await world.verbs.patch(WIDGETS, "default", "a", "merge", patch, WriteOptions())).object
        assert changed_["spec"]["b"] == "new"
        with pytest.raises(ApiError) as refused:
            await world.verbs.patch(WIDGETS, "default", "a", "merge", {"spec": {"a": "longer"}}, WriteOptions())
        assert [c.field for c in refused.value.causes] == ["spec.a", "<nil>"]
        with pytest.raises(ApiError, match="failed rule"):
            await world.verbs.patch(WIDGETS, "default", "a", "merge", {"spec": {"a": "b"}}, WriteOptions())

    _run(body)


def test_replicas_are_numbers_that_a_scale_can_hold() -> None:
    async def body(world: World) -> None:
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
        await _define(world, single(schema, subresources={"scale": scale}))
        for replicas in (-1, 2**31, "3"):
            with pytest.raises(ApiError) as refused:
                await _make(world, {"spec": {"replicas": replicas}})
            assert [c.field for c in refused.value.causes] == [".spec.replicas"]
        await _make(world, {"spec": {"replicas": 3}})

    _run(body)


def test_objects_go_before_their_definition() -> None:
    async def body(world: World) -> None:
        await _define(world, changed({}))
        await _make(world, {}, "a")
        obj = {"metadata": {"name": "b", "finalizers": ["example.io/hold"]}}
        await world.verbs.create(WIDGETS, "default", obj, WriteOptions())
        await world.verbs.delete(CRDS, "", NAME, DeleteOptions())
        await world.settle()
        crd = await world.verbs.get(CRDS, "", NAME)
        assert crd["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
        assert _condition(crd, "Terminating") == ("True", "InstanceDeletionInProgress")
        items = (await world.verbs.list(WIDGETS, "default", ListOptions())).items
        assert [item["metadata"]["name"] for item in items] == ["b"]
        with pytest.raises(
            ApiError, match="create not allowed while custom resource definition is terminating"
        ) as error:
            await _make(world, {}, "c")
        assert error.value.code == 403
        await world.verbs.patch(WIDGETS, "default", "b", "merge", {"metadata": {"finalizers": None}}, WriteOptions())
        await world.settle()
        with pytest.raises(ApiError, match="not found"):
            await world.verbs.get(CRDS, "", NAME)
        with pytest.raises(ApiError, match="could not find the requested resource"):
            await world.verbs.list(WIDGETS, "default", ListOptions())
        # The same name can be defined again, and knows nothing of what was there.
        await _define(world, changed({}))
        assert (await world.verbs.list(WIDGETS, "default", ListOptions())).items == []

    _run(body)


def test_a_new_schema_ends_the_watches_of_the_old_one_by_what_it_shows() -> None:
    async def body(world: World) -> None:
        await _define(world, single(_schema({"a": {"type": "string"}})))
        await _make(world, {"spec": {"a": "x"}})
        await _redefine(
            world, {"spec": single(_schema({"a": {"type": "string"}, "b": {"type": "string", "default": "B"}}))["spec"]}
        )
        events = world.verbs.watch(WIDGETS, "default", ListOptions())
        assert (await anext(events)).object["spec"] == {"a": "x", "b": "B"}

    _run(body)
