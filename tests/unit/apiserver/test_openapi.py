"""OpenAPI v3: what kubectl looks for in it, hashes, caching, and what a change of kinds does."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from capstan.api.errors import ApiError
from capstan.api.scheme import SCHEME
from capstan.apiserver.customresources import kind_of_crd, with_defaults
from capstan.apiserver.exchange import Request
from capstan.apiserver.openapi import OpenApi
from capstan.apiserver.resources import Registry
from capstan.apiserver.server import served_kind

CRD: dict[str, Any] = {
    "metadata": {"name": "widgets.example.io"},
    "spec": {
        "group": "example.io",
        "scope": "Cluster",
        "names": {"plural": "widgets", "kind": "Widget"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "description": "A widget.",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "description": "Wanted.",
                                "properties": {"size": {"type": "integer"}},
                            }
                        },
                    }
                },
            }
        ],
    },
}


@pytest.fixture
def registry() -> Registry:
    found = Registry()
    for kind in SCHEME.kinds:
        found.add(served_kind(kind))
    return found


def _get(openapi: OpenApi, path: str, headers: dict[str, str] | None = None, **query: str) -> Any:
    return openapi.answer(Request("GET", path, {n: [v] for n, v in query.items()}, headers or {}))


def _json(openapi: OpenApi, path: str) -> Any:
    return orjson.loads(_get(openapi, path).body)


def test_the_index_names_every_group_version_by_hash(registry: Registry) -> None:
    openapi = OpenApi(registry, "v1.35.0")
    paths = _json(openapi, "/openapi/v3")["paths"]
    assert {"api/v1", "apis/cluster.x-k8s.io/v1beta2", "apis/coordination.k8s.io/v1"} <= paths.keys()
    for path, where in paths.items():
        url, _, hashed = where["serverRelativeURL"].partition("?hash=")
        assert url == f"/openapi/v3/{path}"
        answer = _get(openapi, url, hash=hashed)
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["ETag"] == f'"{hashed}"'
        assert _get(openapi, url, {"if-none-match": f'"{hashed}"'}).status == 304
        assert _get(openapi, url, hash="OLD").headers["Location"] == where["serverRelativeURL"]


def test_every_kind_has_a_patch_operation_that_kubectl_can_check(registry: Registry) -> None:
    openapi = OpenApi(registry, "v1.35.0")
    for kind in SCHEME.kinds:
        for version in kind.versions:
            path = f"apis/{kind.group}/{version.name}" if kind.group else f"api/{version.name}"
            document = _json(openapi, f"/openapi/v3/{path}")
            gvk = {"group": kind.group, "version": version.name, "kind": kind.kind}
            patches = [
                p["patch"]
                for p in document["paths"].values()
                if "patch" in p and p["patch"]["x-kubernetes-group-version-kind"] == gvk
            ]
            assert patches
            names = {parameter["name"] for parameter in patches[0]["parameters"]}
            assert {"fieldValidation", "dryRun", "fieldManager"} <= names
            schemas = document["components"]["schemas"]
            assert any(gvk in s.get("x-kubernetes-group-version-kind", ()) for s in schemas.values())


def test_no_reference_leads_nowhere(registry: Registry) -> None:
    openapi = OpenApi(registry, "v1.35.0")
    operations = set()
    for path in _json(openapi, "/openapi/v3")["paths"]:
        document = _json(openapi, f"/openapi/v3/{path}")
        known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
        stack = [document]
        while stack:
            part = stack.pop()
            if isinstance(part, dict):
                assert part.get("$ref", next(iter(known))) in known
                stack.extend(part.values())
            elif isinstance(part, list):
                stack.extend(part)
        for where, methods in document["paths"].items():
            for operation in methods.values():
                if isinstance(operation, dict):
                    assert (path, operation["operationId"]) not in operations, where
                    operations.add((path, operation["operationId"]))


def test_a_users_definition_appears_changes_and_goes(registry: Registry) -> None:
    openapi = OpenApi(registry, "v1.35.0")
    before = openapi.index()
    core = openapi.document("api/v1")
    registry.add(kind_of_crd(with_defaults(CRD)))
    document = _json(openapi, "/openapi/v3/apis/example.io/v1")
    widget = document["components"]["schemas"]["io.example.v1.Widget"]
    assert widget["description"] == "A widget."
    assert widget["properties"]["metadata"]["allOf"][0]["$ref"].endswith("v1.ObjectMeta")
    assert "/apis/example.io/v1/widgets/{name}" in document["paths"]
    patch = document["paths"]["/apis/example.io/v1/widgets/{name}"]["patch"]
    assert "application/strategic-merge-patch+json" not in patch["requestBody"]["content"]
    assert openapi.index() != before
    assert openapi.document("api/v1") is core
    registry.remove("example.io", "widgets")
    assert openapi.index() == before
    with pytest.raises(ApiError) as caught:
        _get(openapi, "/openapi/v3/apis/example.io/v1")
    assert caught.value.code == 404


def test_all_documents_are_built_quickly(registry: Registry) -> None:
    openapi = OpenApi(registry, "v1.35.0")
    start = time.perf_counter()
    openapi.index()
    # Some 30 ms on an idle core; the bound leaves room for a busy machine.
    assert time.perf_counter() - start < 2
