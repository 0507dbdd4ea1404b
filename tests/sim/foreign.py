"""Providers that Capstan does not know: CRDs of users, a controller that moves their objects, a workload cluster."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta
from typing import Any, ClassVar

from capstan.api.errors import is_already_exists
from capstan.api.objects import Key, Obj, Resource
from capstan.api.rules.certificates import Authority, Subject, Validity, self_signed_ca
from capstan.api.verbs import User
from capstan.controllers.cluster.kubeconfig import Issuing, kubeconfig_secret
from capstan.controllers.cluster.plan.kubeconfig import IssueKubeconfig
from capstan.runtime.client.local import LocalClient
from capstan.runtime.client.protocol import Client
from capstan.sim.keys import SeededKeys
from capstan.sim.workload.cluster import Door, WorkloadCluster
from capstan.sim.workload.kubernetes import embedded_kubernetes
from capstan.sim.world import World

HOST = "10.7.0.5"
NAMESPACE = "default"
FINALIZER = "foreign.example/holds"
INFRA, BOOTSTRAP, CONTROL_PLANE = (f"{g}.foreign.example" for g in ("infrastructure", "bootstrap", "controlplane"))
GROUPS = {
    "ForeignCluster": INFRA,
    "ForeignMachine": INFRA,
    "ForeignMachineTemplate": INFRA,
    "ForeignMachinePool": INFRA,
    "ForeignConfig": BOOTSTRAP,
    "ForeignConfigTemplate": BOOTSTRAP,
    "ForeignControlPlane": CONTROL_PLANE,
}
CRDS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", False)
NODES = Resource("", "v1", "nodes", "Node", False)
SECRETS = Resource("", "v1", "secrets", "Secret")


def resource(kind: str) -> Resource:
    return Resource(GROUPS[kind], "v1alpha7", f"{kind.lower()}s", kind)


def definition(kind: str, contract: str) -> Obj:
    """The CRD; without a contract it has no label that says which it keeps."""
    found = resource(kind)
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{found.plural}.{found.group}",
            "labels": {f"cluster.x-k8s.io/{contract}": "v1alpha1_v1alpha7"} if contract else {},
        },
        "spec": {
            "group": found.group,
            "scope": "Namespaced",
            "names": {"plural": found.plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": version == "v1alpha7",
                    "schema": {"openAPIV3Schema": anything},
                    "subresources": {"status": {}},
                }
                for version in ("v1alpha1", "v1alpha7")
            ],
        },
    }


def _object(kind: str, name: str, spec: Obj) -> Obj:
    group = GROUPS.get(kind)
    api_version = f"{group}/v1alpha7" if group else "cluster.x-k8s.io/v1beta2"
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


def _ref(kind: str, name: str) -> Obj:
    return {"apiGroup": GROUPS[kind], "kind": kind, "name": name}


def manifests(replicas: int = 2) -> list[Obj]:
    """A cluster whose every provider is foreign, its control plane run by somebody else."""
    machine = {
        "clusterName": "foo",
        "version": "v1.34.1",
        "bootstrap": {"configRef": _ref("ForeignConfigTemplate", "foo")},
        "infrastructureRef": _ref("ForeignMachineTemplate", "foo"),
    }
    deployment = {"clusterName": "foo", "replicas": replicas, "selector": {}, "template": {"spec": machine}}
    refs = {
        "infrastructureRef": _ref("ForeignCluster", "foo"),
        "controlPlaneRef": _ref("ForeignControlPlane", "foo"),
    }
    return [
        _object("Cluster", "foo", refs),
        _object("MachineDeployment", "foo", deployment),
        _object("ForeignCluster", "foo", {}),
        _object("ForeignControlPlane", "foo", {"version": "v1.34.1"}),
        _object("ForeignMachineTemplate", "foo", {"template": {"spec": {"size": "small"}}}),
        _object("ForeignConfigTemplate", "foo", {"template": {"spec": {"format": "none"}}}),
    ]


class ForeignProviders:
    """Looks at its objects again and again and moves each one step on, as its `contract` has the fields."""

    #: What it looks after, and who has to own each before anything is done for it.
    cares_for: ClassVar[dict[str, tuple[str, ...]]] = {
        "ForeignCluster": ("Cluster",),
        "ForeignControlPlane": ("Cluster",),
        "ForeignConfig": ("Machine", "MachinePool"),
        "ForeignMachine": ("Machine",),
    }

    def __init__(self, world: World, contract: str) -> None:
        self._world = world
        self._is_old = contract == "v1beta1"
        self._keys = SeededKeys("foreign")
        now = world.clock.now()
        validity = Validity(now, now + timedelta(days=3650))
        self._authority: Authority = self_signed_ca(
            self._keys.ecdsa_p256(), Subject(common_name="foreign"), validity, 3
        )
        self.workload = WorkloadCluster("foo", embedded_kubernetes(world.clock, self._keys))
        self.label = "foreign"
        self._door = Door(
            self.workload,
            "foreign",
            self._authority.certificate_pem,
            self._authority.key_pem,
            lambda: frozenset({HOST}),
        )
        #: Seconds between two looks.
        self.every = 1.0
        self._task: asyncio.Task[None] | None = None

    def service(self, port: int) -> Any:
        return self._door if port == 6443 else None

    @property
    def client(self) -> Client:
        return self._world.plane.client

    @property
    def inside(self) -> Client:
        """The workload cluster's API, for its administrator."""
        return LocalClient(self.workload.kubernetes.verbs(User("admin", ("system:masters",))))

    async def start(self) -> None:
        await self.workload.start()
        self.workload.open(self._door)
        self._world.datacenter.network.attach(HOST, self)
        self._task = asyncio.get_running_loop().create_task(self._run(), name="foreign providers")

    async def stop(self) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.workload.stop()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self.every)
            for kind in self.cares_for:
                try:
                    found = await self.client.list(resource(kind), NAMESPACE)
                except Exception:  # The CRD is not there yet.
                    continue
                for obj in found.items:
                    await self._step(obj)

    async def _step(self, obj: Obj) -> None:
        metadata = obj["metadata"]
        if metadata.get("deletionTimestamp"):
            await self.let_go(obj)
            await self._commit(obj, {**obj, "metadata": {**metadata, "finalizers": []}})
            return
        if not any(ref["kind"] in self.cares_for[obj["kind"]] for ref in metadata.get("ownerReferences") or ()):
            return
        spec, status = await getattr(self, f"_{obj['kind'].lower()}")(obj)
        held = {**metadata, "finalizers": [FINALIZER]}
        told = {**(obj.get("status") or {}), **status}
        await self._commit(obj, {**obj, "metadata": held, "spec": {**obj["spec"], **spec}, "status": told})

    async def let_go(self, obj: Obj) -> None:
        """What it does before an object may go."""

    async def _commit(self, before: Obj, after: Obj) -> None:
        try:
            await self.client.commit(resource(before["kind"]), before, after)
        except Exception as error:
            if getattr(error, "reason", "") not in ("Conflict", "NotFound"):
                raise

    async def _foreigncluster(self, _obj: Obj) -> tuple[Obj, Obj]:
        endpoint = {"controlPlaneEndpoint": {"host": HOST, "port": 6443}}
        if self._is_old:
            return endpoint, {"ready": True, "failureDomains": {"b": {"controlPlane": True}, "a": {}}}
        domains = [{"name": "b", "controlPlane": True}, {"name": "a"}]
        return endpoint, {"initialization": {"provisioned": True}, "failureDomains": domains}

    async def _foreigncontrolplane(self, obj: Obj) -> tuple[Obj, Obj]:
        await self._kubeconfig(obj)
        status: Obj = {"externalManagedControlPlane": True, "version": "v1.34.1"}
        if self._is_old:
            return {}, {**status, "initialized": True, "ready": True}
        return {}, {**status, "initialization": {"controlPlaneInitialized": True}}

    async def _foreignconfig(self, obj: Obj) -> tuple[Obj, Obj]:
        name = obj["metadata"]["name"]
        await self._ensure(SECRETS, _secret(name, b"#!/bin/true"))
        done = {"ready": True} if self._is_old else {"initialization": {"dataSecretCreated": True}}
        return {}, {**done, "dataSecretName": name}

    async def _foreignmachine(self, obj: Obj) -> tuple[Obj, Obj]:
        name = obj["metadata"]["name"]
        await self._node(name)
        done = {"ready": True} if self._is_old else {"initialization": {"provisioned": True}}
        addresses = [{"type": "InternalIP", "address": "10.7.0.9"}]
        return {"providerID": f"foreign://{name}"}, {**done, "addresses": addresses}

    async def _kubeconfig(self, obj: Obj) -> None:
        action = IssueKubeconfig(
            reason="",
            cluster=Key(NAMESPACE, "foo"),
            uid=obj["metadata"]["ownerReferences"][0]["uid"],
            server=f"https://{HOST}:6443",
            now=self._world.clock.now(),
            authority=self._authority,
        )
        await self._ensure(SECRETS, kubeconfig_secret(action, Issuing(self._keys.ecdsa_p256(), 9)))

    async def _node(self, name: str) -> None:
        states = ("MemoryPressure", "DiskPressure", "PIDPressure")
        healthy = [{"type": state, "status": "False", "reason": "Fine"} for state in states]
        spec = {"providerID": f"foreign://{name}"}
        made = await self._ensure(
            NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": spec}, self.inside
        )
        if made is not None:
            ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
            status = {"conditions": [ready, *healthy], "nodeInfo": {"kubeletVersion": "v1.34.1"}}
            await self.inside.patch(NODES, "", name, {"status": status}, subresource="status")

    async def _ensure(self, kind: Resource, obj: Obj, client: Client | None = None) -> Obj | None:
        """None when it is there."""
        try:
            return await (client or self.client).create(kind, obj)
        except Exception as error:
            if is_already_exists(error):
                return None
            raise


def _secret(name: str, value: bytes) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"cluster.x-k8s.io/cluster-name": "foo"}},
        "type": "cluster.x-k8s.io/secret",
        "data": {"value": base64.b64encode(value).decode()},
    }
