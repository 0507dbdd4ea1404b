"""The informer and the cache on the embedded API server, in virtual time: indexes, own writes, deletions, restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from capstan.api.cluster.cluster import Cluster
from capstan.api.errors import TransientError
from capstan.api.objects import GroupKind, Key, Obj, Resource
from capstan.api.scheme import SCHEME
from capstan.api.verbs import User
from capstan.apiserver.server import ApiServer
from capstan.runtime.cache import Cache, CachedReader, contract_resource, version_priority
from capstan.runtime.client.local import LocalClient
from capstan.runtime.informer import Entry, Informer
from capstan.sim import loop
from capstan.sim.clock import VirtualClock
from capstan.sim.keys import SeededKeys
from capstan.store.memory import MemoryStore

CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")

Scene = Callable[[LocalClient, VirtualClock], Awaitable[None]]


def play(scene: Scene) -> None:
    async def story() -> None:
        clock, keys = VirtualClock(asyncio.get_running_loop()), SeededKeys(1)
        server = ApiServer(MemoryStore(), scheme=SCHEME, clock=clock.now, token=keys.token)
        await server.start()
        await scene(LocalClient(server.verbs(User("admin", ("system:masters",)))), clock)
        await server.stop()

    loop.run(story())


def config_map(name: str, owner_uid: str = "", **labels: str) -> Obj:
    metadata: Obj = {"name": name, "namespace": "default", "labels": labels}
    if owner_uid:
        metadata["ownerReferences"] = [{"apiVersion": "v1", "kind": "Node", "name": "o", "uid": owner_uid}]
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


async def started(informer: Informer) -> asyncio.Task[None]:
    task = asyncio.ensure_future(informer.run())
    await informer.wait_synced()
    return task


def names(entries: list[Entry]) -> list[str]:
    return sorted(entry.key.name for entry in entries)


def test_indexes_follow_changes_and_deletions() -> None:
    async def scene(client: LocalClient, _clock: VirtualClock) -> None:
        await client.create(CONFIG_MAPS, config_map("a", app="x"))
        informer = Informer(client, CONFIG_MAPS)
        task = await started(informer)
        await client.create(CONFIG_MAPS, config_map("b", app="x"))
        await client.patch(CONFIG_MAPS, "default", "a", {"metadata": {"labels": {"app": "y"}}})
        await asyncio.sleep(1)
        assert names(informer.lookup("label", "app=x")) == ["b"]
        assert names(informer.lookup("label", "app=y")) == ["a"]
        await client.delete(CONFIG_MAPS, "default", "b")
        await asyncio.sleep(1)
        assert informer.lookup("label", "app=x") == []
        assert informer.get(Key("default", "b")) is None
        task.cancel()

    play(scene)


def test_an_own_write_is_seen_at_once_and_told_once() -> None:
    async def scene(client: LocalClient, _clock: VirtualClock) -> None:
        informer = Informer(client, CONFIG_MAPS)
        told: list[tuple[int, int]] = []
        informer.on_change(lambda old, new: told.append((old.revision if old else 0, new.revision if new else 0)))
        task = await started(informer)
        told.clear()
        created = await client.create(CONFIG_MAPS, config_map("a"))
        informer.observe(created)
        assert informer.get(Key("default", "a")) is not None
        await asyncio.sleep(1)
        assert len(told) == 1
        task.cancel()

    play(scene)


def test_an_answer_that_comes_late_does_not_bring_back_what_is_gone() -> None:
    async def scene(client: LocalClient, _clock: VirtualClock) -> None:
        informer = Informer(client, CONFIG_MAPS)
        task = await started(informer)
        created = await client.create(CONFIG_MAPS, config_map("a"))
        await client.delete(CONFIG_MAPS, "default", "a")
        await asyncio.sleep(1)
        informer.observe(created)
        assert informer.get(Key("default", "a")) is None
        task.cancel()

    play(scene)


def test_one_handler_that_fails_does_not_stop_the_others() -> None:
    async def scene(client: LocalClient, _clock: VirtualClock) -> None:
        informer = Informer(client, CONFIG_MAPS)
        seen: list[str] = []

        def broken(_old: Entry | None, _new: Entry | None) -> None:
            raise ValueError("a mapping with a bug")

        informer.on_change(broken)
        informer.on_change(lambda _old, new: seen.append(new.key.name) if new else None)
        task = await started(informer)
        await client.create(CONFIG_MAPS, config_map("a"))
        await asyncio.sleep(1)
        assert seen[-1] == "a"
        task.cancel()

    play(scene)


def test_the_reader_selects_by_owner_and_label_and_decodes_once() -> None:
    async def scene(client: LocalClient, clock: VirtualClock) -> None:
        cache = Cache(client, SCHEME, clock)
        cache.of(Cluster)
        await cache.start()
        reader = CachedReader(cache)
        resource = SCHEME.of(Cluster).resource()
        for name, site in (("b", "home"), ("a", "home"), ("c", "away")):
            obj = {
                "apiVersion": "cluster.x-k8s.io/v1beta2",
                "kind": "Cluster",
                "metadata": {"name": name, "namespace": "default", "labels": {"site": site}},
                "spec": {"infrastructureRef": {"apiGroup": "x.example", "kind": "X", "name": name}},
            }
            cache.written(resource, await client.create(resource, obj))
        found = reader.list(Cluster, labels={"site": "home"})
        assert [cluster.metadata.name for cluster in found] == ["a", "b"]
        assert reader.get(Cluster, "default", "a") is found[0], "one view for all readers"
        assert reader.get(Cluster, "default", "none") is None
        await cache.stop()

    play(scene)


def test_versions_are_ordered_as_kubernetes_orders_them() -> None:
    given = ["v1alpha1", "v2", "v1", "v1beta2", "v1beta10", "v1alpha3", "other"]
    assert sorted(given, key=version_priority, reverse=True)[:6] == [
        "v2",
        "v1",
        "v1beta10",
        "v1beta2",
        "v1alpha3",
        "v1alpha1",
    ]


OLDER, NEWER = {"cluster.x-k8s.io/v1beta1": "v1alpha1_v1alpha2"}, {"cluster.x-k8s.io/v1beta2": "v1alpha4_v1alpha3"}


@pytest.mark.parametrize(
    ("labels", "version", "contract"),
    [
        (OLDER, "v1alpha2", "v1beta1"),
        (NEWER, "v1alpha4", "v1beta2"),
        ({**OLDER, **NEWER}, "v1alpha4", "v1beta2"),
        ({"cluster.x-k8s.io/v1beta2": "v1"}, "v1", "v1beta2"),
        ({"cluster.x-k8s.io/v1beta2": "", **OLDER}, "v1alpha2", "v1beta1"),
    ],
)
def test_the_contract_of_a_provider_kind(labels: dict[str, str], version: str, contract: str) -> None:
    names = {"kind": "Thing", "plural": "things"}
    crd = {"metadata": {"labels": labels}, "spec": {"names": names, "scope": "Namespaced"}}
    resource, found = contract_resource(crd, GroupKind("x.example", "Thing"))
    assert (resource.version, resource.plural, found) == (version, "things", contract)


@pytest.mark.parametrize("labels", [None, {}, {"cluster.x-k8s.io/v1alpha4": "v1"}])
def test_a_kind_without_a_contract_is_no_providers(labels: dict[str, str] | None) -> None:
    crd = {"metadata": {"labels": labels}, "spec": {"names": {"kind": "Thing", "plural": "things"}}}
    with pytest.raises(TransientError, match="has no contract label"):
        contract_resource(crd, GroupKind("x.example", "Thing"))
