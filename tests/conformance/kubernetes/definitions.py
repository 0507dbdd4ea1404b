"""Definitions of kinds for the Conformance tests, and waiting until what they say is served or published."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.conformance.kubernetes.harness import PATIENCE, Kube, Obj

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

OPEN: Obj = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def definition(
    kube: Kube, versions: dict[str, Obj], *, group: str = "", kind: str = "Foo", scope: str = "Namespaced"
) -> Obj:
    """A definition whose group is the test's own; the first version is the stored one."""
    own = group or f"{kube.namespace}.example.com"
    plural = f"{kind.lower()}s"
    listed = [
        {"name": name, "served": True, "storage": place == 0, "schema": {"openAPIV3Schema": schema}}
        for place, (name, schema) in enumerate(versions.items())
    ]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{own}"},
        "spec": {
            "group": own,
            "scope": scope,
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
            "versions": listed,
        },
    }


async def define(kube: Kube, body: Obj) -> Obj:
    """Make it, and wait until its kind is served."""
    made: Obj = await kube.create(CRDS, body)
    name = made["metadata"]["name"]
    found = await kube.until(CRDS, name, lambda one: has_condition(one, "Established"))
    spec = body["spec"]
    for version in spec["versions"]:
        if version["served"]:
            path = f"/apis/{spec['group']}/{version['name']}"
            await soon(lambda path=path: serves(kube, path, spec["names"]["plural"]), f"{path} is not served")
    return found


async def serves(kube: Kube, path: str, plural: str) -> bool:
    """Whether discovery names the resource."""
    answer = await kube.raw("GET", path)
    return answer.status == 200 and plural in [one["name"] for one in answer.body["resources"]]


def has_condition(found: Obj, kind: str, status: str = "True") -> bool:
    conditions = (found.get("status") or {}).get("conditions") or []
    return any(one["type"] == kind and one["status"] == status for one in conditions)


async def soon(check: Callable[[], Awaitable[Any]], otherwise: str) -> Any:
    """What `check` gives once that is true: for what no watch tells of."""
    for _ in range(PATIENCE * 10):
        answer = await check()
        if answer:
            return answer
        await asyncio.sleep(0.1)
    raise AssertionError(otherwise)
