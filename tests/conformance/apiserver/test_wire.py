"""What Kubernetes clients rely on, on the wire. Runs against our server on a loopback socket, or against any API
whose URL is in CAPSTAN_CONFORMANCE_URL (as `kubectl proxy` gives one); what only ours promises is then skipped."""

from __future__ import annotations

import asyncio
import hashlib
import io
import itertools
import json
import os
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from capstan.api.scheme import SCHEME
from capstan.api.verbs import User
from capstan.apiserver.listener import serve
from capstan.apiserver.server import ApiServer
from capstan.store.memory import MemoryStore

FOREIGN = os.environ.get("CAPSTAN_CONFORMANCE_URL", "")
MERGE = {"Content-Type": "application/merge-patch+json"}
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
PARTIAL = {"Accept": "application/json;g=meta.k8s.io;as=PartialObjectMetadata;v=v1"}


class Api:
    """A client of one namespace that exists for one test."""

    def __init__(self, session: aiohttp.ClientSession, url: str, namespace: str) -> None:
        self.session = session
        self.url = url
        self.namespace = namespace
        self.maps = f"/api/v1/namespaces/{namespace}/configmaps"

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        data = json.dumps(body) if body is not None and not isinstance(body, bytes) else body
        headers = {"Content-Type": "application/json", **options.pop("headers", {})}
        async with self.session.request(method, self.url + path, data=data, headers=headers, **options) as answer:
            content = await answer.read()
            self.headers = answer.headers
            is_json = "json" in answer.headers.get("Content-Type", "")
            return answer.status, json.loads(content) if is_json and content else content.decode()

    async def make(self, name: str, **more: Any) -> Any:
        metadata = {"name": name, **more.pop("metadata", {})}
        status, body = await self.call("POST", self.maps, {"metadata": metadata, **more})
        assert status == 201, body
        return body

    @asynccontextmanager
    async def watch(self, query: str, headers: Any = None) -> Any:
        url = f"{self.url}{self.maps}?watch=true&{query}"
        async with self.session.get(url, headers=headers) as answer:
            assert answer.status == 200, await answer.text()

            async def following() -> Any:
                return json.loads(await asyncio.wait_for(answer.content.readline(), 10))

            yield following


@asynccontextmanager
async def ours() -> Any:
    drawn = itertools.count()
    server = ApiServer(
        MemoryStore(),
        scheme=SCHEME,
        clock=lambda: datetime.now(UTC),
        token=lambda size: hashlib.sha256(str(next(drawn)).encode()).digest()[:size],
    )
    await server.start()
    listener = await serve(server, "127.0.0.1", 0, None, trusted=User("admin", ("system:masters",)))
    try:
        yield f"http://127.0.0.1:{listener.port}"
    finally:
        await listener.close()
        await server.stop()


@asynccontextmanager
async def foreign() -> Any:
    yield FOREIGN.rstrip("/")


@pytest.fixture
def against() -> Callable[[Callable[[Api], Awaitable[None]]], None]:
    def runner(body: Callable[[Api], Awaitable[None]]) -> None:
        async def main() -> None:
            place = foreign() if FOREIGN else ours()
            async with place as url, aiohttp.ClientSession() as session:
                api = Api(session, url, f"wire-{os.getpid()}-{next(_COUNT)}")
                assert (await api.call("POST", "/api/v1/namespaces", {"metadata": {"name": api.namespace}}))[0] == 201
                try:
                    await body(api)
                finally:
                    await api.call("DELETE", f"/api/v1/namespaces/{api.namespace}")

        asyncio.run(main())

    return runner


_COUNT = itertools.count()


def test_create_get_update_delete(against: Any) -> None:
    async def body(api: Api) -> None:
        made = await api.make("a", data={"x": "1"})
        assert made["kind"] == "ConfigMap" and made["metadata"]["namespace"] == api.namespace
        status, again = await api.call("POST", api.maps, {"metadata": {"name": "a"}})
        assert (status, again["reason"], again["details"]["kind"]) == (409, "AlreadyExists", "configmaps")
        made["data"] = {"x": "2"}
        status, updated = await api.call("PUT", f"{api.maps}/a", made)
        assert status == 200 and updated["data"] == {"x": "2"}
        status, stale = await api.call("PUT", f"{api.maps}/a", made)
        assert (status, stale["reason"]) == (409, "Conflict")
        del made["metadata"]["resourceVersion"]
        status, unconditional = await api.call("PUT", f"{api.maps}/a", made)
        assert status == 200
        assert unconditional["metadata"]["resourceVersion"] == updated["metadata"]["resourceVersion"]
        status, gone = await api.call("DELETE", f"{api.maps}/a", {"propagationPolicy": "Background"})
        assert (status, gone["status"], gone["details"]["uid"]) == (200, "Success", made["metadata"]["uid"])
        status, missing = await api.call("GET", f"{api.maps}/a")
        assert (status, missing["reason"], missing["message"]) == (404, "NotFound", 'configmaps "a" not found')

    against(body)


def test_bodies_without_kind_and_content_type(against: Any) -> None:
    async def body(api: Api) -> None:
        data = json.dumps({"metadata": {"name": "bare"}}).encode()
        async with api.session.post(api.url + api.maps, data=data, skip_auto_headers=["Content-Type"]) as answer:
            assert answer.status == 201

    against(body)


@pytest.mark.parametrize(
    ("method", "path", "headers", "data", "code", "reason"),
    [
        ("POST", "{maps}", {"Content-Type": "application/cbor"}, b"x", 415, "UnsupportedMediaType"),
        ("POST", "{maps}", {}, b"{", 400, "BadRequest"),
        ("POST", "{maps}", {}, b'{"metadata":{"name":"A B"}}', 422, "Invalid"),
        ("POST", "{maps}?dryRun=Some", {}, b'{"metadata":{"name":"a"}}', 422, "Invalid"),
        ("POST", "{maps}", {}, b'{"metadata":{"name":"a","namespace":"b"}}', 400, "BadRequest"),
        ("GET", "{maps}", {"Accept": "application/x-unknown"}, None, 406, "NotAcceptable"),
        ("GET", "{maps}?labelSelector=a%3D(", {}, None, 400, "BadRequest"),
        ("GET", "{maps}?fieldSelector=spec.x%3D1", {}, None, 400, "BadRequest"),
        ("GET", "{maps}?resourceVersionMatch=Exact", {}, None, 422, "Invalid"),
        ("GET", "{maps}?watch=true&sendInitialEvents=true", {}, None, 422, "Invalid"),
        ("GET", "{maps}?continue=%2e%2e", {}, None, 400, "BadRequest"),
        ("PATCH", "{maps}/a", {"Content-Type": "text/plain"}, b"{}", 415, "UnsupportedMediaType"),
        ("PUT", "{maps}", {}, b"{}", 405, "MethodNotAllowed"),
        ("POST", "/api/v1/namespaces/nowhere/configmaps", {}, b'{"metadata":{"name":"a"}}', 404, "NotFound"),
        ("GET", "/apis/apiextensions.k8s.io/v1/namespaces/x/customresourcedefinitions", {}, None, 404, ""),
        ("GET", "/apis/nothing.example.com/v1/things", {}, None, 404, ""),
    ],
)
def test_refusals_are_statuses(
    against: Any, method: str, path: str, headers: dict[str, str], data: bytes | None, code: int, reason: str
) -> None:
    async def body(api: Api) -> None:
        status, answer = await api.call(method, path.format(maps=api.maps), data, headers=headers)
        assert status == code, answer
        if reason:
            assert (answer["kind"], answer["reason"], answer["code"]) == ("Status", reason, code)

    against(body)


def test_a_body_that_is_too_large(against: Any) -> None:
    async def body(api: Api) -> None:
        large = io.BytesIO(b" " * (3 * 1024 * 1024 + 1))
        async with api.session.post(api.url + api.maps, data=large) as answer:
            assert (answer.status, (await answer.json())["reason"]) == (413, "RequestEntityTooLarge")

    against(body)


def test_duplicate_and_unknown_fields(against: Any) -> None:
    async def body(api: Api) -> None:
        twice = b'{"metadata":{"name":"a"},"data":{"x":"1","x":"2"},"dat":1}'
        status, answer = await api.call("POST", f"{api.maps}?fieldValidation=Strict", twice)
        assert status == 400 and "strict decoding error" in answer["message"]
        assert 'unknown field "dat"' in answer["message"] and 'duplicate field "data.x"' in answer["message"]
        status, answer = await api.call("POST", f"{api.maps}?fieldValidation=Warn", twice)
        assert status == 201 and answer["data"] == {"x": "2"} and "dat" not in answer
        assert len(api.headers.getall("Warning")) == 2 and api.headers["Warning"].startswith('299 - "')
        status, _ = await api.call("POST", f"{api.maps}?fieldValidation=Ignore", twice.replace(b'"a"', b'"b"'))
        assert status == 201 and "Warning" not in api.headers

    against(body)


def test_patches(against: Any) -> None:
    async def body(api: Api) -> None:
        await api.make("a", data={"x": "1", "y": "1"})
        status, merged = await api.call("PATCH", f"{api.maps}/a", {"data": {"x": None, "z": "2"}}, headers=MERGE)
        assert status == 200 and merged["data"] == {"y": "1", "z": "2"}
        operations = [{"op": "test", "path": "/data/y", "value": "1"}, {"op": "remove", "path": "/data/y"}]
        headers = {"Content-Type": "application/json-patch+json"}
        status, patched = await api.call("PATCH", f"{api.maps}/a", operations, headers=headers)
        assert status == 200 and patched["data"] == {"z": "2"}
        assert (await api.call("PATCH", f"{api.maps}/a", operations, headers=headers))[0] == 422
        nulls = {"metadata": {"creationTimestamp": None, "uid": None}}
        status, kept = await api.call("PATCH", f"{api.maps}/a", nulls, headers=MERGE)
        assert status == 200 and kept["metadata"] == patched["metadata"]

    against(body)


def test_lists_in_pages(against: Any) -> None:
    async def body(api: Api) -> None:
        for i in range(5):
            await api.make(f"page-{i}", metadata={"labels": {"of": "pages"}})
        status, first = await api.call("GET", f"{api.maps}?limit=2")
        assert status == 200 and first["kind"] == "ConfigMapList"
        seen, page = list(first["items"]), first
        while token := page["metadata"].get("continue"):
            _, page = await api.call("GET", f"{api.maps}?limit=2&continue={token}")
            seen += page["items"]
            assert page["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
        names = [item["metadata"]["name"] for item in seen]
        assert [n for n in names if n.startswith("page-")] == [f"page-{i}" for i in range(5)]
        _, some = await api.call("GET", f"{api.maps}?labelSelector=of%20in%20(pages)")
        assert len(some["items"]) == 5
        _, one = await api.call("GET", f"{api.maps}?fieldSelector=metadata.name%3Dpage-3")
        assert [item["metadata"]["name"] for item in one["items"]] == ["page-3"]
        _, none = await api.call("GET", f"{api.maps}?labelSelector=of%3Dnothing")
        assert none["items"] == []

    against(body)


def test_watch_from_a_list(against: Any) -> None:
    async def body(api: Api) -> None:
        made = await api.make("a")
        _, listed = await api.call("GET", api.maps)
        async with api.watch(f"resourceVersion={listed['metadata']['resourceVersion']}") as following:
            await api.call("PATCH", f"{api.maps}/a", {"data": {"x": "1"}}, headers=MERGE)
            await api.call("DELETE", f"{api.maps}/a")
            events = [await following(), await following()]
        assert [e["type"] for e in events] == ["MODIFIED", "DELETED"]
        versions = [int(e["object"]["metadata"]["resourceVersion"]) for e in events]
        assert int(made["metadata"]["resourceVersion"]) < versions[0] < versions[1]

    against(body)


def test_streaming_list(against: Any) -> None:
    async def body(api: Api) -> None:
        await api.make("a")
        query = "allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
        async with api.watch(f"{query}&fieldSelector=metadata.name%3Da") as following:
            first, end = await following(), await following()
            assert (first["type"], end["type"]) == ("ADDED", "BOOKMARK")
            assert end["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true"
            await api.call("DELETE", f"{api.maps}/a")
            assert (await following())["type"] == "DELETED"

    against(body)


def test_a_watch_ends_when_its_time_is_over(against: Any) -> None:
    async def body(api: Api) -> None:
        async with api.session.get(f"{api.url}{api.maps}?watch=true&timeoutSeconds=1&resourceVersion=0") as answer:
            await asyncio.wait_for(answer.read(), 15)
            assert answer.status == 200

    against(body)


def test_tables_and_partial_objects(against: Any) -> None:
    async def body(api: Api) -> None:
        await api.make("a", data={"x": "1"})
        _, table = await api.call("GET", f"{api.maps}?fieldSelector=metadata.name%3Da", headers=TABLE)
        assert table["kind"] == "Table" and [c["name"] for c in table["columnDefinitions"]] == ["Name", "Data", "Age"]
        assert table["rows"][0]["cells"][:2] == ["a", 1]
        assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
        _, whole = await api.call("GET", f"{api.maps}/a?includeObject=Object", headers=TABLE)
        assert whole["rows"][0]["object"]["data"] == {"x": "1"}
        _, partial = await api.call("GET", f"{api.maps}/a", headers=PARTIAL)
        assert partial["kind"] == "PartialObjectMetadata" and "data" not in partial
        assert (await api.call("GET", api.maps, headers=PARTIAL))[0] == 406
        async with api.watch("fieldSelector=metadata.name%3Da", headers=TABLE) as following:
            assert (await following())["object"]["columnDefinitions"]
            await api.call("PATCH", f"{api.maps}/a", {"data": {"y": "1"}}, headers=MERGE)
            event = await following()
            assert event["object"]["rows"][0]["cells"][1] == 2 and not event["object"]["columnDefinitions"]

    against(body)


def test_discovery_aggregated_and_legacy(against: Any) -> None:
    async def body(api: Api) -> None:
        accept = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"}
        status, found = await api.call("GET", "/apis?timeout=32s", headers=accept)
        assert status == 200 and found["kind"] == "APIGroupDiscoveryList"
        parameters = api.headers["Content-Type"].replace(" ", "").split(";")
        assert {"g=apidiscovery.k8s.io", "v=v2", "as=APIGroupDiscoveryList"} <= set(parameters)
        tag = api.headers["ETag"]
        assert (await api.call("GET", "/apis?timeout=32s", headers={**accept, "If-None-Match": tag}))[0] == 304
        (crds,) = [g for g in found["items"] if g["metadata"]["name"] == "apiextensions.k8s.io"]
        (resource,) = crds["versions"][0]["resources"]
        assert (resource["resource"], resource["scope"]) == ("customresourcedefinitions", "Cluster")
        _, groups = await api.call("GET", "/apis")
        assert groups["kind"] == "APIGroupList"
        _, core = await api.call("GET", "/api/v1")
        names = {r["name"]: r for r in core["resources"]}
        assert names["configmaps"]["singularName"] == "configmap" and names["configmaps"]["namespaced"]
        assert "namespaces/finalize" in names

    against(body)


def test_health_version_and_unknown_paths(against: Any) -> None:
    async def body(api: Api) -> None:
        for path in ("/healthz", "/livez", "/readyz"):
            assert await api.call("GET", path) == (200, "ok")
        for path in ("/version", "/version/"):
            status, version = await api.call("GET", path)
            assert status == 200 and version["major"].isdigit() and version["gitVersion"].startswith("v1.")
        status, root = await api.call("GET", "/")
        assert status == 200 and {"/api/v1", "/apis", "/readyz", "/version"} <= set(root["paths"])
        for path in [path for path in root["paths"] if not path.startswith("/open")]:
            assert (await api.call("GET", path))[0] == 200, path
        status, text = await api.call("GET", "/nothing/here")
        assert status == 404 and "404 page not found" in str(text)
        assert (await api.call("GET", f"/api/v1/namespaces/{api.namespace}/../secrets"))[0] in (200, 403, 404)

    against(body)


def test_a_collection_is_deleted_by_its_selector(against: Any) -> None:
    async def body(api: Api) -> None:
        for i in range(3):
            await api.make(f"x{i}", metadata={"labels": {"n": str(i % 2)}})
        status, _ = await api.call("DELETE", f"{api.maps}?labelSelector=n%3D0")
        assert status == 200
        _, left = await api.call("GET", f"{api.maps}?labelSelector=n")
        assert [item["metadata"]["name"] for item in left["items"]] == ["x1"]

    against(body)


def test_an_apply_makes_an_object_once_and_names_its_manager(against: Any) -> None:
    async def body(api: Api) -> None:
        headers = {"Content-Type": "application/apply-patch+yaml"}
        config = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"}}
        status, answer = await api.call("PATCH", f"{api.maps}/applied", config, headers=headers)
        assert (status, answer["reason"]) == (422, "Invalid")
        assert "fieldManager: Required value: is required for apply patch" in answer["message"]
        status, made = await api.call("PATCH", f"{api.maps}/applied?fieldManager=x", config, headers=headers)
        assert status == 201
        assert [entry["manager"] for entry in made["metadata"]["managedFields"]] == ["x"]
        status, again = await api.call("PATCH", f"{api.maps}/applied?fieldManager=x", config, headers=headers)
        assert (status, again) == (200, made)

    against(body)
