"""Carries out what a Machine asks of its workload cluster: change its Node, remove it."""

from __future__ import annotations

from collections.abc import Mapping

from capstan.api.errors import is_not_found
from capstan.api.objects import Obj, Resource
from capstan.api.struct import encode
from capstan.controllers.machine.plan.deletion import DeleteNode
from capstan.controllers.machine.plan.node import PatchNode
from capstan.runtime.controller import Handler
from capstan.runtime.plan import Action
from capstan.runtime.workload import WorkloadClients

NODES = Resource("", "v1", "nodes", "Node", namespaced=False)


class NodeActor:
    """Speaks to the API servers of workload clusters."""

    def __init__(self, clients: WorkloadClients) -> None:
        self._clients = clients

    def handlers(self) -> Mapping[type[Action], Handler]:
        return {PatchNode: self.patch_node, DeleteNode: self.delete_node}

    async def patch_node(self, action: PatchNode) -> Obj:
        """A merge patch of what differs. Labels and annotations are merged key by key; taints are replaced as a
        whole, so that a Node which changed meanwhile refuses those (409)."""
        client = await self._clients.client(action.cluster, action.kubeconfig)
        taints_change = action.before.spec.taints != action.after.spec.taints
        return await client.commit(NODES, encode(action.before), encode(action.after), guarded=taints_change)

    async def delete_node(self, action: DeleteNode) -> None:
        client = await self._clients.client(action.cluster, action.kubeconfig)
        try:
            await client.delete(NODES, "", action.name, uid=action.uid)
        except Exception as error:
            if not is_not_found(error):
                raise
