"""Ownership is followed through the versions of a kind, by whatever converts them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from capstan.api.objects import Obj
from capstan.api.verbs import WriteOptions
from capstan.apiserver.apply.ownership import Ownership, Write
from capstan.apiserver.resources import Served, ServedVersion, Target
from tests.unit.apiserver.apply.maps import Maps, owners
from tests.unit.apiserver.test_verbs import CLUSTER, refused


def test_ownership_is_followed_through_versions(run: Any) -> None:
    async def body(world: Any) -> None:
        old, new = Maps(world, "Cluster", "v1beta1"), Maps(world, "Cluster", "v1beta2")
        await new.apply({"spec": {**CLUSTER["spec"], "paused": True}}, by="user")
        api_version = "infrastructure.cluster.x-k8s.io/v1beta1"
        other = {"apiVersion": api_version, "kind": "ProxmoxCluster", "name": "other"}
        error = await refused(old.apply({"spec": {"infrastructureRef": other}}, by="robot"))
        assert 'conflict with "user": .spec.infrastructureRef.name' in str(error)
        taken = await old.apply({"spec": {"paused": False}}, by="robot", force=True)
        versions = {e["manager"]: e["apiVersion"].rpartition("/")[2] for e in taken.object["metadata"]["managedFields"]}
        assert versions == {"robot": "v1beta1", "user": "v1beta2"}
        assert "f:paused" not in owners(taken.object)["user/Apply"]["f:spec"]

    run(body)


def test_an_entry_of_a_version_that_is_gone_is_dropped(run: Any) -> None:
    async def body(world: Any) -> None:
        clusters = Maps(world, "Cluster")
        made = (await clusters.apply(CLUSTER, by="user")).object
        group = clusters.resource.group
        gone = {**made["metadata"]["managedFields"][0], "manager": "old", "apiVersion": f"{group}/v1alpha3"}
        both = [*made["metadata"]["managedFields"], gone]
        await clusters.patch({"metadata": {"managedFields": both}}, by="editor")
        changed = (await clusters.apply({**CLUSTER, "metadata": {"labels": {"a": "1"}}}, by="user")).object
        assert set(owners(changed)) == {"user/Apply"}

    run(body)


class Webhook:
    """Converts by renaming one field, as a webhook outside of the process would."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def convert(self, objects: Sequence[Obj], api_version: str) -> list[Obj]:
        self.asked.append(api_version)
        names = ("size", "length") if api_version.endswith("v2") else ("length", "size")
        found = []
        for obj in objects:
            spec = {names[1] if name == names[0] else name: value for name, value in obj.get("spec", {}).items()}
            found.append({**obj, "apiVersion": api_version, "spec": spec})
        return found


def test_ownership_is_followed_through_a_webhook() -> None:
    async def main() -> None:
        webhook = Webhook()
        integers = {"size": {"type": "integer"}, "length": {"type": "integer"}}
        schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": integers}}}
        versions = tuple(ServedVersion(name, lambda: schema, lambda: None) for name in ("v1", "v2"))
        served = Served("example.com", "Wig", "wigs", versions, "v1", custom=True, converter=webhook)
        ownership = Ownership(lambda: "2026-01-01T00:00:00Z")
        targets = {version.name: Target(served, version, "default") for version in versions}
        config = {"apiVersion": "example.com/v1", "kind": "Wig", "metadata": {"name": "a"}, "spec": {"size": 1}}
        mine = Write(targets["v1"], WriteOptions(field_manager="me"), "")
        first = await ownership.applied(mine, None, config)
        entries = ownership.settled(first, None, changed=True)
        live = {**first.object, "metadata": {"name": "a", "managedFields": entries}}
        seen = (await webhook.convert([live], "example.com/v2"))[0]
        webhook.asked.clear()
        longer = {**config, "apiVersion": "example.com/v2", "spec": {"length": 2}}
        theirs = Write(targets["v2"], WriteOptions(field_manager="them"), "")
        error = await refused(ownership.applied(theirs, seen, longer))
        assert str(error) == 'Apply failed with 1 conflict: conflict with "me": .spec.size'
        assert webhook.asked == ["example.com/v1", "example.com/v1"]
        forced = Write(targets["v2"], WriteOptions(field_manager="them", force=True), "")
        taken = await ownership.applied(forced, seen, longer)
        assert taken.object["spec"] == {"length": 2}
        assert {m.manager for m in taken.managers.values()} == {"them"}

    asyncio.run(main())
