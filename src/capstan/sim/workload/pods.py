"""How pods of a simulated cluster go: evicted unless a disruption budget forbids it, and stopped in their own time.

It is what the eviction API, the disruption controller and a kubelet do together. A pod takes its whole grace period
to stop; the kubelet of a node that nothing is heard of stops nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from capstan.api.errors import ApiError, FieldCause, is_not_found, not_found
from capstan.api.kubernetes.schema import checked_schema, published_schema
from capstan.api.meta import LabelSelector
from capstan.api.objects import Key, Obj, Resource
from capstan.api.rules.contract import at
from capstan.api.rules.portions import portion
from capstan.api.rules.replicas import selects
from capstan.api.struct import decode
from capstan.api.verbs import ListOptions, User
from capstan.apiserver.backend import encode_value
from capstan.apiserver.resources import Action, Call, Served, ServedVersion
from capstan.apiserver.server import ApiServer
from capstan.apiserver.validation import Validator
from capstan.runtime.clock import Clock
from capstan.store.protocol import MismatchError, Put, Remove

PODS = Resource("", "v1", "pods", "Pod")
BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
NODES = Resource("", "v1", "nodes", "Node", namespaced=False)

#: What a pod gets that does not say how long it takes to stop.
GRACE_SECONDS = 30
_SYSTEM = User("system:kube-controller-manager", ("system:masters", "system:authenticated"))
_VIOLATED = "Cannot evict pod as it would violate the pod's disruption budget."


class PodLife:
    """The subresource `eviction` of one server's pods, and what follows it."""

    def __init__(self, server: ApiServer, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._verbs = server.verbs(_SYSTEM)
        self._tasks: set[asyncio.Task[None]] = set()

    def served(self, pods: Served) -> Served:
        """Pods with the subresource."""
        return replace(pods, actions={**pods.actions, "eviction": Action(self.evict, _eviction_kind(self.evict))})

    async def stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def evict(self, call: Call) -> Obj:
        """Raises 404 without such a pod, 429 when a budget forbids it."""
        key = Key(call.target.namespace, call.name)
        pod = await self._verbs.get(PODS, key.namespace, key.name)
        if not pod["metadata"].get("deletionTimestamp"):
            if at(pod, "status", "phase") not in ("Pending", "Succeeded", "Failed"):
                await self._check_budgets(pod)
            await self._mark(key, at(call.body, "deleteOptions", "gracePeriodSeconds"))
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}

    async def _check_budgets(self, pod: Obj) -> None:
        namespace, labels = pod["metadata"]["namespace"], pod["metadata"].get("labels") or {}
        budgets = [
            budget
            for budget in (await self._verbs.list(BUDGETS, namespace, ListOptions())).items
            if selects(_selector(budget), labels)
        ]
        if len(budgets) > 1:
            text = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
            raise ApiError(500, "InternalError", text)
        for budget in budgets:
            pods = (await self._verbs.list(PODS, namespace, ListOptions())).items
            matching = [p for p in pods if selects(_selector(budget), p["metadata"].get("labels") or {})]
            healthy, needed = sum(_is_healthy(p) for p in matching), _needed(budget, len(matching))
            if healthy <= needed if _is_healthy(pod) else healthy < needed:
                name = budget["metadata"]["name"]
                cause = f"The disruption budget {name} needs {needed} healthy pods and has {healthy} currently"
                causes = (FieldCause("", cause, "DisruptionBudget"),)
                raise ApiError(429, "TooManyRequests", _VIOLATED, causes=causes)

    async def _mark(self, key: Key, grace: int | None) -> None:
        """Deleted, and stopping from now on."""
        backend = self._server.backend
        while True:
            entry = await backend.store.get("/pods", key.namespace, key.name)
            if entry is None:
                raise not_found("pods", key.name)
            asked = at(entry.object, "spec", "terminationGracePeriodSeconds")
            seconds = next((s for s in (grace, asked) if s is not None), GRACE_SECONDS)
            metadata = {
                **entry.object["metadata"],
                "deletionTimestamp": backend.timestamp(),
                "deletionGracePeriodSeconds": max(seconds, 1),
            }
            put = Put(
                "/pods", key.namespace, key.name, encode_value({**entry.object, "metadata": metadata}), entry.revision
            )
            try:
                await backend.commit([put])
                break
            except MismatchError:
                continue
        task = asyncio.get_running_loop().create_task(self._terminate(key, seconds), name=f"stop of pod {key}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _terminate(self, key: Key, seconds: float) -> None:
        """The kubelet's part: the pod is gone once its containers have stopped and no finalizer holds it."""
        await self._clock.sleep(seconds)
        backend = self._server.backend
        while True:
            entry = await backend.store.get("/pods", key.namespace, key.name)
            if entry is None or not await self._is_heard_of(str(at(entry.object, "spec", "nodeName") or "")):
                return
            metadata = {**entry.object["metadata"], "deletionGracePeriodSeconds": 0}
            stopped = encode_value({**entry.object, "metadata": metadata})
            change: Put | Remove = Remove("/pods", key.namespace, key.name, entry.revision)
            if metadata.get("finalizers"):
                change = Put("/pods", key.namespace, key.name, stopped, entry.revision)
            try:
                await backend.commit([change])
                return
            except MismatchError:
                continue

    async def _is_heard_of(self, node: str) -> bool:
        try:
            found = await self._verbs.get(NODES, "", node)
        except ApiError as error:
            if is_not_found(error):
                return True
            raise
        conditions = at(found, "status", "conditions") or []
        return not any(c["type"] == "Ready" and c["status"] == "Unknown" for c in conditions)


def _eviction_kind(run: object) -> Served:
    message = "policy.Eviction"
    version = ServedVersion(
        "v1", partial(published_schema, message), lambda: Validator(checked_schema(message)), message=message
    )
    return Served("policy", "Eviction", "evictions", (version,), "v1", builtin=True, verbs=("create",))


def _selector(budget: Obj) -> LabelSelector:
    return decode(at(budget, "spec", "selector") or {}, LabelSelector)


def _is_healthy(pod: Obj) -> bool:
    conditions: Sequence[Obj] = at(pod, "status", "conditions") or ()
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return ready and not pod["metadata"].get("deletionTimestamp")


def _needed(budget: Obj, expected: int) -> int:
    spec = budget["spec"]
    if spec.get("maxUnavailable") is not None:
        return max(expected - (portion(spec["maxUnavailable"], expected, up=True) or 0), 0)
    return portion(spec.get("minAvailable", 1), expected, up=True) or 0
