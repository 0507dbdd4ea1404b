"""A small world of claims and pools: objects, the rules of an API server, and the controllers in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from capstan.api.bootstrap.talosconfig import TalosConfig
from capstan.api.cluster.cluster import Cluster
from capstan.api.ipam.globalinclusterippool import GlobalInClusterIPPool
from capstan.api.ipam.globalinclusterprefixpool import GlobalInClusterPrefixPool
from capstan.api.ipam.inclusterippool import InClusterIPPool
from capstan.api.ipam.inclusterprefixpool import InClusterPrefixPool
from capstan.api.ipam.ipaddress import IPAddress
from capstan.api.ipam.ipaddressclaim import IPAddressClaim
from capstan.api.meta import Condition
from capstan.api.objects import Key, Obj
from capstan.api.struct import decode, encode
from capstan.providers.ipam import ipam_controllers
from capstan.runtime.plan import Action, Create, Delete, Emit, Outcome, Outcomes, Update

START = datetime(2026, 1, 1, tzinfo=UTC)
CONTROLLERS: tuple[Any, ...] = tuple(ipam_controllers())
STRUCTS: dict[str, Any] = {
    "IPAddressClaim": IPAddressClaim,
    "InClusterIPPool": InClusterIPPool,
    "GlobalInClusterIPPool": GlobalInClusterIPPool,
    "InClusterPrefixPool": InClusterPrefixPool,
    "GlobalInClusterPrefixPool": GlobalInClusterPrefixPool,
    "IPAddress": IPAddress,
    "Cluster": Cluster,
    "TalosConfig": TalosConfig,
}


class World:
    """Objects by kind and key. Writes follow the API server's rules for uids, finalizers and deletion."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, Key], Obj] = {}
        self.time = START
        self.counter = 0
        self.events: list[str] = []

    # What the controllers read

    def now(self) -> datetime:
        return self.time

    def get(self, kind: type[Any], namespace: str, name: str) -> Any:
        obj = self.objects.get((kind.__name__, Key(namespace, name)))
        return None if obj is None else decode(obj, kind)

    def list(self, kind: type[Any]) -> tuple[Any, ...]:
        return tuple(decode(o, kind) for (name, _), o in sorted(self.objects.items()) if name == kind.__name__)

    def list_indexed(self, kind: type[Any], index: str, value: str) -> tuple[Any, ...]:
        indexes: dict[str, Any] = {}
        for controller in CONTROLLERS:
            indexes |= controller.indexes if controller.kind is kind else {}
            for watch in controller.watches:
                indexes |= watch.indexes if watch.kind is kind else {}
        return tuple(view for view in self.list(kind) if value in indexes[index](view))

    # What users and the executor write

    def put(self, kind: str, name: str, *, namespace: str = "lab", spec: Obj, **metadata: Any) -> None:
        self.counter += 1
        meta = {"name": name, "uid": f"uid-{self.counter}", "creationTimestamp": self.time.isoformat()}
        meta |= {"namespace": namespace} if namespace else {}
        self.objects[kind, Key(namespace, name)] = {"kind": kind, "metadata": meta | metadata, "spec": spec}

    def delete(self, kind: str, name: str, namespace: str = "lab") -> None:
        key = (kind, Key(namespace, name))
        obj = self.objects.get(key)
        if obj is not None:
            metadata = {"deletionTimestamp": self.time.isoformat()} | obj["metadata"]
            self._store(key, {**obj, "metadata": metadata})

    def _store(self, key: tuple[str, Key], obj: Obj) -> None:
        gone = "deletionTimestamp" in obj["metadata"] and not obj["metadata"].get("finalizers")
        if gone:
            self.objects.pop(key, None)
        else:
            self.objects[key] = obj

    def carry_out(self, action: Action) -> None:
        if isinstance(action, Create):
            metadata = dict(action.object["metadata"])
            assert (action.resource.kind, Key(metadata["namespace"], metadata["name"])) not in self.objects
            name, namespace = metadata.pop("name"), metadata.pop("namespace")
            self.put(action.resource.kind, name, namespace=namespace, spec=action.object["spec"], **metadata)
        elif isinstance(action, Update):
            meta = action.after.metadata
            self._store((action.resource.kind, Key(meta.namespace, meta.name)), encode(action.after))
        elif isinstance(action, Delete):
            self.delete(action.target.resource.kind, action.target.key.name, action.target.key.namespace)
        else:
            assert isinstance(action, Emit)
            self.events.append(f"{action.name}: {action.reason}")

    def reconcile(self, controller: Any, key: Key) -> bool:
        """One round of one controller; whether it changed anything."""
        before = dict(self.objects)
        snapshot = asyncio.run(controller.observe(self, key))
        if snapshot is None:
            return False
        plan = controller.plan(snapshot)
        assert controller.plan(snapshot) == plan
        for action in plan.actions:
            self.carry_out(action)
        outcomes = Outcomes(tuple(Outcome(action) for action in plan.actions))
        after = controller.compute_status(snapshot, outcomes)
        place = (controller.kind.__name__, key)
        if after is not None and place in self.objects:
            status = {"status": encode(after)["status"]}
            self.objects[place] = self.objects[place] | status
        return before != self.objects

    def settle(self) -> int:
        """Reconcile everything until nothing changes; the number of rounds that changed something."""
        for rounds in range(50):
            changed = False
            for controller in CONTROLLERS:
                for kind, key in list(self.objects):
                    if kind == controller.kind.__name__:
                        changed |= self.reconcile(controller, key)
            if not changed:
                return rounds
        raise AssertionError("does not settle")

    # Shorthands

    def pool(self, addresses: Iterable[str] = ("10.0.0.10-10.0.0.12",), **spec: Any) -> None:
        self.put("InClusterIPPool", "pool", spec={"addresses": list(addresses), "prefix": 24} | spec)

    def claim(self, name: str, kind: str = "InClusterIPPool", namespace: str = "lab", **metadata: Any) -> None:
        ref = {"apiGroup": "ipam.cluster.x-k8s.io", "kind": kind, "name": "pool"}
        self.put("IPAddressClaim", name, namespace=namespace, spec={"poolRef": ref}, **metadata)

    def address(self, name: str, namespace: str = "lab") -> str:
        view = self.get(IPAddress, namespace, name)
        return "" if view is None else view.spec.address

    def ready(self, name: str) -> Condition:
        (condition,) = self.get(IPAddressClaim, "lab", name).status.conditions
        assert isinstance(condition, Condition)
        return condition

    def counts(self) -> tuple[int, int, int, int]:
        counts = self.get(InClusterIPPool, "lab", "pool").status.ip_addresses
        return counts.total, counts.used, counts.free, counts.out_of_range
