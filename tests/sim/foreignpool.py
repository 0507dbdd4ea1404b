"""A provider of machine pools that Capstan does not know: it makes the machines of a pool by itself, as many as the
MachinePool wants, and may show each as an object of its own."""

from __future__ import annotations

from typing import ClassVar

from capstan.api.cluster.kinds import MACHINE, MACHINE_POOL
from capstan.api.errors import is_not_found
from capstan.api.objects import Obj, Resource
from capstan.sim.world import World
from tests.sim.foreign import GROUPS, NAMESPACE, NODES, ForeignProviders, resource

POOLS, MACHINES = MACHINE_POOL.resource(), MACHINE.resource()
POOL_LABEL, CLUSTER_LABEL = "cluster.x-k8s.io/pool-name", "cluster.x-k8s.io/cluster-name"


def pool(replicas: int) -> list[Obj]:
    """What a user declares for a pool."""

    def ref(kind: str) -> Obj:
        return {"apiGroup": GROUPS[kind], "kind": kind, "name": "pool"}

    def named(resource: Resource, spec: Obj) -> Obj:
        metadata = {"name": "pool", "namespace": NAMESPACE}
        return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, "spec": spec}

    template = {
        "metadata": {"labels": {"node-role.kubernetes.io/pool": ""}},
        "spec": {
            "clusterName": "foo",
            "version": "v1.34.1",
            "bootstrap": {"configRef": ref("ForeignConfig")},
            "infrastructureRef": ref("ForeignMachinePool"),
        },
    }
    return [
        named(POOLS, {"clusterName": "foo", "replicas": replicas, "template": template}),
        named(resource("ForeignMachinePool"), {"size": "small"}),
        named(resource("ForeignConfig"), {"format": "none"}),
    ]


class ForeignPools(ForeignProviders):
    """`shows` says whether the single machines of a pool are objects."""

    cares_for: ClassVar = {**ForeignProviders.cares_for, "ForeignMachinePool": ("MachinePool",)}

    def __init__(self, world: World, contract: str, *, shows: bool) -> None:
        super().__init__(world, contract)
        self._shows = shows
        #: The machines that there are, and the number of the next one.
        self.names: list[str] = []
        self._next = 0

    async def _foreignmachinepool(self, obj: Obj) -> tuple[Obj, Obj]:
        wanted = (await self.client.get(POOLS, NAMESPACE, "pool"))["spec"]["replicas"]
        while len(self.names) < wanted:
            self.names.append(f"pool-{self._next}")
            self._next += 1
        while len(self.names) > wanted:
            await self._remove(self.names.pop(0))
        for name in self.names:
            await (self._show(obj, name) if self._shows else self._node(name))
        status: Obj = {"ready": True} if self._is_old else {"initialization": {"provisioned": True}}
        status["replicas"] = len(self.names)
        if self._shows:
            status["infrastructureMachineKind"] = "ForeignMachine"
        return {"providerIDList": [f"foreign://{name}" for name in self.names]}, status

    async def _show(self, owner: Obj, name: str) -> None:
        """A machine of its own; its Node joins once its Machine owns it."""
        labels = {POOL_LABEL: "pool", CLUSTER_LABEL: "foo"}
        ref = {key: owner[key] for key in ("apiVersion", "kind")} | {"name": "pool", "uid": owner["metadata"]["uid"]}
        kind = resource("ForeignMachine")
        meta = {"name": name, "namespace": NAMESPACE, "labels": labels, "ownerReferences": [ref]}
        await self._ensure(kind, {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta, "spec": {}})

    async def _remove(self, name: str) -> None:
        """A machine that is shown goes by its Machine, so that it is drained; another one is just gone."""
        if self._shows:
            try:
                await self.client.delete(MACHINES, NAMESPACE, name)
            except Exception as error:
                if not is_not_found(error):
                    raise

    async def let_go(self, obj: Obj) -> None:
        if obj["kind"] == "ForeignMachinePool":
            for name in self.names:
                await self._remove(name)
            self.names.clear()

    async def nodes(self) -> list[str]:
        return sorted(node["metadata"]["name"] for node in (await self.inside.list(NODES)).items)
