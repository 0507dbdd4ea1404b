"""A world small enough to hold in one hand: objects, a reader over them, and the core controllers.

It applies a plan's actions to objects as an API server would (uid, generation, finalizers, preconditions) and counts
what it writes. Providers are functions that move their objects one step on.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from capstan.api.cluster.kinds import (
    CLUSTER,
    MACHINE,
    MACHINE_DEPLOYMENT,
    MACHINE_DRAIN_RULE,
    MACHINE_HEALTH_CHECK,
    MACHINE_POOL,
    MACHINE_SET,
)
from capstan.api.core.node import Node
from capstan.api.core.secret import Secret
from capstan.api.errors import ApiError, TransientError, already_exists, conflict, is_conflict, not_found
from capstan.api.meta import TypedObject
from capstan.api.objects import GroupKind, Key, Obj, ObjectList, Resource
from capstan.api.rules.owners import controller_uid, group_of
from capstan.api.struct import decode, encode, merge_diff
from capstan.controllers.cluster.controller import ClusterController
from capstan.controllers.cluster.kubeconfig import Issuing, kubeconfig_secret
from capstan.controllers.cluster.plan.kubeconfig import IssueKubeconfig
from capstan.controllers.machine.controller import MachineController
from capstan.controllers.machine.plan.drain.eviction import Evictions, EvictPods, refusal_text
from capstan.controllers.machine.plan.inplace import UpdateMachine
from capstan.controllers.machinedeployment.controller import MachineDeploymentController
from capstan.controllers.machinehealthcheck.act import Requester
from capstan.controllers.machinehealthcheck.controller import MachineHealthCheckController
from capstan.controllers.machinehealthcheck.plan.actions import RequestRemediations
from capstan.controllers.machineset.controller import MachineSetController
from capstan.runtime.client.protocol import Client
from capstan.runtime.controller import Controller
from capstan.runtime.nodeactions import DeleteNode, PatchNode
from capstan.runtime.nodes import UNREACHABLE, SilenceError
from capstan.runtime.plan import Action, Apply, Create, Delete, Emit, Outcome, Outcomes, Plan, Update
from capstan.runtime.updater import InPlaceUpdater, UpdateInProgressError
from capstan.sim.keys import SeededKeys
from tests.unit.controllers.owned import CAPSTAN, USER, applied, written

START = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
NAMESPACE = "default"
INFRA, BOOTSTRAP, CONTROL_PLANE = (f"{g}.cluster.x-k8s.io" for g in ("infrastructure", "bootstrap", "controlplane"))

#: The provider kinds of this world, and the plural of each.
SERVED = {
    GroupKind(INFRA, "LabCluster"): "labclusters",
    GroupKind(INFRA, "LabMachine"): "labmachines",
    GroupKind(INFRA, "LabMachineTemplate"): "labmachinetemplates",
    GroupKind(BOOTSTRAP, "LabConfig"): "labconfigs",
    GroupKind(BOOTSTRAP, "LabConfigTemplate"): "labconfigtemplates",
    GroupKind(CONTROL_PLANE, "LabControlPlane"): "labcontrolplanes",
}
_KINDS = (CLUSTER, MACHINE, MACHINE_SET, MACHINE_DEPLOYMENT, MACHINE_HEALTH_CHECK, MACHINE_DRAIN_RULE, MACHINE_POOL)
_CORE = {kind.versions[0].struct: kind.resource() for kind in _KINDS}
_CORE[Secret] = Resource("", "v1", "secrets", "Secret")
NODES = Resource("", "v1", "nodes", "Node", False)

Place = tuple[GroupKind, Key]


class Crash(Exception):
    """The process dies before an effect."""


class WorldClients:
    """Implements `WorkloadClients`: the objects of the world are those of its one workload cluster too. Lists come in
    pages of two, and are counted; writes go through the world's plans."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def client(self, cluster: Key, kubeconfig: bytes) -> Any:
        return self

    async def forget(self, cluster: Key) -> None:
        return None

    async def list(
        self, resource: Resource, *, field_selector: str = "", limit: int = 0, continue_token: str = ""
    ) -> ObjectList:
        self._world.looks.append(resource.plural)
        if resource.plural in self._world.unreadable:
            raise ApiError(403, "Forbidden", f"{resource.plural} is forbidden")
        if not self._world.reachable:
            raise TransientError("the API server of the workload cluster does not answer")
        found = self._world.all(resource.kind)
        if field_selector:
            node = field_selector.removeprefix("spec.nodeName=")
            found = [obj for obj in found if obj["spec"].get("nodeName") == node]
        start = int(continue_token or 0)
        return ObjectList(found[start : start + 2], "1", str(start + 2) if start + 2 < len(found) else "")

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        self._world.looks.append(f"{resource.plural} {name}")
        found = self._world.objects.get((resource.group_kind, Key(namespace, name)))
        if found is None:
            raise not_found(resource.group_resource, name)
        return found


class WorldClient:
    """The client of our own API server, for actions that write by themselves."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        found = self._world.objects.get((resource.group_kind, Key(namespace, name)))
        if found is None:
            raise not_found(resource.group_resource, name)
        return found

    async def create(self, resource: Resource, obj: Obj) -> Obj:
        if place_of(obj) in self._world.objects:
            raise already_exists(resource.group_resource, obj["metadata"]["name"])
        refusal = self._world.refuse(Create(resource=resource, object=obj, reason="")) if self._world.refuse else None
        if refusal is not None:
            raise refusal
        self._world.writes += 1
        return self._world.put(obj)

    async def commit(self, resource: Resource, before: Obj, after: Obj, *, guarded: bool = True) -> Obj:
        if merge_diff(before, after):
            self._world.writes += 1
            self._world._update(before, after, guarded=guarded)
        return self._world.objects[place_of(before)]


def place_of(obj: Obj) -> Place:
    meta = obj["metadata"]
    return GroupKind(group_of(obj["apiVersion"]), obj["kind"]), Key(meta.get("namespace", ""), meta["name"])


def condition(obj: Obj, type: str) -> Obj:
    """One condition of an object; fails when it is not reported."""
    return next(c for c in obj["status"]["conditions"] if c["type"] == type)


def _answer(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that never waits: nothing in this world does."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("something waited")


class World:
    """Guarantees: a write that changes nothing is not counted; reads see every write."""

    def __init__(self, updater: InPlaceUpdater | None = None) -> None:
        self.updater = updater
        self.now = START
        self.objects: dict[Place, Obj] = {}
        self.served = dict(SERVED)
        self.reachable = True
        #: What a read of an unreachable cluster says of it.
        self.silence = UNREACHABLE
        self.last_seen: datetime | None = None
        self.contract = "v1beta2"
        self.refuse: Callable[[Action], ApiError | None] | None = None
        self.trace: list[str] = []
        self.events: list[str] = []
        #: What the workload cluster does not let anybody list.
        self.unreadable: set[str] = set()
        #: What was read of the workload cluster besides its nodes.
        self.looks: list[str] = []
        #: Why pods are not evicted, by their names.
        self.budgets: dict[str, ApiError] = {}
        self.created: list[Place] = []
        self.writes = 0
        self.effects = 0
        self.crash_before: int | None = None
        self.own_client = cast(Client, WorldClient(self))
        self.controllers: list[Controller[Any, Any]] = [
            ClusterController(cast(Any, None), SeededKeys("world")),
            MachineDeploymentController(updater),
            MachineSetController(),
            MachineController(WorldClients(self), updater),
            MachineHealthCheckController(self.own_client),
        ]
        self._revision = 0

    def copy(self) -> World:
        """Another world in the same state. Objects are shared, as they are never changed in place."""
        other = World()
        other.now, other.objects, other.served = self.now, dict(self.objects), dict(self.served)
        other.created, other._revision, other.reachable = list(self.created), self._revision, self.reachable
        other.silence = self.silence
        return other

    # Objects, as an API server keeps them

    def put(self, obj: Obj) -> Obj:
        """Create, or replace as it is."""
        place = place_of(obj)
        old = self.objects.get(place)
        self._revision += 1
        meta = {**obj["metadata"], "resourceVersion": str(self._revision)}
        if old is None:
            meta.setdefault("uid", f"uid-{place[0].kind.lower()}-{place[1].name}-{self._revision}")
            meta.setdefault("generation", 1)
            meta.setdefault("creationTimestamp", self.now.strftime("%Y-%m-%dT%H:%M:%SZ"))
            self.created.append(place)
        elif old.get("spec") != obj.get("spec"):
            meta["generation"] = old["metadata"]["generation"] + 1
        stored = {**obj, "metadata": meta}
        if meta.get("deletionTimestamp") and not meta.get("finalizers"):
            self.objects.pop(place, None)
        else:
            self.objects[place] = stored
        return stored

    def find(self, kind: str, name: str) -> Obj | None:
        return next((o for p, o in self.objects.items() if p[0].kind == kind and p[1].name == name), None)

    def get(self, kind: str, name: str) -> Obj:
        found = self.find(kind, name)
        assert found is not None, f"{kind} {name} does not exist"
        return found

    def all(self, kind: str) -> list[Obj]:
        return [self.objects[p] for p in sorted(self.objects, key=str) if p[0].kind == kind]

    def edit(self, kind: str, name: str, patch: Obj) -> None:
        """What a user does: a merge patch."""
        old = self.get(kind, name)
        self.put(written(old, _merged(old, patch), USER))

    def delete(self, kind: str, name: str) -> None:
        """What a user does: delete, and leave the rest to finalizers."""
        self._remove(place_of(self.get(kind, name)))

    def _remove(self, place: Place) -> None:
        obj = self.objects.get(place)
        if obj is None or obj["metadata"].get("deletionTimestamp"):
            return
        stamp = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.put({**obj, "metadata": {**obj["metadata"], "deletionTimestamp": stamp}})

    # The engine

    def reconcile(self, controller: Controller[Any, Any], key: Key) -> Plan | None:
        """One round: observe, plan, apply, status. A trailing Update of the subject and the status are one write."""
        reader = WorldReader(self)
        snapshot = _answer(controller.observe(reader, key))
        if snapshot is None:
            return None
        plan = controller.plan(snapshot)
        assert plan == controller.plan(snapshot), "the same snapshot gave two plans"
        outcomes = self.apply(plan)
        after = controller.compute_status(snapshot, outcomes)
        place = (plan.subject.resource.group_kind, key)
        if after is not None and place in self.objects:
            current = self.objects[place]
            status = encode(after).get("status") or {}
            known = encode(decode(current, type(after))).get("status") or {}
            if status != known:
                folded = bool(plan.actions) and _is_subject_update(plan, plan.actions[-1]) and outcomes.error is None
                self.writes += 0 if folded else 1
                self.put(_merged(current, {"status": merge_diff(known, status)}))
        return plan

    def apply(self, plan: Plan) -> Outcomes:
        done: list[Outcome] = []
        failed: set[str] = set()
        for action in plan.actions:
            if action.part in failed:
                continue
            self.effects += 1
            if self.crash_before == self.effects:
                raise Crash
            try:
                error = self.refuse(action) if self.refuse is not None else None
                if error is not None:
                    raise error
                self._apply(action)
            except (ApiError, TransientError) as refusal:
                done.append(Outcome(action, error=refusal))
                if (told := action.on_failure) is not None and not is_conflict(refusal):
                    self.events.append(f"{told.type} {told.name}: {told.reason}: {refusal}")
                if not action.part:
                    break
                failed.add(action.part)
                continue
            line = f"{plan.subject}: {action.summary}"
            self.trace.append(line if isinstance(action, Emit) else f"{line} ({action.reason})")
            done.append(Outcome(action, self._evictions(action) if isinstance(action, EvictPods) else None))
        return Outcomes(tuple(done))

    def _apply(self, action: Action) -> None:
        if isinstance(action, Emit):
            self.events.append(f"{action.type} {action.name}: {action.reason}")
            return
        self.writes += 1
        match action:
            case Create():
                self._create(action)
            case Apply():
                self._apply_intent(action)
            case Update():
                self._update(_object(action.before), _object(action.after), guarded=action.guarded)
            case EvictPods():
                pass
            case RequestRemediations():
                self.writes -= 1
                _answer(Requester(self.own_client).request(action))
            case UpdateMachine():
                self.writes -= 1
                self._answer_update(action)
            case PatchNode():
                self._update(_object(action.before), _object(action.after))
            case Delete():
                self._remove((action.target.resource.group_kind, action.target.key))
            case IssueKubeconfig():
                self.put(kubeconfig_secret(action, Issuing(SeededKeys("kubeconfig").ecdsa_p256(), 1)))
            case DeleteNode():
                self.objects.pop((GroupKind("", "Node"), Key("", action.name)), None)
            case _:
                raise AssertionError(f"unknown action {action}")

    def _answer_update(self, action: UpdateMachine) -> None:
        """As the controller's own actor, which waits for nothing but the updater."""
        assert self.updater is not None
        answer = _answer(self.updater.update(action.machine, action.infrastructure, action.bootstrap))
        if answer.retry_after > 0:
            raise UpdateInProgressError(answer.message, retry_after=answer.retry_after)

    def _evictions(self, action: EvictPods) -> Evictions:
        """Evicted pods are deleted, and stay until somebody takes them away."""
        refused, gone = {}, set()
        for namespace, name in action.pods:
            pod = self.objects.get((GroupKind("", "Pod"), Key(namespace, name)))
            if pod is None:
                gone.add((namespace, name))
            elif name in self.budgets:
                refused[namespace, name] = refusal_text(self.budgets[name])
            else:
                stamp = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
                self.put(
                    {**pod, "metadata": {**pod["metadata"], "deletionTimestamp": stamp, "finalizers": ["kubelet"]}}
                )
        return Evictions(refused, frozenset(gone))

    def _create(self, action: Create) -> None:
        place = place_of(action.object)
        existing = self.objects.get(place)
        if existing is None:
            made = action.object
            self.put(applied(None, made, action.manager, action.handover) if action.manager else made)
        elif controller_uid(existing) != controller_uid(action.object):
            raise already_exists(action.resource.group_resource, place[1].name)

    def _apply_intent(self, action: Apply) -> None:
        """As the executor does: first who owns what, then the intent."""
        place = place_of(action.object)
        current = self.objects.get(place)
        assert current is not None, f"apply to {place} that is gone"
        metadata = current["metadata"]
        if (metadata["uid"], metadata["resourceVersion"]) != (action.uid, action.resource_version):
            raise conflict(place[0].kind, place[1].name, "it changed meanwhile")
        if action.owners is not None:
            current = {**current, "metadata": {**metadata, "managedFields": [*action.owners]}}
        after = applied(current, action.object, action.manager)
        assert after != self.objects[place], f"an apply to {place} that changes nothing"
        self.put(after)

    def _update(self, before: Obj, after: Obj, *, guarded: bool = True) -> None:
        place = place_of(before)
        current = self.objects.get(place)
        assert current is not None, f"update of {place} that is gone"
        patch = merge_diff(before, after)
        assert patch, f"an update of {place} that changes nothing"
        if guarded and current["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"]:
            raise conflict(place[0].kind, place[1].name, "it changed meanwhile")
        self.put(written(current, _merged(current, patch), CAPSTAN))

    # Time passes

    def round(self) -> int:
        """Every key of every controller once. The number of writes that it took."""
        before = self.writes
        for controller in self.controllers:
            resource = _CORE[controller.kind]
            for place in sorted((p for p in self.objects if p[0] == resource.group_kind), key=str):
                self.reconcile(controller, place[1])
        return self.writes - before

    def settle(self, *providers: Callable[[World], bool], rounds: int = 60) -> None:
        """Until nobody has anything to write. Fails when that never comes."""
        for _ in range(rounds):
            moved = [provider(self) for provider in providers]
            if not self.round() and not any(moved):
                return
            self.now += timedelta(seconds=1)
        raise AssertionError("the world does not come to rest; last: " + "\n".join(self.trace[-20:]))


def _is_subject_update(plan: Plan, action: Action) -> bool:
    if not isinstance(action, Update) or action.resource != plan.subject.resource:
        return False
    return place_of(_object(action.before))[1] == plan.subject.key


def _object(view: Any) -> Obj:
    return view if isinstance(view, dict) else encode(view)


def _merged(obj: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(obj) if isinstance(obj, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return result


class WorldReader:
    """Implements `Reader` over a world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.now

    def _of(self, kind: type[TypedObject], namespace: str = "") -> Iterator[tuple[Obj, Any]]:
        wanted = _CORE[kind].group_kind
        for place in sorted(self._world.objects, key=str):
            if place[0] == wanted and namespace in ("", place[1].namespace):
                obj = self._world.objects[place]
                yield obj, decode(obj, kind)

    def get(self, kind: type[Any], namespace: str, name: str) -> Any:
        obj = self._world.objects.get((_CORE[kind].group_kind, Key(namespace, name)))
        return None if obj is None else decode(obj, kind)

    def list(
        self, kind: type[Any], namespace: str = "", *, labels: Mapping[str, str] | None = None, owner_uid: str = ""
    ) -> tuple[Any, ...]:
        return tuple(view for obj, view in self._of(kind, namespace) if _chosen(obj, labels, owner_uid))

    def list_indexed(self, kind: type[Any], index: str, value: str) -> tuple[Any, ...]:
        keys_of = next(c.indexes[index] for c in self._world.controllers if c.kind is kind)
        return tuple(view for view in self.list(kind, NAMESPACE) if value in keys_of(view))

    async def resolve(self, group_kind: GroupKind) -> tuple[Resource, str]:
        plural = self._world.served.get(group_kind)
        if plural is None:
            text = f"no CustomResourceDefinition serves {group_kind}: install the provider of group {group_kind.group}"
            raise TransientError(text, reason="ProviderMissing")
        return Resource(group_kind.group, "v1", plural, group_kind.kind), self._world.contract

    async def get_object(self, group_kind: GroupKind, namespace: str, name: str) -> Obj | None:
        await self.resolve(group_kind)
        return self._world.objects.get((group_kind, Key(namespace, name)))

    def list_objects(self, group_kind: GroupKind, namespace: str, *, owner_uid: str = "") -> tuple[Obj, ...]:
        found = [o for p, o in sorted(self._world.objects.items(), key=str) if p[0] == group_kind]
        return tuple(o for o in found if _chosen(o, None, owner_uid))

    async def get_live(self, kind: type[Any], namespace: str, name: str) -> Any:
        return self.get(kind, namespace, name)

    async def nodes(self, cluster: Key, kubeconfig: bytes) -> tuple[Node, ...]:
        if not self._world.reachable:
            text = f"the API server of cluster {cluster} does not answer"
            raise SilenceError(text, self._world.silence, self._world.last_seen)
        return tuple(decode(obj, Node) for obj in self._world.all("Node"))


def _chosen(obj: Obj, labels: Mapping[str, str] | None, owner_uid: str) -> bool:
    meta = obj["metadata"]
    if labels and not labels.items() <= (meta.get("labels") or {}).items():
        return False
    return not owner_uid or any(ref["uid"] == owner_uid for ref in meta.get("ownerReferences") or ())


def strings(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"
