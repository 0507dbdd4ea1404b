"""What runs beside the requests, over hours and restarts: Events expire, definitions are served again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from capstan.api.errors import ApiError
from capstan.api.kinds import Scheme
from capstan.api.objects import Obj, Resource
from capstan.api.scheme import SCHEME
from capstan.api.verbs import DeleteOptions, ListOptions, User, WriteOptions
from capstan.apiserver.server import ApiServer
from capstan.sim import loop as virtual
from capstan.store.memory import MemoryStore

ADMIN = User("admin", ("system:masters",))
START = datetime(2026, 1, 1, tzinfo=UTC)
CRDS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False)
WIDGETS = Resource("example.com", "v1", "widgets", "Widget")
EVENTS = Resource("", "v1", "events", "Event")

BUILT_IN = Scheme([kind for kind in SCHEME.kinds if kind.builtin])


def definition(**size: Any) -> Obj:
    properties = {"size": {"type": "integer", **size}}
    return {
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {"spec": {"type": "object", "properties": properties}},
                        }
                    },
                }
            ],
        },
    }


def server_over(store: MemoryStore) -> ApiServer:
    """A server whose clock is the loop's, as in the simulated world."""
    drawn = iter(range(1_000_000))

    def now() -> datetime:
        return START + timedelta(seconds=asyncio.get_running_loop().time())

    return ApiServer(store, scheme=BUILT_IN, clock=now, token=lambda size: next(drawn).to_bytes(size, "big"))


async def established(server: ApiServer) -> None:
    watch = server.verbs(ADMIN).watch(CRDS, "", ListOptions())
    async for event in watch:
        conditions = event.object.get("status", {}).get("conditions", ())
        if any(c["type"] == "Established" and c["status"] == "True" for c in conditions):
            break
    await watch.aclose()  # type: ignore[attr-defined]


def test_events_end_an_hour_after_their_last_change() -> None:
    async def main() -> None:
        server = server_over(MemoryStore())
        await server.start()
        verbs = server.verbs(ADMIN)
        for name in ("once", "again"):
            obj = {"metadata": {"name": name}, "involvedObject": {"kind": "X"}, "reason": "R", "message": "m"}
            await verbs.create(EVENTS, "default", obj, WriteOptions())
        await asyncio.sleep(1800)
        await verbs.patch(EVENTS, "default", "again", "merge", {"count": 2}, WriteOptions())
        names = {}
        for minute in (59, 61, 91):
            await asyncio.sleep(minute * 60 - asyncio.get_running_loop().time())
            found = await verbs.list(EVENTS, "default", ListOptions())
            names[minute] = [item["metadata"]["name"] for item in found.items]
        assert names == {59: ["again", "once"], 61: ["again"], 91: []}
        await server.stop()

    virtual.run(main())


def test_definitions_are_served_again_after_a_restart() -> None:
    async def main() -> None:
        store = MemoryStore()
        server = server_over(store)
        await server.start()
        verbs = server.verbs(ADMIN)
        with pytest.raises(ApiError, match="could not find the requested resource"):
            await verbs.list(WIDGETS, "", ListOptions())
        await verbs.create(CRDS, "", definition(), WriteOptions())
        await established(server)
        await verbs.create(WIDGETS, "default", {"metadata": {"name": "w"}, "spec": {"other": 1}}, WriteOptions())
        await server.stop()
        server = server_over(store)
        await server.start()
        verbs = server.verbs(ADMIN)
        assert "other" not in (await verbs.get(WIDGETS, "default", "w"))["spec"]
        await verbs.update(
            CRDS,
            "",
            "widgets.example.com",
            {**(await verbs.get(CRDS, "", "widgets.example.com")), "spec": definition(default=3)["spec"]},
            WriteOptions(),
        )
        await asyncio.sleep(1)
        assert (await verbs.get(WIDGETS, "default", "w"))["spec"] == {"size": 3}
        await server.stop()

    virtual.run(main())


def test_a_definition_takes_its_objects_along_and_waits_for_them() -> None:
    async def main() -> None:
        server = server_over(MemoryStore())
        await server.start()
        verbs = server.verbs(ADMIN)
        await verbs.create(CRDS, "", definition(), WriteOptions())
        await established(server)
        for name, finalizers in (("free", []), ("held", ["example.com/hold"])):
            await verbs.create(
                WIDGETS, "default", {"metadata": {"name": name, "finalizers": finalizers}}, WriteOptions()
            )
        await verbs.delete(CRDS, "", "widgets.example.com", DeleteOptions())
        await asyncio.sleep(1)
        left = await verbs.list(WIDGETS, "", ListOptions())
        assert [item["metadata"]["name"] for item in left.items] == ["held"]
        with pytest.raises(ApiError, match="is terminating"):
            await verbs.create(WIDGETS, "default", {"metadata": {"name": "new"}}, WriteOptions())
        await verbs.patch(WIDGETS, "default", "held", "merge", {"metadata": {"finalizers": None}}, WriteOptions())
        await asyncio.sleep(1)
        with pytest.raises(ApiError, match="could not find the requested resource"):
            await verbs.list(WIDGETS, "", ListOptions())
        assert (await verbs.list(CRDS, "", ListOptions())).items == []
        await server.stop()

    virtual.run(main())


def test_bookmarks_come_while_nothing_changes() -> None:
    async def main() -> None:
        server = server_over(MemoryStore())
        await server.start()
        await asyncio.sleep(1)
        options = ListOptions(
            allow_bookmarks=True, timeout_seconds=150, resource_version=str(server.backend.store.revision)
        )
        watch = server.verbs(ADMIN).watch(EVENTS, "", options)
        started, seen = asyncio.get_running_loop().time(), []
        async for event in watch:
            seen.append((event.type, round(asyncio.get_running_loop().time() - started)))
        assert seen == [("BOOKMARK", 60), ("BOOKMARK", 120), ("BOOKMARK", 148)]
        assert asyncio.get_running_loop().time() - started == pytest.approx(150)
        await server.stop()

    virtual.run(main())


def test_equal_seeds_give_equal_worlds() -> None:
    async def main() -> list[Obj]:
        server = server_over(MemoryStore())
        await server.start()
        await asyncio.sleep(1)
        found = await server.verbs(ADMIN).list(
            Resource("", "v1", "serviceaccounts", "ServiceAccount"), "", ListOptions()
        )
        await server.stop()
        return list(found.items)

    first, second = virtual.run(main()), virtual.run(main())
    assert first == second and len(first) == 4
