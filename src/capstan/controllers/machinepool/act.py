"""Carries out what a MachinePool asks of its workload cluster: change its Nodes, remove them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from capstan.api.errors import ApiError, is_not_found
from capstan.api.objects import Obj, Resource
from capstan.api.struct import encode
from capstan.controllers.machinepool.plan.actions import DeletePoolNode, PatchPoolNode
from capstan.runtime.controller import Handler
from capstan.runtime.plan import Action
from capstan.runtime.workload import WorkloadClients

NODES: Final = Resource("", "v1", "nodes", "Node", namespaced=False)


class PoolNodeActor:
    """Speaks to the API servers of workload clusters."""

    def __init__(self, clients: WorkloadClients) -> None:
        self._clients = clients

    def handlers(self) -> Mapping[type[Action], Handler]:
        return {PatchPoolNode: self.patch_node, DeletePoolNode: self.delete_node}

    async def patch_node(self, action: PatchPoolNode) -> Obj:
        """Taints are replaced as a whole, so a Node whose taints changed meanwhile refuses (409)."""
        client = await self._clients.client(action.cluster, action.kubeconfig)
        taints_change = action.before.spec.taints != action.after.spec.taints
        return await client.commit(NODES, encode(action.before), encode(action.after), guarded=taints_change)

    async def delete_node(self, action: DeletePoolNode) -> None:
        client = await self._clients.client(action.cluster, action.kubeconfig)
        try:
            await client.delete(NODES, "", action.name, uid=action.uid)
        except ApiError as error:
            if not is_not_found(error):
                raise
