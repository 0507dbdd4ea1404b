"""Conversion of custom objects by a webhook: on writes, reads, lists, watches; what of its answers is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from capstan.api.errors import ApiError
from capstan.api.objects import Resource
from capstan.api.verbs import DeleteOptions, ListOptions, WriteOptions
from tests.unit.apiserver.conftest import World
from tests.unit.apiserver.webhooks.hook import Hook

_CRDS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", False)
V1 = Resource("stable.example.com", "v1", "e2e-tests", "E2eTest", True)
V2 = Resource("stable.example.com", "v2", "e2e-tests", "E2eTest", True)


def _version(name: str, storage: bool) -> dict[str, Any]:
    port = (
        {"hostPort": {"type": "string"}} if name == "v1" else {"host": {"type": "string"}, "port": {"type": "string"}}
    )
    properties = {**port, "level": {"type": "string", "default": f"from {name}"}}
    return {
        "name": name,
        "served": True,
        "storage": storage,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}},
    }


def definition(hook: Hook, storage: str = "v2", **config: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "e2e-tests.stable.example.com"},
        "spec": {
            "group": "stable.example.com",
            "scope": "Namespaced",
            "names": {"plural": "e2e-tests", "kind": "E2eTest"},
            "versions": [_version("v1", storage == "v1"), _version("v2", storage == "v2")],
            "conversion": {
                "strategy": "Webhook",
                "webhook": {
                    "conversionReviewVersions": ["v1", "v1beta1"],
                    "clientConfig": {"url": hook.url, "caBundle": hook.ca_bundle, **config},
                },
            },
        },
    }


def converted(obj: dict[str, Any], to: str) -> dict[str, Any]:
    """hostPort becomes host and port, and back."""
    made = {**obj, "apiVersion": to}
    if to.endswith("/v2") and "hostPort" in obj:
        made["host"], made["port"] = made.pop("hostPort").split(":")
    elif to.endswith("/v1") and "host" in obj:
        made["hostPort"] = f"{made.pop('host')}:{made.pop('port')}"
    made["metadata"] = {**obj["metadata"], "labels": {"converted": to.rpartition("/")[2]}, "generation": 999}
    return made


def review(body: dict[str, Any], **change: Any) -> dict[str, Any]:
    request = body["request"]
    objects = [converted(obj, request["desiredAPIVersion"]) for obj in request["objects"]]
    response = {"uid": request["uid"], "result": {"status": "Success"}, "convertedObjects": objects, **change}
    return {"apiVersion": body["apiVersion"], "kind": "ConversionReview", "response": response}


async def _answer(_request: web.Request, body: Any) -> web.Response:
    return web.json_response(review(body))


Body = Callable[[World, Hook], Awaitable[None]]


def _run(body: Body, answer: Any = _answer) -> None:
    async def main() -> None:
        world = World()
        await world.server.start()
        async with Hook(answer) as hook:
            try:
                await body(world, hook)
            finally:
                await world.server.stop()

    asyncio.run(main())


async def _defined(world: World, hook: Hook, **change: Any) -> None:
    await world.verbs.create(_CRDS, "", definition(hook, **change), WriteOptions())
    await world.settle()


def _names(objects: Any) -> list[Any]:
    return [
        (o["metadata"]["name"], o["apiVersion"], o.get("hostPort") or (o.get("host"), o.get("port"))) for o in objects
    ]


def test_should_be_able_to_convert_from_cr_v1_to_cr_v2() -> None:
    async def body(world: World, hook: Hook) -> None:
        await _defined(world, hook)
        obj = {"metadata": {"name": "a", "annotations": {"kept": "yes"}}, "hostPort": "localhost:8080"}
        made = (await world.verbs.create(V1, "default", obj, WriteOptions())).object
        assert (made["hostPort"], made["apiVersion"], made["level"]) == ("localhost:8080", V1.api_version, "from v1")
        found = await world.verbs.get(V2, "default", "a")
        assert (found["host"], found["port"], found["apiVersion"]) == ("localhost", "8080", "stable.example.com/v2")
        # Metadata is the object's own, but for labels and annotations.
        metadata = found["metadata"]
        assert (metadata["generation"], metadata["uid"]) == (1, made["metadata"]["uid"])
        assert metadata["labels"] == {"converted": "v2"}
        assert metadata["annotations"] == {"kept": "yes"}
        changed = (await world.verbs.patch(V1, "default", "a", "merge", {"hostPort": "x:1"}, WriteOptions())).object
        assert changed["hostPort"] == "x:1"
        assert (await world.verbs.get(V2, "default", "a"))["host"] == "x"
        first = hook.calls[0]
        assert (first["kind"], first["apiVersion"]) == ("ConversionReview", "apiextensions.k8s.io/v1")
        assert first["request"]["desiredAPIVersion"] == "stable.example.com/v2"
        asked = len(hook.calls)
        await world.verbs.get(V2, "default", "a")
        assert len(hook.calls) == asked, "an object in its stored version needs no webhook"

    _run(body)


def test_should_be_able_to_convert_a_non_homogeneous_list_of_crs() -> None:
    async def body(world: World, hook: Hook) -> None:
        await _defined(world, hook, storage="v1")
        for name in ("a", "b"):
            obj = {"metadata": {"name": name}, "hostPort": f"{name}:1"}
            await world.verbs.create(V1, "default", obj, WriteOptions())
        change = {"spec": {"versions": [_version("v1", False), _version("v2", True)]}}
        await world.verbs.patch(_CRDS, "", "e2e-tests.stable.example.com", "merge", change, WriteOptions())
        await world.settle()
        await world.verbs.create(V2, "default", {"metadata": {"name": "c"}, "host": "c", "port": "1"}, WriteOptions())
        assert [
            e.object["apiVersion"][-2:] for e in (await world.store.list("stable.example.com/e2e-tests")).entries
        ] == [
            "v1",
            "v1",
            "v2",
        ]
        hook.calls.clear()
        items = (await world.verbs.list(V2, "default", ListOptions())).items
        assert _names(items) == [(n, "stable.example.com/v2", (n, "1")) for n in "abc"]
        (call,) = hook.calls
        assert [o["metadata"]["name"] for o in call["request"]["objects"]] == ["a", "b"]
        items = (await world.verbs.list(V1, "default", ListOptions())).items
        assert _names(items) == [(n, "stable.example.com/v1", f"{n}:1") for n in "abc"]
        crd = await world.verbs.get(_CRDS, "", "e2e-tests.stable.example.com")
        assert crd["status"]["storedVersions"] == ["v1", "v2"]

    _run(body)


def test_watches_show_converted_objects() -> None:
    async def body(world: World, hook: Hook) -> None:
        await _defined(world, hook)
        await world.verbs.create(V1, "default", {"metadata": {"name": "a"}, "hostPort": "a:1"}, WriteOptions())
        events = world.verbs.watch(V1, "default", ListOptions(label_selector="converted=v1"))
        assert (await anext(events)).object["hostPort"] == "a:1"
        await world.verbs.patch(V2, "default", "a", "merge", {"host": "b"}, WriteOptions())
        event = await anext(events)
        assert (event.type, event.object["hostPort"]) == ("MODIFIED", "b:1")
        await world.verbs.delete(V2, "default", "a", DeleteOptions())
        event = await anext(events)
        assert (event.type, event.object["hostPort"]) == ("DELETED", "b:1")

    _run(body)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"uid": "other"}, "failed: expected response.uid="),
        ({"result": {"status": "Failure", "message": "no way"}}, "failed: no way"),
        ({"result": {}}, "failed: response.result.status was '', not 'Success'"),
        ({"convertedObjects": []}, "returned 0 objects, expected 1"),
        ({"convertedObjects": ["x"]}, "returned invalid converted object at index 0: it is not an object"),
        (
            {"convertedObjects": [{"apiVersion": "stable.example.com/v1", "kind": "E2eTest", "metadata": {}}]},
            "invalid groupVersion (expected stable.example.com/v2, received stable.example.com/v1)",
        ),
        (
            {"convertedObjects": [{"apiVersion": "stable.example.com/v2", "kind": "Other", "metadata": {}}]},
            "invalid kind (expected E2eTest, received Other)",
        ),
        (
            {"convertedObjects": [{"apiVersion": "stable.example.com/v2", "kind": "E2eTest"}]},
            "missing metadata in converted object",
        ),
        (
            {
                "convertedObjects": [
                    {"apiVersion": "stable.example.com/v2", "kind": "E2eTest", "metadata": {"name": "b"}}
                ]
            },
            "must have the same name: a != b",
        ),
        (
            {
                "convertedObjects": [
                    {
                        "apiVersion": "stable.example.com/v2",
                        "kind": "E2eTest",
                        "metadata": {"name": "a", "namespace": "default", "labels": {"x": 1}},
                    }
                ]
            },
            "invalid metadata.labels in converted object",
        ),
    ],
)
def test_answers_that_are_refused(change: dict[str, Any], words: str) -> None:
    async def answer(_request: web.Request, body: Any) -> web.Response:
        return web.json_response(review(body, **change))

    async def body(world: World, hook: Hook) -> None:
        await _defined(world, hook)
        with pytest.raises(ApiError) as refused:
            await world.verbs.create(V1, "default", {"metadata": {"name": "a"}, "hostPort": "a:1"}, WriteOptions())
        assert (refused.value.code, refused.value.reason) == (500, "InternalError")
        assert words in refused.value.message
        assert "conversion webhook for stable.example.com/v1, Kind=E2eTest" in refused.value.message
        assert (await world.store.list("stable.example.com/e2e-tests")).entries == ()

    _run(body, answer)


def test_a_review_without_response_is_refused() -> None:
    async def answer(_request: web.Request, body: Any) -> web.Response:
        return web.json_response({"apiVersion": body["apiVersion"], "kind": "ConversionReview"})

    async def body(world: World, hook: Hook) -> None:
        await _defined(world, hook)
        with pytest.raises(ApiError, match="no response provided"):
            await world.verbs.create(V1, "default", {"metadata": {"name": "a"}}, WriteOptions())

    _run(body, answer)


def test_a_definition_goes_though_its_webhook_is_gone() -> None:
    async def body(world: World, hook: Hook) -> None:
        await _defined(world, hook, storage="v1")
        await world.verbs.create(V1, "default", {"metadata": {"name": "a"}, "hostPort": "a:1"}, WriteOptions())
        change = {"spec": definition(hook)["spec"]}
        change["spec"]["conversion"]["webhook"]["clientConfig"] = {"url": "https://127.0.0.1:1/"}
        await world.verbs.patch(_CRDS, "", "e2e-tests.stable.example.com", "merge", change, WriteOptions())
        await world.settle()
        with pytest.raises(ApiError, match=r"conversion webhook for .* failed: Post"):
            await world.verbs.list(V2, "default", ListOptions())
        await world.verbs.delete(_CRDS, "", "e2e-tests.stable.example.com", DeleteOptions())
        await world.settle()
        with pytest.raises(ApiError, match="not found"):
            await world.verbs.get(_CRDS, "", "e2e-tests.stable.example.com")

    _run(body)


def test_a_batch_is_bounded() -> None:
    async def body(world: World, hook: Hook) -> None:
        await _defined(world, hook)
        for number in range(300):
            obj = {"metadata": {"name": f"n{number:03}"}, "host": "h", "port": str(number)}
            await world.verbs.create(V2, "default", obj, WriteOptions())
        hook.calls.clear()
        items = (await world.verbs.list(V1, "default", ListOptions())).items
        assert [o["hostPort"] for o in items] == [f"h:{number}" for number in range(300)]
        assert [len(call["request"]["objects"]) for call in hook.calls] == [250, 50]
        assert len({call["request"]["uid"] for call in hook.calls}) == 2

    _run(body)
