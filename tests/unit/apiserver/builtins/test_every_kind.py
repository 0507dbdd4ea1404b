"""Every built-in kind through every verb and every kind of patch, in the process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from capstan.api.builtins import KINDS
from capstan.api.errors import ApiError
from capstan.api.kinds import Scheme
from capstan.api.kubernetes.kinds import BuiltinKind, builtin_kinds
from capstan.api.objects import Obj, Resource
from capstan.api.verbs import DeleteOptions, ListOptions, WriteOptions
from capstan.apiserver.server import ApiServer
from tests.unit.apiserver.builtins.examples import EXAMPLES, NAMES
from tests.unit.apiserver.conftest import World

OPTIONS = WriteOptions(field_manager="test")


class Kinds(World):
    """A server with all kinds, and their resources by name."""

    def make_server(self, scheme: Scheme) -> ApiServer:
        return ApiServer(self.store, scheme=scheme, clock=lambda: self.now, token=self._token, stored_kinds=True)

    def builtin(self, group: str, kind: str) -> Resource:
        served = self.server.registry.by_kind(group, kind)
        assert served is not None
        return served.resource()


def run(body: Callable[[Kinds], Awaitable[None]]) -> None:
    async def main() -> None:
        world = Kinds(Scheme(KINDS))
        await world.server.start()
        try:
            await body(world)
        finally:
            await world.server.stop()

    asyncio.run(main())


def _fields(kind: BuiltinKind) -> Obj:
    return EXAMPLES.get((kind.group, kind.kind), {})


def _names(kind: BuiltinKind) -> tuple[str, str]:
    return NAMES.get((kind.group, kind.kind), ("one", "two"))


@pytest.mark.parametrize("kind", builtin_kinds(), ids=lambda k: f"{k.api_version} {k.kind}")
def test_all_verbs(kind: BuiltinKind) -> None:
    async def body(world: Kinds) -> None:
        resource, place = world.builtin(kind.group, kind.kind), "default" if kind.namespaced else ""
        verbs, (name, other) = world.verbs, _names(kind)
        watch = verbs.watch(resource, place, ListOptions(resource_version=str(world.store.revision)))
        events: list[tuple[str, str]] = []

        async def follow() -> None:
            async for event in watch:
                events.append((event.type, event.object["metadata"]["name"]))

        following = asyncio.create_task(follow())
        await asyncio.sleep(0)
        body = {"metadata": {"name": name, "labels": {"test": "yes"}}, **_fields(kind)}
        made = (await verbs.create(resource, place, body, OPTIONS)).object
        assert (made["apiVersion"], made["kind"]) == (kind.api_version, kind.kind)
        assert ("generation" in made["metadata"]) is kind.generation
        await verbs.create(resource, place, {**body, "metadata": {**body["metadata"], "name": other}}, OPTIONS)
        listed = await verbs.list(resource, place, ListOptions(label_selector="test=yes"))
        assert [item["metadata"]["name"] for item in listed.items] == [name, other]
        await _patched(world, resource, place, name)
        read = await verbs.get(resource, place, name)
        updated = (await verbs.update(resource, place, name, read, OPTIONS)).object
        assert updated["metadata"]["resourceVersion"] == read["metadata"]["resourceVersion"]
        if "status" in kind.subresources:
            await _status(world, resource, place, name)
        await verbs.delete_collection(resource, place, ListOptions(label_selector="test=yes"), DeleteOptions())
        await world.settle()
        with pytest.raises(ApiError) as caught:
            await verbs.get(resource, place, other)
        assert caught.value.code == 404
        following.cancel()
        mine = [event for event in events if event[1] == name]
        assert mine[0][0] == "ADDED" and mine[-1][0] == "DELETED" and ("MODIFIED", name) in mine

    run(body)


async def _patched(world: Kinds, resource: Resource, place: str, name: str) -> None:
    """All four kinds of patch, each with an annotation of its own."""
    by_path = [{"op": "add", "path": "/metadata/annotations/json", "value": "1"}]
    apply = {"apiVersion": resource.api_version, "kind": resource.kind, **_named(name, {"apply": "1"})}
    # What an apply says it owns must be whole: the fields that the kind requires are sent with it.
    apply = {**_fields_of(resource), **apply}
    patches: tuple[tuple[Any, Any], ...] = (
        ("merge", {"metadata": {"annotations": {"merge": "1"}}}),
        ("strategic", {"metadata": {"annotations": {"strategic": "1"}}}),
        ("json", by_path),
        ("apply", apply),
    )
    for kind, patch in patches:
        options = WriteOptions(field_manager=f"{kind}-writer", force=kind == "apply")
        answer = await world.verbs.patch(resource, place, name, kind, patch, options)
        assert answer.object["metadata"]["annotations"][kind] == "1"
    managers = {entry["manager"] for entry in answer.object["metadata"]["managedFields"]}
    assert {"test", "merge-writer", "apply-writer"} <= managers


def _named(name: str, annotations: dict[str, str]) -> Obj:
    return {"metadata": {"name": name, "annotations": annotations}}


def _fields_of(resource: Resource) -> Obj:
    return EXAMPLES.get((resource.group, resource.kind), {})


async def _status(world: Kinds, resource: Resource, place: str, name: str) -> None:
    """The status changes through its subresource alone, and counts no generation."""
    condition = {"type": "Seen", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z", "reason": "R"}
    patch = {"status": {"conditions": [{**condition, "message": "m"}]}}
    if resource.kind in _OTHER_STATUS:
        patch = {"status": _OTHER_STATUS[resource.kind]}
    before = await world.verbs.get(resource, place, name)
    main = (await world.verbs.patch(resource, place, name, "merge", patch, OPTIONS)).object
    assert main.get("status") == before.get("status")
    after = (await world.verbs.patch(resource, place, name, "merge", patch, OPTIONS, "status")).object
    wanted = patch["status"]
    assert {key: after["status"][key] for key in wanted} == wanted
    assert after["metadata"].get("generation") == before["metadata"].get("generation")
    assert after.get("spec") == before.get("spec")


_OTHER_STATUS: dict[str, Any] = {
    "CronJob": {"lastScheduleTime": "2026-01-01T00:00:00Z"},
    "Ingress": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}},
    "PersistentVolume": {"phase": "Bound"},
    "ResourceClaim": {"reservedFor": [{"resource": "pods", "name": "p", "uid": "u"}]},
    "ResourceQuota": {"hard": {"pods": "1"}},
    "VolumeAttachment": {"attached": True},
}


def test_nothing_runs_here() -> None:
    async def body(world: Kinds) -> None:
        for kind in builtin_kinds():
            resource, place = world.builtin(kind.group, kind.kind), "default" if kind.namespaced else ""
            made = {"metadata": {"name": _names(kind)[0]}, **_fields(kind)}
            answer = await world.verbs.create(resource, place, made, OPTIONS)
            runs = kind.group in ("apps", "batch") and kind.kind != "ControllerRevision"
            runs = runs or kind.kind in ("Pod", "ReplicationController")
            assert any("nothing runs" in text for text in answer.warnings) is runs, kind
            if runs:
                again = await world.verbs.update(resource, place, "one", answer.object, OPTIONS)
                assert again.warnings == ()

    run(body)


def test_a_server_of_few_kinds_serves_no_others() -> None:
    world = World(Scheme(KINDS))
    assert world.server.registry.by_kind("apps", "Deployment") is None
    assert world.server.registry.by_kind("events.k8s.io", "Event") is None
