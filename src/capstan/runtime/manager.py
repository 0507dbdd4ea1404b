"""Runs controllers: wakes them by watches, and turns each reconcile's decision into at most a few writes.

One reconcile: observe, plan, carry out, compute the status, commit. A trailing Update of the subject itself is held
back and committed together with the status, in one revision where the API allows it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from capstan.api.cluster.names import CLUSTER_NAME_LABEL
from capstan.api.core.node import Node
from capstan.api.errors import ApiError, TerminalError, TransientError, is_conflict, is_not_found
from capstan.api.kinds import Scheme
from capstan.api.meta import TypedObject
from capstan.api.objects import Key, Obj, Resource, key_of
from capstan.api.struct import Struct, decode, encode
from capstan.runtime.cache import Cache, CachedReader
from capstan.runtime.client.protocol import Client
from capstan.runtime.clock import Clock
from capstan.runtime.controller import Controller, Mapper
from capstan.runtime.echo import Round
from capstan.runtime.eventlog import EventLog
from capstan.runtime.events import Recorder
from capstan.runtime.executor import BeforeAction, Executor, as_object, nothing
from capstan.runtime.informer import Entry, Informer
from capstan.runtime.metrics import Metrics, Result
from capstan.runtime.nodeactions import PatchNode
from capstan.runtime.nodes import WorkloadNodes
from capstan.runtime.plan import Emit, Outcome, Outcomes, Plan, Update
from capstan.runtime.queue import TIMER_SLACK_SECONDS, WorkQueue
from capstan.runtime.selection import Selection
from capstan.runtime.significance import EVERYTHING, Interest, Weight, is_ready

log = EventLog(__name__)

#: First wait after an error that only its user can mend; it doubles up to the queue's longest delay.
TERMINAL_FIRST_SECONDS = 1.0
TRANSIENT_FIRST_SECONDS = 0.2

#: So many objects are looked at again at once, then there is a pause.
SYNC_BATCH, SYNC_PAUSE_SECONDS = 50, 0.2

#: How long who merely repeats what a part says of itself may wait with it: by then there is often more to tell.
LATER_SECONDS = 1.0


class Manager:
    """All controllers of one process over one cache. They work on the objects of `namespace` (of all when empty) that
    `watch_filter` names (see `Selection`), and look at each again every `sync_seconds` (0 for never)."""

    def __init__(
        self,
        client: Client,
        scheme: Scheme,
        clock: Clock,
        *,
        workload_nodes: WorkloadNodes | None = None,
        metrics: Metrics | None = None,
        namespace: str = "",
        watch_filter: str = "",
        sync_seconds: float = 0.0,
        before_action: BeforeAction = nothing,
    ) -> None:
        self.client = client
        self.clock = clock
        self.cache = Cache(client, scheme, clock, namespace)
        self.recorder = Recorder(client, clock)
        self.metrics = metrics or Metrics()
        self.workload_nodes = workload_nodes
        if workload_nodes is not None:
            workload_nodes.metrics = self.metrics
        self.before_action = before_action
        self.selection = Selection(self.cache, watch_filter)
        self._sync_seconds = sync_seconds
        self.runners: list[Runner] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._forgetting: set[asyncio.Task[None]] = set()

    def add(self, controller: Controller[Any, Any], workers: int = 0) -> None:
        """Register a controller; before `start`. It works on so many objects at a time (0 for its own number)."""
        runner = Runner(self, controller, workers or controller.concurrency)
        self.runners.append(runner)
        self.metrics.watch(controller.name, runner.workers, runner.queue)

    async def start(self) -> None:
        """Fill the caches, then start the workers. Everything that exists is reconciled once."""
        for runner in self.runners:
            runner.prepare()
        await self.cache.start()
        for runner in self.runners:
            runner.connect()
        self._follow_clusters()
        loop = asyncio.get_running_loop()
        for runner in self.runners:
            for number in range(runner.workers):
                name = f"{runner.controller.name} {number}"
                self._tasks.append(loop.create_task(runner.work(), name=name))
        self.selection.on_change(self._wake_cluster)
        if self._sync_seconds:
            self._tasks.append(loop.create_task(self._sync(), name="sync"))

    async def _sync(self) -> None:
        """What a lost event would have told is noticed by then. A part of them at a time: nothing is in a hurry."""
        while True:
            await self.clock.sleep(self._sync_seconds)
            for runner in self.runners:
                for number, key in enumerate(runner.keys(), 1):
                    runner.queue.add(key)
                    if number % SYNC_BATCH == 0:
                        await self.clock.sleep(SYNC_PAUSE_SECONDS)

    def _wake_cluster(self, cluster: Key) -> None:
        """All that belongs to a Cluster whose own selection has changed."""
        for runner in self.runners:
            for key in runner.keys(cluster):
                runner.queue.add(key)

    def _follow_clusters(self) -> None:
        """A cluster that is gone needs no connection."""
        kind = self.cache.scheme.by_kind("cluster.x-k8s.io", "Cluster")
        informer = self.cache.existing(kind.resource()) if kind is not None else None
        nodes = self.workload_nodes
        if informer is None or nodes is None:
            return

        def changed(old: Entry | None, new: Entry | None) -> None:
            if new is None and old is not None:
                forgetting = asyncio.get_running_loop().create_task(nodes.forget(old.key), name=f"forget {old.key}")
                self._forgetting.add(forgetting)
                forgetting.add_done_callback(self._forgetting.discard)

        informer.on_change(changed)

    async def stop(self) -> None:
        """Stop at once, wherever the work is: the next start goes on from what is written."""
        for runner in self.runners:
            runner.queue.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if self.workload_nodes is not None:
            await self.workload_nodes.stop()
        await self.cache.stop()

    @property
    def idle(self) -> bool:
        """No key waits or is worked on (delayed ones do not count)."""
        return all(runner.queue.idle for runner in self.runners)


class Runner:
    """One controller with its queue, its reader and its workers."""

    def __init__(self, manager: Manager, controller: Controller[Any, Any], workers: int) -> None:
        self._manager = manager
        self.controller = controller
        self.workers = workers
        self.queue: WorkQueue[Key] = WorkQueue(controller.pace)
        #: By the keys that are worked on; and what of it the workers write.
        self._rounds: dict[Key, Round] = {}
        self._working: dict[asyncio.Task[Any] | None, Round] = {}
        #: Nodes by cluster and name that were just written, with their revisions: their change is no news.
        self._patched: dict[tuple[Key, str], str] = {}
        #: Since when there may be something to tell that can wait.
        self._untold: dict[Key, float] = {}
        self._resource: Resource = manager.cache.scheme.of(controller.kind).resource()
        self._reader = CachedReader(manager.cache, manager.workload_nodes, self._watch_external)
        self._executor = Executor(
            manager.client,
            manager.recorder,
            controller.handlers(),
            written=self._written,
            before=manager.before_action,
        )

    def prepare(self) -> None:
        """Make the informers, with all indexes, before any of them lists."""
        self._manager.cache.informer(self._resource, self.controller.indexes)
        for watch in self.controller.watches:
            resource = self._manager.cache.scheme.of(watch.kind).resource()
            self._manager.cache.informer(resource, watch.indexes)

    def connect(self) -> None:
        """From now on changes wake this controller; what exists already does so at once."""
        cache = self._manager.cache
        cache.informer(self._resource).on_change(self._subject_changed)
        for watch in self.controller.watches:
            self._connect_watch(cache.of(watch.kind), watch.kind, watch.wakes, watch.interest())
        if type(self.controller).external_wakes is not None:
            # A provider that is installed later wakes those who wait for its kind.
            cache.on_crd_change(lambda _old, _new: self._wake_all())
        if self._manager.workload_nodes is not None and type(self.controller).workload_wakes is not None:
            self._manager.workload_nodes.on_change(self._node_changed)

    async def work(self) -> None:
        """Take keys until the queue is closed."""
        while True:
            key = await self.queue.get()
            if key is None:
                return
            try:
                await self._reconcile_and_requeue(key)
            finally:
                self.queue.done(key)

    async def _reconcile_and_requeue(self, key: Key) -> None:
        metrics, name = self._manager.metrics, self.controller.name
        started = self._manager.clock.monotonic()
        try:
            requeue_after = await self.reconcile(key)
        except Exception as error:
            metrics.reconciled(name, "error", self._manager.clock.monotonic() - started)
            self._retry(key, error)
            return
        result: Result = "success" if requeue_after is None else "requeue_after"
        metrics.reconciled(name, result, self._manager.clock.monotonic() - started)
        self.queue.forget(key)
        if requeue_after is not None and self._manager.cache.informer(self._resource).get(key) is not None:
            self.queue.add_after(key, requeue_after)

    async def reconcile(self, key: Key) -> float | None:
        """One round. Gives the plan's `requeue_after`; raises the first error after the status is committed."""
        controller = self.controller
        entry = self._manager.cache.informer(self._resource).get(key)
        if entry is not None and not self._manager.selection.has(entry.object):
            return None
        snapshot = await controller.observe(self._reader, key)
        if snapshot is None or entry is None:
            return None
        plan = controller.plan(snapshot)
        if plan.actions:
            self.queue.progressed(key)
        if plan.actions and not plan.final:
            return await self._carry_out(entry, snapshot, plan)
        worker, this = asyncio.current_task(), Round(None if plan.final else controller.own, self._found_by)
        self._rounds[key] = self._working[worker] = this
        try:
            return await self._carry_out(entry, snapshot, plan)
        finally:
            del self._rounds[key], self._working[worker]
            self._wake_one(key, this.news())

    def _found_by(self, entry: Entry) -> dict[str, tuple[str, ...]]:
        subject = entry.view(self.controller.kind)
        return {name: tuple(index(subject)) for name, index in self.controller.indexes.items()}

    async def _carry_out(self, entry: Entry, snapshot: Any, plan: Plan) -> float | None:
        now, held = _hold_back(plan)
        outcomes = await self._executor.run(now)
        if plan.final:
            self._note_nodes(outcomes)
        if held is not None and outcomes.error is None:
            outcomes = Outcomes((*outcomes.items, Outcome(held)))
        else:
            held = None
        after = self.controller.compute_status(snapshot, outcomes)
        if after is None:
            self._untold.pop(entry.key, None)
        await self._commit(_current(entry.object, plan, outcomes), held, after, plan, outcomes)
        if outcomes.error is not None:
            raise outcomes.error
        return plan.requeue_after

    def _note_nodes(self, outcomes: Outcomes) -> None:
        """The Nodes that were written and that nothing follows from."""
        for outcome in outcomes.of(PatchNode):
            if outcome.done and isinstance(outcome.action, PatchNode):
                meta = outcome.result["metadata"]
                self._patched[outcome.action.cluster, meta["name"]] = str(meta.get("resourceVersion", ""))

    async def _commit(
        self, current: Obj, held: Update | None, after: TypedObject | None, plan: Plan, outcomes: Outcomes
    ) -> None:
        """The held-back Update and the status, in one, unless the status may wait."""
        if held is None and after is None:
            return
        key = key_of(current)
        before = as_object(held.before) if held is not None else current
        wanted = as_object(held.after) if held is not None else current
        if after is not None:
            before, wanted = _with_status(before, wanted, current, getattr(after, "status", None))
        if before == wanted:
            self._untold.pop(key, None)
            return
        if held is None and outcomes.error is None and self._waits(key, self._patience(plan, before, wanted)):
            return
        self._untold.pop(key, None)
        try:
            written = await self._manager.client.commit(self._resource, before, wanted)
        except ApiError as error:
            if is_not_found(error):
                return
            raise
        self._written(self._resource, written)

    def _patience(self, plan: Plan, before: Obj, wanted: Obj) -> float:
        """For how many seconds what is to be told may wait for more to tell; what is warned of does not."""
        controller = self.controller
        if any(isinstance(action, Emit) and action.type == "Warning" for action in plan.actions):
            return 0.0
        if plan.waiting_on and not _conditions(before):
            return controller.first_patience
        if plan.actions and controller.told is EVERYTHING:
            return 0.0
        return LATER_SECONDS if controller.told.weigh(before, wanted) <= Weight.LATER else 0.0

    def _waits(self, key: Key, patience: float) -> bool:
        """Whether it waits still; then the key comes again in time, with what there is to tell by then."""
        now = asyncio.get_running_loop().time()
        left = self._untold.setdefault(key, now) + patience - now
        if left < TIMER_SLACK_SECONDS:
            return False
        self.queue.add_lazily(key, left)
        return True

    def _written(self, resource: Resource, answer: Obj) -> None:
        this = self._working.get(asyncio.current_task())
        if this is not None:
            this.wrote(answer)
        self._manager.cache.written(resource, answer)

    def _retry(self, key: Key, error: Exception) -> None:
        if isinstance(error, TransientError) and error.retry_after is not None:
            self.queue.add_after(key, error.retry_after)
            return
        if isinstance(error, TerminalError):
            self.queue.add_failed(key, first=TERMINAL_FIRST_SECONDS)
            return
        if isinstance(error, TransientError):
            self.queue.add_failed(key, first=TRANSIENT_FIRST_SECONDS)
            return
        delay = self.queue.add_failed(key)
        if is_conflict(error):
            return
        if isinstance(error, ApiError):
            log.warning("refused", controller=self.controller.name, key=str(key), error=str(error), retry_in=delay)
            return
        log.error("bug", controller=self.controller.name, key=str(key), exc_info=error)

    def _subject_changed(self, old: Entry | None, new: Entry | None) -> None:
        entry = new or old
        if entry is None:
            return
        if new is None or _is_released(new.object):
            self.queue.discard(entry.key)
            self._untold.pop(entry.key, None)
            return
        this = self._rounds.get(entry.key)
        if this is not None:
            this.hear(old, new)
            return
        if self._awaits_owner(new):
            self.queue.add_lazily(entry.key, self.controller.first_patience)
            return
        if old is not None and _generation(old.object) != _generation(new.object):
            self.queue.progressed(entry.key)
        self.queue.add(entry.key)

    def _awaits_owner(self, subject: Entry) -> bool:
        """Whether it was just made and does not belong to those yet who make something of it."""
        kind, meta = self.controller.awaited_owner, subject.object["metadata"]
        if not kind or meta.get("deletionTimestamp") or _conditions(subject.object):
            return False
        return all(ref["kind"] != kind for ref in meta.get("ownerReferences") or ())

    def _connect_watch(
        self, informer: Informer, kind: type[TypedObject] | None, wakes: Mapper, interest: Interest = EVERYTHING
    ) -> None:
        def changed(old: Entry | None, new: Entry | None) -> None:
            if old is not None and new is not None:
                weight = interest.weigh(old.object, new.object)
            else:
                weight = Weight.HURRIED if new is not None and is_ready(new.object) else Weight.SOON
            if weight is Weight.NOTHING:
                return
            keys: dict[Key, None] = {}
            for entry in (old, new):
                if entry is not None:
                    view = entry.view(kind) if kind is not None else entry.object
                    keys.update(dict.fromkeys(wakes(self._reader, view)))
            self._wake(keys, weight, old, new)

        informer.on_change(changed)

    def _wake(self, keys: Iterable[Key], weight: Weight, old: Entry | None = None, new: Entry | None = None) -> None:
        """Those that exist; one that comes to exist wakes by itself."""
        subjects = self._manager.cache.informer(self._resource)
        for key in keys:
            this = self._rounds.get(key)
            if this is not None and this.interest is None:
                this.hear(old, new, weight)
            elif (subject := subjects.get(key)) is not None and not self._awaits_owner(subject):
                self._wake_one(key, weight)

    def _wake_one(self, key: Key, weight: Weight) -> None:
        if weight is Weight.NOTHING:
            return
        if weight is Weight.LATER:
            self._untold.setdefault(key, asyncio.get_running_loop().time())
            self.queue.add_lazily(key, LATER_SECONDS)
            return
        if weight is Weight.HURRIED:
            self.queue.hurry(key)
        self.queue.add(key)

    def _watch_external(self, resource: Resource, informer: Informer) -> None:
        wakes = type(self.controller).external_wakes
        if wakes is not None:
            self._connect_watch(informer, None, wakes, self.controller.external_interest)

    def _node_changed(self, cluster: Key, node: Node | None) -> None:
        wakes = type(self.controller).workload_wakes
        if node is not None:
            patched = self._patched.pop((cluster, node.metadata.name), None)
            if patched is not None and patched == node.metadata.resource_version:
                return
        if wakes is not None:
            self._wake(wakes(self._reader, cluster, node), Weight.SOON)

    def _wake_all(self) -> None:
        for key in self.keys():
            self.queue.add(key)

    def keys(self, cluster: Key | None = None) -> list[Key]:
        """All objects of the kind, or those of one Cluster."""
        informer = self._manager.cache.informer(self._resource)
        if cluster is None:
            return [entry.key for entry in informer.entries()]
        found = informer.lookup("label", f"{CLUSTER_NAME_LABEL}={cluster.name}")
        return [entry.key for entry in found if entry.key.namespace == cluster.namespace]


def _hold_back(plan: Plan) -> tuple[Plan, Update | None]:
    """The plan without its trailing Update of the subject, and that Update."""
    if not plan.actions:
        return plan, None
    last = plan.actions[-1]
    if not isinstance(last, Update) or last.resource != plan.subject.resource:
        return plan, None
    before = as_object(last.before)["metadata"]
    if Key(before.get("namespace", ""), before["name"]) != plan.subject.key:
        return plan, None
    return Plan(plan.subject, plan.actions[:-1], plan.waiting_on, plan.requeue_after), last


def _is_released(obj: Obj) -> bool:
    """The last state of an object that is being deleted: nothing holds it any more."""
    meta = obj["metadata"]
    return bool(meta.get("deletionTimestamp")) and not meta.get("finalizers")


def _conditions(obj: Obj) -> list[Any]:
    return (obj.get("status") or {}).get("conditions") or []


def _generation(obj: Obj) -> int:
    generation: int = obj["metadata"].get("generation", 0)
    return generation


def _current(observed: Obj, plan: Plan, outcomes: Outcomes) -> Obj:
    """The subject as an earlier action of this plan wrote it, else as it was observed."""
    for outcome in reversed(outcomes.items):
        action, result = outcome.action, outcome.result
        if not isinstance(action, Update) or result is None or action.resource != plan.subject.resource:
            continue
        if key_of(result) == plan.subject.key:
            written: Obj = result
            return written
    return observed


def _with_status(before: Obj, wanted: Obj, current: Obj, status: Struct | None) -> tuple[Obj, Obj]:
    """Both sides with the status that they differ in. The old one goes through the same typed view as the new, so
    that fields which the view does not know, or writes in another form, are no difference."""
    old: Obj = encode(decode(current.get("status") or {}, type(status))) if status is not None else {}
    new: Obj = encode(status) if status is not None else {}
    metadata = {**before["metadata"], "resourceVersion": current["metadata"].get("resourceVersion", "")}
    return {**before, "metadata": metadata, "status": old}, {**wanted, "status": new}
