"""What every `Client` must do, as functions over a client of an empty server. The in-process client and the HTTP
client pass the same ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from capstan.api.errors import ApiError
from capstan.api.objects import Key, Obj, Resource, WatchEvent
from capstan.api.rules.takeover import Claim
from capstan.api.verbs import Handover
from capstan.runtime.client.protocol import Client
from capstan.runtime.clock import SystemClock
from capstan.runtime.events import Recorder
from capstan.runtime.executor import Executor
from capstan.runtime.intent import plan_apply
from capstan.runtime.plan import Action, Create, ObjectRef, Plan

CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
CLUSTERS = Resource("cluster.x-k8s.io", "v1beta2", "clusters", "Cluster")

Check = Callable[[Client], Awaitable[None]]


def config_map(name: str, **data: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name[0]}},
        "data": data,
    }


def cluster(name: str) -> Obj:
    return {
        "apiVersion": "cluster.x-k8s.io/v1beta2",
        "kind": "Cluster",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "infrastructureRef": {
                "apiGroup": "infrastructure.cluster.x-k8s.io",
                "kind": "ProxmoxCluster",
                "name": name,
            }
        },
    }


async def refused(action: Awaitable[object]) -> ApiError:
    with pytest.raises(ApiError) as error:
        await action
    return error.value


async def create_then_get_gives_what_the_server_filled_in(client: Client) -> None:
    created = await client.create(CONFIG_MAPS, config_map("a", k="v"))
    assert created["metadata"]["uid"]
    got = await client.get(CONFIG_MAPS, "default", "a")
    assert got["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"]
    assert (await refused(client.create(CONFIG_MAPS, config_map("a")))).reason == "AlreadyExists"
    assert (await refused(client.get(CONFIG_MAPS, "default", "b"))).reason == "NotFound"


async def a_dry_run_creates_nothing(client: Client) -> None:
    await client.create(CONFIG_MAPS, config_map("a"), dry_run=True)
    assert (await refused(client.get(CONFIG_MAPS, "default", "a"))).reason == "NotFound"


async def lists_come_in_pages_and_by_label(client: Client) -> None:
    for name in ("b1", "a2", "a1"):
        await client.create(CONFIG_MAPS, config_map(name))
    first = await client.list(CONFIG_MAPS, "default", label_selector="app in (a,b)", limit=2)
    assert [item["metadata"]["name"] for item in first.items] == ["a1", "a2"]
    rest = await client.list(
        CONFIG_MAPS, "default", label_selector="app in (a,b)", limit=2, continue_token=first.continue_token
    )
    assert [item["metadata"]["name"] for item in rest.items] == ["b1"]
    assert rest.items[0]["kind"] == "ConfigMap"
    labelled = await client.list(CONFIG_MAPS, label_selector="app=a")
    assert len(labelled.items) == 2
    named = await client.list(CONFIG_MAPS, "default", field_selector="metadata.name=b1")
    assert len(named.items) == 1


async def an_update_needs_the_current_revision(client: Client) -> None:
    created = await client.create(CONFIG_MAPS, config_map("a", k="1"))
    updated = await client.update(CONFIG_MAPS, {**created, "data": {"k": "2"}})
    assert updated["data"] == {"k": "2"}
    assert (await refused(client.update(CONFIG_MAPS, {**created, "data": {"k": "3"}}))).reason == "Conflict"


async def patches_merge_and_json(client: Client) -> None:
    await client.create(CONFIG_MAPS, config_map("a", k="1", l="2"))
    patched = await client.patch(CONFIG_MAPS, "default", "a", {"data": {"k": None, "m": "3"}})
    assert patched["data"] == {"l": "2", "m": "3"}
    operations = [{"op": "replace", "path": "/data/l", "value": "9"}]
    patched = await client.patch(CONFIG_MAPS, "default", "a", operations, patch_type="json")
    assert patched["data"]["l"] == "9"


async def an_apply_makes_changes_and_takes_back_what_it_states(client: Client) -> None:
    made = await client.apply(CONFIG_MAPS, config_map("a", k="1", l="2"))
    assert [entry["manager"] for entry in made["metadata"]["managedFields"]] == ["capstan"]
    again = await client.apply(CONFIG_MAPS, config_map("a", k="1", l="2"))
    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    shown = await client.apply(CONFIG_MAPS, config_map("a", k="3"), dry_run=True)
    assert shown["data"] == {"k": "3"}
    left = await client.apply(CONFIG_MAPS, config_map("a", k="1"))
    assert left["data"] == {"k": "1"}
    other = config_map("a", k="other")
    error = await refused(client.apply(CONFIG_MAPS, other, manager="other", force=False))
    assert error.reason == "Conflict"
    assert 'conflict with "capstan": .data.k' in error.message
    taken = await client.apply(CONFIG_MAPS, other, manager="other")
    assert taken["data"] == {"k": "other"}


async def what_an_apply_makes_can_be_handed_over(client: Client) -> None:
    """At once, or with the next plan: the same in the end, and then nothing is written any more."""
    version = CONFIG_MAPS.api_version
    marks: Obj = {"labels": {"app": "a", "cluster.x-k8s.io/cluster-name": "c"}}
    whole = {**config_map("a", k="1"), "metadata": {"name": "a", "namespace": "default", **marks}}
    whole["metadata"]["labels"] = {**marks["labels"], "own": "1"}
    made = await client.apply(CONFIG_MAPS, whole, manager="maker", handover=Handover("keeper", marks))
    intent = {"apiVersion": version, "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default", **marks}}
    for _ in range(2):
        plan = list(plan_apply(CONFIG_MAPS, made, intent, "keeper", "", claim=Claim(maker="maker")))
        if not plan:
            break
        made = (await carried_out(client, *plan))[0]
    assert not list(plan_apply(CONFIG_MAPS, made, intent, "keeper", "", claim=Claim(maker="maker")))
    owned = {entry["manager"]: entry["fieldsV1"] for entry in made["metadata"]["managedFields"]}
    labels: Obj = {"f:app": {}, "f:cluster.x-k8s.io/cluster-name": {}}
    assert owned == {"maker": {"f:data": {"f:k": {}}}, "keeper": {"f:metadata": {"f:labels": labels}}}
    assert made["metadata"]["labels"] == {**marks["labels"], "own": "1"}


async def carried_out(client: Client, *actions: Action, known: list[Obj] | None = None) -> list[Obj]:
    """The results of actions, in the order in which they were carried out. Raises the first error. `known` gets what
    caches are told."""
    subject = ObjectRef(CONFIG_MAPS, Key("default", "subject"))
    told: list[Obj] = [] if known is None else known
    executor = Executor(client, Recorder(client, SystemClock()), written=lambda _resource, obj: told.append(obj))
    outcomes = await executor.run(Plan(subject, actions))
    if outcomes.error is not None:
        raise outcomes.error
    return [outcome.result for outcome in outcomes.items]


async def an_apply_of_a_plan_holds_for_what_was_observed(client: Client) -> None:
    made = await client.apply(CONFIG_MAPS, config_map("a", k="1", l="2"), manager="m")
    await client.patch(CONFIG_MAPS, "default", "a", {"data": {"mine": "1"}})
    stale = list(plan_apply(CONFIG_MAPS, made, config_map("a", k="3"), "m", ""))
    assert (await refused(carried_out(client, *stale))).reason == "Conflict"
    seen = await client.get(CONFIG_MAPS, "default", "a")
    (after,) = await carried_out(client, *plan_apply(CONFIG_MAPS, seen, config_map("a", k="3"), "m", ""))
    assert after["data"] == {"k": "3", "mine": "1"}


async def what_nobody_owns_is_owned_before_it_is_applied(client: Client) -> None:
    made = await client.create(CONFIG_MAPS, config_map("a", k="1"))
    metadata = {"managedFields": [{}], "resourceVersion": made["metadata"]["resourceVersion"]}
    lost = await client.patch(CONFIG_MAPS, "default", "a", {"metadata": metadata})
    assert "managedFields" not in lost["metadata"]
    known: list[Obj] = []
    actions = plan_apply(CONFIG_MAPS, lost, config_map("a", k="1", l="2"), "m", "")
    (after,) = await carried_out(client, *actions, known=known)
    assert known[1:] == [after], "caches know both writes, in their order"
    assert {entry["manager"] for entry in after["metadata"]["managedFields"]} == {"m"}
    (last,) = await carried_out(client, *plan_apply(CONFIG_MAPS, after, config_map("a", k="1"), "m", ""))
    assert last["data"] == {"k": "1"}


def owned_by(owner: Obj) -> Obj:
    controller = {"name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"], "controller": True}
    reference = {"apiVersion": "v1", "kind": "ConfigMap", **controller}
    return {"name": "a", "namespace": "default", "ownerReferences": [reference]}


async def what_is_in_the_way_is_not_taken_over(client: Client) -> None:
    owners = [await client.create(CONFIG_MAPS, config_map(name)) for name in ("owner", "stranger")]
    theirs, mine = ({**config_map("a", k="1"), "metadata": owned_by(owner)} for owner in owners)
    for obj in (theirs, theirs):
        create = Create(resource=CONFIG_MAPS, object=obj, manager="m", reason="it is needed")
        (made,) = await carried_out(client, create)
        assert made["data"] == {"k": "1"}
    error = await refused(carried_out(client, Create(resource=CONFIG_MAPS, object=mine, manager="m", reason="")))
    assert error.reason == "AlreadyExists"


async def a_commit_writes_object_and_status_with_preconditions(client: Client) -> None:
    before = await client.create(CLUSTERS, cluster("c"))
    after = {
        **before,
        "metadata": {**before["metadata"], "finalizers": ["capstan.dev/test"]},
        "status": {"phase": "Provisioning"},
    }
    written = await client.commit(CLUSTERS, before, after)
    assert written["metadata"]["finalizers"] == ["capstan.dev/test"]
    assert written["status"]["phase"] == "Provisioning"
    again = await client.commit(CLUSTERS, written, written)
    assert again["metadata"]["resourceVersion"] == written["metadata"]["resourceVersion"]
    error = await refused(client.commit(CLUSTERS, before, {**before, "status": {"phase": "Failed"}}))
    assert error.reason == "Conflict"
    other = {**written, "metadata": {**written["metadata"], "uid": "00000000-0000-0000-0000-000000000000"}}
    error = await refused(client.commit(CLUSTERS, other, {**other, "status": {"phase": "Failed"}}, guarded=False))
    assert error.reason in ("Conflict", "Invalid")
    assert (await client.get(CLUSTERS, "default", "c"))["status"]["phase"] == "Provisioning"


async def a_commit_that_takes_the_last_finalizer_ends_a_deletion(client: Client) -> None:
    held = cluster("c")
    held["metadata"]["finalizers"] = ["capstan.dev/test"]
    await client.create(CLUSTERS, held)
    await client.delete(CLUSTERS, "default", "c")
    before = await client.get(CLUSTERS, "default", "c")
    assert before["metadata"]["deletionTimestamp"]
    metadata = {name: value for name, value in before["metadata"].items() if name != "finalizers"}
    await client.commit(CLUSTERS, before, {**before, "metadata": metadata, "status": {"phase": "Deleting"}})
    assert (await refused(client.get(CLUSTERS, "default", "c"))).reason == "NotFound"


async def a_delete_holds_for_the_object_that_was_meant(client: Client) -> None:
    created = await client.create(CONFIG_MAPS, config_map("a"))
    error = await refused(client.delete(CONFIG_MAPS, "default", "a", uid="11111111-1111-1111-1111-111111111111"))
    assert error.reason == "Conflict"
    await client.delete(CONFIG_MAPS, "default", "a", uid=created["metadata"]["uid"])
    assert (await refused(client.delete(CONFIG_MAPS, "default", "a"))).reason == "NotFound"


async def a_watch_gives_every_change_once_and_in_order(client: Client) -> None:
    start = (await client.list(CONFIG_MAPS, "default")).resource_version
    created = await client.create(CONFIG_MAPS, config_map("a", k="1"))
    await client.patch(CONFIG_MAPS, "default", "a", {"data": {"k": "2"}})
    await client.delete(CONFIG_MAPS, "default", "a")
    seen: list[WatchEvent] = []
    watch = client.watch(CONFIG_MAPS, "default", resource_version=start)
    async with asyncio.timeout(20):
        async for event in watch:
            if event.type != "BOOKMARK":
                seen.append(event)
            if event.type == "DELETED":
                break
    assert [event.type for event in seen] == ["ADDED", "MODIFIED", "DELETED"]
    assert seen[0].object["metadata"]["uid"] == created["metadata"]["uid"]
    revisions = [int(event.object["metadata"]["resourceVersion"]) for event in seen]
    assert revisions == sorted(set(revisions))


async def a_healthy_server_answers_a_probe(client: Client) -> None:
    await client.probe()


async def the_server_says_what_it_serves(client: Client) -> None:
    assert CLUSTERS in await client.served("cluster.x-k8s.io", "v1beta2")
    core = await client.served("", "v1")
    assert CONFIG_MAPS in core and NAMESPACES in core
    assert not [resource for resource in core if "/" in resource.plural]
    assert list(await client.served("cluster.x-k8s.io", "v1gamma1")) == []
    assert list(await client.served("nobody.example", "v1")) == []


async def a_namespaced_object_needs_its_namespace(client: Client) -> None:
    lost = {**config_map("a"), "metadata": {"name": "a", "namespace": "nowhere"}}
    error = await refused(client.create(CONFIG_MAPS, lost))
    assert error.reason == "NotFound"
    assert "nowhere" in error.message


CHECKS: tuple[Check, ...] = (
    create_then_get_gives_what_the_server_filled_in,
    a_dry_run_creates_nothing,
    lists_come_in_pages_and_by_label,
    an_update_needs_the_current_revision,
    patches_merge_and_json,
    an_apply_makes_changes_and_takes_back_what_it_states,
    what_an_apply_makes_can_be_handed_over,
    an_apply_of_a_plan_holds_for_what_was_observed,
    what_nobody_owns_is_owned_before_it_is_applied,
    what_is_in_the_way_is_not_taken_over,
    a_commit_writes_object_and_status_with_preconditions,
    a_commit_that_takes_the_last_finalizer_ends_a_deletion,
    a_delete_holds_for_the_object_that_was_meant,
    a_watch_gives_every_change_once_and_in_order,
    a_healthy_server_answers_a_probe,
    the_server_says_what_it_serves,
    a_namespaced_object_needs_its_namespace,
)
