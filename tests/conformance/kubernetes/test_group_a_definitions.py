"""Group A: definitions of kinds: watching, making, listing and changing them, their status, defaults."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.conformance.kubernetes.definitions import CRDS, OPEN, define, definition, has_condition
from tests.conformance.kubernetes.harness import MERGE, Kube, Obj


def test_watch_of_objects(against: Any) -> None:
    """[sig-api-machinery] CustomResourceDefinition Watch [Privileged:ClusterAdmin] CustomResourceDefinition Watch
    watch on custom resource definition objects"""

    async def body(kube: Kube) -> None:
        made = await define(kube, definition(kube, {"v1": OPEN}, scope="Cluster"))
        group = made["spec"]["group"]
        path = f"/apis/{group}/v1/foos"
        start = (await kube.get(path))["metadata"]["resourceVersion"]
        async with (
            kube.watch(path, resourceVersion=start, fieldSelector="metadata.name=a") as of_a,
            kube.watch(path, resourceVersion=start, fieldSelector="metadata.name=b") as of_b,
        ):
            for name, watch in (("a", of_a), ("b", of_b)):
                await kube.create(path, {"apiVersion": f"{group}/v1", "kind": "Foo", "metadata": {"name": name}})
                assert (await watch.next())["type"] == "ADDED"
                await kube.patch(f"{path}/{name}", {"metadata": {"labels": {"changed": "yes"}}})
                event = await watch.next()
                assert (event["type"], event["object"]["metadata"]["labels"]) == ("MODIFIED", {"changed": "yes"})
            for name, watch in (("a", of_a), ("b", of_b)):
                await kube.delete(f"{path}/{name}")
                event = await watch.next()
                assert (event["type"], event["object"]["metadata"]["name"]) == ("DELETED", name)

    against(body)


def test_making_and_deleting(against: Any) -> None:
    """[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition
    creating/deleting custom resource definition objects works"""

    async def body(kube: Kube) -> None:
        made = await define(kube, definition(kube, {"v1": OPEN}))
        path = f"{CRDS}/{made['metadata']['name']}"
        assert has_condition(made, "NamesAccepted") and made["status"]["storedVersions"] == ["v1"]
        await kube.delete(path)
        await kube.until_gone(path)
        assert (await kube.raw("GET", f"/apis/{made['spec']['group']}/v1/foos")).status == 404

    against(body)


def test_status(against: Any) -> None:
    """[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition
    getting/updating/patching custom resource definition status sub-resource works"""

    async def body(kube: Kube) -> None:
        made = await define(kube, definition(kube, {"v1": OPEN}))
        path = f"{CRDS}/{made['metadata']['name']}/status"
        condition = {"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Set by a test"}
        found = await kube.get(path)
        assert found["kind"] == "CustomResourceDefinition" and has_condition(found, "Established")
        found["status"]["conditions"].append(condition)
        assert has_condition(await kube.replace(path, found), "StatusUpdate")
        assert has_condition(await kube.get(path), "StatusUpdate")
        patch = {"status": {"conditions": [{**condition, "type": "StatusPatched"}]}}
        assert has_condition(await kube.patch(path, patch, MERGE), "StatusPatched")
        assert has_condition(await kube.get(path.removesuffix("/status")), "StatusPatched")

    against(body)


def test_listing(against: Any) -> None:
    """[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition
    listing custom resource definition objects works"""

    async def body(kube: Kube) -> None:
        labels = {"e2e-list-test-uuid": kube.namespace}
        selector = f"e2e-list-test-uuid={kube.namespace}"
        for number in range(10):
            one = definition(kube, {"v1": OPEN}, group=f"g{number}.{kube.namespace}.example.com")
            one["metadata"]["labels"] = labels
            await kube.create(CRDS, one)
        unlabelled = await kube.create(CRDS, definition(kube, {"v1": OPEN}))
        listed = await kube.get(CRDS, labelSelector=selector)
        assert listed["kind"] == "CustomResourceDefinitionList" and len(listed["items"]) == 10
        assert all(one["metadata"]["labels"] == labels for one in listed["items"])
        await kube.delete(CRDS, labelSelector=selector)
        for one in listed["items"]:
            await kube.until_gone(f"{CRDS}/{one['metadata']['name']}")
        assert await kube.get(f"{CRDS}/{unlabelled['metadata']['name']}")

    against(body)


def test_defaults(against: Any) -> None:
    """[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] custom resource defaulting for
    requests and from storage works"""

    async def body(kube: Kube) -> None:
        fields: Obj = {"a": {"type": "string"}, "b": {"type": "string"}}
        made = await define(kube, definition(kube, {"v1": {"type": "object", "properties": fields}}, scope="Cluster"))
        crd, group = f"{CRDS}/{made['metadata']['name']}", made["spec"]["group"]
        path = f"/apis/{group}/v1/foos"

        def foo(name: str) -> Obj:
            return {"apiVersion": f"{group}/v1", "kind": "Foo", "metadata": {"name": name}}

        async def reads(name: str, **wanted: str) -> None:
            for _ in range(300):
                found = await kube.get(f"{path}/{name}")
                if {one: found[one] for one in ("a", "b") if one in found} == wanted:
                    return
                await asyncio.sleep(0.1)
            raise AssertionError(f"{found}, not {wanted}")

        def default(name: str, verb: str) -> list[Obj]:
            place = f"/spec/versions/0/schema/openAPIV3Schema/properties/{name}/default"
            return [{"op": verb, "path": place, **({"value": name.upper()} if verb == "add" else {})}]

        first = await kube.create(path, foo("first"))
        assert "a" not in first
        await kube.patch(crd, default("a", "add"), "application/json-patch+json")
        await reads("first", a="A")
        assert (await kube.create(path, foo("second")))["a"] == "A"
        await reads("second", a="A")
        both = [*default("a", "remove"), *default("b", "add")]
        await kube.patch(crd, both, "application/json-patch+json")
        # What a request was given stays; what only reading gave does not.
        await reads("second", a="A", b="B")
        await reads("first", b="B")

    against(body)


def test_discovery(against: Any) -> None:
    """[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] should include custom resource
    definition resources in discovery documents"""

    async def body(kube: Kube) -> None:
        group = "apiextensions.k8s.io"
        groups = {one["name"]: one for one in (await kube.get("/apis"))["groups"]}
        own = await kube.get(f"/apis/{group}")
        for found in (groups[group], own):
            assert {"groupVersion": f"{group}/v1", "version": "v1"} in found["versions"]
        resources = {one["name"]: one for one in (await kube.get(f"/apis/{group}/v1"))["resources"]}
        assert resources["customresourcedefinitions"]["kind"] == "CustomResourceDefinition"

    against(body)
