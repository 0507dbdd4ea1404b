"""Carries out what a Machine asks of its workload cluster: change its Node, empty it, remove it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from capstan.api.errors import ApiError, is_not_found
from capstan.api.objects import Obj, Resource
from capstan.api.struct import encode
from capstan.controllers.machine.plan.deletion import DeleteNode
from capstan.controllers.machine.plan.drain.eviction import Evictions, EvictPods, refusal_text
from capstan.controllers.machine.plan.node import PatchNode
from capstan.controllers.machine.pods import Place
from capstan.controllers.machine.reads import PODS
from capstan.runtime.controller import Handler
from capstan.runtime.plan import Action
from capstan.runtime.workload import WorkloadClients

NODES = Resource("", "v1", "nodes", "Node", namespaced=False)


class NodeActor:
    """Speaks to the API servers of workload clusters."""

    def __init__(self, clients: WorkloadClients) -> None:
        self._clients = clients

    def handlers(self) -> Mapping[type[Action], Handler]:
        return {PatchNode: self.patch_node, EvictPods: self.evict_pods, DeleteNode: self.delete_node}

    async def patch_node(self, action: PatchNode) -> Obj:
        """A merge patch of what differs. Labels and annotations are merged key by key; taints are replaced as a
        whole, so that a Node which changed meanwhile refuses those (409)."""
        client = await self._clients.client(action.cluster, action.kubeconfig)
        taints_change = action.before.spec.taints != action.after.spec.taints
        return await client.commit(NODES, encode(action.before), encode(action.after), guarded=taints_change)

    async def evict_pods(self, action: EvictPods) -> Evictions:
        """In order, until the time is over. A refusal is an answer; a cluster that falls silent is an error."""
        client = await self._clients.client(action.cluster, action.kubeconfig)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + action.seconds
        refused: dict[Place, str] = {}
        gone: set[Place] = set()
        short: set[Place] = set()
        for place in action.pods:
            if loop.time() >= deadline:
                short.add(place)
                continue
            try:
                await client.act(PODS, *place, "eviction", _eviction(place, action.grace_seconds))
            except ApiError as error:
                if is_not_found(error):
                    gone.add(place)
                else:
                    refused[place] = refusal_text(error)
        return Evictions(refused, frozenset(gone), frozenset(short))

    async def delete_node(self, action: DeleteNode) -> None:
        client = await self._clients.client(action.cluster, action.kubeconfig)
        try:
            await client.delete(NODES, "", action.name, uid=action.uid)
        except Exception as error:
            if not is_not_found(error):
                raise


def _eviction(place: Place, grace_seconds: int | None) -> Obj:
    body: Obj = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"namespace": place[0], "name": place[1]},
    }
    if grace_seconds is not None:
        body["deleteOptions"] = {"gracePeriodSeconds": grace_seconds}
    return body
