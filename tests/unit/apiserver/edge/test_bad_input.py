"""Bodies and paths that are meant to hurt: bombs, depth, numbers, encodings, paths that lead elsewhere (D4)."""

from __future__ import annotations

import asyncio
import itertools
import resource
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capstan.api.errors import ApiError
from capstan.api.scheme import SCHEME
from capstan.apiserver.decode import decode_checked
from capstan.apiserver.jsonpath import compile_path
from capstan.apiserver.reading import encode_continue, parse_continue_token
from capstan.apiserver.routing import parse_route
from capstan.apiserver.selectors import field_terms, label_predicate
from capstan.apiserver.server import served_kind

from .place import CLUSTERS, MAPS, Edge, running

JSON_PATCH = {"content-type": "application/json-patch+json"}
YAML = {"content-type": "application/yaml"}
THREE_MIB = 3 * 1024 * 1024


def run(body: Callable[[Edge], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        async with running(**options) as edge:
            await body(edge)
            assert (await edge.call("GET", "/livez")).body == b"ok"

    asyncio.run(main())


def bomb(levels: int) -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)]
    return "\n".join(lines).encode()


DEEP = 1_000_000
BODIES = {
    "an alias bomb": (bomb(9), YAML),
    "a bomb of merge keys": (b"a: &a {x: 1}\nb: &b {<<: [" + b"*a," * 20_000 + b"*a]}", YAML),
    "deep brackets": (b"[" * DEEP, {}),
    "deep objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, {}),
    "deep, and an object": (b'{"metadata":{"name":"a"},"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}", {}),
    "three megabytes of brackets": (b"[" * THREE_MIB, {}),
    "deep YAML": (b"[" * 200_000, YAML),
    "deep YAML by blocks": (b"- " * 100_000, YAML),
    "a slow YAML": (b"a: !!binary " + b"x" * 100_000 + b"\n" + b"? " * 50_000, YAML),
    "NaN": (b'{"metadata":{"name":"a"},"data":{"x":NaN}}', {}),
    "infinity": (b'{"metadata":{"name":"a"},"data":{"x":1e400}}', {}),
    "a number beyond 64 bits": (b'{"metadata":{"name":"a","generation":%d}}' % 2**70, {}),
    "a number of a million digits": (b'{"metadata":{"name":"a"},"x":' + b"9" * 1_000_000 + b"}", {}),
    "a YAML number of many digits": (b"metadata: {name: a}\nx: " + b"9" * 1_000_000, YAML),
    "a lone surrogate": (b'{"metadata":{"name":"a"},"data":{"x":"\\ud800"}}', {}),
    "invalid UTF-8": (b'{"metadata":{"name":"a"},"data":{"x":"\xff\xfe"}}', {}),
    "invalid UTF-8 in YAML": (b"metadata: {name: \xff}", YAML),
    "control characters in YAML": (b"metadata: {name: \x01}", YAML),
    "an array": (b"[]", {}),
    "a string": (b'"x"', {}),
    "null": (b"null", {}),
    "nothing": (b"", {"content-length": "0"}),
    "half": (b'{"metadata":', {}),
    "a protobuf that is none": (b"k8s\x00" + b"\xff" * 100, {"content-type": "application/vnd.kubernetes.protobuf"}),
    "metadata of the wrong type": (b'{"metadata":[]}', {}),
    "a name of the wrong type": (b'{"metadata":{"name":{}}}', {}),
    "labels of the wrong type": (b'{"metadata":{"name":"a","labels":[1]}}', {}),
    "a long name": (b'{"metadata":{"name":"%b"}}' % (b"a" * 254), {}),
    "a name with slashes": (b'{"metadata":{"name":"../../secrets/x"}}', {}),
    "a name of other letters": ('{"metadata":{"name":"ｋube"}}'.encode(), {}),
    "a hundred thousand labels": (
        orjson.dumps({"metadata": {"name": "a", "labels": {f"l{i}": "x" * 64 for i in range(100_000)}}}),
        {},
    ),
    "annotations beyond their limit": (
        orjson.dumps({"metadata": {"name": "a", "annotations": {"x": "y" * 262_145}}}),
        {},
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_hurts_is_refused_soon_and_cheaply(name: str) -> None:
    data, headers = BODIES[name]

    async def body(edge: Edge) -> None:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.process_time()
        answer = await edge.call("POST", MAPS, data, headers)
        assert 400 <= answer.status < 500, (answer.status, answer.body[:300])
        assert answer.json["kind"] == "Status" and len(answer.body) < 300_000
        assert time.process_time() - began < 3.0
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150 * 1024

    run(body)


def test_a_byte_order_mark_is_refused_or_read_but_never_kept() -> None:
    async def body(edge: Edge) -> None:
        answer = await edge.call("POST", MAPS, b'\xef\xbb\xbf{"metadata":{"name":"a"}}')
        assert answer.status in (201, 400)
        assert not answer.body.startswith(b"\xef\xbb\xbf")

    run(body)


PATCHES = {
    "too many operations": [{"op": "test", "path": "/metadata/name", "value": "a"}] * 10_001,
    "copies that grow": [{"op": "add", "path": "/data/x", "value": "y" * 100_000}]
    + [{"op": "copy", "from": "/data", "path": f"/data{i}"} for i in range(100)],
    "a copy into itself": [{"op": "copy", "from": "/metadata", "path": "/metadata/annotations"}] * 30,
    "a move into itself": [{"op": "move", "from": "/metadata", "path": "/metadata/labels"}],
    "a place that is not there": [{"op": "remove", "path": "/nowhere/at/all"}],
    "an index beyond the end": [{"op": "add", "path": "/metadata/finalizers/9999999999", "value": "x"}],
    "no operation": [{"op": "explode", "path": "/data"}],
    "no list": {"op": "test"},
}


@pytest.mark.parametrize("name", PATCHES)
def test_patches_that_hurt(name: str) -> None:
    async def body(edge: Edge) -> None:
        made = await edge.make("a", data={"x": "1"})
        began = time.process_time()
        answer = await edge.call("PATCH", f"{MAPS}/a", PATCHES[name], JSON_PATCH)
        assert answer.status in (400, 413, 422), (answer.status, answer.body[:300])
        assert time.process_time() - began < 3.0
        after = (await edge.call("GET", f"{MAPS}/a")).json
        assert after["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]

    run(body)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/default/namespaces/default",
        "/api/v1/namespaces/default/namespaces",
        "/apis/apiextensions.k8s.io/v1/namespaces/default/customresourcedefinitions",
        "/apis/apiextensions.k8s.io/v1/namespaces/default/customresourcedefinitions/x",
        "/api/v1/namespaces/default/configmaps/../secrets/s",
        "/api/v1/namespaces/default/configmaps/%2e%2e/secrets/s",
        "/api/v1/namespaces/default/configmaps/..%2fsecrets/s",
        "/api/v1/namespaces//secrets/s",
        "/api/v1//namespaces/default/secrets/s",
        "//api/v1/namespaces/default/secrets/s",
        "/api/v1/namespaces/default/Secrets/s",
        "/api/v1/namespaces/default/SECRETS/s",
        "/api/v1/namespaces/default/secrets./s",
        "/api/v1/namespaces/default/secrets/s/.",
        "/api/v1/namespaces/default/secrets/s/status/more",
        "/api/v1/namespaces/default/secret/s",
        "/api/v1/namespaces/default/secretsx/s",
        "/API/v1/namespaces/default/secrets/s",
        "/api/v2/namespaces/default/secrets/s",
        "/apis//v1/namespaces/default/secrets/s",
        "/apis/core/v1/namespaces/default/secrets/s",
        "/api/v1/namespaces/./secrets/s",
        "/api/v1/namespaces/%2e/secrets/s",
        "/api/v1/namespaces/Default/secrets/s",
        "/api/v1/namespaces/default%20/secrets/s",
        "/api/v1/namespaces/default/secrets/%73%20",
        "/api/v1/namespaces/default/%EF%BD%93ecrets/s",
        "/api/v1/namespaces/d%C3%A9fault/secrets/s",
        "/api/v1/secrets/s",
        "/api/v1/namespaces/default/secrets\\s",
    ],
)
def test_paths_that_lead_nowhere(path: str) -> None:
    async def body(edge: Edge) -> None:
        made = await edge.call("POST", MAPS.replace("configmaps", "secrets"), {"metadata": {"name": "s"}})
        assert made.status == 201
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            headers = {"content-type": "application/merge-patch+json"} if method == "PATCH" else {}
            answer = await edge.call(method, path, {} if method != "GET" else None, headers)
            assert answer.status in (400, 404, 405), (method, answer.status, answer.body[:200])
        kept = await edge.call("GET", MAPS.replace("configmaps", "secrets") + "/s")
        assert kept.json["metadata"]["resourceVersion"] == made.json["metadata"]["resourceVersion"]

    run(body)


def test_no_prefix_of_the_store_begins_another() -> None:
    prefixes = [served_kind(kind).prefix + "/" for kind in SCHEME.kinds]
    assert len(set(prefixes)) == len(prefixes) > 10
    for one, other in itertools.permutations(prefixes, 2):
        assert not other.startswith(one), (one, other)


def test_a_token_of_one_resource_shows_nothing_of_another() -> None:
    async def body(edge: Edge) -> None:
        secrets = MAPS.replace("configmaps", "secrets")
        for name in ("a", "b", "c"):
            await edge.make(name)
            await edge.call("POST", secrets, {"metadata": {"name": name}})
        token = (await edge.call("GET", f"{secrets}?limit=1")).json["metadata"]["continue"]
        page = (await edge.call("GET", f"{MAPS}?continue={token}")).json
        assert page["kind"] == "ConfigMapList"
        assert all("type" not in item for item in page["items"])
        everywhere = (await edge.call("GET", f"/api/v1/secrets?limit=1&continue={token}")).json
        assert everywhere["kind"] == "SecretList"

    run(body)


def test_cluster_api_kinds_refuse_the_same() -> None:
    async def body(edge: Edge) -> None:
        for name in (
            "deep, and an object",
            "NaN",
            "a lone surrogate",
            "invalid UTF-8",
            "null",
            "labels of the wrong type",
        ):
            data, headers = BODIES[name]
            answer = await edge.call("POST", CLUSTERS, data, headers)
            assert 400 <= answer.status < 500, (name, answer.status)

    run(body)


TEXTS = st.text(max_size=60) | st.text(alphabet="ab=!,()<>inot /.\\-_", max_size=40)


@given(TEXTS)
@settings(max_examples=300)
def test_any_selector_selects_or_is_refused(text: str) -> None:
    for read in (label_predicate, field_terms):
        try:
            read(text)
        except ApiError as refused:
            assert refused.code == 400


@given(TEXTS | st.binary(max_size=60).map(lambda data: data.decode("latin-1")), st.sampled_from(["", "default"]))
@settings(max_examples=300)
def test_any_token_is_a_key_of_its_namespace_or_refused(text: str, namespace: str) -> None:
    try:
        (space, name), _ = parse_continue_token(text, namespace)
    except ApiError as refused:
        assert refused.code == 400
    else:
        assert name and "/" not in space + name and (not namespace or space == namespace)


@given(st.integers(1, 2**70), st.sampled_from(["", "default"]), st.text(alphabet="abc-.", min_size=1, max_size=9))
def test_a_token_brings_back_its_key(revision: int, namespace: str, name: str) -> None:
    if name in (".", ".."):
        return
    made = encode_continue(revision % 2**62 + 1, (namespace, name))
    assert parse_continue_token(made, namespace) == ((namespace, name), revision % 2**62 + 1)


@given(st.text(alphabet="/ab.%é", max_size=40).map(lambda text: "/apis" + text))
@settings(max_examples=300)
def test_any_path_is_a_route_or_none(path: str) -> None:
    route = parse_route(path)
    if route is not None:
        for part in (route.group, route.version, route.namespace, route.plural, route.name, route.subresource):
            assert "/" not in part and part not in (".", "..")


@given(st.text(max_size=30) | st.text(alphabet=".[]{}'\"\\*@?()$:,0123456789-ab", max_size=30))
@settings(max_examples=300)
def test_any_path_of_a_column_is_read_or_refused(text: str) -> None:
    try:
        found = compile_path(text)({"a": [1, {"b": "c"}]})
    except (ApiError, ValueError):
        return
    assert len(found) < 1_000


TYPES = st.sampled_from(["application/json", "application/yaml", "application/vnd.kubernetes.protobuf", ""])


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda data: b"k8s\x00" + data), TYPES)
@settings(max_examples=400)
def test_any_bytes_are_an_object_or_refused(data: bytes, content_type: str) -> None:
    try:
        decoded = decode_checked(data, content_type, duplicates=True)
    except ApiError as refused:
        assert refused.code in (400, 413, 415)
    else:
        assert isinstance(decoded.value, dict)
