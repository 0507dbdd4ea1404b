"""Owner references: what goes with its owners, what waits for its dependents, and what is let go."""

from __future__ import annotations

from typing import Any

from capstan.api.objects import Obj
from capstan.api.verbs import WriteOptions


def owner_ref(owner: Obj, **more: Any) -> Obj:
    metadata = owner["metadata"]
    ref = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": metadata["name"], "uid": metadata["uid"]}
    return {**ref, **more}


def test_dependents_go_with_their_last_owner(run: Any) -> None:
    async def body(world: Any) -> None:
        first, second = await world.create("ConfigMap", "first"), await world.create("ConfigMap", "second")
        refs = [owner_ref(first), owner_ref(second)]
        child = await world.create("Secret", "child", ownerReferences=refs)
        await world.create("Secret", "grandchild", ownerReferences=[owner_ref(child)])
        await world.delete("ConfigMap", "first")
        await world.settle()
        left = (await world.get("Secret", "child"))["metadata"]["ownerReferences"]
        assert [ref["name"] for ref in left] == ["second"]
        await world.delete("ConfigMap", "second")
        await world.settle()
        assert await world.names("Secret") == []

    run(body)


def test_an_owner_that_never_was_takes_its_dependent_along(run: Any) -> None:
    async def body(world: Any) -> None:
        owner = await world.create("ConfigMap", "owner")
        stranger = {**owner_ref(owner), "uid": "00000000-0000-4000-8000-000000000000"}
        await world.create("Secret", "child", ownerReferences=[stranger])
        await world.create("Secret", "kept", ownerReferences=[{**stranger, "kind": "Unknown"}])
        await world.settle()
        assert await world.names("Secret") == ["kept"]

    run(body)


def test_an_owner_in_another_namespace_does_not_count(run: Any) -> None:
    async def body(world: Any) -> None:
        owner = await world.create("ConfigMap", "owner", namespace="kube-public")
        await world.create("Secret", "child", ownerReferences=[owner_ref(owner)])
        await world.settle()
        assert await world.names("Secret") == []

    run(body)


def test_foreground_waits_for_blocking_dependents(run: Any) -> None:
    async def body(world: Any) -> None:
        owner = await world.create("ConfigMap", "owner")
        blocking = [owner_ref(owner, blockOwnerDeletion=True)]
        await world.create("Secret", "slow", ownerReferences=blocking, finalizers=["example.com/hold"])
        await world.create("Secret", "quick", ownerReferences=blocking)
        await world.delete("ConfigMap", "owner", propagation="Foreground")
        await world.settle()
        assert await world.names("Secret") == ["slow"]
        waiting = await world.get("ConfigMap", "owner")
        assert waiting["metadata"]["finalizers"] == ["foregroundDeletion"]
        await world.patch("Secret", "slow", {"metadata": {"finalizers": None}})
        await world.settle()
        assert "owner" not in await world.names("ConfigMap")

    run(body)


def test_orphans_lose_their_reference_and_stay(run: Any) -> None:
    async def body(world: Any) -> None:
        owner = await world.create("ConfigMap", "owner")
        await world.create("Secret", "child", ownerReferences=[owner_ref(owner)])
        await world.delete("ConfigMap", "owner", propagation="Orphan")
        await world.settle()
        assert "owner" not in await world.names("ConfigMap")
        assert "ownerReferences" not in (await world.get("Secret", "child"))["metadata"]

    run(body)


def test_a_circle_of_owners_does_not_block(run: Any) -> None:
    async def body(world: Any) -> None:
        made = [await world.create("ConfigMap", f"circle-{i}") for i in range(3)]
        for i, obj in enumerate(made):
            refs = [owner_ref(obj, blockOwnerDeletion=True)]
            await world.patch("ConfigMap", f"circle-{(i + 1) % 3}", {"metadata": {"ownerReferences": refs}})
        await world.settle()
        await world.delete("ConfigMap", "circle-0", propagation="Foreground")
        await world.settle()
        assert [n for n in await world.names("ConfigMap") if n.startswith("circle")] == []

    run(body)


def test_a_namespace_is_emptied_and_then_gone(run: Any) -> None:
    async def body(world: Any) -> None:
        await world.create("Namespace", "team")
        await world.settle()
        assert await world.names("ServiceAccount", "team") == ["default"]
        await world.create("Secret", "held", namespace="team", finalizers=["example.com/hold"])
        await world.create("ConfigMap", "free", namespace="team")
        await world.delete("Namespace", "team")
        await world.settle()
        left = await world.get("Namespace", "team")
        assert left["status"]["phase"] == "Terminating"
        messages = {c["type"]: c["message"] for c in left["status"]["conditions"]}
        assert "secrets. has 1 resource instances" in messages["NamespaceContentRemaining"]
        assert "example.com/hold in 1 resource instances" in messages["NamespaceFinalizersRemaining"]
        assert await world.names("ConfigMap", "team") == []
        resource = world.resource("Secret")
        patch = {"metadata": {"finalizers": []}}
        await world.verbs.patch(resource, "team", "held", "merge", patch, WriteOptions())
        await world.settle()
        assert "team" not in await world.names("Namespace")

    run(body)
