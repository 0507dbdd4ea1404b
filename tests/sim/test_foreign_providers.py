"""Clusters whose providers Capstan does not know: found by the labels of their CRDs, in both contract versions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from capstan.api.cluster.kinds import CLUSTER, MACHINE, MACHINE_DEPLOYMENT
from capstan.api.errors import is_not_found
from capstan.api.objects import Obj, Resource
from capstan.sim.world import World
from tests.sim.foreign import CRDS, GROUPS, NODES, ForeignProviders, definition, manifests, resource
from tests.sim.homelab import state

CORE = {kind.kind: kind.resource() for kind in (CLUSTER, MACHINE, MACHINE_DEPLOYMENT)}


def play(contract: str, story: Callable[[World, ForeignProviders], Awaitable[None]]) -> None:
    with World() as world:

        async def run() -> None:
            foreign = ForeignProviders(world, contract)
            await foreign.start()
            try:
                await story(world, foreign)
            finally:
                await foreign.stop()

        world.run(run())


def place(obj: Obj) -> Resource:
    return CORE.get(obj["kind"]) or resource(obj["kind"])


async def apply(world: World, *objects: Obj) -> None:
    for obj in objects:
        await world.plane.client.create(place(obj), obj)


async def define(world: World, contract: str, *kinds: str) -> None:
    for kind in kinds or tuple(GROUPS):
        await world.plane.client.create(CRDS, definition(kind, contract))
    await asyncio.sleep(5)


async def cluster(world: World) -> Obj:
    return await world.plane.client.get(CORE["Cluster"], "default", "foo")


async def told(world: World, condition: str, status: str, text: str = "") -> Obj:
    async def holds() -> bool:
        conditions = (await cluster(world)).get("status", {}).get("conditions", ())
        found: Obj = next((c for c in conditions if c["type"] == condition), {})
        return found.get("status") == status and text in found.get("message", "")

    try:
        await world.until(holds, 600)
    except TimeoutError as error:
        raise AssertionError(f"{(await cluster(world))['status']}\n{error}") from None
    return await cluster(world)


async def gone(world: World, kind: Resource, name: str, namespace: str = "default") -> bool:
    try:
        await world.plane.client.get(kind, namespace, name)
    except Exception as error:
        return is_not_found(error)
    return False


@pytest.mark.parametrize("contract", ["v1beta1", "v1beta2"])
def test_a_cluster_of_foreign_providers_lives_and_goes(contract: str) -> None:
    async def story(world: World, foreign: ForeignProviders) -> None:
        await define(world, contract)
        await apply(world, *manifests())
        found = await told(world, "Available", "True")
        assert found["spec"]["controlPlaneEndpoint"] == {"host": "10.7.0.5", "port": 6443}
        assert [d["name"] for d in found["status"]["failureDomains"]] == ["a", "b"]
        assert found["status"]["workers"]["availableReplicas"] == 2
        assert found["status"]["controlPlane"]["versions"] == [{"version": "v1.34.1"}]
        machines = (await world.plane.client.list(CORE["Machine"], "default")).items
        assert {m["status"]["nodeRef"]["name"] for m in machines} == {m["metadata"]["name"] for m in machines}
        assert all(m["spec"]["providerID"] == f"foreign://{m['metadata']['name']}" for m in machines)
        # The nodes of a control plane that somebody else runs are drained and removed, though it has no Machines.
        patch = {"spec": {"replicas": 0}}
        await world.plane.client.patch(CORE["MachineDeployment"], "default", "foo", patch)
        await world.until(lambda: no_nodes(foreign), 600)
        await world.plane.client.delete(CORE["Cluster"], "default", "foo")
        await asyncio.sleep(120)
        assert await gone(world, CORE["Cluster"], "foo")
        for kind in ("ForeignCluster", "ForeignControlPlane"):
            assert await gone(world, resource(kind), "foo")

    async def no_nodes(foreign: ForeignProviders) -> bool:
        machines = (await foreign.client.list(CORE["Machine"], "default")).items
        return not machines and not (await foreign.inside.list(NODES)).items

    play(contract, story)


def test_a_provider_that_is_installed_late_or_wrongly_holds_nobody_else_up() -> None:
    async def story(world: World, foreign: ForeignProviders) -> None:
        client = world.plane.client
        core = [obj for obj in manifests(1) if obj["kind"] in CORE]
        rest = [obj for obj in manifests(1) if obj["kind"] not in CORE]
        await apply(world, *core)
        await told(world, "InfrastructureReady", "Unknown", "no CustomResourceDefinition serves ForeignCluster")
        await define(world, "", "ForeignCluster")
        await told(world, "InfrastructureReady", "Unknown", "has no contract label")
        await define(world, "v1beta2", *(kind for kind in GROUPS if kind != "ForeignCluster"))
        crd = definition("ForeignCluster", "v1beta2")
        await client.patch(CRDS, "", crd["metadata"]["name"], {"metadata": {"labels": crd["metadata"]["labels"]}})
        await apply(world, *rest)
        await told(world, "Available", "True")

    play("v1beta2", story)


def test_an_object_that_nobody_can_read_holds_nobody_else_up() -> None:
    async def story(world: World, _foreign: ForeignProviders) -> None:
        await define(world, "v1beta2")
        await apply(world, *manifests(1))
        await told(world, "Available", "True")
        kind = resource("ForeignCluster")
        nonsense = {"conditions": [{"status": "True"}], "failureDomains": "none", "initialization": "later"}
        await world.plane.client.patch(kind, "default", "foo", {"status": nonsense}, subresource="status")
        found = await told(world, "InfrastructureReady", "Unknown", "type must be set for all conditions")
        assert found["status"]["initialization"]["infrastructureProvisioned"] is True
        await world.plane.client.patch(CORE["MachineDeployment"], "default", "foo", {"spec": {"replicas": 2}})
        await world.until(lambda: scaled(world), 600)
        await world.plane.client.patch(kind, "default", "foo", {"status": None}, subresource="status")
        assert state(await told(world, "Available", "True"), "InfrastructureReady") == "True"

    async def scaled(world: World) -> bool:
        machines = (await world.plane.client.list(CORE["Machine"], "default")).items
        return [state(m, "Ready") for m in machines] == ["True", "True"]

    play("v1beta2", story)
