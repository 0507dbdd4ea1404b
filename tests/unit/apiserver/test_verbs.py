"""The verbs in the process: what is stored, what is refused, and what costs nothing."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.api.errors import ApiError
from capstan.api.verbs import DeleteOptions, ListOptions, User, WriteOptions

CLUSTER = {
    "spec": {
        "infrastructureRef": {
            "apiGroup": "infrastructure.cluster.x-k8s.io",
            "kind": "ProxmoxCluster",
            "name": "web",
        },
        "controlPlaneRef": {
            "apiGroup": "controlplane.cluster.x-k8s.io",
            "kind": "TalosControlPlane",
            "name": "web",
        },
    }
}


async def refused(awaitable: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await awaitable
    return caught.value


def test_a_new_object_has_what_the_server_sets(run: Any) -> None:
    async def body(world: Any) -> None:
        made = await world.create("Cluster", "web", {**CLUSTER, "status": {"phase": "Mine"}}, uid="mine", generation=7)
        metadata = made["metadata"]
        assert metadata["generation"] == 1
        assert metadata["creationTimestamp"] == "2026-01-01T00:00:00Z"
        assert len(metadata["uid"]) == 36 and metadata["uid"][14] == "4"
        assert metadata["resourceVersion"] == str(world.store.revision)
        assert "phase" not in made.get("status", {})
        assert "generation" not in (await world.create("Secret", "s"))["metadata"]

    run(body)


def test_generated_names_are_of_the_server_and_differ(run: Any) -> None:
    async def body(world: Any) -> None:
        resource = world.resource("ConfigMap")
        made = {"metadata": {"generateName": "x" * 70 + "-"}}
        names = set()
        for _ in range(20):
            answer = await world.verbs.create(resource, "default", made, WriteOptions())
            names.add(answer.object["metadata"]["name"])
        assert len(names) == 20
        assert {len(name) for name in names} == {63}

    run(body)


def test_names_and_places_are_checked(run: Any) -> None:
    async def body(world: Any) -> None:
        config_map = world.resource("ConfigMap")

        async def create(obj: Any, namespace: str = "default") -> ApiError:
            return await refused(world.verbs.create(config_map, namespace, obj, WriteOptions()))

        assert (await create({"metadata": {"name": "Upper"}})).code == 422
        assert (await create({"metadata": {}})).code == 422
        assert (await create({"metadata": {"name": "x", "namespace": "other"}})).code == 400
        assert (await create({"kind": "Secret", "metadata": {"name": "x"}})).code == 400
        assert (await create({"metadata": {"name": "x", "resourceVersion": "3"}})).code == 400
        missing = await create({"metadata": {"name": "x"}}, "nowhere")
        assert (missing.code, missing.message) == (404, 'namespaces "nowhere" not found')
        assert (await create({"metadata": {"name": "x", "labels": {"a": "not ok!"}}})).code == 422
        assert (await create({"metadata": {"name": "x", "finalizers": ["no spaces"]}})).code == 422
        await world.create("ConfigMap", "x")
        assert (await create({"metadata": {"name": "x"}})).reason == "AlreadyExists"

    run(body)


def test_the_generation_counts_spec_and_not_status(run: Any) -> None:
    async def body(world: Any) -> None:
        await world.create("Cluster", "web", CLUSTER)
        changed = await world.patch("Cluster", "web", {"status": {"phase": "Provisioning"}}, subresource="status")
        assert changed["metadata"]["generation"] == 1 and changed["status"]["phase"] == "Provisioning"
        changed = await world.patch("Cluster", "web", {"spec": {"paused": True}, "status": {"phase": "Ignored"}})
        assert changed["metadata"]["generation"] == 2 and changed["status"]["phase"] == "Provisioning"
        changed = await world.patch("Cluster", "web", {"spec": {"paused": False}}, subresource="status")
        assert changed["spec"]["paused"] is True
        changed = await world.patch("Cluster", "web", {"metadata": {"labels": {"a": "b"}}})
        assert changed["metadata"]["generation"] == 2

    run(body)


def test_what_changes_nothing_writes_nothing(run: Any) -> None:
    async def body(world: Any) -> None:
        made = await world.create("Cluster", "web", CLUSTER)
        before = world.store.revision
        await world.patch("Cluster", "web", {"spec": {}})
        await world.patch("Cluster", "web", {"metadata": {"creationTimestamp": None, "uid": None, "finalizers": []}})
        resource = world.resource("Cluster")
        await world.verbs.update(resource, "default", "web", made, WriteOptions())
        await world.verbs.commit(resource, "default", "web", {}, {}, WriteOptions())
        assert world.store.revision == before

    run(body)


def test_stale_writes_are_conflicts(run: Any) -> None:
    async def body(world: Any) -> None:
        made = await world.create("Cluster", "web", CLUSTER)
        await world.patch("Cluster", "web", {"spec": {"paused": True}})
        resource, options = world.resource("Cluster"), WriteOptions()
        stale = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "spec": {"paused": False}}
        error = await refused(world.verbs.patch(resource, "default", "web", "merge", stale, options))
        assert error.reason == "Conflict" and "the object has been modified" in error.message
        error = await refused(world.verbs.update(resource, "default", "web", made, options))
        assert error.reason == "Conflict"
        error = await refused(world.verbs.commit(resource, "default", "web", stale, {}, options))
        assert error.reason == "Conflict"
        other = {"metadata": {"uid": "another"}}
        assert (await refused(world.verbs.patch(resource, "default", "web", "merge", other, options))).code == 409
        unconditional = {**made, "metadata": {"name": "web"}}
        error = await refused(world.verbs.update(resource, "default", "web", unconditional, options))
        assert error.code == 422 and "must be specified for an update" in error.message
        delete = DeleteOptions(resource_version=made["metadata"]["resourceVersion"])
        assert (await refused(world.verbs.delete(resource, "default", "web", delete))).code == 409
        assert (await refused(world.verbs.delete(resource, "default", "web", DeleteOptions(uid="x")))).code == 409

    run(body)


def test_a_commit_of_object_and_status_is_one_revision(run: Any) -> None:
    async def body(world: Any) -> None:
        made = await world.create("Cluster", "web", CLUSTER)
        before = world.store.revision
        patch = {
            "metadata": {"finalizers": ["example.com/f"], "resourceVersion": made["metadata"]["resourceVersion"]},
            "status": {"phase": "Ignored"},
        }
        answer = await world.verbs.commit(
            world.resource("Cluster"), "default", "web", patch, {"status": {"phase": "Provisioning"}}, WriteOptions()
        )
        assert world.store.revision == before + 1
        assert answer.object["metadata"]["finalizers"] == ["example.com/f"]
        assert answer.object["status"]["phase"] == "Provisioning"

    run(body)


def test_finalizers_hold_an_object_until_the_last_is_gone(run: Any) -> None:
    async def body(world: Any) -> None:
        await world.create("Cluster", "web", CLUSTER, finalizers=["example.com/a"])
        marked = await world.delete("Cluster", "web")
        assert marked["metadata"]["deletionTimestamp"] and marked["metadata"]["deletionGracePeriodSeconds"] == 0
        assert marked["metadata"]["generation"] == 2
        before = world.store.revision
        await world.delete("Cluster", "web")
        assert world.store.revision == before
        more = {"metadata": {"finalizers": ["example.com/a", "example.com/b"]}}
        resource = world.resource("Cluster")
        error = await refused(world.verbs.patch(resource, "default", "web", "merge", more, WriteOptions()))
        assert error.code == 422 and "no new finalizers" in error.message
        await world.patch("Cluster", "web", {"metadata": {"finalizers": None}})
        assert await world.names("Cluster") == []
        gone = await refused(world.get("Cluster", "web"))
        assert (gone.code, gone.message) == (404, 'clusters.cluster.x-k8s.io "web" not found')

    run(body)


def test_dry_runs_answer_and_write_nothing(run: Any) -> None:
    async def body(world: Any) -> None:
        resource, dry = world.resource("ConfigMap"), WriteOptions(dry_run=True)
        before = world.store.revision
        answer = await world.verbs.create(resource, "default", {"metadata": {"name": "x"}}, dry)
        assert answer.object["metadata"]["uid"] and "resourceVersion" not in answer.object["metadata"]
        assert world.store.revision == before
        await world.create("ConfigMap", "x")
        before = world.store.revision
        answer = await world.verbs.patch(resource, "default", "x", "merge", {"data": {"a": "b"}}, dry)
        assert answer.object["data"] == {"a": "b"}
        await world.verbs.delete(resource, "default", "x", DeleteOptions(dry_run=True))
        assert world.store.revision == before
        assert (await refused(world.verbs.create(resource, "default", {"metadata": {"name": "x"}}, dry))).code == 409

    run(body)


def test_older_versions_are_views_of_the_stored_one(run: Any) -> None:
    async def body(world: Any) -> None:
        old = {
            "metadata": {"name": "web"},
            "spec": {
                "controlPlaneRef": {
                    "kind": "TalosControlPlane",
                    "apiVersion": "controlplane.cluster.x-k8s.io/v1alpha3",
                    "name": "web",
                }
            },
        }
        answer = await world.verbs.create(world.resource("Cluster", "v1beta1"), "default", old, WriteOptions())
        assert answer.object["apiVersion"] == "cluster.x-k8s.io/v1beta1"
        assert answer.object["spec"]["controlPlaneRef"]["apiVersion"] == "controlplane.cluster.x-k8s.io/v1alpha3"
        stored = await world.get("Cluster", "web")
        assert stored["apiVersion"] == "cluster.x-k8s.io/v1beta2"
        assert stored["spec"]["controlPlaneRef"]["apiGroup"] == "controlplane.cluster.x-k8s.io"

    run(body)


def test_lists_page_at_one_revision(run: Any) -> None:
    async def body(world: Any) -> None:
        for i in range(7):
            await world.create("Secret", f"s{i}", labels={"odd": str(i % 2)})
        resource = world.resource("Secret")
        first = await world.verbs.list(resource, "default", ListOptions(limit=3))
        assert first.remaining == 4
        await world.delete("Secret", "s5")
        await world.create("Secret", "s9")
        second = await world.verbs.list(resource, "default", ListOptions(limit=3, continue_token=first.continue_token))
        third = await world.verbs.list(resource, "", ListOptions(continue_token=second.continue_token))
        names = [o["metadata"]["name"] for page in (first, second, third) for o in page.items]
        assert names == [f"s{i}" for i in range(7)]
        assert {page.resource_version for page in (first, second, third)} == {first.resource_version}
        assert await world.names("Secret", label_selector="odd in (1),odd") == ["s1", "s3"]
        assert await world.names("Secret", field_selector="metadata.name=s2") == ["s2"]
        await world.store.compact(world.store.revision)
        late = ListOptions(limit=3, continue_token=first.continue_token)
        error = await refused(world.verbs.list(resource, "default", late))
        assert error.reason == "Expired"
        again = ListOptions(continue_token=error.details["continue"])
        rest = await world.verbs.list(resource, "default", again)
        assert [o["metadata"]["name"] for o in rest.items] == ["s3", "s4", "s6", "s9"]

    run(body)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"label_selector": "a=("}, 400),
        ({"field_selector": "spec.nothing=1"}, 400),
        ({"continue_token": "bm90aGluZw"}, 400),
        ({"resource_version": "x"}, 400),
        ({"resource_version": "99999999"}, 504),
        ({"resource_version_match": "Exact"}, 422),
        ({"resource_version": "0", "resource_version_match": "Exact"}, 422),
        ({"send_initial_events": True}, 422),
    ],
)
def test_lists_that_cannot_be_answered(run: Any, options: dict[str, Any], code: int) -> None:
    async def body(world: Any) -> None:
        error = await refused(world.verbs.list(world.resource("Secret"), "default", ListOptions(**options)))
        assert error.code == code

    run(body)


def test_a_watch_follows_what_its_selector_selects(run: Any) -> None:
    async def body(world: Any) -> None:
        await world.create("Secret", "a", labels={"x": "1"})
        watch = world.verbs.watch(world.resource("Secret"), "default", ListOptions(label_selector="x=1"))
        assert [(e.type, e.object["metadata"]["name"]) for e in [await anext(watch)]] == [("ADDED", "a")]
        await world.create("Secret", "b")
        await world.patch("Secret", "b", {"metadata": {"labels": {"x": "1"}}})
        await world.patch("Secret", "b", {"metadata": {"labels": {"y": "1"}}})
        await world.patch("Secret", "b", {"metadata": {"labels": {"x": "2"}}})
        await world.delete("Secret", "a")
        events = [await anext(watch) for _ in range(4)]
        assert [(e.type, e.object["metadata"]["name"]) for e in events] == [
            ("ADDED", "b"),
            ("MODIFIED", "b"),
            ("DELETED", "b"),
            ("DELETED", "a"),
        ]
        assert int(events[3].object["metadata"]["resourceVersion"]) == world.store.revision
        await watch.aclose()

    run(body)


def test_a_streaming_list_ends_its_start_with_a_bookmark(run: Any) -> None:
    async def body(world: Any) -> None:
        await world.create("Secret", "a")
        options = ListOptions(allow_bookmarks=True, send_initial_events=True, resource_version_match="NotOlderThan")
        watch = world.verbs.watch(world.resource("Secret"), "default", options)
        first, end = await anext(watch), await anext(watch)
        assert (first.type, end.type) == ("ADDED", "BOOKMARK")
        assert end.object["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert end.object["metadata"]["resourceVersion"] == str(world.store.revision)
        await watch.aclose()

    run(body)


def test_a_watch_from_before_the_history_is_expired(run: Any) -> None:
    async def body(world: Any) -> None:
        await world.create("Secret", "a")
        await world.store.compact(world.store.revision)
        watch = world.verbs.watch(world.resource("Secret"), "default", ListOptions(resource_version="1"))
        assert (await refused(anext(watch))).code == 410

    run(body)


def test_a_watch_ends_when_its_time_is_over(run: Any) -> None:
    async def body(world: Any) -> None:
        options = ListOptions(timeout_seconds=1, allow_bookmarks=True)
        watch = world.verbs.watch(world.resource("Secret"), "default", options)
        assert [event async for event in watch] == []

    run(body)


def test_only_masters_may_do_anything(run: Any) -> None:
    async def body(world: Any) -> None:
        verbs = world.server.verbs(User("eve", ("system:authenticated",)))
        error = await refused(verbs.get(world.resource("Secret"), "default", "x"))
        assert error.code == 403 and 'User "eve" cannot get resource "secrets"' in error.message

    run(body)


def test_scale_reads_and_writes_the_replicas(run: Any) -> None:
    async def body(world: Any) -> None:
        spec = {
            "clusterName": "web",
            "replicas": 2,
            "selector": {"matchLabels": {"a": "b"}},
            "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {
                    "clusterName": "web",
                    "bootstrap": {"dataSecretName": "x"},
                    "infrastructureRef": CLUSTER["spec"]["infrastructureRef"],
                },
            },
        }
        await world.create("MachineDeployment", "md", {"spec": spec})
        scale = await world.patch("MachineDeployment", "md", {"spec": {"replicas": 5}}, subresource="scale")
        assert scale["kind"] == "Scale" and scale["spec"]["replicas"] == 5
        assert (await world.get("MachineDeployment", "md"))["spec"]["replicas"] == 5
        resource = world.resource("MachineDeployment")
        bad = world.verbs.patch(resource, "default", "md", "merge", {"spec": {"replicas": -1}}, WriteOptions(), "scale")
        assert (await refused(bad)).code == 422

    run(body)


def test_strategic_patches_are_for_built_in_kinds(run: Any) -> None:
    async def body(world: Any) -> None:
        await world.create("Cluster", "web", CLUSTER)
        await world.create("ConfigMap", "c", finalizers=["example.com/a"])
        resource = world.resource("Cluster")
        assert (await refused(world.patch("Cluster", "web", {}, "strategic"))).code == 415
        changed = await world.patch("ConfigMap", "c", {"metadata": {"finalizers": ["example.com/b"]}}, "strategic")
        assert sorted(changed["metadata"]["finalizers"]) == ["example.com/a", "example.com/b"]
        assert resource.plural == "clusters"

    run(body)


def test_some_namespaces_stay_and_none_takes_new_content_while_it_ends(run: Any) -> None:
    async def body(world: Any) -> None:
        assert (await refused(world.delete("Namespace", "default"))).code == 403
        await world.create("Namespace", "team", finalizers=["example.com/hold"])
        marked = await world.delete("Namespace", "team")
        assert marked["status"]["phase"] == "Terminating"
        error = await refused(world.create("Secret", "s", namespace="team"))
        assert (error.code, error.causes[0].reason) == (403, "NamespaceTerminating")

    run(body)


def test_own_definitions_are_there_and_cannot_be_changed(run: Any) -> None:
    async def body(world: Any) -> None:
        name = "clusters.cluster.x-k8s.io"
        crd = await world.get("CustomResourceDefinition", name)
        assert crd["spec"]["group"] == "cluster.x-k8s.io"
        assert {c["type"]: c["status"] for c in crd["status"]["conditions"]}["Established"] == "True"
        before = world.store.revision
        answer = await world.verbs.patch(
            world.resource("CustomResourceDefinition"),
            "",
            name,
            "merge",
            {"spec": {"scope": "Cluster"}},
            WriteOptions(),
        )
        assert "read-only copy" in answer.warnings[0] and answer.object == crd
        assert (await refused(world.delete("CustomResourceDefinition", name))).code == 403
        assert world.store.revision == before

    run(body)
