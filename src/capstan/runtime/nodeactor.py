"""Carries out what controllers ask of the Nodes of workload clusters."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from capstan.api.errors import TransientError, is_not_found
from capstan.api.objects import Obj
from capstan.api.struct import encode
from capstan.runtime.controller import Handler
from capstan.runtime.nodeactions import DeleteNode, PatchNode
from capstan.runtime.nodes import NODES
from capstan.runtime.plan import Action
from capstan.runtime.workload import WorkloadClients

#: How long one deletion of a Node is tried, and how often; upstream's figures.
DELETION_SECONDS = 10.0
RETRY_SECONDS = 2.0


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
        """A silence is waited out for a while: a control plane whose address moves to another machine answers again."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + DELETION_SECONDS
        while True:
            try:
                return await self._delete(action)
            except TransientError:
                if loop.time() + RETRY_SECONDS > deadline:
                    raise
            await asyncio.sleep(RETRY_SECONDS)

    async def _delete(self, action: DeleteNode) -> None:
        client = await self._clients.client(action.cluster, action.kubeconfig)
        try:
            await client.delete(NODES, "", action.name, uid=action.uid)
        except Exception as error:
            if not is_not_found(error):
                raise
