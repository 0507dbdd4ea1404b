"""Health checks, metrics, deadlines and the audit log of a running server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from capstan.apiserver.audit.logfile import encoded
from capstan.apiserver.audit.policy import Policy, Rule
from capstan.apiserver.deadline import parse_duration
from capstan.apiserver.exchange import Request
from capstan.apiserver.health import health_response

from .place import MAPS, Edge, running

SECRETS = MAPS.replace("configmaps", "secrets")
CHECKS = ("ping", "started", "store")


def run(body: Callable[[Edge], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        async with running(**options) as edge:
            await body(edge)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("path", "query", "failing", "status", "lines"),
    [
        ("/readyz", {}, {}, 200, ["ok"]),
        ("/readyz/", {}, {}, 200, ["ok"]),
        ("/readyz", {"verbose": [""]}, {}, 200, ["[+]ping ok", "[+]started ok", "[+]store ok", "readyz check passed"]),
        ("/readyz", {}, {"store": "the disk"}, 500, ["[-]store failed: the disk", "readyz check failed"]),
        ("/readyz", {"exclude": ["store"]}, {"store": "the disk"}, 200, ["ok"]),
        ("/readyz/store", {}, {"store": "the disk"}, 500, ["[-]store failed: the disk"]),
        ("/readyz/ping", {}, {"store": "the disk"}, 200, ["ok"]),
        ("/readyz/nothing", {}, {}, 404, ["404 page not found"]),
        ("/readyz", {}, {"other": "x"}, 500, ["[-]other failed: x"]),
        ("/livez", {}, {"store": "the disk"}, 200, ["ok"]),
        ("/healthz", {}, {"store": "the disk"}, 500, ["healthz check failed"]),
        ("/livez", {"exclude": ["what"], "verbose": [""]}, {}, 200, ['cannot be excluded: no matches for "what"']),
    ],
)
def test_health(path: str, query: Any, failing: dict[str, str], status: int, lines: list[str]) -> None:
    answer = health_response(Request("GET", path, query), CHECKS, failing, told=True)
    assert answer.status == status
    for line in lines:
        assert line in answer.body.decode()
    stranger = health_response(Request("GET", path, query), CHECKS, failing, told=False)
    assert "the disk" not in stranger.body.decode() and stranger.status == status


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("32s", 32.0),
        ("1m30s", 90.0),
        ("500ms", 0.5),
        ("1.5s", 1.5),
        ("0", 0.0),
        ("-1s", -1.0),
        ("", None),
        ("1", None),
        ("s", None),
        ("1x", None),
        ("9" * 50 + "s", None),
        ("1s1", None),
    ],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == seconds


def test_a_write_that_takes_longer_than_its_sender_waits() -> None:
    async def body(edge: Edge) -> None:
        commit = edge.store.commit

        async def never(batch: Any) -> Any:
            await asyncio.get_running_loop().create_future()
            return await commit(batch)

        edge.store.commit = never  # type: ignore[method-assign]
        answer = await edge.call("POST", f"{MAPS}?timeout=50ms", {"metadata": {"name": "a"}})
        assert (answer.status, answer.json["reason"]) == (504, "Timeout")

    run(body)


def test_metrics_count_by_what_was_asked_and_answered() -> None:
    async def body(edge: Edge) -> None:
        await edge.make("a")
        for path in (f"{MAPS}/a", f"{MAPS}/a", f"{MAPS}/none", MAPS, "/apis/none.example.com/v1/widgets", "/odd/path"):
            await edge.call("GET", path)
        text = (await edge.call("GET", "/metrics")).body.decode()
        where = 'dry_run="",group="",resource="configmaps",scope="resource",subresource="",verb="GET",version="v1"'
        assert f'apiserver_request_total{{code="200",component="apiserver",{where}}} 2' in text
        assert f'apiserver_request_total{{code="404",component="apiserver",{where}}} 1' in text
        assert f'apiserver_request_duration_seconds_count{{component="apiserver",{where}}} 3' in text
        assert f'_bucket{{component="apiserver",{where},le="+Inf"}} 3' in text
        assert 'apiserver_storage_objects{resource="namespaces"} ' in text
        assert 'apiserver_storage_objects{resource="configmaps"} ' in text
        assert "apiserver_audit_event_total " in text
        # What clients make up is no series.
        assert "widgets" not in text and "odd" not in text
        names = [line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")]
        assert all(name.replace("_", "").isalnum() for name in names)

    run(body)


def events(edge: Edge) -> list[Any]:
    return [orjson.loads(encoded(line)) for line in edge.audit.lines]


def test_writes_are_written_down_and_reads_are_not() -> None:
    async def body(edge: Edge) -> None:
        await edge.make("a", data={"x": "1"})
        await edge.call("GET", f"{MAPS}/a")
        refused = await edge.call("POST", MAPS, {"metadata": {"name": "a"}}, {"user-agent": "test/1"})
        made, clash = events(edge)
        assert made["kind"] == "Event" and made["apiVersion"] == "audit.k8s.io/v1"
        assert (made["stage"], made["level"], made["verb"]) == ("ResponseComplete", "Metadata", "create")
        assert made["objectRef"] == {
            "resource": "configmaps",
            "namespace": "default",
            "name": "a",
            "apiVersion": "v1",
        }
        assert made["user"]["username"] == "admin" and made["sourceIPs"] == ["127.0.0.1"]
        assert made["responseStatus"]["code"] == 201 and made["requestURI"] == MAPS
        assert made["annotations"]["authorization.k8s.io/decision"] == "allow"
        assert made["requestReceivedTimestamp"] == "2026-01-01T00:00:00.000000Z"
        assert clash["auditID"] == refused.headers["audit-id"] and clash["userAgent"] == "test/1"
        assert clash["responseStatus"]["reason"] == "AlreadyExists"
        assert "requestObject" not in made and "responseObject" not in made

    run(body)


EVERYTHING = Policy((Rule("RequestResponse"),))


def test_bodies_and_stages_when_the_policy_wants_them() -> None:
    async def body(edge: Edge) -> None:
        await edge.make("a", data={"x": "1", "config": "current-context: home\nusers: []"})
        first, second = events(edge)
        assert [first["stage"], second["stage"]] == ["RequestReceived", "ResponseComplete"]
        assert first["auditID"] == second["auditID"] and "requestObject" not in first
        assert second["requestObject"]["data"] == {"x": "1", "config": "REDACTED"}
        assert second["responseObject"]["metadata"]["uid"]
        edge.audit.lines.clear()
        async with edge.watch(f"{MAPS}?watch=true") as following:
            await following()
            assert [e["stage"] for e in events(edge)] == ["RequestReceived", "ResponseStarted"]
        while len(edge.audit.lines) < 3:
            await edge.call("GET", "/livez")
        assert events(edge)[-1]["stage"] == "ResponseComplete"

    run(body, policy=EVERYTHING)


def test_a_secret_is_in_no_line_whatever_the_policy_says() -> None:
    async def body(edge: Edge) -> None:
        canary = "c4n4ry-of-the-audit-log"
        secret = {"metadata": {"name": "s"}, "stringData": {"password": canary}}
        merge = {"content-type": "application/merge-patch+json"}
        await edge.call("POST", SECRETS, secret)
        await edge.call("POST", SECRETS, secret)
        await edge.call("PUT", f"{SECRETS}/s", secret)
        await edge.call("PATCH", f"{SECRETS}/s", {"stringData": {"other": canary}}, merge)
        await edge.call("PATCH", f"{SECRETS}/s", {"type": canary}, merge)
        await edge.call("POST", SECRETS, b'{"metadata":{"name":"t"},"stringData":{"x":"' + canary.encode() + b'"')
        await edge.call("GET", f"{SECRETS}/s")
        await edge.call("GET", SECRETS)
        await edge.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": canary}})
        await edge.call("POST", MAPS, {"kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"token": canary}})
        wrapped = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"x": canary}}
        await edge.call("POST", MAPS, {"metadata": {"name": "n", "annotations": {"x": orjson.dumps(wrapped).decode()}}})
        lines = b"".join(encoded(line) for line in edge.audit.lines)
        assert len(edge.audit.lines) >= 20
        assert canary.encode() not in lines

    run(body, policy=EVERYTHING)
