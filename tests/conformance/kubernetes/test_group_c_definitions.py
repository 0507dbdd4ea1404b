"""Group C: kinds whose versions a webhook converts, and kinds that are selected by fields of their own."""

from __future__ import annotations

import copy
import os
from typing import Any

from aiohttp import web

from tests.conformance.kubernetes.definitions import CRDS, define, definition
from tests.conformance.kubernetes.harness import JSON_PATCH, Kube, Obj
from tests.unit.apiserver.webhooks.hook import Hook

#: Where a cluster reaches this machine.
HOST = os.environ.get("CAPSTAN_CONFORMANCE_HOOK_HOST", "127.0.0.1")

_TEXT: Obj = {"type": "string"}
_V1: Obj = {"type": "object", "properties": {"hostPort": _TEXT}}
_V2: Obj = {"type": "object", "properties": {"host": _TEXT, "port": _TEXT}}


def _converted(obj: Obj, version: str) -> Obj:
    """v1 says `hostPort` where v2 says `host` and `port`."""
    made = {**copy.deepcopy(obj), "apiVersion": version}
    if version.endswith("/v2") and "hostPort" in made:
        made["host"], _, made["port"] = made.pop("hostPort").partition(":")
    elif version.endswith("/v1") and "host" in made:
        made["hostPort"] = f"{made.pop('host')}:{made.pop('port')}"
    return made


async def _answer(_: web.Request, review: Any) -> web.Response:
    asked = review["request"]
    objects = [_converted(one, asked["desiredAPIVersion"]) for one in asked["objects"]]
    response = {"uid": asked["uid"], "convertedObjects": objects, "result": {"status": "Success"}}
    return web.json_response({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response})


def _crd(kube: Kube, hook: Hook) -> Obj:
    crd = definition(kube, {"v1": _V1, "v2": _V2})
    config = {"url": f"https://{HOST}:{hook.port}/crdconvert", "caBundle": hook.ca_bundle}
    crd["spec"]["conversion"] = {
        "strategy": "Webhook",
        "webhook": {"clientConfig": config, "conversionReviewVersions": ["v1"]},
    }
    return crd


def _foo(crd: Obj, version: str, name: str, **fields: str) -> Obj:
    return {"apiVersion": f"{crd['spec']['group']}/{version}", "kind": "Foo", "metadata": {"name": name}, **fields}


def test_one_object(against: Any) -> None:
    """[sig-api-machinery] CustomResourceConversionWebhook [Privileged:ClusterAdmin] should be able to convert from CR
    v1 to CR v2"""

    async def body(kube: Kube) -> None:
        async with Hook(_answer, host=HOST) as hook:
            crd = _crd(kube, hook)
            await define(kube, crd)
            group = crd["spec"]["group"]
            made = _foo(crd, "v1", "one", hostPort="localhost:8080")
            await kube.create(kube.path(f"{group}/v1", "foos"), made)
            found = await kube.get(kube.path(f"{group}/v2", "foos", "one"))
            assert (found["host"], found["port"], "hostPort" in found) == ("localhost", "8080", False)

    against(body)


def test_mixed_list(against: Any) -> None:
    """[sig-api-machinery] CustomResourceConversionWebhook [Privileged:ClusterAdmin] should be able to convert a non
    homogeneous list of CRs"""

    async def body(kube: Kube) -> None:
        async with Hook(_answer, host=HOST) as hook:
            crd = _crd(kube, hook)
            made = await define(kube, crd)
            group = crd["spec"]["group"]
            old, new = kube.path(f"{group}/v1", "foos"), kube.path(f"{group}/v2", "foos")
            await kube.create(old, _foo(crd, "v1", "first", hostPort="localhost:8080"))
            storage = [
                {"op": "replace", "path": f"/spec/versions/{place}/storage", "value": bool(place)} for place in (0, 1)
            ]
            await kube.patch(f"{CRDS}/{made['metadata']['name']}", storage, JSON_PATCH)
            await kube.create(old, _foo(crd, "v1", "second", hostPort="localhost:9090"))
            for path, wanted in (
                (new, [("localhost", "8080", None), ("localhost", "9090", None)]),
                (old, [(None, None, "localhost:8080"), (None, None, "localhost:9090")]),
            ):
                items = (await kube.get(path))["items"]
                assert [(one.get("host"), one.get("port"), one.get("hostPort")) for one in items] == wanted

    against(body)


def test_field_selectors(against: Any) -> None:
    """[sig-api-machinery] CustomResourceFieldSelectors [Privileged:ClusterAdmin] CustomResourceFieldSelectors MUST
    list and watch custom resources matching the field selector"""

    async def body(kube: Kube) -> None:
        async with Hook(_answer, host=HOST) as hook:
            crd = _crd(kube, hook)
            for version, fields in zip(crd["spec"]["versions"], (("hostPort",), ("host", "port")), strict=True):
                version["selectableFields"] = [{"jsonPath": f".{field}"} for field in fields]
            await define(kube, crd)
            group = crd["spec"]["group"]
            old, new = kube.path(f"{group}/v1", "foos"), kube.path(f"{group}/v2", "foos")
            start = (await kube.get(new))["metadata"]["resourceVersion"]
            async with (
                kube.watch(new, resourceVersion=start, fieldSelector="host=host1") as of_host,
                kube.watch(old, resourceVersion=start, fieldSelector="hostPort=host1:80") as of_pair,
            ):
                for name, host, port in (("a", "host1", "80"), ("b", "host1", "8080"), ("c", "host2", "80")):
                    await kube.create(new, _foo(crd, "v2", name, host=host, port=port))
                for path, selector, wanted in (
                    (new, "host=host1", ["a", "b"]),
                    (new, "host=host1,port=80", ["a"]),
                    (old, "hostPort=host2:80", ["c"]),
                    (new, "host!=host1", ["c"]),
                ):
                    items = (await kube.get(path, fieldSelector=selector))["items"]
                    assert [one["metadata"]["name"] for one in items] == wanted, selector
                unknown = await kube.raw("GET", old, fieldSelector="host=host1")
                assert unknown.status == 400 and "field label not supported" in unknown.body["message"]
                await kube.delete(f"{new}/a")
                await kube.delete(f"{new}/c")
                seen = [await of_host.next() for _ in range(3)]
                assert [(one["type"], one["object"]["metadata"]["name"]) for one in seen] == [
                    ("ADDED", "a"),
                    ("ADDED", "b"),
                    ("DELETED", "a"),
                ]
                seen = [await of_pair.next() for _ in range(2)]
                assert [(one["type"], one["object"]["hostPort"]) for one in seen] == [
                    ("ADDED", "host1:80"),
                    ("DELETED", "host1:80"),
                ]

    against(body)
