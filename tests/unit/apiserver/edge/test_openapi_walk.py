"""Every operation of our own OpenAPI with whatever comes: never a 500, and every refusal a well-formed Status."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import quote, urlencode

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from capstan.apiserver.exchange import Request, Response
from capstan.apiserver.handler import Handler

from .place import ADMIN, Edge, running

METHODS = ("get", "post", "put", "patch", "delete")
NAMES = st.sampled_from(["a", "default", "kube-system", "x.example.io", "A B", "..", "-", "é", "a" * 254]) | st.text(
    max_size=8
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=6)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
QUERIES: Mapping[str, st.SearchStrategy[str]] = {
    "limit": st.sampled_from(["0", "1", "-1", "x", "99999999999"]),
    "continue": st.text(max_size=10),
    "labelSelector": st.text(alphabet="ab=!,() in", max_size=12),
    "fieldSelector": st.sampled_from(["metadata.name=a", "x=1", "=", "metadata.namespace!=b", ","])
    | st.text(max_size=8),
    "resourceVersion": st.sampled_from(["0", "1", "01", "x", ""]),
    "resourceVersionMatch": st.sampled_from(["Exact", "NotOlderThan", "x"]),
    "sendInitialEvents": st.sampled_from(["true", "x"]),
    "dryRun": st.sampled_from(["All", "Some", ""]),
    "fieldManager": st.text(max_size=8),
    "fieldValidation": st.sampled_from(["Strict", "Warn", "Ignore", "x"]),
    "force": st.sampled_from(["true", "false", "x"]),
    "pretty": st.sampled_from(["true", "x"]),
    "propagationPolicy": st.sampled_from(["Background", "Orphan", "Foreground", "x"]),
    "gracePeriodSeconds": st.sampled_from(["0", "-1", "x"]),
    "timeout": st.sampled_from(["1s", "x", "-1s"]),
}
CONTENT = st.sampled_from(
    [
        *["application/json", "application/yaml", "application/json-patch+json", "application/merge-patch+json"],
        *["application/strategic-merge-patch+json", "application/apply-patch+yaml", "", "text/plain"],
        "application/vnd.kubernetes.protobuf",
    ]
)
ACCEPT = st.sampled_from(
    [
        *["", "*/*", "application/json", "application/yaml", "text/html"],
        *[f"application/json;as={form};v=v1;g=meta.k8s.io" for form in ("Table", "PartialObjectMetadata", "x")],
    ]
)
REASONS = frozenset(
    (
        *("BadRequest", "Unauthorized", "Forbidden", "NotFound", "MethodNotAllowed", "NotAcceptable", "Conflict"),
        *("AlreadyExists", "Gone", "Expired", "RequestEntityTooLarge", "UnsupportedMediaType", "Invalid"),
        *("TooManyRequests", "Timeout", "ServiceUnavailable"),
    )
)


def bodies(path: str, kinds: Mapping[str, tuple[str, str]]) -> st.SearchStrategy[bytes]:
    """Objects of the path's kind with parts of any type, patches, options, and bytes that are nothing."""
    version, kind = kinds.get(path.split("/{name}")[0], ("v1", "ConfigMap"))
    metadata = st.fixed_dictionaries(
        {},
        optional={
            "name": NAMES,
            "generateName": st.just("g-"),
            "labels": VALUES,
            "annotations": VALUES,
            "finalizers": VALUES,
            "ownerReferences": VALUES,
            "resourceVersion": st.sampled_from(["1", "x", ""]),
            "uid": VALUES,
            "managedFields": VALUES,
            "deletionTimestamp": VALUES,
        },
    )
    whole = st.fixed_dictionaries(
        {"apiVersion": st.just(version), "kind": st.just(kind), "metadata": metadata | VALUES},
        optional={"spec": VALUES, "status": VALUES, "data": VALUES, "rules": VALUES, "x": VALUES},
    )
    operation = st.fixed_dictionaries(
        {
            "op": st.sampled_from(["add", "remove", "replace", "copy", "move", "test", "x"]),
            "path": st.text(alphabet="/a-0", max_size=5),
        },
        optional={"value": VALUES, "from": st.text(alphabet="/a-0", max_size=5)},
    )
    encoded = (whole | VALUES | st.lists(operation, max_size=3)).map(lambda value: orjson.dumps(value, default=str))
    return st.just(b"") | encoded | st.binary(max_size=20)


class Walk:
    """The operations of a server, and the handler that carries them out, without sockets."""

    def __init__(self, edge: Edge) -> None:
        self.handler: Handler = edge.listener.handler
        self.operations: list[tuple[str, str]] = []
        self.kinds: dict[str, tuple[str, str]] = {}

    async def send(self, method: str, target: str, body: bytes = b"", **headers: str) -> Response:
        path, _, query = target.partition("?")
        from urllib.parse import parse_qs, unquote

        request = Request(
            method.upper(), unquote(path, errors="replace"), parse_qs(query), headers, body, ADMIN, target=target
        )
        return await self.handler.handle(request)

    async def learn(self) -> None:
        index = orjson.loads((await self.send("GET", "/openapi/v3")).body)
        for entry in index["paths"].values():
            document = orjson.loads((await self.send("GET", entry["serverRelativeURL"])).body)
            for path, operations in document["paths"].items():
                for method in METHODS:
                    if method not in operations:
                        continue
                    self.operations.append((method, path))
                    kind = operations[method].get("x-kubernetes-group-version-kind")
                    if isinstance(kind, dict) and kind.get("kind"):
                        version = f"{kind['group']}/{kind['version']}" if kind.get("group") else kind["version"]
                        self.kinds.setdefault(path.split("/{name}")[0], (version, kind["kind"]))


def check(method: str, target: str, answer: Response) -> None:
    assert answer.status != 500, (method, target, answer.body)
    if answer.stream is not None:
        assert answer.finished is not None
        answer.finished()
    elif answer.status >= 400 and answer.content_type == "application/json":
        status = orjson.loads(answer.body)
        assert (status["kind"], status["apiVersion"], status["status"]) == ("Status", "v1", "Failure")
        assert status["code"] == answer.status and status["reason"] in REASONS and status["message"]
        assert isinstance(status["metadata"], dict)
        for cause in status.get("details", {}).get("causes", ()):
            assert set(cause) <= {"reason", "message", "field"} and isinstance(cause["message"], str)


def walk(examples: int) -> None:
    with asyncio.Runner() as runner:
        place = running()
        edge = runner.run(place.__aenter__())
        try:
            walked = Walk(edge)
            runner.run(walked.learn())
            assert len(walked.operations) > 100

            @settings(
                max_examples=examples,
                deadline=None,
                database=None,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
                derandomize=True,
            )
            @given(st.data())
            def each(data: st.DataObject) -> None:
                method, template = data.draw(st.sampled_from(walked.operations))
                path = template
                while "{" in path:
                    before, _, rest = path.partition("{")
                    path = before + quote(data.draw(NAMES), safe="") + rest.partition("}")[2]
                names = data.draw(st.lists(st.sampled_from(sorted(QUERIES)), max_size=3, unique=True))
                query = urlencode({name: data.draw(QUERIES[name]) for name in names})
                headers = {"content-type": data.draw(CONTENT), "accept": data.draw(ACCEPT)}
                body = data.draw(bodies(template, walked.kinds)) if method != "get" else b""
                target = f"{path}?{query}"
                check(method, target, runner.run(walked.send(method, target, body, **headers)))

            each()
        finally:
            runner.run(place.__aexit__(None, None, None))


def test_whatever_is_sent_is_answered_or_refused() -> None:
    walk(600)


@pytest.mark.full
def test_whatever_is_sent_for_long() -> None:
    walk(30_000)
