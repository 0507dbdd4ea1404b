"""A small world with ClusterResourceSets: one Cluster, and its workload cluster as a dictionary."""

from __future__ import annotations

import base64
from typing import Any, cast

from capstan.api.addons.clusterresourceset import ClusterResourceSet
from capstan.api.addons.clusterresourcesetbinding import ClusterResourceSetBinding
from capstan.api.addons.kinds import KINDS
from capstan.api.builtins import CONFIG_MAP
from capstan.api.core.configmap import ConfigMap
from capstan.api.errors import ApiError, TransientError, already_exists, conflict, not_found
from capstan.api.objects import Key, Obj, ObjectList, Resource
from capstan.controllers.clusterresourceset.controller import ClusterResourceSetController
from capstan.controllers.clusterresourceset.plan import ApplyResources
from capstan.controllers.clusterresourcesetbinding.controller import ClusterResourceSetBindingController
from capstan.runtime.client.protocol import Client
from capstan.runtime.plan import Action, Outcome, Outcomes, Plan
from tests.unit.controllers.world import _CORE, NAMESPACE, World, _answer, _merged, place_of

_CORE.update({kind.storage.struct: kind.resource() for kind in KINDS})
_CORE[ConfigMap] = CONFIG_MAP.resource()
assert {ClusterResourceSet, ClusterResourceSetBinding} <= _CORE.keys()


class Workload:
    """The API server of a workload cluster: what was written to it, and what it refuses."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Obj] = {}
        self.writes: list[str] = []
        self.refused: dict[str, ApiError | TransientError] = {}
        self.is_down = False
        #: Whether what is defined is served at once.
        self.establishes = True
        self.aggregated: list[Resource] = []

    def _enter(self, name: str) -> None:
        if self.is_down:
            raise TransientError("connection refused")
        if name in self.refused:
            raise self.refused[name]

    async def list(self, resource: Resource, namespace: str = "", **_options: Any) -> ObjectList:
        self._enter("")
        return ObjectList([obj for place, obj in self.objects.items() if place[0] == resource.plural], "1")

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        found = self.objects.get((resource.plural, namespace, name))
        if found is None:
            raise not_found(resource.plural, name)
        return found

    async def served(self, group: str, version: str) -> list[Resource]:
        """What definitions that are established, and APIServices, bring."""
        self._enter(f"{group}/{version}")
        names = [d["spec"] for p, d in self.objects.items() if p[0] == "customresourcedefinitions" and self.establishes]
        own = [
            Resource(group, version, s["names"]["plural"], s["names"]["kind"], s["scope"] == "Namespaced")
            for s in names
            if s["group"] == group
        ]
        return [*own, *(r for r in self.aggregated if (r.group, r.version) == (group, version))]

    async def create(self, resource: Resource, obj: Obj, **_options: Any) -> Obj:
        name = obj["metadata"]["name"]
        self._enter(name)
        place = (resource.plural, obj["metadata"].get("namespace", ""), name)
        if place in self.objects and resource.plural == "services":
            raise ApiError(422, "Invalid", "spec.clusterIP: provided IP is already allocated")
        if place in self.objects:
            raise already_exists(resource.plural, name)
        self.objects[place] = obj
        self.writes.append(f"create {resource.plural} {'/'.join(filter(None, place[1:]))}")
        return obj

    async def patch(self, resource: Resource, namespace: str, name: str, patch: Any, **_options: Any) -> Obj:
        self._enter(name)
        place = (resource.plural, namespace, name)
        self.objects[place] = _merged(self.objects[place], patch)
        self.writes.append(f"patch {resource.plural} {'/'.join(filter(None, place[1:]))}")
        return self.objects[place]


class Management:
    """The client of the management cluster, for records that an action writes by itself."""

    def __init__(self, world: AddonWorld) -> None:
        self._world = world
        self.conflicts = 0

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        found = self._world.objects.get((resource.group_kind, Key(namespace, name)))
        if found is None:
            raise not_found(resource.plural, name)
        return found

    async def commit(self, resource: Resource, before: Obj, after: Obj, *, guarded: bool = True) -> Obj:
        if self.conflicts:
            self.conflicts -= 1
            raise conflict(resource.plural, before["metadata"]["name"], "it changed meanwhile")
        if before == after:
            return before
        self._world.writes += 1
        self._world._update(before, after)
        return self._world.objects[place_of(before)]


class AddonWorld(World):
    """Only the controllers of ClusterResourceSets; `workloads` are the clusters by name."""

    def __init__(self) -> None:
        super().__init__()
        self.workloads: dict[str, Workload] = {}
        self.management = Management(self)
        client = cast(Client, self.management)
        self.controllers = [ClusterResourceSetController(self, client), ClusterResourceSetBindingController()]

    async def client(self, cluster: Key, kubeconfig: bytes) -> Client:
        return cast(Client, self.workloads[cluster.name])

    async def forget(self, cluster: Key) -> None:
        return None

    def apply(self, plan: Plan) -> Outcomes:
        """As the world does, but for the action that has its own handler and a result."""
        done: list[Outcome] = []
        for action in plan.actions:
            if isinstance(action, ApplyResources):
                outcome = self._apply_resources(action)
                self.trace.append(f"{plan.subject}: {action.summary} ({action.reason})")
            else:
                outcome = super().apply(Plan(plan.subject, (action,))).items[0]
            done.append(outcome)
            if outcome.error is not None:
                break
        return Outcomes(tuple(done))

    def _apply_resources(self, action: Action) -> Outcome:
        handler = self.controllers[0].handlers()[ApplyResources]
        try:
            return Outcome(action, _answer(cast(Any, handler(action))))
        except (ApiError, TransientError) as error:
            return Outcome(action, error=error)

    # What a user declares

    def add_cluster(self, name: str = "homelab", kubeconfig: bool = True, **labels: str) -> Workload:
        meta = {"name": name, "namespace": NAMESPACE, "labels": {"cni": "flannel", **labels}}
        self.put({"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Cluster", "metadata": meta, "spec": {}})
        if kubeconfig:
            self.add_kubeconfig(name)
        return self.workloads.setdefault(name, Workload())

    def add_kubeconfig(self, name: str) -> None:
        meta = {"name": f"{name}-kubeconfig", "namespace": NAMESPACE}
        data = {"value": base64.b64encode(b"kubeconfig").decode()}
        self.put({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data})

    def add_config_map(self, name: str, **data: str) -> None:
        meta = {"name": name, "namespace": NAMESPACE}
        self.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})

    def add_secret(self, name: str, type: str = "addons.cluster.x-k8s.io/resource-set", **data: str) -> None:
        meta = {"name": name, "namespace": NAMESPACE}
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
        self.put({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": type, "data": encoded})

    def add_set(self, name: str, *resources: str, strategy: str = "ApplyOnce") -> None:
        refs = [dict(zip(("kind", "name"), text.split(), strict=True)) for text in resources]
        spec = {
            "clusterSelector": {"matchLabels": {"cni": "flannel"}},
            "strategy": strategy,
            "resources": refs,
        }
        meta = {"name": name, "namespace": NAMESPACE}
        api_version = "addons.cluster.x-k8s.io/v1beta2"
        self.put({"apiVersion": api_version, "kind": "ClusterResourceSet", "metadata": meta, "spec": spec})

    def applied(self, name: str = "cni") -> tuple[str, str, str]:
        """`ResourcesApplied` of a set: status, reason, message."""
        conditions = self.get("ClusterResourceSet", name)["status"]["conditions"]
        found = next(c for c in conditions if c["type"] == "ResourcesApplied")
        return found["status"], found["reason"], found.get("message", "")

    def records(self, cluster: str = "homelab") -> dict[str, dict[str, bool]]:
        """By set, whether each resource was applied."""
        spec = self.get("ClusterResourceSetBinding", cluster)["spec"]
        return {
            part["clusterResourceSetName"]: {r["name"]: r["applied"] for r in part.get("resources", ())}
            for part in spec.get("bindings", ())
        }
