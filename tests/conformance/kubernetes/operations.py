"""The course that Conformance takes through most kinds: discovery, then every verb, then the status."""

from __future__ import annotations

from dataclasses import dataclass

from tests.conformance.kubernetes.harness import MERGE, Kube, Obj


@dataclass(frozen=True)
class Course:
    """One kind on its way: its path, an object of it, and what its status may be. The same fields are created again
    and again under other names, or those of `names` where the name must have a form."""

    group_version: str
    plural: str
    kind: str
    fields: Obj
    namespaced: bool = True
    status: Obj | None = None
    annotates_status: bool = True
    names: tuple[str, ...] = ()

    def collection(self, kube: Kube) -> str:
        return kube.path(self.group_version, self.plural, namespace=None if self.namespaced else "")

    def name(self, kube: Kube, number: int) -> str:
        return self.names[number] if self.names else f"{kube.namespace}-{number}"

    def body(self, kube: Kube, number: int) -> Obj:
        labels = {"conformance": kube.namespace}
        metadata = {"name": self.name(kube, number), "labels": labels}
        return {"apiVersion": self.group_version, "kind": self.kind, "metadata": metadata, **self.fields}


async def walk(kube: Kube, course: Course) -> None:
    """All of it."""
    await discovered(kube, course)
    collection, mine = course.collection(kube), f"conformance={kube.namespace}"
    for number in (1, 2):
        await kube.create(collection, course.body(kube, number))
    made = await kube.create(collection, course.body(kube, 0))
    path = f"{collection}/{made['metadata']['name']}"
    assert (await kube.get(path))["metadata"]["uid"] == made["metadata"]["uid"]
    listed = await kube.get(collection, labelSelector=mine)
    assert len(listed["items"]) == 3
    assert listed["kind"] == f"{course.kind}List"
    if course.namespaced:
        everywhere = await kube.get(kube.path(course.group_version, course.plural, namespace=""), labelSelector=mine)
        assert [i["metadata"]["name"] for i in everywhere["items"]] == [i["metadata"]["name"] for i in listed["items"]]
    version = listed["metadata"]["resourceVersion"]
    async with kube.watch(collection, resourceVersion=version, labelSelector=mine) as watch:
        await changed(kube, path)
        await watch.until(lambda event: _annotation(event, "updated") == "true")
        if course.status is not None:
            await status_written(kube, path, course)
        await removed(kube, course, path, mine)
        await watch.until_named("DELETED", made["metadata"]["name"])


def _annotation(event: Obj, name: str) -> object:
    assert event["type"] == "MODIFIED", event
    return (event["object"]["metadata"].get("annotations") or {}).get(name)


async def discovered(kube: Kube, course: Course) -> None:
    """The group, its version and the resource are in all three documents, with the verbs that are used here."""
    group, _, version = course.group_version.rpartition("/")
    if group:
        groups = {one["name"]: one for one in (await kube.get("/apis"))["groups"]}
        assert course.group_version in [one["groupVersion"] for one in groups[group]["versions"]]
        own = await kube.get(f"/apis/{group}")
        assert course.group_version in [one["groupVersion"] for one in own["versions"]]
        listed = await kube.get(f"/apis/{course.group_version}")
    else:
        listed = await kube.get(f"/api/{version}")
    resources = {one["name"]: one for one in listed["resources"]}
    wanted = {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
    assert set(resources[course.plural]["verbs"]) == wanted
    if course.status is not None:
        assert set(resources[f"{course.plural}/status"]["verbs"]) == {"get", "patch", "update"}


async def changed(kube: Kube, path: str) -> None:
    """By a patch, and then by an update."""
    patched = await kube.patch(path, {"metadata": {"annotations": {"patched": "true"}}}, MERGE)
    assert patched["metadata"]["annotations"]["patched"] == "true"
    patched["metadata"]["annotations"]["updated"] = "true"
    updated = await kube.replace(path, patched)
    assert updated["metadata"]["annotations"] == {**patched["metadata"]["annotations"], "updated": "true"}
    assert int(updated["metadata"]["resourceVersion"]) > 0


async def status_written(kube: Kube, path: str, course: Course) -> None:
    """Patched and replaced through its subresource, which leaves the rest of the object alone."""
    before = await kube.get(f"{path}/status")
    assert before["kind"] == course.kind
    patch: Obj = {"status": course.status, "metadata": {"annotations": {"patchedstatus": "true"}}}
    patched = await kube.patch(f"{path}/status", patch, MERGE)
    for name, value in (course.status or {}).items():
        assert patched["status"][name] == value, name
    assert patched.get("spec") == before.get("spec")
    if course.annotates_status:
        assert patched["metadata"]["annotations"]["patchedstatus"] == "true"
    replaced = await kube.replace(f"{path}/status", patched)
    assert replaced["status"] == patched["status"]


async def removed(kube: Kube, course: Course, path: str, mine: str) -> None:
    """One by name, the rest by their label."""
    await kube.delete(path)
    await kube.until_gone(path)
    collection = course.collection(kube)
    assert len((await kube.get(collection, labelSelector=mine))["items"]) == 2
    await kube.delete(collection, labelSelector=mine)
    assert (await kube.get(collection, labelSelector=mine))["items"] == []
