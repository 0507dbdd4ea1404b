"""Group A: watches of ConfigMaps: everything, in order, from where one stopped, by selector."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.conformance.kubernetes.harness import Kube, Obj


def _labelled(name: str, label: str, **data: str) -> Obj:
    return {"metadata": {"name": name, "labels": {"watch-this-configmap": label}}, "data": data}


def test_add_update_delete(against: Any) -> None:
    """[sig-api-machinery] Watchers should observe add, update, and delete watch notifications on configmaps"""

    async def body(kube: Kube) -> None:
        maps, label = kube.path("v1", "configmaps"), "watch-this-configmap"
        start = {"resourceVersion": (await kube.get(maps))["metadata"]["resourceVersion"]}
        async with (
            kube.watch(maps, labelSelector=f"{label}=A", **start) as of_a,
            kube.watch(maps, labelSelector=f"{label}=B", **start) as of_b,
            kube.watch(maps, labelSelector=f"{label} in (A,B)", **start) as of_both,
        ):
            watches = {"A": (of_a, of_both), "B": (of_b, of_both)}
            for name in ("A", "B"):
                path = f"{maps}/e2e-watch-test-{name.lower()}"
                await kube.create(maps, _labelled(f"e2e-watch-test-{name.lower()}", name))
                await kube.patch(path, {"data": {"mutation": "1"}})
                await kube.patch(path, {"data": {"mutation": "2"}})
                await kube.delete(path)
                wanted = [("ADDED", None), ("MODIFIED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]
                for watch in watches[name]:
                    events = [await watch.next() for _ in wanted]
                    seen = [(one["type"], (one["object"].get("data") or {}).get("mutation")) for one in events]
                    assert seen == wanted
                    assert {one["object"]["metadata"]["labels"][label] for one in events} == {name}

    against(body)


def test_from_a_version(against: Any) -> None:
    """[sig-api-machinery] Watchers should be able to start watching from a specific resource version"""

    async def body(kube: Kube) -> None:
        maps = kube.path("v1", "configmaps")
        await kube.create(maps, _labelled("from", "from-rv"))
        first = await kube.patch(f"{maps}/from", {"data": {"mutation": "1"}})
        await kube.patch(f"{maps}/from", {"data": {"mutation": "2"}})
        await kube.delete(f"{maps}/from")
        version = first["metadata"]["resourceVersion"]
        async with kube.watch(maps, resourceVersion=version, labelSelector="watch-this-configmap=from-rv") as watch:
            events = [await watch.next(), await watch.next()]
            seen = [(one["type"], one["object"]["data"]["mutation"]) for one in events]
            assert seen == [("MODIFIED", "2"), ("DELETED", "2")]

    against(body)


def test_restart(against: Any) -> None:
    """[sig-api-machinery] Watchers should be able to restart watching from the last resource version observed by the
    previous watch"""

    async def body(kube: Kube) -> None:
        maps, selector = kube.path("v1", "configmaps"), "watch-this-configmap=restart"
        start = (await kube.get(maps))["metadata"]["resourceVersion"]
        async with kube.watch(maps, resourceVersion=start, labelSelector=selector) as watch:
            await kube.create(maps, _labelled("again", "restart"))
            await kube.patch(f"{maps}/again", {"data": {"mutation": "1"}})
            assert (await watch.next())["type"] == "ADDED"
            last = (await watch.next())["object"]["metadata"]["resourceVersion"]
        await kube.patch(f"{maps}/again", {"data": {"mutation": "2"}})
        async with kube.watch(maps, resourceVersion=last, labelSelector=selector) as watch:
            await kube.delete(f"{maps}/again")
            event = await watch.next()
            assert (event["type"], event["object"]["data"]) == ("MODIFIED", {"mutation": "2"})
            assert (await watch.next())["type"] == "DELETED"

    against(body)


def test_selector_no_longer_met(against: Any) -> None:
    """[sig-api-machinery] Watchers should observe an object deletion if it stops meeting the requirements of the
    selector"""

    async def body(kube: Kube) -> None:
        maps, path = kube.path("v1", "configmaps"), kube.path("v1", "configmaps", "changing")
        start = (await kube.get(maps))["metadata"]["resourceVersion"]
        async with kube.watch(maps, resourceVersion=start, labelSelector="watch-this-configmap=here") as watch:
            await kube.create(maps, _labelled("changing", "here"))
            await kube.patch(path, {"data": {"mutation": "1"}})
            await kube.patch(path, {"metadata": {"labels": {"watch-this-configmap": "away"}}})
            await kube.patch(path, {"data": {"mutation": "2"}})
            await kube.patch(path, {"metadata": {"labels": {"watch-this-configmap": "here"}}})
            await kube.patch(path, {"data": {"mutation": "3"}})
            await kube.delete(path)
            events = [await watch.next() for _ in range(6)]
            seen = [(one["type"], (one["object"].get("data") or {}).get("mutation")) for one in events]
            assert seen == [
                ("ADDED", None),
                ("MODIFIED", "1"),
                ("DELETED", "1"),
                ("ADDED", "2"),
                ("MODIFIED", "3"),
                ("DELETED", "3"),
            ]

    against(body)


def test_same_order(against: Any) -> None:
    """[sig-api-machinery] Watchers should receive events on concurrent watches in same order"""

    async def body(kube: Kube) -> None:
        maps, rounds, watched = kube.path("v1", "configmaps"), 100, 30
        start = (await kube.get(maps))["metadata"]["resourceVersion"]

        async def produce() -> None:
            for number in range(rounds):
                name = f"order-{number % 7}"
                answer = await kube.raw("POST", maps, {"metadata": {"name": name}})
                # It was there: it is changed or taken away. Each round makes one event.
                if answer.status == 409 and number % 3:
                    await kube.delete(f"{maps}/{name}")
                elif answer.status == 409:
                    await kube.patch(f"{maps}/{name}", {"data": {"n": str(number)}})

        async def follow(version: str, count: int) -> list[str]:
            async with kube.watch(maps, resourceVersion=version) as watch:
                return [(await watch.next())["object"]["metadata"]["resourceVersion"] for _ in range(count)]

        producing = asyncio.create_task(produce())
        versions = await follow(start, rounds)
        await producing
        assert versions == sorted(versions, key=int)
        others = await asyncio.gather(
            *(follow(versions[place], rounds - place - 1) for place in range(watched)),
        )
        for place, seen in enumerate(others):
            assert seen == versions[place + 1 :]

    against(body)
