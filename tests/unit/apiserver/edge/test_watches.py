"""Watches on the wire: framing, transitions, bookmarks, streaming lists, the end (kubernetes-api.md A7)."""

from __future__ import annotations

import asyncio
import base64
import zlib
from collections.abc import Awaitable, Callable
from typing import Any, cast

import aiohttp
import orjson
import pytest

from capstan.api.objects import Resource
from capstan.api.verbs import ListOptions
from capstan.apiserver import watch as watching
from capstan.apiserver.authentication import Temporary
from capstan.apiserver.connection import Deadlines
from capstan.apiserver.exchange import Request
from capstan.apiserver.limits import Limits
from capstan.apiserver.watch import Watch
from capstan.apiserver.websocket import WebSocket, bearer_of

from .place import ADMIN, MAPS, Edge, request, running

MERGE = {"content-type": "application/merge-patch+json"}
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
STREAM = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
RESOURCE = Resource("", "v1", "configmaps", "ConfigMap")


def run(body: Callable[[Edge], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        async with running(**options) as edge:
            await body(edge)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("query", "accept", "status", "reason"),
    [
        ("watch=true&resourceVersionMatch=NotOlderThan", "", 422, "Invalid"),
        ("watch=true&sendInitialEvents=true", "", 422, "Invalid"),
        ("watch=true&sendInitialEvents=true&resourceVersionMatch=Exact", "", 422, "Invalid"),
        ("watch=true&continue=abc", "", 400, "BadRequest"),
        ("watch=true&resourceVersion=01", "", 400, "BadRequest"),
        ("watch=true&labelSelector=(", "", 400, "BadRequest"),
        ("watch=true&fieldSelector=data%3Dx", "", 400, "BadRequest"),
        ("watch=true&timeoutSeconds=soon", "", 400, "BadRequest"),
        (STREAM, TABLE, 406, "NotAcceptable"),
        ("watch=true", "application/yaml", 406, "NotAcceptable"),
        ("watch=true", "application/vnd.kubernetes.protobuf;stream=watch", 406, "NotAcceptable"),
    ],
)
def test_options_that_are_refused(query: str, accept: str, status: int, reason: str) -> None:
    async def body(edge: Edge) -> None:
        answer = await edge.call("GET", f"{MAPS}?{query}", headers={"accept": accept} if accept else {})
        assert (answer.status, answer.json["reason"]) == (status, reason)

    run(body)


def test_lines_and_the_clean_end() -> None:
    async def body(edge: Edge) -> None:
        await edge.make("a")
        headers = {"accept": "application/json;stream=watch"}
        async with edge.watch(f"{MAPS}?watch=1&fieldSelector=metadata.name%3Da", headers) as following:
            assert following.headers["transfer-encoding"] == "chunked"
            assert following.headers["content-type"] == "application/json"
            event = await following()
            assert (event["type"], event["object"]["kind"]) == ("ADDED", "ConfigMap")
            edge.listener.handler.end_watches()
            assert await following() is None

    run(body)


def test_one_object_is_watched_by_its_path() -> None:
    async def body(edge: Edge) -> None:
        made = await edge.make("a")
        async with edge.watch(
            f"{MAPS}/a?watch=true&resourceVersion={made['metadata']['resourceVersion']}"
        ) as following:
            await edge.make("b")
            await edge.call("DELETE", f"{MAPS}/a")
            event = await following()
            assert (event["type"], event["object"]["metadata"]["name"]) == ("DELETED", "a")
            assert int(event["object"]["metadata"]["resourceVersion"]) == edge.store.revision

    run(body)


def test_what_begins_and_stops_to_match() -> None:
    async def body(edge: Edge) -> None:
        await edge.make("a", data={"x": "0"})
        query = f"watch=true&labelSelector=team%3Dred&resourceVersion={edge.store.revision}"
        async with edge.watch(f"{MAPS}?{query}") as following:
            for patch in (
                {"metadata": {"labels": {"team": "red"}}},
                {"data": {"x": "1"}},
                {"metadata": {"labels": {"team": "blue"}}, "data": {"x": "2"}},
                {"data": {"x": "3"}},
                {"metadata": {"labels": {"team": "red"}}},
            ):
                assert (await edge.call("PATCH", f"{MAPS}/a", patch, MERGE)).status == 200
            await edge.call("DELETE", f"{MAPS}/a")
            events = [await following() for _ in range(5)]
        assert [e["type"] for e in events] == ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"]
        # It shows the object as it is after the change, which no longer matches.
        assert events[2]["object"]["data"] == {"x": "2"}
        versions = [int(e["object"]["metadata"]["resourceVersion"]) for e in events]
        assert versions == sorted(set(versions))

    run(body)


def test_a_streaming_list_with_and_without_bookmarks() -> None:
    async def body(edge: Edge) -> None:
        for name in ("b", "a"):
            await edge.make(name)
        newest = edge.store.revision
        async with edge.watch(f"{MAPS}?{STREAM}&resourceVersion={newest}") as following:
            events = []
            while (event := await following())["type"] != "BOOKMARK":
                events.append(event)
            names = [e["object"]["metadata"]["name"] for e in events]
            assert names == sorted(names) and {"a", "b"} <= set(names)
            metadata = event["object"]["metadata"]
            assert metadata["annotations"] == {"k8s.io/initial-events-end": "true"}
            assert metadata["resourceVersion"] == str(newest) and event["object"]["kind"] == "ConfigMap"
        headers = {"accept": f"{TABLE}, application/json"}
        async with edge.watch(f"{MAPS}?{STREAM}&fieldSelector=metadata.name%3Da", headers) as following:
            assert (await following())["object"]["kind"] == "ConfigMap"
        quiet = STREAM.replace("&allowWatchBookmarks=true", "&fieldSelector=metadata.name%3Da")
        async with edge.watch(f"{MAPS}?{quiet}") as following:
            assert (await following())["type"] == "ADDED"
            await edge.call("DELETE", f"{MAPS}/a")
            assert (await following())["type"] == "DELETED"

    run(body)


def test_a_long_streaming_list_is_compressed_as_it_goes() -> None:
    async def body(edge: Edge) -> None:
        for number in range(40):
            await edge.make(f"m{number}", data={"x": "y" * 5000})
        async with edge.wire() as wire:
            await wire.send(request("GET", f"{MAPS}?{STREAM}", headers={"accept-encoding": "gzip"}))
            _, headers = await wire.head()
            assert headers["content-encoding"] == "gzip"
            unpacking = zlib.decompressobj(31)
            text = b""
            while b"initial-events-end" not in text:
                text += unpacking.decompress(await wire.chunk())
            assert text.count(b"\n") >= 41 and text.endswith(b"\n")
            await edge.make("later")
            line = orjson.loads(unpacking.decompress(await wire.chunk()))
            assert (line["type"], line["object"]["metadata"]["name"]) == ("ADDED", "later")
        async with edge.watch(f"{MAPS}?watch=true", {"accept-encoding": "gzip"}) as following:
            assert "content-encoding" not in following.headers

    run(body)


def test_metadata_and_tables() -> None:
    async def body(edge: Edge) -> None:
        await edge.make("a", data={"x": "1"})
        accept = {"accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
        query = "watch=true&fieldSelector=metadata.name%3Da"
        async with edge.watch(f"{MAPS}?{query}", accept) as following:
            event = await following()
            assert event["object"]["kind"] == "PartialObjectMetadata" and "data" not in event["object"]
        async with edge.watch(f"{MAPS}?{query}", {"accept": TABLE}) as following:
            first = await following()
            assert [c["name"] for c in first["object"]["columnDefinitions"]] == ["Name", "Data", "Age"]
            await edge.call("PATCH", f"{MAPS}/a", {"data": {"y": "1"}}, MERGE)
            assert (await following())["object"]["columnDefinitions"] is None

    run(body)


def test_too_old_and_too_new(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(edge: Edge) -> None:
        made = await edge.make("a")
        await edge.make("b")
        await edge.store.compact(edge.store.revision)
        answer = await edge.call("GET", f"{MAPS}?watch=true&resourceVersion={made['metadata']['resourceVersion']}")
        assert (answer.status, answer.json["reason"]) == (410, "Expired")
        assert "too old resource version" in answer.json["message"]
        coming = edge.store.revision + 1
        async with edge.wire() as wire:
            await wire.send(request("GET", f"{MAPS}?watch=true&resourceVersion={coming}"))
            await edge.make("c")
            status, _ = await wire.head()
            assert status == 200

    run(body)


class Clockwork:
    """The loop's time for one watch, without waiting."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr("asyncio.get_running_loop", lambda: self)

    def time(self) -> float:
        return self.now


class Fed:
    """A subscription that says what it is told to."""

    def __init__(self, clock: Clockwork) -> None:
        self.clock = clock
        self.waits: list[float | None] = []

    async def next(self, timeout_seconds: float | None = None) -> Any:
        self.waits.append(timeout_seconds)
        assert timeout_seconds is not None
        self.clock.now += timeout_seconds
        return ()


def test_a_bookmark_each_minute_and_one_before_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(edge: Edge) -> None:
        target = edge.server.verbs(ADMIN).target("watch", RESOURCE, "default")
        options = ListOptions(resource_version="1", timeout_seconds=150, allow_bookmarks=True)
        watch = Watch(edge.server.backend, target, options)
        with monkeypatch.context() as patched:
            clock = Clockwork(patched)
            await watch.start()
            fed = watch._subscription = Fed(clock)  # type: ignore[assignment]
            moments = []
            while (events := await watch.next()) is not None:
                assert [e.type for e in events] == ["BOOKMARK"] and events[0].revision == edge.store.revision
                moments.append(clock.now)
        assert moments == [60.0, 120.0, 148.0] and clock.now == 150.0
        assert isinstance(fed, Fed) and fed.waits == [60.0, 60.0, 28.0, 2.0]

    run(body)


def test_changes_of_others_hold_up_neither_bookmarks_nor_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(edge: Edge) -> None:
        target = edge.server.verbs(ADMIN).target("watch", RESOURCE, "default")
        options = ListOptions(
            resource_version="1", field_selector="metadata.name=none", timeout_seconds=100, allow_bookmarks=True
        )
        await edge.make("busy")
        changes = await (await edge.store.watch("/configmaps", 0)).next()
        watch = Watch(edge.server.backend, target, options)
        with monkeypatch.context() as patched:
            clock = Clockwork(patched)
            await watch.start()

            class Busy(Fed):
                async def next(self, timeout_seconds: float | None = None) -> Any:
                    self.clock.now += 1.0
                    return changes

            watch._subscription = Busy(clock)  # type: ignore[assignment]
            first, second, end = await watch.next(), await watch.next(), await watch.next()
        assert first is not None and first[0].revision == changes[-1].revision
        assert second is not None and second[0].type == "BOOKMARK" and end is None

    run(body)


def test_a_watcher_that_falls_behind_is_closed_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MAX_BEHIND", 5)

    async def body(edge: Edge) -> None:
        target = edge.server.verbs(ADMIN).target("watch", RESOURCE, "default")
        watch = Watch(edge.server.backend, target, ListOptions(resource_version=str(edge.store.revision)))
        await watch.start()
        for number in range(7):
            await edge.make(f"m{number}")
        with pytest.raises(Exception, match="too old resource version"):
            await watch.next()

    run(body)


def test_a_client_that_reads_nothing_is_left_behind() -> None:
    async def body(edge: Edge) -> None:
        async with edge.wire() as wire:
            await wire.send(request("GET", f"{MAPS}?watch=true"))
            await wire.head()
            wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
            number = 0
            while edge.listener.handler._admission.watches():
                await edge.make(f"m{number}", data={"x": "y" * 500_000})
                number += 1
                assert number < 200, "the watch is still there"
            assert (await edge.call("GET", "/livez")).status == 200

    run(body, deadlines=Deadlines(stalled_seconds=0.2))


def test_watches_of_one_user_are_counted() -> None:
    async def body(edge: Edge) -> None:
        mine, other = {"x-user": "me"}, {"x-user": "other"}
        async with edge.watch(f"{MAPS}?watch=true", mine), edge.watch(f"{MAPS}?watch=true", mine):
            refused = await edge.call("GET", f"{MAPS}?watch=true", headers=mine)
            assert (refused.status, refused.json["reason"]) == (429, "TooManyRequests")
            assert refused.headers["retry-after"] == "1"
            assert (await edge.call("GET", MAPS, headers=mine)).status == 200
            async with edge.watch(f"{MAPS}?watch=true", other):
                text = (await edge.call("GET", "/metrics")).body.decode()
                assert 'apiserver_longrunning_requests{verb="WATCH",component="apiserver"} 3' in text
        for _ in range(100):
            if (
                await edge.call("GET", f"{MAPS}?watch=true&timeoutSeconds=1&labelSelector=((", headers=mine)
            ).status != 429:
                break
        async with edge.watch(f"{MAPS}?watch=true", mine):
            pass

    run(body, limits=Limits(watches_per_user=2), by_header=True)


def test_a_kind_that_is_no_longer_served_ends_its_watches() -> None:
    async def body(edge: Edge) -> None:
        async with edge.watch(f"{MAPS}?watch=true&resourceVersion={edge.store.revision}") as following:
            edge.server.registry.remove("", "configmaps")
            assert await following() is None

    run(body)


@pytest.mark.parametrize("protocols", [(), ("base64.binary.k8s.io",), ("binary.k8s.io",)])
def test_events_as_messages_of_a_web_socket(protocols: tuple[str, ...]) -> None:
    async def body(edge: Edge) -> None:
        await edge.make("a")
        url = f"http://127.0.0.1:{edge.listener.port}{MAPS}?watch=true&fieldSelector=metadata.name%3Da"
        async with aiohttp.ClientSession() as session, session.ws_connect(url, protocols=protocols) as socket:
            assert socket.protocol == (protocols[0] if protocols else None)
            first = orjson.loads((await socket.receive_str(timeout=10)).encode())
            assert (first["type"], first["object"]["metadata"]["name"]) == ("ADDED", "a")
            await socket.ping()
            await edge.call("DELETE", f"{MAPS}/a")
            assert orjson.loads(await socket.receive_str(timeout=10))["type"] == "DELETED"
            edge.listener.handler.end_watches()
            assert (await socket.receive(timeout=10)).type is aiohttp.WSMsgType.CLOSE
            assert socket.close_code == 1000

    run(body)


def test_a_web_socket_that_its_client_closes_frees_its_watch() -> None:
    async def body(edge: Edge) -> None:
        await edge.make("a")
        url = f"http://127.0.0.1:{edge.listener.port}{MAPS}?watch=true"
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(url) as socket:
                await socket.receive(timeout=10)
            while edge.listener.handler._admission.watches():
                await edge.call("GET", "/livez")

    run(body)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (f"{MAPS}?watch=true", {"sec-websocket-version": "8"}, 400),
        (f"{MAPS}?watch=true", {"sec-websocket-key": "short"}, 400),
        (f"{MAPS}?watch=true&labelSelector=(", {}, 400),
        ("/api/v1/namespaces/default/nothing?watch=true", {}, 404),
        (MAPS, {}, 200),
    ],
)
def test_handshakes_that_lead_nowhere(path: str, headers: dict[str, str], status: int) -> None:
    async def body(edge: Edge) -> None:
        handshake = {
            "connection": "Upgrade",
            "upgrade": "websocket",
            "sec-websocket-version": "13",
            "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
            **headers,
        }
        async with edge.wire() as wire:
            await wire.send(request("GET", path, headers=handshake))
            assert (await wire.answer()).status == status
            assert await wire.is_closed()

    run(body)


def test_a_watch_ends_with_the_token_that_opened_it() -> None:
    class Passing:
        async def authenticate(self, request: Any) -> Temporary:
            expires = int(edge_of[0].now.timestamp()) + 1
            return Temporary("passing", ("system:masters",), "", {}, expires)

    edge_of: list[Edge] = []

    async def body(edge: Edge) -> None:
        edge_of.append(edge)
        edge.server.authenticator = Passing()  # type: ignore[assignment]
        loop = asyncio.get_running_loop()
        began = loop.time()
        for query in ("", "&timeoutSeconds=500"):
            async with edge.watch(f"{MAPS}?watch=true&resourceVersion={edge.store.revision}{query}") as following:
                assert await following() is None
        assert loop.time() - began < 15

    run(body)


def test_a_token_may_come_as_a_protocol_of_a_web_socket() -> None:
    encoded = base64.urlsafe_b64encode(b"secret-token").decode().rstrip("=")
    offered = f"base64url.bearer.authorization.k8s.io.{encoded}, base64.binary.k8s.io"
    asked = Request("GET", MAPS, {"watch": ["true"]}, {"sec-websocket-protocol": offered})
    assert bearer_of(asked) == "secret-token"
    greeting = WebSocket.greeting(cast(WebSocket, None), asked).decode()
    assert "Sec-WebSocket-Protocol: base64.binary.k8s.io\r\n" in greeting and encoded not in greeting
    broken = Request("GET", MAPS, {}, {"sec-websocket-protocol": "base64url.bearer.authorization.k8s.io.é!"})
    assert bearer_of(broken) == ""
