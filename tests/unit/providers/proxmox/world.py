"""A small world for the Proxmox provider: a real API server and manager, a simulated Proxmox VE, virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from capstan.api.errors import TransientError
from capstan.api.objects import Key, Obj, Resource
from capstan.api.scheme import SCHEME
from capstan.api.verbs import User
from capstan.apiserver.server import ApiServer
from capstan.providers.ipam.inclusterippool.controller import InClusterIPPoolController
from capstan.providers.ipam.ipaddressclaim.controller import IPAddressClaimController
from capstan.providers.proxmox.client import Clients
from capstan.providers.proxmox.proxmoxcluster.controller import ProxmoxClusterController
from capstan.providers.proxmox.proxmoxmachine.controller import ProxmoxMachineController
from capstan.providers.proxmox.resources import CLAIMS, PROXMOX_CLUSTERS, PROXMOX_MACHINES, SECRETS
from capstan.providers.proxmox.transport import Endpoint, Response, Scalar, Transport, Upload
from capstan.runtime.client.local import LocalClient
from capstan.runtime.client.protocol import Client
from capstan.runtime.manager import Manager
from capstan.runtime.nodes import WorkloadNodes
from capstan.runtime.plan import Action, Plan
from capstan.sim.clock import VirtualClock
from capstan.sim.faults import Faults
from capstan.sim.hypervisor import DiskImage
from capstan.sim.keys import SeededKeys
from capstan.sim.proxmox.access import Token
from capstan.sim.proxmox.api import PveApi
from capstan.sim.proxmox.cluster import Host, PveCluster
from capstan.sim.proxmox.delays import PveDelays
from capstan.sim.proxmox.storage import Storage
from capstan.sim.proxmox.transport import SimulatedTransports
from capstan.store.memory import MemoryStore

CLUSTERS = Resource("cluster.x-k8s.io", "v1beta2", "clusters", "Cluster")
MACHINES = Resource("cluster.x-k8s.io", "v1beta2", "machines", "Machine")
EVENTS = Resource("", "v1", "events", "Event")
ADDRESSES = Resource("ipam.cluster.x-k8s.io", "v1beta2", "ipaddresses", "IPAddress")
NAMESPACE = "default"
TOKEN = Token("capi@pve!capi", "secret-of-the-token")
SLOW = PveDelays(clone_full=3.0, start=1.0, stop=1.0, destroy=1.0, upload=0.5, configure=0.1, resize=0.1)


class Wire:
    """The connection to Proxmox VE. It hangs just before or just after write number `stop_at` has its effect: there
    the process is to die."""

    def __init__(self, inner: Transport, world: World) -> None:
        self._inner, self._world = inner, world

    async def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Scalar] | None = None,
        *,
        upload: Upload | None = None,
        timeout_seconds: float = 30.0,
    ) -> Response:
        number = self._world.count(method)
        if number and number == self._world.stop_before:
            await self._world.hang()
        response = await self._inner.request(method, path, params, upload=upload, timeout_seconds=timeout_seconds)
        if number and number == self._world.stop_after:
            await self._world.hang()
        if number and number == self._world.lose_after:
            raise TransientError("the answer was lost")
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


@dataclass
class _Workloads:
    """The one workload cluster, for whoever asks."""

    world: World

    async def client(self, cluster: Key, kubeconfig: bytes) -> Client:
        return await self.world.client_of(cluster)

    async def forget(self, cluster: Key) -> None:
        return None


@dataclass
class Wires:
    """Opens them."""

    inner: SimulatedTransports
    world: World

    def connect(self, endpoint: Endpoint) -> Transport:
        return Wire(self.inner.connect(endpoint), self.world)


@dataclass
class World:
    """One API server and one Proxmox VE; managers come and go."""

    server: ApiServer
    client: LocalClient
    pve: PveCluster
    api: PveApi
    clock: VirtualClock
    manager: Manager | None = None
    seeds: int = 0
    actions: list[str] = field(default_factory=list)
    writes: int = 0
    stop_before: int = 0
    stop_after: int = 0
    lose_after: int = 0
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    workload_server: ApiServer | None = None
    workload: LocalClient | None = None

    async def client_of(self, cluster: Key) -> LocalClient:
        """The client of the workload cluster, once `boot_workload` was called."""
        if self.workload is None:
            raise TransientError(f"{cluster} does not answer")
        return self.workload

    async def boot_workload(self) -> LocalClient:
        """The workload cluster answers from now on."""
        keys = SeededKeys(9)
        self.workload_server = ApiServer(MemoryStore(), scheme=SCHEME, clock=self.clock.now, token=keys.token)
        await self.workload_server.start()
        self.workload = LocalClient(self.workload_server.verbs(User("admin", ("system:masters",))))
        return self.workload

    def count(self, method: str) -> int:
        """The number of this write among all; 0 for reads."""
        if method == "GET":
            return 0
        self.writes += 1
        return self.writes

    async def hang(self) -> None:
        self.stopped.set()
        await asyncio.get_running_loop().create_future()

    async def crash_and_restart(self) -> None:
        """Waits until the process hangs where it is to die, kills it and starts another one."""
        try:
            await asyncio.wait_for(self.stopped.wait(), 120)
        except TimeoutError:
            return
        self.stop_before = self.stop_after = 0
        await self.kill()
        await self.start()

    async def start(self) -> None:
        """A new process: nothing of an earlier one is known to it but what is stored."""
        self.seeds += 1
        clients = Clients(Wires(SimulatedTransports({"pve": self.api}), self), self.clock)
        nodes = WorkloadNodes(_Workloads(self))
        self.manager = Manager(self.client, SCHEME, self.clock, workload_nodes=nodes, before_action=self._note)
        for controller in (
            InClusterIPPoolController(),
            IPAddressClaimController(),
            ProxmoxClusterController(clients),
            ProxmoxMachineController(clients, SeededKeys(self.seeds), workloads=_Workloads(self)),
        ):
            self.manager.add(controller)
        await self.manager.start()

    def _note(self, plan: Plan, action: Action) -> None:
        self.actions.append(f"{plan.subject}: {action.summary}")

    async def kill(self) -> None:
        """The process dies wherever it is."""
        if self.manager is not None:
            await self.manager.stop()
            self.manager = None

    async def get(self, resource: Resource, name: str) -> Obj:
        return await self.client.get(resource, NAMESPACE, name)

    async def objects(self, resource: Resource) -> list[Obj]:
        return list((await self.client.list(resource, NAMESPACE)).items)

    async def until(self, resource: Resource, name: str, condition: Any, seconds: float = 600) -> Obj:
        """The object once `condition(object)` holds."""
        deadline = self.clock.monotonic() + seconds
        while True:
            obj = await self.get(resource, name)
            if condition(obj):
                return obj
            if self.clock.monotonic() > deadline:
                raise AssertionError(f"{name} after {seconds} s: {orjson.dumps(obj.get('status'), option=2).decode()}")
            await asyncio.sleep(0.25)

    async def until_gone(self, resource: Resource, name: str, seconds: float = 600) -> None:
        deadline = self.clock.monotonic() + seconds
        while any(obj["metadata"]["name"] == name for obj in await self.objects(resource)):
            if self.clock.monotonic() > deadline:
                raise AssertionError(f"{name} is still there: {orjson.dumps(await self.get(resource, name)).decode()}")
            await asyncio.sleep(0.25)

    async def machine(self, name: str, **spec: Any) -> None:
        """A Machine with its ProxmoxMachine and bootstrap data, as the core provider makes them."""
        owner = {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Machine", "name": name}
        machine = await self.client.create(MACHINES, machine_object(name))
        secret = {"data": {"value": "dmVyc2lvbjogdjFhbHBoYTEK"}, "type": "cluster.x-k8s.io/secret"}
        await self.client.create(SECRETS, {**head("v1", "Secret", f"{name}-data"), **secret})
        owned = {**owner, "uid": machine["metadata"]["uid"], "controller": True}
        await self.client.create(PROXMOX_MACHINES, proxmox_machine(name, [owned], spec))

    async def conditions(self, resource: Resource, name: str) -> dict[str, dict[str, Any]]:
        obj = await self.get(resource, name)
        return {c["type"]: c for c in obj.get("status", {}).get("conditions", ())}

    async def settle(self, name: str, reason: str, *, kind: Resource = PROXMOX_MACHINES, seconds: float = 300) -> str:
        """Waits for the reason in the machine's conditions; gives its message."""

        def has_reason(obj: Obj) -> bool:
            return any(c["reason"] == reason for c in obj.get("status", {}).get("conditions", ()))

        obj = await self.until(kind, name, has_reason, seconds)
        return str(
            next(c["message"] for c in obj["status"]["conditions"] if c["reason"] == reason and c["type"] != "Ready")
        )

    async def events(self, reason: str) -> list[str]:
        return [e["message"] for e in await self.objects(EVENTS) if e["reason"] == reason]

    async def close(self) -> None:
        await self.kill()
        await self.server.stop()
        if self.workload_server is not None:
            await self.workload_server.stop()

    def vms(self) -> list[int]:
        return sorted(vmid for vmid, vm in self.pve.vms.items() if not vm.template)

    def files(self) -> list[str]:
        return sorted(f.volid for s in self.pve.storages.all() for f in s.files.values())


def head(version: str, kind: str, name: str, **labels: str) -> Obj:
    shown = {"cluster.x-k8s.io/cluster-name": "homelab", **labels}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE, "labels": shown}}


def machine_object(name: str) -> Obj:
    reference = {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "ProxmoxMachine", "name": name}
    return {
        **head("cluster.x-k8s.io/v1beta2", "Machine", name),
        "spec": {
            "clusterName": "homelab",
            "version": "v1.34.0",
            "bootstrap": {"dataSecretName": f"{name}-data"},
            "infrastructureRef": reference,
        },
    }


def proxmox_machine(name: str, owners: list[Obj], spec: dict[str, Any]) -> Obj:
    obj = head("infrastructure.cluster.x-k8s.io/v1alpha2", "ProxmoxMachine", name)
    obj["metadata"]["ownerReferences"] = owners
    device = {"name": "net0", "bridge": "vmbr0", "model": "virtio", "defaultIPv4": True}
    defaults: dict[str, Any] = {
        "sourceNode": "pve1",
        "templateID": 9000,
        "full": True,
        "numSockets": 1,
        "numCores": 2,
        "memoryMiB": 4096,
        "disks": {"bootVolume": {"disk": "scsi0", "sizeGb": 20}},
        "network": {"networkDevices": [device]},
        "checks": {"skipCloudInitStatus": True, "skipQemuGuestAgent": True},
        "metadataSettings": {"providerIDInjection": True},
    }
    merged = {key: value for key, value in {**defaults, **spec}.items() if value is not None}
    return {**obj, "spec": merged}


async def world(
    *, delays: PveDelays | None = None, hosts: tuple[Host, ...] | None = None, addresses: str = ""
) -> World:
    """A started API server with a cluster whose infrastructure is wanted, and a Proxmox VE with template 9000."""
    clock, keys = VirtualClock(asyncio.get_running_loop()), SeededKeys(7)
    server = ApiServer(MemoryStore(), scheme=SCHEME, clock=clock.now, token=keys.token)
    await server.start()
    client = LocalClient(server.verbs(User("admin", ("system:masters",))))
    storages = (
        Storage("local", content=("iso", "import")),
        Storage("shared", type="rbd", content=("images",)),
    )
    pve = PveCluster(
        "pve",
        hosts=hosts or (Host("pve1"),),
        storages=storages,
        tokens=(TOKEN,),
        random_bytes=keys.token,
        now=clock.now,
        delays=delays or PveDelays(),
    )
    pve.add_template(9000, "pve1", "shared", DiskImage(os="talos", version="v1.11.6"))
    built = World(server, client, pve, PveApi(pve, faults=Faults()), clock)
    await _declare(client, addresses or "192.168.0.20-192.168.0.40")
    return built


async def _declare(client: LocalClient, addresses: str) -> None:
    reference = {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "ProxmoxCluster", "name": "homelab"}
    cluster = await client.create(
        CLUSTERS, {**head("cluster.x-k8s.io/v1beta2", "Cluster", "homelab"), "spec": {"infrastructureRef": reference}}
    )
    ready = {"status": {"initialization": {"infrastructureProvisioned": True}}}
    await client.patch(CLUSTERS, NAMESPACE, "homelab", ready, subresource="status")
    values = {"url": "https://pve:8006", "token": TOKEN.id, "secret": TOKEN.secret}
    await client.create(SECRETS, {**head("v1", "Secret", "credentials"), "stringData": values})
    infra = head("infrastructure.cluster.x-k8s.io/v1alpha2", "ProxmoxCluster", "homelab")
    infra["metadata"]["ownerReferences"] = [
        {
            "apiVersion": "cluster.x-k8s.io/v1beta2",
            "kind": "Cluster",
            "name": "homelab",
            "uid": cluster["metadata"]["uid"],
        }
    ]
    infra["spec"] = {
        "controlPlaneEndpoint": {"host": "192.168.0.10", "port": 6443},
        "ipv4Config": {"addresses": [addresses], "prefix": 24, "gateway": "192.168.0.1"},
        "dnsServers": ["192.168.0.1"],
        "credentialsRef": {"name": "credentials"},
    }
    await client.create(PROXMOX_CLUSTERS, infra)


def is_provisioned(obj: Obj) -> bool:
    return bool(obj.get("status", {}).get("initialization", {}).get("provisioned"))


__all__ = ["ADDRESSES", "CLAIMS", "EVENTS", "SLOW", "World", "is_provisioned", "world"]
