"""Reads on the wire: negotiation, resource versions, pages, selectors (kubernetes-api.md A4 to A6)."""

from __future__ import annotations

import asyncio
import base64
import gzip
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from capstan.api.errors import ApiError
from capstan.apiserver.reading import reached

from .place import CLUSTERS, MAPS, Edge, request, running

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
LIST_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


def run(body: Callable[[Edge], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        async with running(**options) as edge:
            await body(edge)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("path", "accept", "status", "kind"),
    [
        (f"{MAPS}/a", "", 200, "ConfigMap"),
        (f"{MAPS}/a", "*/*", 200, "ConfigMap"),
        (f"{MAPS}/a", "application/vnd.kubernetes.protobuf,application/json", 200, "ConfigMap"),
        (f"{MAPS}/a", "application/vnd.kubernetes.protobuf, */*", 200, "ConfigMap"),
        (f"{MAPS}/a", f"{TABLE},application/json", 200, "Table"),
        (f"{MAPS}/a", "application/json;g=meta.k8s.io;v=v1beta1;as=Table", 200, "Table"),
        (f"{MAPS}/a", METADATA, 200, "PartialObjectMetadata"),
        (MAPS, LIST_METADATA, 200, "PartialObjectMetadataList"),
        (f"{MAPS}/a", LIST_METADATA, 406, "Status"),
        (MAPS, METADATA, 406, "Status"),
        (f"{CLUSTERS}/none", "text/html", 406, "Status"),
        (CLUSTERS, "text/html", 406, "Status"),
        (MAPS, "application/json;q=0", 200, "ConfigMapList"),
        (MAPS, "application/json;stream=watch", 200, "ConfigMapList"),
        (f"{MAPS}/", "", 200, "ConfigMapList"),
    ],
)
def test_what_is_accepted(path: str, accept: str, status: int, kind: str) -> None:
    async def body(edge: Edge) -> None:
        await edge.make("a")
        answer = await edge.call("GET", path, headers={"accept": accept} if accept else {})
        assert (answer.status, answer.json["kind"]) == (status, kind)
        if status == 406:
            assert answer.json["reason"] == "NotAcceptable"
            assert "application/json" in answer.json["message"]

    run(body)


def test_the_types_that_a_body_may_have_are_named() -> None:
    async def body(edge: Edge) -> None:
        answer = await edge.call("POST", MAPS, b"x", {"content-type": "application/cbor"})
        assert answer.status == 415 and "application/yaml" in answer.json["message"]
        answer = await edge.call("PATCH", f"{MAPS}/a", b"{}", {"content-type": "application/json"})
        assert answer.status == 415 and "application/merge-patch+json" in answer.json["message"]
        answer = await edge.call("POST", MAPS, gzip.compress(b"{}"), {"content-encoding": "gzip"})
        assert (answer.status, answer.json["reason"]) == (415, "UnsupportedMediaType")

    run(body)


def test_large_answers_are_compressed_for_those_who_can_read_it() -> None:
    async def body(edge: Edge) -> None:
        for number in range(40):
            await edge.make(f"m{number}", data={"x": "y" * 5000})
        plain = await edge.call("GET", MAPS)
        assert "content-encoding" not in plain.headers and len(plain.body) > 128 * 1024
        small = await edge.call("GET", f"{MAPS}/m1", headers={"accept-encoding": "gzip"})
        assert "content-encoding" not in small.headers
        packed = await edge.call("GET", MAPS, headers={"accept-encoding": "deflate, gzip;q=0.5"})
        assert packed.headers["content-encoding"] == "gzip" and len(packed.body) < len(plain.body) / 10
        assert gzip.decompress(packed.body) == plain.body
        refused = await edge.call("GET", MAPS, headers={"accept-encoding": "gzip;q=0"})
        assert "content-encoding" not in refused.headers

    run(body)


def test_pretty_and_head() -> None:
    async def body(edge: Edge) -> None:
        await edge.make("a")
        assert b"\n" not in (await edge.call("GET", f"{MAPS}/a")).body
        assert b'\n  "kind"' in (await edge.call("GET", f"{MAPS}/a?pretty=true")).body
        assert b'\n  "kind"' in (await edge.call("GET", f"{MAPS}/a", headers={"user-agent": "curl/8.0"})).body
        assert b"\n" not in (await edge.call("GET", f"{MAPS}/a?pretty=false", headers={"user-agent": "curl/8"})).body
        async with edge.wire() as wire:
            await wire.send(request("HEAD", f"{MAPS}/a") + request("GET", "/version/"))
            status, headers = await wire.head()
            assert status == 200 and int(headers["content-length"]) > 100
            assert (await wire.answer()).json["gitVersion"].startswith("v1.")

    run(body)


def test_every_answer_has_its_headers() -> None:
    async def body(edge: Edge) -> None:
        for path in (MAPS, "/version", "/nothing", f"{MAPS}/none", "/livez"):
            answer = await edge.call("GET", path)
            assert answer.headers["cache-control"] == "no-cache, private"
            assert len(answer.headers["audit-id"]) == 36
            for name in ("x-kubernetes-pf-flowschema-uid", "x-kubernetes-pf-prioritylevel-uid"):
                assert len(answer.headers[name]) == 36
        given = await edge.call("GET", MAPS, headers={"audit-id": "mine"})
        assert given.headers["audit-id"] == "mine"
        first, second = [(await edge.call("GET", MAPS)).headers["audit-id"] for _ in range(2)]
        assert first != second
        unusable = await edge.call("GET", MAPS, headers={"audit-id": "x" * 100})
        assert unusable.headers["audit-id"] != "x" * 100

    run(body)


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ("resourceVersion=0", 200, ""),
        ("resourceVersion=0&resourceVersionMatch=NotOlderThan", 200, ""),
        ("resourceVersion=1&resourceVersionMatch=NotOlderThan", 200, ""),
        ("resourceVersion=0&resourceVersionMatch=Exact", 422, "Invalid"),
        ("resourceVersionMatch=Exact", 422, "Invalid"),
        ("resourceVersionMatch=NotOlderThan", 422, "Invalid"),
        ("resourceVersion=1&resourceVersionMatch=Newest", 422, "Invalid"),
        ("sendInitialEvents=true", 422, "Invalid"),
        ("resourceVersion=1&resourceVersionMatch=Exact&continue=e30", 422, "Invalid"),
        ("resourceVersion=01", 400, "BadRequest"),
        ("resourceVersion=-1", 400, "BadRequest"),
        ("resourceVersion=abc", 400, "BadRequest"),
        ("resourceVersion=" + "9" * 40, 400, "BadRequest"),
        ("limit=-1", 400, "BadRequest"),
        ("limit=x", 400, "BadRequest"),
        ("labelSelector=a%20in%20(", 400, "BadRequest"),
        ("labelSelector=%21%21a", 400, "BadRequest"),
        ("labelSelector=a%3D%3D%3Db", 400, "BadRequest"),
        ("fieldSelector=data.x%3D1", 400, "BadRequest"),
        ("fieldSelector=metadata.name%3E1", 400, "BadRequest"),
        ("includeObject=Some", 400, "BadRequest"),
        ("timeout=later", 400, "BadRequest"),
        ("timeout=32s", 200, ""),
        ("shardSelector=whatever&fieldManager=&unknown=1", 200, ""),
        ("continue=%00", 400, "BadRequest"),
        ("continue=e30", 400, "BadRequest"),
    ],
)
def test_options_of_a_list(query: str, status: int, reason: str) -> None:
    async def body(edge: Edge) -> None:
        answer = await edge.call("GET", f"{MAPS}?{query}")
        assert (answer.status, answer.json.get("reason", "")) == (status, reason), answer.body

    run(body)


def token(**body: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(body)).decode().rstrip("=")


@pytest.mark.parametrize(
    "given",
    [
        token(v="meta.k8s.io/v1", rv=1, start="../secrets/default/a"),
        token(v="meta.k8s.io/v1", rv=1, start="kube-system/a\x00"),
        token(v="meta.k8s.io/v1", rv=1, start="default/../kube-system/a"),
        token(v="meta.k8s.io/v1", rv=1, start="default/.."),
        token(v="meta.k8s.io/v1", rv=1, start=""),
        token(v="meta.k8s.io/v1", rv=0, start="default/a\x00"),
        token(v="meta.k8s.io/v1", rv=-2, start="default/a\x00"),
        token(v="meta.k8s.io/v1", rv="1", start="default/a\x00"),
        token(v="meta.k8s.io/v9", rv=1, start="default/a\x00"),
        token(v="meta.k8s.io/v1", rv=1, start=["default/a"]),
        token(v="meta.k8s.io/v1", start="default/a\x00"),
        "[]",
        "é",
    ],
)
def test_a_forged_token_opens_nothing(given: str) -> None:
    async def body(edge: Edge) -> None:
        from urllib.parse import quote

        answer = await edge.call("GET", f"{MAPS}?limit=1&continue={quote(given)}")
        assert (answer.status, answer.json["reason"]) == (400, "BadRequest")

    run(body)


def test_pages_keep_their_revision_and_count_what_remains() -> None:
    async def body(edge: Edge) -> None:
        for number in range(5):
            await edge.make(f"page-{number}", metadata={"labels": {"of": "pages"}})
        first = (await edge.call("GET", f"{MAPS}?limit=2")).json
        total = len((await edge.call("GET", MAPS)).json["items"])
        assert first["metadata"]["remainingItemCount"] == total - 2
        await edge.make("a-later-one")
        seen, page = list(first["items"]), first
        while page["metadata"].get("continue"):
            page = (await edge.call("GET", f"{MAPS}?limit=2&continue={page['metadata']['continue']}")).json
            assert page["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
            seen += page["items"]
        assert "remainingItemCount" not in page["metadata"] and len(seen) == total
        selected = (await edge.call("GET", f"{MAPS}?limit=2&labelSelector=of%3Dpages")).json
        assert "remainingItemCount" not in selected["metadata"] and len(selected["items"]) == 2
        rest = (
            await edge.call(
                "GET", f"{MAPS}?limit=9&labelSelector=of%3Dpages&continue={selected['metadata']['continue']}"
            )
        ).json
        assert [item["metadata"]["name"] for item in rest["items"]] == ["page-2", "page-3", "page-4"]

    run(body)


def test_an_expired_token_gives_one_that_goes_on_with_what_is_there_now() -> None:
    async def body(edge: Edge) -> None:
        for number in range(4):
            await edge.make(f"page-{number}")
        first = (await edge.call("GET", f"{MAPS}?limit=1&fieldSelector=")).json
        old = first["metadata"]["continue"]
        await edge.make("zz-new")
        await edge.store.compact(edge.store.revision)
        answer = await edge.call("GET", f"{MAPS}?limit=1&continue={old}")
        assert (answer.status, answer.json["reason"]) == (410, "Expired")
        again = answer.json["metadata"]["continue"]
        page = (await edge.call("GET", f"{MAPS}?limit=50&continue={again}")).json
        names = [item["metadata"]["name"] for item in page["items"]]
        assert names[-1] == "zz-new" and first["items"][0]["metadata"]["name"] not in names
        assert int(page["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])
        exact = await edge.call("GET", f"{MAPS}?resourceVersion=1&resourceVersionMatch=Exact")
        assert (exact.status, exact.json["reason"]) == (410, "Expired")
        ahead = token(v="meta.k8s.io/v1", rv=10**9, start="default/a\x00")
        unknown = await edge.call("GET", f"{MAPS}?continue={ahead}")
        assert (unknown.status, unknown.json["reason"]) == (410, "Expired")

    run(body)


def test_an_exact_list_is_of_that_time() -> None:
    async def body(edge: Edge) -> None:
        made = await edge.make("a")
        await edge.make("b")
        query = f"resourceVersion={made['metadata']['resourceVersion']}"
        exact = (await edge.call("GET", f"{MAPS}?{query}&resourceVersionMatch=Exact")).json
        names = [item["metadata"]["name"] for item in exact["items"]]
        assert "a" in names and "b" not in names
        legacy = (await edge.call("GET", f"{MAPS}?{query}&limit=50")).json
        assert [item["metadata"]["name"] for item in legacy["items"]] == names
        newer = (await edge.call("GET", f"{MAPS}?{query}")).json
        assert "b" in [item["metadata"]["name"] for item in newer["items"]]

    run(body)


def test_a_revision_that_does_not_come_is_too_large() -> None:
    async def body(edge: Edge) -> None:
        with pytest.raises(ApiError) as refused:
            await reached(edge.store, edge.store.revision + 5, 0.05)
        status = refused.value.status()
        assert (status["code"], status["reason"]) == (504, "Timeout")
        assert status["message"].startswith("Too large resource version")
        assert status["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
        assert status["details"]["retryAfterSeconds"] == 1

    run(body)


def test_a_revision_that_comes_is_waited_for() -> None:
    async def body(edge: Edge) -> None:
        await edge.make("a")
        wanted = edge.store.revision + 1
        waiting = asyncio.create_task(edge.call("GET", f"{MAPS}/a?resourceVersion={wanted}"))
        listing = asyncio.create_task(
            edge.call("GET", f"{MAPS}?resourceVersion={wanted}&resourceVersionMatch=NotOlderThan")
        )
        await edge.call("GET", "/version")
        assert not waiting.done() and not listing.done()
        await edge.make("b")
        assert (await waiting).status == 200
        assert "b" in [item["metadata"]["name"] for item in (await listing).json["items"]]

    run(body)


def test_field_selectors_of_secrets_and_namespaces() -> None:
    async def body(edge: Edge) -> None:
        secrets = MAPS.replace("configmaps", "secrets")
        for name, kind in (("one", "Opaque"), ("two", "example.com/other")):
            await edge.call("POST", secrets, {"metadata": {"name": name}, "type": kind})
        found = (await edge.call("GET", f"{secrets}?fieldSelector=type%3Dexample.com%2Fother")).json
        assert [item["metadata"]["name"] for item in found["items"]] == ["two"]
        others = (await edge.call("GET", f"{secrets}?fieldSelector=type!%3DOpaque,metadata.name!%3Dtwo")).json
        assert others["items"] == []
        active = (await edge.call("GET", "/api/v1/namespaces?fieldSelector=status.phase%3DActive")).json
        assert len(active["items"]) >= 3

    run(body)
