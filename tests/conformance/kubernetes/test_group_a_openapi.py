"""Group A: the published OpenAPI of users' kinds, and what kubectl makes of it."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.conformance.kubernetes.definitions import CRDS, OPEN, define, definition, soon
from tests.conformance.kubernetes.harness import JSON_PATCH, Kube, Obj

_TEXT: Obj = {"type": "string"}
_BAR: Obj = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "description": "Name of Bar."},
        "age": {"type": "string", "description": "Age of Bar."},
        "bazs": {"type": "array", "items": _TEXT, "description": "List of Bazs."},
        "feeling": {"type": "string", "enum": ["Great", "Down"]},
    },
}
_FOO: Obj = {
    "type": "object",
    "description": "Foo CRD for Testing",
    "properties": {
        "spec": {
            "type": "object",
            "description": "Specification of Foo",
            "properties": {"bars": {"type": "array", "description": "List of Bars and their specs.", "items": _BAR}},
        },
        "status": {"type": "object", "description": "Status of Foo", "properties": {"bars": _TEXT}},
    },
}


def _key(body: Obj, version: str) -> str:
    """The name of a kind among the published definitions."""
    reversed_group = ".".join(reversed(body["spec"]["group"].split(".")))
    return f"{reversed_group}.{version}.{body['spec']['names']['kind']}"


async def _published(kube: Kube, body: Obj, version: str, *, wanted: bool = True) -> Obj:
    """The definition in both documents, once they agree that it is there or is not."""
    key, group = _key(body, version), body["spec"]["group"]

    async def look() -> list[Obj]:
        older = (await kube.get("/openapi/v2"))["definitions"].get(key)
        answer = await kube.raw("GET", f"/openapi/v3/apis/{group}/{version}")
        newer = answer.body["components"]["schemas"].get(key) if answer.status == 200 else None
        return [older or {}] if bool(older) == bool(newer) == wanted else []

    found: Obj = (await soon(look, f"{key} is {'not ' if wanted else ''}published"))[0]
    return found


async def _good(kube: Kube, *arguments: str, text: Any = "") -> str:
    status, out, err = await kube.kubectl(*arguments, text=text if isinstance(text, str) else json.dumps(text))
    assert status == 0, err
    return out


async def _refused(kube: Kube, *arguments: str, text: Any = "") -> str:
    status, out, err = await kube.kubectl(*arguments, text=text if isinstance(text, str) else json.dumps(text))
    assert status != 0, out
    return err


def _foo(body: Obj, name: str = "test-foo", **fields: Any) -> Obj:
    return {"apiVersion": f"{body['spec']['group']}/v1", "kind": "Foo", "metadata": {"name": name}, **fields}


async def _anything_goes(kube: Kube, body: Obj, *bodies: Obj) -> None:
    for one in bodies:
        for verb in ("create", "apply"):
            await _good(kube, verb, "-f", "-", text=one)
            await _good(kube, "delete", f"foos.{body['spec']['group']}", "test-foo")


def test_validation_schema(against: Any) -> None:
    """[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD with validation
    schema"""

    async def body(kube: Kube) -> None:
        crd = definition(kube, {"v1": _FOO})
        await define(kube, crd)
        published = await _published(kube, crd, "v1")
        assert published["description"] == "Foo CRD for Testing"
        assert published["properties"]["spec"]["properties"]["bars"]["items"]["required"] == ["name"]
        plural = f"foos.{crd['spec']['group']}"
        good = _foo(crd, spec={"bars": [{"name": "test-bar", "feeling": "Great"}]})
        await _anything_goes(kube, crd, good)
        for wrong, words in (
            ({"spec": {"bars": [{"name": "x", "feeling": "NonExistentValue"}]}}, "Unsupported value"),
            ({"spec": {"foo": "bar"}}, "unknown field"),
            ({"spec": {"bars": [{"age": "10"}]}}, "bars[0].name"),
        ):
            for verb in ("create", "apply"):
                assert words in await _refused(kube, verb, "-f", "-", text=_foo(crd, **wrong))
        for path, pattern in (
            ("", "Foo CRD for Testing.*FIELDS:.*apiVersion.*<string>.*APIVersion defines.*Specification of Foo"),
            (".metadata", "Standard object's metadata.*creationTimestamp.*<string>.*CreationTimestamp is a timestamp"),
            (".spec", "Specification of Foo.*FIELDS:.*bars.*List of Bars and their specs"),
            (".spec.bars", "List of Bars and their specs.*bazs.*<.*string>.*List of Bazs.*name.*<string>.*Name of Bar"),
        ):
            text = await _good(kube, "explain", f"{plural}{path}")
            assert re.search(f"(?s)DESCRIPTION:.*{pattern}", text), text
        assert "does not exist" in await _refused(kube, "explain", f"{plural}.spec.bars2")

    against(body)


def test_no_schema(against: Any) -> None:
    """[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD without validation
    schema"""

    async def body(kube: Kube) -> None:
        crd = definition(kube, {"v1": OPEN})
        await define(kube, crd)
        await _published(kube, crd, "v1")
        await _anything_goes(kube, crd, _foo(crd, a={"b": [{"c": "d"}]}, spec={"bars": 1}))
        assert "DESCRIPTION:" in await _good(kube, "explain", f"foos.{crd['spec']['group']}")

    against(body)


def test_unknown_fields_at_the_root(against: Any) -> None:
    """[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD preserving unknown
    fields at the schema root"""

    async def body(kube: Kube) -> None:
        crd = definition(kube, {"v1": {**OPEN, "properties": {"a": _TEXT}}})
        await define(kube, crd)
        published = await _published(kube, crd, "v1")
        assert published["type"] == "object"
        await _anything_goes(kube, crd, _foo(crd, a="x", b=1), _foo(crd, spec={"c": [None, 2]}))
        assert "Foo" in await _good(kube, "explain", f"foos.{crd['spec']['group']}")

    against(body)


def test_unknown_fields_inside(against: Any) -> None:
    """[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD preserving unknown
    fields in an embedded object"""

    async def body(kube: Kube) -> None:
        nested = {"type": "object", "description": "Specification of Waldo", "properties": {"dummy": OPEN}}
        schema = {"type": "object", "description": "preserve-unknown-properties", "properties": {"spec": nested}}
        crd = definition(kube, {"v1": schema})
        await define(kube, crd)
        published = await _published(kube, crd, "v1")
        assert published["properties"]["spec"]["properties"]["dummy"]["x-kubernetes-preserve-unknown-fields"] is True
        await _anything_goes(kube, crd, _foo(crd, spec={"dummy": {"a": {"b": 1}}}))
        text = await _good(kube, "explain", f"foos.{crd['spec']['group']}")
        assert "preserve-unknown-properties" in text and "Specification of Waldo" in text

    against(body)


def test_several_groups(against: Any) -> None:
    """[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs of different
    groups"""

    async def body(kube: Kube) -> None:
        foo = definition(kube, {"v1": _FOO})
        waldo = definition(kube, {"v1beta1": OPEN}, group=f"other.{kube.namespace}.example.com", kind="Waldo")
        for one, version in ((foo, "v1"), (waldo, "v1beta1")):
            await define(kube, one)
            await _published(kube, one, version)

    against(body)


def test_several_versions(against: Any) -> None:
    """[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs of same group
    but different versions"""

    async def body(kube: Kube) -> None:
        both = definition(kube, {"v2": _FOO, "v3": _FOO})
        await define(kube, both)
        for version in ("v2", "v3"):
            await _published(kube, both, version)
        # Two kinds of one group, each with a version of its own.
        group = f"apart.{kube.namespace}.example.com"
        for kind, version in (("Foo", "v4"), ("Waldo", "v5")):
            one = definition(kube, {version: _FOO}, group=group, kind=kind)
            await define(kube, one)
            await _published(kube, one, version)

    against(body)


def test_several_kinds(against: Any) -> None:
    """[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs of same group
    and version but different kinds"""

    async def body(kube: Kube) -> None:
        kinds = [definition(kube, {"v6": schema}, kind=kind) for kind, schema in (("Foo", _FOO), ("Waldo", OPEN))]
        for one in kinds:
            await define(kube, one)
        for one in kinds:
            await _published(kube, one, "v6")

    against(body)


def test_version_renamed(against: Any) -> None:
    """[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] updates the published spec when one
    version gets renamed"""

    async def body(kube: Kube) -> None:
        crd = definition(kube, {"v2": _FOO, "v3": _FOO})
        made = await define(kube, crd)
        await _published(kube, crd, "v3")
        rename = [{"op": "replace", "path": "/spec/versions/1/name", "value": "v4"}]
        await kube.patch(f"{CRDS}/{made['metadata']['name']}", rename, JSON_PATCH)
        await _published(kube, crd, "v4")
        await _published(kube, crd, "v3", wanted=False)
        await _published(kube, crd, "v2")

    against(body)


def test_version_no_longer_served(against: Any) -> None:
    """[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] removes definition from spec when one
    version gets changed to not be served"""

    async def body(kube: Kube) -> None:
        crd = definition(kube, {"v5": _FOO, "v6alpha1": _FOO})
        made = await define(kube, crd)
        await _published(kube, crd, "v6alpha1")
        stop = [{"op": "replace", "path": "/spec/versions/1/served", "value": False}]
        await kube.patch(f"{CRDS}/{made['metadata']['name']}", stop, JSON_PATCH)
        await _published(kube, crd, "v6alpha1", wanted=False)
        await _published(kube, crd, "v5")

    against(body)
