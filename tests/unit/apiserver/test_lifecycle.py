"""From the first delete to the last trace: owners of users' own kinds, namespaces, graceful pods."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from capstan.api.errors import ApiError
from capstan.api.objects import Obj
from capstan.api.verbs import DeleteOptions, ListOptions, WriteOptions
from capstan.apiserver.deleting import FOREGROUND
from tests.unit.apiserver.policies.conftest import ADMIN, Place

GROUP = "example.com"
CRDS = "customresourcedefinitions"


def run(body: Callable[[Place], Awaitable[None]]) -> None:
    """Runs a test body at a server with three kinds of its own: things and parts in namespaces, worlds in none."""

    async def main() -> None:
        place = Place()
        await place.server.start()
        try:
            for plural, kind, scope in (
                ("things", "Thing", "Namespaced"),
                ("parts", "Part", "Namespaced"),
                ("worlds", "World", "Cluster"),
            ):
                await place.create("apiextensions.k8s.io", CRDS, _definition(plural, kind, scope))
            await place.settle()
            await body(place)
        finally:
            await place.server.stop()

    asyncio.run(main())


def _definition(plural: str, kind: str, scope: str) -> Obj:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    versions = [{"name": v, "served": True, "storage": v == "v1", "schema": schema} for v in ("v1", "v2")]
    spec = {"group": GROUP, "scope": scope, "names": {"plural": plural, "kind": kind}, "versions": versions}
    return {"metadata": {"name": f"{plural}.{GROUP}"}, "spec": spec}


def owned_by(*owners: Obj, **more: Any) -> list[Obj]:
    return [
        {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            **more,
        }
        for owner in owners
    ]


async def make(place: Place, plural: str, name: str, *owners: Obj, namespace: str = "default", **meta: Any) -> Obj:
    """An object with references to its owners."""
    group = "" if plural in ("configmaps", "secrets", "namespaces", "pods") else GROUP
    metadata: Obj = {"name": name, **meta}
    if owners:
        metadata["ownerReferences"] = owned_by(*owners)
    where = "" if plural in ("worlds", "namespaces") else namespace
    return (await place.create(group, plural, {"metadata": metadata}, where)).object


async def names(place: Place, plural: str, namespace: str = "default") -> list[str]:
    group = "" if plural in ("configmaps", "namespaces", "events", "pods") else GROUP
    served = place.server.registry.by_plural(group, plural)
    assert served is not None
    listed = await place.server.verbs(ADMIN).list(served.resource(), namespace, ListOptions())
    return [item["metadata"]["name"] for item in listed.items if item["metadata"]["name"] != "kube-root-ca.crt"]


async def delete(place: Place, plural: str, name: str, namespace: str = "default", **options: Any) -> Obj:
    group = "" if plural in ("configmaps", "namespaces", "pods") else GROUP
    served = place.server.registry.by_plural(group, plural)
    assert served is not None
    where = namespace if served.namespaced else ""
    verbs = place.server.verbs(ADMIN)
    answer = await verbs.delete(served.resource(), where, name, DeleteOptions(**options))
    await place.settle()
    return answer.object


async def events(place: Place, namespace: str = "default") -> list[Obj]:
    served = place.server.registry.by_plural("", "events")
    assert served is not None
    return list((await place.server.verbs(ADMIN).list(served.resource(), namespace, ListOptions())).items)


@pytest.mark.parametrize("owner", ["things", "worlds", "configmaps"])
@pytest.mark.parametrize("policy", ["Background", "Foreground", ""])
def test_dependents_of_any_kind_go_with_their_owner(owner: str, policy: str) -> None:
    async def body(place: Place) -> None:
        top = await make(place, owner, "top")
        await make(place, "parts", "part", top)
        await make(place, "configmaps", "map", top)
        await make(place, "configmaps", "other")
        await delete(place, owner, "top", propagation=policy)
        assert (await names(place, "parts"), await names(place, "configmaps")) == ([], ["other"])
        assert "top" not in await names(place, owner, "default" if owner == "things" else "")

    run(body)


def test_worlds_own_worlds() -> None:
    async def body(place: Place) -> None:
        top = await make(place, "worlds", "top")
        below = await make(place, "worlds", "below", top)
        await make(place, "things", "thing", below)
        await delete(place, "worlds", "top")
        assert (await names(place, "worlds", ""), await names(place, "things")) == ([], [])

    run(body)


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_a_reference_in_another_version_is_to_the_same_object(version: str) -> None:
    """Also in one that is not served."""

    async def body(place: Place) -> None:
        top = await make(place, "things", "top")
        await make(place, "parts", "part", {**top, "apiVersion": f"{GROUP}/{version}"})
        await place.settle()
        assert await names(place, "parts") == ["part"]
        await delete(place, "things", "top")
        assert await names(place, "parts") == []

    run(body)


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
def test_long_chains(policy: str) -> None:
    async def body(place: Place) -> None:
        last = await make(place, "things", "n0")
        for number in range(1, 40):
            refs = owned_by(last, blockOwnerDeletion=True)
            last = await make(place, ("things", "parts")[number % 2], f"n{number}", ownerReferences=refs)
        await delete(place, "things", "n0", propagation=policy)
        assert (await names(place, "things"), await names(place, "parts")) == ([], [])

    run(body)


def test_policies_are_mixed_on_the_way_down() -> None:
    """The top goes with all that is its own; the middle was asked to leave its own behind."""

    async def body(place: Place) -> None:
        top = await make(place, "things", "top")
        refs = owned_by(top, blockOwnerDeletion=True)
        middle = await make(place, "things", "middle", ownerReferences=refs, finalizers=["orphan"])
        await make(place, "parts", "left", middle)
        await delete(place, "things", "top", propagation="Background")
        assert (await names(place, "things"), await names(place, "parts")) == ([], ["left"])
        assert "ownerReferences" not in (await place.get(GROUP, "parts", "left", "default"))["metadata"]

    run(body)


def test_only_dangling_references_are_taken_away() -> None:
    async def body(place: Place) -> None:
        kept, gone = await make(place, "things", "kept"), await make(place, "things", "gone")
        await make(place, "parts", "part", kept, gone)
        await delete(place, "things", "gone")
        refs = (await place.get(GROUP, "parts", "part", "default"))["metadata"]["ownerReferences"]
        assert [ref["name"] for ref in refs] == ["kept"]

    run(body)


def test_a_valid_owner_keeps_what_another_waits_for() -> None:
    """One owner is deleted in the foreground, the other lives: the dependent stays, and holds nobody."""

    async def body(place: Place) -> None:
        ending, living = await make(place, "things", "ending"), await make(place, "things", "living")
        refs = owned_by(ending, living, blockOwnerDeletion=True)
        await make(place, "parts", "shared", ownerReferences=refs)
        await make(place, "parts", "own", ownerReferences=owned_by(ending, blockOwnerDeletion=True))
        await delete(place, "things", "ending", propagation="Foreground")
        assert (await names(place, "things"), await names(place, "parts")) == (["living"], ["shared"])
        left = (await place.get(GROUP, "parts", "shared", "default"))["metadata"]["ownerReferences"]
        assert [ref["name"] for ref in left] == ["living"]

    run(body)


def test_an_owner_of_an_unknown_kind_keeps_its_dependent() -> None:
    async def body(place: Place) -> None:
        thing = await make(place, "things", "thing")
        await make(place, "parts", "part", {**thing, "kind": "Stranger"})
        await delete(place, "things", "thing")
        assert await names(place, "parts") == ["part"]

    run(body)


@pytest.mark.parametrize("blocks", [True, False])
def test_whether_a_dependent_holds_its_owner(blocks: bool) -> None:
    async def body(place: Place) -> None:
        top = await make(place, "things", "top")
        refs = owned_by(top, blockOwnerDeletion=blocks)
        await make(place, "parts", "held", ownerReferences=refs, finalizers=["example.com/hold"])
        await delete(place, "things", "top", propagation="Foreground")
        assert await names(place, "things") == (["top"] if blocks else [])
        part = await place.get(GROUP, "parts", "held", "default")
        assert part["metadata"]["deletionTimestamp"]
        await place.patch(GROUP, "parts", "held", {"metadata": {"finalizers": None}}, "default")
        await place.settle()
        assert (await names(place, "things"), await names(place, "parts")) == ([], [])

    run(body)


def test_a_second_delete_changes_nothing_but_the_way() -> None:
    async def body(place: Place) -> None:
        top = await make(place, "things", "top", finalizers=["example.com/hold"])
        await make(place, "parts", "part", ownerReferences=owned_by(top, blockOwnerDeletion=True))
        first = await delete(place, "things", "top", propagation="Foreground")
        second = await delete(place, "things", "top")
        assert first["metadata"]["deletionTimestamp"] == second["metadata"]["deletionTimestamp"]
        assert second["metadata"]["generation"] == 2
        assert await names(place, "parts") == []
        left = (await place.get(GROUP, "things", "top", "default"))["metadata"]
        assert left["finalizers"] == ["example.com/hold"]
        with pytest.raises(ApiError) as refused:
            patch = {"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}}
            await place.patch(GROUP, "things", "top", patch, "default")
        assert refused.value.code == 422
        await place.patch(GROUP, "things", "top", {"metadata": {"finalizers": None}}, "default")
        assert await names(place, "things") == []

    run(body)


def test_owners_in_other_namespaces_do_not_count_and_it_is_said() -> None:
    async def body(place: Place) -> None:
        top = await make(place, "things", "top", namespace="kube-public")
        await make(place, "parts", "part", top)
        await place.settle()
        assert await names(place, "parts") == []
        (event,) = await events(place)
        assert (event["reason"], event["type"]) == ("OwnerRefInvalidNamespace", "Warning")
        uid = top["metadata"]["uid"]
        identity = f"[example.com/v1/Thing, namespace: default, name: top, uid: {uid}]"
        assert event["message"] == f'ownerRef {identity} does not exist in namespace "default"'
        assert event["involvedObject"]["name"] == "part"

    run(body)


def test_what_is_in_no_namespace_cannot_be_owned_from_one() -> None:
    async def body(place: Place) -> None:
        top = await make(place, "things", "top")
        await make(place, "worlds", "world", top)
        await delete(place, "things", "top")
        assert await names(place, "worlds", "") == ["world"]
        assert [e["reason"] for e in await events(place)] == ["OwnerRefInvalidNamespace"]

    run(body)


def test_a_definition_takes_objects_and_their_dependents_along() -> None:
    async def body(place: Place) -> None:
        top = await make(place, "things", "top")
        await make(place, "parts", "part", top)
        await make(place, "configmaps", "map", top)
        served = place.server.registry.by_plural("apiextensions.k8s.io", CRDS)
        assert served is not None
        verbs = place.server.verbs(ADMIN)
        await verbs.delete(served.resource(), "", f"things.{GROUP}", DeleteOptions())
        await place.settle()
        assert place.server.registry.by_plural(GROUP, "things") is None
        assert (await names(place, "parts"), await names(place, "configmaps")) == ([], [])

    run(body)


def test_orphans_of_own_kinds() -> None:
    async def body(place: Place) -> None:
        top = await make(place, "things", "top")
        await make(place, "parts", "part", top)
        await delete(place, "things", "top", propagation="Orphan")
        assert (await names(place, "things"), await names(place, "parts")) == ([], ["part"])

    run(body)


def test_preconditions() -> None:
    async def body(place: Place) -> None:
        top = await make(place, "things", "top")
        for wrong in ({"uid": "other"}, {"resource_version": "1"}):
            with pytest.raises(ApiError) as refused:
                await delete(place, "things", "top", **wrong)
            assert refused.value.code == 409
        metadata = top["metadata"]
        fits = {"uid": metadata["uid"], "resource_version": metadata["resourceVersion"]}
        assert (await delete(place, "things", "top", **fits))["status"] == "Success"

    run(body)


def test_a_dry_run_shows_what_would_be() -> None:
    async def body(place: Place) -> None:
        await make(place, "things", "top", finalizers=["example.com/hold"])
        shown = await delete(place, "things", "top", propagation="Foreground", dry_run=True)
        assert shown["metadata"]["deletionTimestamp"]
        assert shown["metadata"]["finalizers"] == ["example.com/hold", FOREGROUND]
        assert "deletionTimestamp" not in (await place.get(GROUP, "things", "top", "default"))["metadata"]

    run(body)


async def _pod(place: Place, name: str, namespace: str = "default", **spec: Any) -> None:
    containers = [{"name": "c", "image": "registry.example/c:1"}]
    await place.create("", "pods", {"metadata": {"name": name}, "spec": {"containers": containers, **spec}}, namespace)


def test_pods_on_nodes_have_time_to_end() -> None:
    async def body(place: Place) -> None:
        await _pod(place, "free")
        assert (await delete(place, "pods", "free"))["status"] == "Success"
        await _pod(place, "bound", nodeName="n")
        shown = (await delete(place, "pods", "bound"))["metadata"]
        assert (shown["deletionTimestamp"], shown["deletionGracePeriodSeconds"]) == ("2026-01-01T00:00:30Z", 30)
        longer = (await delete(place, "pods", "bound", grace_period_seconds=60))["metadata"]
        assert longer["deletionGracePeriodSeconds"] == 30
        shorter = (await delete(place, "pods", "bound", grace_period_seconds=5))["metadata"]
        assert (shorter["deletionTimestamp"], shorter["deletionGracePeriodSeconds"]) == ("2026-01-01T00:00:05Z", 5)
        assert (await delete(place, "pods", "bound", grace_period_seconds=0))["status"] == "Success"
        assert await names(place, "pods") == []

    run(body)


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public", "kube-node-lease"])
def test_namespaces_that_stay(name: str) -> None:
    async def body(place: Place) -> None:
        with pytest.raises(ApiError) as refused:
            await delete(place, "namespaces", name)
        assert (refused.value.code, refused.value.reason) == (403, "Forbidden")

    run(body)


def test_pods_leave_a_namespace_first() -> None:
    async def body(place: Place) -> None:
        await make(place, "namespaces", "team")
        await _pod(place, "p", "team", nodeName="n")
        patch = {"metadata": {"finalizers": ["example.com/hold"]}}
        await place.patch("", "pods", "p", patch, "team")
        await make(place, "configmaps", "m", namespace="team")
        await delete(place, "namespaces", "team")
        assert (await names(place, "pods", "team"), await names(place, "configmaps", "team")) == (["p"], ["m"])
        await place.patch("", "pods", "p", {"metadata": {"finalizers": None}}, "team")
        await place.settle()
        assert "team" not in await names(place, "namespaces", "")

    run(body)


def test_conditions_tell_what_is_left() -> None:
    async def body(place: Place) -> None:
        await make(place, "namespaces", "team")
        for number in (1, 2):
            await make(place, "things", f"t{number}", namespace="team", finalizers=["example.com/hold"])
        await delete(place, "namespaces", "team")
        found = await place.get("", "namespaces", "team")
        assert [(c["type"], c["status"], c["reason"], c["message"]) for c in found["status"]["conditions"]] == [
            (
                "NamespaceDeletionDiscoveryFailure",
                "False",
                "ResourcesDiscovered",
                "All resources successfully discovered",
            ),
            (
                "NamespaceDeletionGroupVersionParsingFailure",
                "False",
                "ParsedGroupVersions",
                "All legacy kube types successfully parsed",
            ),
            (
                "NamespaceDeletionContentFailure",
                "False",
                "ContentDeleted",
                "All content successfully deleted, may be waiting on finalization",
            ),
            (
                "NamespaceContentRemaining",
                "True",
                "SomeResourcesRemain",
                "Some resources are remaining: things.example.com has 2 resource instances",
            ),
            (
                "NamespaceFinalizersRemaining",
                "True",
                "SomeFinalizersRemain",
                "Some content in the namespace has finalizers remaining: example.com/hold in 2 resource instances",
            ),
        ]
        revision = place.store.revision
        await place.settle()
        assert place.store.revision == revision

    run(body)


def test_what_may_not_be_deleted_is_told() -> None:
    async def body(place: Place) -> None:
        await make(place, "namespaces", "team")
        await make(place, "configmaps", "m", namespace="team")
        rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["DELETE"], "resources": ["configmaps"]}]
        await place.policy("p", {"validations": [{"expression": "false", "message": "never"}]}, rules=rules)
        await delete(place, "namespaces", "team")
        found = await place.get("", "namespaces", "team")
        failure = next(c for c in found["status"]["conditions"] if c["type"] == "NamespaceDeletionContentFailure")
        assert (failure["status"], failure["reason"]) == ("True", "ContentDeletionFailed")
        assert failure["message"].startswith("Failed to delete all resource types, 1 remaining: ")
        assert "never" in failure["message"]

    run(body)


def test_finalize_is_the_only_way_to_change_a_namespaces_finalizers() -> None:
    async def body(place: Place) -> None:
        served = place.server.registry.by_plural("", "namespaces")
        assert served is not None
        verbs = place.server.verbs(ADMIN)
        made = await make(place, "namespaces", "team")
        for subresource, wanted in (("", ["kubernetes"]), ("finalize", ["kubernetes", "example.com/hold"])):
            sent = {**made, "spec": {"finalizers": ["kubernetes", "example.com/hold"]}}
            sent["metadata"] = {k: v for k, v in made["metadata"].items() if k != "resourceVersion"}
            answer = await verbs.update(served.resource(), "", "team", sent, WriteOptions(), subresource)
            assert answer.object["spec"]["finalizers"] == wanted
        await delete(place, "namespaces", "team")
        left = await place.get("", "namespaces", "team")
        assert left["spec"]["finalizers"] == ["example.com/hold"]

    run(body)


def test_a_hundred_namespaces_go_without_repeated_work() -> None:
    async def body(place: Place) -> None:
        for number in range(100):
            await make(place, "namespaces", f"n{number}")
            await make(place, "configmaps", "m", namespace=f"n{number}")
        await place.settle()
        before = place.store.revision
        served = place.server.registry.by_plural("", "namespaces")
        assert served is not None
        for number in range(100):
            await place.server.verbs(ADMIN).delete(served.resource(), "", f"n{number}", DeleteOptions())
        await place.settle()
        assert [n for n in await names(place, "namespaces", "") if n.startswith("n")] == []
        # For each: marked, account and map deleted, finalized.
        assert place.store.revision - before <= 100 * 5

    run(body)
