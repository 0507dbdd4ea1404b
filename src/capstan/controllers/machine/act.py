"""Carries out what only Machines ask for: empty their Nodes, have their hosts changed in place."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from capstan.api.errors import ApiError, is_not_found
from capstan.api.objects import Obj
from capstan.controllers.machine.plan.drain.eviction import EVICTION_SECONDS, Evictions, EvictPods, refusal_text
from capstan.controllers.machine.plan.inplace import UpdateMachine
from capstan.controllers.machine.pods import Place
from capstan.controllers.machine.reads import PODS
from capstan.runtime.controller import Handler
from capstan.runtime.plan import Action
from capstan.runtime.updater import InPlaceUpdater, UpdateInProgressError
from capstan.runtime.workload import WorkloadClients


class EvictionActor:
    """Empties Nodes of workload clusters."""

    def __init__(self, clients: WorkloadClients) -> None:
        self._clients = clients

    def handlers(self) -> Mapping[type[Action], Handler]:
        return {EvictPods: self.evict_pods}

    async def evict_pods(self, action: EvictPods) -> Evictions:
        """In order, until the time is over. A refusal is an answer; a cluster that falls silent is an error."""
        client = await self._clients.client(action.cluster, action.kubeconfig)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + EVICTION_SECONDS
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


class UpdateActor:
    """Has hosts changed in place. An update that goes on is not asked for again before its time, whatever wakes the
    Machine meanwhile."""

    def __init__(self, updater: InPlaceUpdater) -> None:
        self._updater = updater
        self._asked: dict[str, tuple[float, str]] = {}

    def handlers(self) -> Mapping[type[Action], Handler]:
        return {UpdateMachine: self.update}

    async def update(self, action: UpdateMachine) -> None:
        """Returns when it is done. Raises UpdateInProgressError while it is not."""
        uid = action.machine["metadata"].get("uid", "")
        loop = asyncio.get_running_loop()
        again, message = self._asked.get(uid, (0.0, ""))
        if again > loop.time():
            raise UpdateInProgressError(message, retry_after=again - loop.time())
        answer = await self._updater.update(action.machine, action.infrastructure, action.bootstrap)
        if answer.retry_after <= 0:
            self._asked.pop(uid, None)
            return
        self._asked[uid] = (loop.time() + answer.retry_after, answer.message)
        raise UpdateInProgressError(answer.message, retry_after=answer.retry_after)


def _eviction(place: Place, grace_seconds: int | None) -> Obj:
    body: Obj = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"namespace": place[0], "name": place[1]},
    }
    if grace_seconds is not None:
        body["deleteOptions"] = {"gracePeriodSeconds": grace_seconds}
    return body
