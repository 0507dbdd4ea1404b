"""Upstream's end-to-end tests that are not Conformance but fit a server without nodes: rules of kinds and what they let
pass, OpenAPI v3, streaming lists, health, timeouts, errors of watches. Upstream's words come first in each."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.conformance.kubernetes.definitions import CRDS, define, definition, soon
from tests.conformance.kubernetes.harness import APPLY, JSON_PATCH, MERGE, Kube, Obj

_META = "v=v1;g=meta.k8s.io"
_INTEGER: Obj = {"type": "integer"}


def _spec(**fields: Any) -> Obj:
    return {"type": "object", "properties": {"spec": {"type": "object", **fields}}}


def _foo(crd: Obj, spec: Obj, name: str = "one") -> Obj:
    return {"apiVersion": f"{crd['spec']['group']}/v1", "kind": "Foo", "metadata": {"name": name}, "spec": spec}


async def _kind(kube: Kube, schema: Obj) -> tuple[Obj, str]:
    crd = definition(kube, {"v1": schema})
    await define(kube, crd)
    return crd, kube.path(f"{crd['spec']['group']}/v1", "foos")


RULES = {
    "MUST fail create of a custom resource that does not satisfy the x-kubernetes-validations rules": (
        {"rule": "self.x + self.y > 0", "message": "too small"},
        {"x": -1, "y": 0},
        "too small",
    ),
    "MUST NOT fail validation for create of a custom resource that satisfies the x-kubernetes-validations rules": (
        {"rule": "self.x + self.y > 0"},
        {"x": 1, "y": 0},
        "",
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_rules(against: Any, name: str) -> None:
    rule, spec, words = RULES[name]

    async def body(kube: Kube) -> None:
        fields = {"x": _INTEGER, "y": _INTEGER}
        crd, path = await _kind(kube, _spec(properties=fields, **{"x-kubernetes-validations": [rule]}))
        answer = await kube.raw("POST", path, _foo(crd, spec))
        assert answer.status == (422 if words else 201) and words in json.dumps(answer.body)

    against(body)


BAD_RULES = {
    "MUST fail create of a CRD that contains a x-kubernetes-validations rule that contains a syntax error": (
        {"rule": "self = 42"},
        "compilation failed",
    ),
    "MUST fail create of a CRD that contains a x-kubernetes-validations rule that refers to a property that do not "
    "exist": ({"rule": "self.z == 1"}, "undefined field 'z'"),
    "MUST fail create of a CRD that contains an x-kubernetes-validations rule that exceeds the estimated cost limit": (
        {"rule": "self.list.all(a, self.list.all(b, self.list.all(c, a == b && b == c)))"},
        "exceeds budget",
    ),
}


@pytest.mark.parametrize("name", BAD_RULES)
def test_bad_rules(against: Any, name: str) -> None:
    rule, words = BAD_RULES[name]

    async def body(kube: Kube) -> None:
        fields = {"x": _INTEGER, "list": {"type": "array", "items": {"type": "string"}}}
        crd = definition(kube, {"v1": _spec(properties=fields, **{"x-kubernetes-validations": [rule]})})
        answer = await kube.raw("POST", CRDS, crd)
        assert (answer.status, answer.body["reason"]) == (422, "Invalid")
        assert words in answer.body["message"]

    against(body)


def test_transition_rules(against: Any) -> None:
    """CustomResourceValidationRules: MUST fail update of a custom resource that does not satisfy a
    x-kubernetes-validations transition rule"""

    async def body(kube: Kube) -> None:
        rule = {"rule": "self.x == oldSelf.x", "message": "x is immutable"}
        crd, path = await _kind(kube, _spec(properties={"x": _INTEGER}, **{"x-kubernetes-validations": [rule]}))
        await kube.create(path, _foo(crd, {"x": 1}))
        answer = await kube.raw("PATCH", f"{path}/one", {"spec": {"x": 2}}, {"Content-Type": MERGE})
        assert answer.status == 422 and "x is immutable" in answer.body["message"]
        assert (await kube.patch(f"{path}/one", {"metadata": {"labels": {"a": "b"}}}))["spec"] == {"x": 1}

    against(body)


def test_ratcheting(against: Any) -> None:
    """CRDValidationRatcheting: MUST NOT fail to update a resource due to unchanged correlatable fields, nor to CRD
    rules that unchanged fields break; MUST fail to update when a field that did not hold is changed to another that
    does not"""

    async def body(kube: Kube) -> None:
        fields: Obj = {"field": {"type": "string"}, "other": {"type": "string"}, "struct": {"type": "object"}}
        crd, path = await _kind(kube, _spec(properties=fields))
        await kube.create(path, _foo(crd, {"field": "not-known", "other": "short"}))
        place = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/"
        stricter = [
            {"op": "add", "path": f"{place}field/enum", "value": ["known"]},
            {"op": "add", "path": f"{place}other/x-kubernetes-validations", "value": [{"rule": "self.size() > 10"}]},
        ]
        await kube.patch(f"{CRDS}/foos.{crd['spec']['group']}", stricter, JSON_PATCH)

        async def is_strict() -> bool:
            other = _foo(crd, {"field": "not-known"}, "other")
            return (await kube.raw("POST", path, other, dryRun="All")).status == 422

        await soon(is_strict, "the new rules are not known")
        changed = await kube.patch(f"{path}/one", {"metadata": {"labels": {"a": "b"}}, "spec": {"struct": {}}})
        assert changed["metadata"]["labels"] == {"a": "b"}
        applied = await kube.raw(
            "PATCH",
            f"{path}/one",
            json.dumps(_foo(crd, {"field": "not-known"})),
            {"Content-Type": APPLY},
            fieldManager="ratchet",
        )
        assert applied.status == 200, applied.body
        for patch in ({"field": "unknown-too"}, {"other": "still"}):
            answer = await kube.raw("PATCH", f"{path}/one", {"spec": patch}, {"Content-Type": MERGE})
            assert (answer.status, answer.body["reason"]) == (422, "Invalid"), patch
        assert (await kube.patch(f"{path}/one", {"spec": {"field": "known"}}))["spec"]["field"] == "known"

    against(body)


def test_openapi_v3(against: Any) -> None:
    """OpenAPIV3: should round trip OpenAPI V3 for all built-in group versions; should publish OpenAPI V3 for
    CustomResourceDefinition; should contain OpenAPI V3 for Aggregated APIServer (none here)"""

    async def body(kube: Kube) -> None:
        crd, _ = await _kind(kube, _spec(properties={"x": _INTEGER}))
        own = f"apis/{crd['spec']['group']}/v1"

        async def published() -> Any:
            return own in (await kube.get("/openapi/v3"))["paths"]

        await soon(published, f"{own} is not in the index")
        paths = (await kube.get("/openapi/v3"))["paths"]
        for wanted in ("api/v1", "apis/apps/v1", "apis/batch/v1", "apis/rbac.authorization.k8s.io/v1", own):
            url, _, digest = paths[wanted]["serverRelativeURL"].partition("?hash=")
            answer = await kube.raw("GET", url, hash=digest)
            assert (answer.status, answer.body["openapi"][:2]) == (200, "3.")
            assert "immutable" in answer.headers["Cache-Control"]
            assert answer.body["components"]["schemas"] and answer.body["paths"]

    against(body)


async def _streamed(kube: Kube, path: str, **query: str) -> tuple[list[str], list[Obj]]:
    """Names that come first, and the bookmark that ends them."""
    streaming = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    names: list[str] = []
    async with kube.watch(path, **streaming, **query) as watch:
        while True:
            event = await watch.next()
            if event["type"] == "BOOKMARK":
                return names, [event["object"]]
            assert event["type"] == "ADDED"
            names.append(event["object"]["metadata"]["name"])


def test_streaming_lists(against: Any) -> None:
    """API Streaming (aka. WatchList): should be requested by informers, dynamic, metadata and typed clients; should
    NOT be requested where a list is asked for; reads what a list reads, then what changes"""

    async def body(kube: Kube) -> None:
        secrets = kube.path("v1", "secrets")
        for number in range(5):
            await kube.create(secrets, {"metadata": {"name": f"secret-{number}", "labels": {"watchlist": "true"}}})
        names, (bookmark,) = await _streamed(kube, secrets, labelSelector="watchlist=true")
        listed = await kube.get(secrets, labelSelector="watchlist=true")
        assert sorted(names) == [one["metadata"]["name"] for one in listed["items"]]
        assert bookmark["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert (bookmark["kind"], bookmark["metadata"]["resourceVersion"].isdigit()) == ("Secret", True)
        start = bookmark["metadata"]["resourceVersion"]
        async with kube.watch(secrets, resourceVersion=start, labelSelector="watchlist=true") as watch:
            await kube.create(secrets, {"metadata": {"name": "later", "labels": {"watchlist": "true"}}})
            assert (await watch.next())["object"]["metadata"]["name"] == "later"
        refused = await kube.raw("GET", secrets, watch="true", sendInitialEvents="true")
        assert (refused.status, refused.body["reason"]) == (422, "Invalid")

    against(body)


def test_streaming_lists_as_metadata_and_tables(against: Any) -> None:
    """API Streaming (aka. WatchList): server supports sending resources as metadata, and doesn't support receiving
    them as Tables"""

    async def body(kube: Kube) -> None:
        secrets = kube.path("v1", "secrets")
        await kube.create(secrets, {"metadata": {"name": "one"}})
        query = {
            "watch": "true",
            "sendInitialEvents": "true",
            "resourceVersionMatch": "NotOlderThan",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": "30",
        }
        table = await kube.raw("GET", secrets, None, {"Accept": f"application/json;as=Table;{_META}"}, **query)
        assert (table.status, table.body["reason"]) == (406, "NotAcceptable")
        headers = {**kube.credentials.headers, "Accept": f"application/json;as=PartialObjectMetadata;{_META}"}
        url = kube.credentials.server + secrets
        async with kube.session.get(url, params=query, headers=headers, ssl=kube.credentials.tls) as answer:
            first, last = [json.loads(await asyncio.wait_for(answer.content.readline(), 30)) for _ in range(2)]
        assert (first["type"], first["object"]["kind"]) == ("ADDED", "PartialObjectMetadata")
        assert (last["type"], last["object"]["kind"]) == ("BOOKMARK", "PartialObjectMetadata")

    against(body)


def test_health(against: Any) -> None:
    """health handlers: should contain necessary checks"""

    async def body(kube: Kube) -> None:
        for path in ("/healthz", "/livez", "/readyz"):
            assert (await kube.raw("GET", path)).body == "ok"
            told = str((await kube.raw("GET", path, verbose="1")).body)
            assert "[+]ping ok" in told and told.rstrip().endswith(f"{path.strip('/')} check passed")
            assert (await kube.raw("GET", f"{path}/ping")).body == "ok"

    against(body)


def test_request_timeout(against: Any) -> None:
    """Server request timeout: should return HTTP status code 400 if the user specifies an invalid timeout in the
    request URL"""

    async def body(kube: Kube) -> None:
        answer = await kube.raw("GET", "/apis/apps/v1/namespaces/default/deployments", timeout="foo")
        assert answer.status == 400

    against(body)


def test_request_timeout_default(against: Any) -> None:
    """Server request timeout: the request should be served with a default timeout if the specified timeout in the
    request URL exceeds maximum allowed; default timeout should be used if the specified timeout in the request URL
    is 0s"""

    async def body(kube: Kube) -> None:
        for value in ("0s", "1h10m"):
            assert (await kube.raw("GET", kube.path("v1", "configmaps"), timeout=value)).status == 200

    against(body)


def test_watch_of_a_version_that_cannot_be(against: Any) -> None:
    """client-go should negotiate watch and report errors with accept "application/json", and with protobuf before
    it: what is refused is a Status that the client can read"""

    async def body(kube: Kube) -> None:
        protobuf = "application/vnd.kubernetes.protobuf"
        for accept in ("application/json", f"{protobuf},application/json", f"{protobuf}, */*"):
            headers = {"Accept": accept}
            query = {"watch": "true", "timeoutSeconds": "5", "resourceVersion": "not-a-number"}
            answer = await kube.raw("GET", kube.path("v1", "configmaps"), None, headers, **query)
            assert answer.headers["Content-Type"].startswith(("application/json", protobuf))
            assert answer.status in (400, 410)
            if "json" in answer.headers["Content-Type"]:
                assert answer.body["kind"] == "Status" and "invalid resource version" in answer.body["message"].lower()

    against(body)
