"""The life of a MachinePool whose provider Capstan does not know: made, scaled, healed, deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from capstan.api.objects import Obj
from capstan.sim.world import World
from tests.sim.foreign import NODES, manifests
from tests.sim.foreignpool import MACHINES, POOLS, ForeignPools, pool
from tests.sim.homelab import state
from tests.sim.test_foreign_providers import CORE, cluster, define, gone, resource, told

CLUSTER = CORE["Cluster"]


def play(contract: str, shows: bool, story: Callable[[World, ForeignPools], Awaitable[None]]) -> None:
    with World() as world:

        async def run() -> None:
            foreign = ForeignPools(world, contract, shows=shows)
            await foreign.start()
            try:
                await story(world, foreign)
            finally:
                await foreign.stop()

        world.run(run())


async def declare(world: World, contract: str, replicas: int = 2) -> None:
    await define(world, contract)
    for obj in [*manifests(), *pool(replicas)]:
        if obj["kind"] not in ("MachineDeployment", "ForeignMachineTemplate", "ForeignConfigTemplate"):
            place = CORE.get(obj["kind"]) or (POOLS if obj["kind"] == "MachinePool" else resource(obj["kind"]))
            await world.plane.client.create(place, obj)


async def found(world: World) -> Obj:
    return await world.plane.client.get(POOLS, "default", "pool")


async def runs(world: World, foreign: ForeignPools, replicas: int) -> Obj:
    """The pool, once it is Running with so many nodes and nothing else."""

    async def holds() -> bool:
        status = (await found(world)).get("status", {})
        refs = [ref["name"] for ref in status.get("nodeRefs", ())]
        counted = [status.get(name) for name in ("replicas", "readyReplicas", "availableReplicas")]
        settled = status.get("phase") == "Running" and counted == [replicas] * 3
        return settled and len(refs) == replicas and refs == await foreign.nodes()

    try:
        await world.until(holds, 600)
    except TimeoutError as error:
        machines = [
            (m["metadata"]["name"], [(c["type"], c["status"], c["message"]) for c in m["status"]["conditions"]])
            for m in (await world.plane.client.list(MACHINES, "default")).items
        ]
        text = f"{(await found(world))['status']}\n{machines}\n{await foreign.nodes()}\n{error}"
        raise AssertionError(text) from None
    return await found(world)


async def scale(world: World, replicas: int) -> None:
    await world.plane.client.patch(POOLS, "default", "pool", {"spec": {"replicas": replicas}})


@pytest.mark.parametrize("contract", ["v1beta1", "v1beta2"])
def test_a_pool_without_machines_lives_and_goes(contract: str) -> None:
    async def story(world: World, foreign: ForeignPools) -> None:
        await declare(world, contract)
        made = await runs(world, foreign, 2)
        assert made["spec"]["providerIDList"] == ["foreign://pool-0", "foreign://pool-1"]
        assert made["spec"]["template"]["spec"]["bootstrap"]["dataSecretName"] == "pool"
        assert made["status"]["versions"] == [{"version": "v1.34.1", "replicas": 2}]
        assert [state(made, t) for t in ("InfrastructureReady", "BootstrapConfigReady")] == ["True", "True"]
        assert (await world.plane.client.list(MACHINES, "default")).items == []
        node = await foreign.inside.get(NODES, "", "pool-0")
        assert node["metadata"]["annotations"]["cluster.x-k8s.io/owner-kind"] == "MachinePool"
        assert "node-role.kubernetes.io/pool" in node["metadata"]["labels"]
        assert (await told(world, "Available", "True"))["status"]["workers"]["availableReplicas"] == 2
        await scale(world, 3)
        await runs(world, foreign, 3)
        await scale(world, 1)
        assert (await runs(world, foreign, 1))["spec"]["providerIDList"] == ["foreign://pool-2"]
        await world.plane.client.delete(POOLS, "default", "pool")
        await asyncio.sleep(60)
        assert await gone(world, POOLS, "pool")
        assert await foreign.nodes() == []
        for kind in ("ForeignMachinePool", "ForeignConfig"):
            assert await gone(world, resource(kind), "pool")

    play(contract, False, story)


@pytest.mark.parametrize("contract", ["v1beta1", "v1beta2"])
def test_a_pool_that_shows_its_machines(contract: str) -> None:
    async def story(world: World, foreign: ForeignPools) -> None:
        await declare(world, contract)
        await runs(world, foreign, 2)
        machines = (await world.plane.client.list(MACHINES, "default")).items
        assert [m["metadata"]["name"] for m in machines] == ["pool-0", "pool-1"]
        for machine in machines:
            owner = next(ref for ref in machine["metadata"]["ownerReferences"] if ref.get("controller"))
            assert owner["kind"] == "MachinePool"
            assert machine["status"]["phase"] == "Running"
        await asyncio.sleep(10)
        counted = (await cluster(world))["status"]["workers"]
        assert [counted.get(f"{name}eplicas") for name in ("r", "readyR", "availableR", "upToDateR")] == [2, 2, 2, 2]
        await scale(world, 1)
        await runs(world, foreign, 1)
        await asyncio.sleep(30)
        assert [m["metadata"]["name"] for m in (await world.plane.client.list(MACHINES, "default")).items] == ["pool-1"]
        # The whole cluster takes the pool, its machines and their nodes with it.
        await world.plane.client.delete(CLUSTER, "default", "foo")
        await asyncio.sleep(120)
        assert await gone(world, CLUSTER, "foo")
        for kind, name in ((POOLS, "pool"), (MACHINES, "pool-1"), (resource("ForeignMachine"), "pool-1")):
            assert await gone(world, kind, name)

    play(contract, True, story)


def test_what_is_missing_is_named_and_a_lost_node_comes_back_into_the_count() -> None:
    async def story(world: World, foreign: ForeignPools) -> None:
        await define(world, "v1beta2")
        await world.plane.client.create(POOLS, pool(2)[0])
        await asyncio.sleep(5)
        assert "Cluster foo" in str((await found(world)).get("status"))
        for obj in manifests(1):
            if obj["kind"] in ("Cluster", "ForeignCluster", "ForeignControlPlane"):
                await world.plane.client.create(CORE.get(obj["kind"]) or resource(obj["kind"]), obj)
        await asyncio.sleep(5)
        waiting = await found(world)
        assert waiting["status"]["phase"] == "Pending"
        text = next(c["message"] for c in waiting["status"]["conditions"] if c["type"] == "InfrastructureReady")
        assert text.startswith("ForeignMachinePool does not exist")
        for obj in pool(2)[1:]:
            await world.plane.client.create(resource(obj["kind"]), obj)
        await runs(world, foreign, 2)
        await foreign.inside.delete(NODES, "", "pool-0")
        await asyncio.sleep(30)
        assert (await runs(world, foreign, 2))["status"]["nodeRefs"][0]["uid"]

    play("v1beta2", False, story)
