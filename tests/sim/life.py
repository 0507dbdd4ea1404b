"""One random life of a world: its clusters, what its users wrote and asked for, and which machines a trouble holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any

import yaml

from capstan.api.errors import ApiError
from capstan.api.objects import Obj
from capstan.api.scheme import SCHEME
from capstan.sim.proxmox.vm import Vm
from tests.sim.homelab import HomeLab, documents, small, text

#: What users write and no controller may change.
_USERS_KINDS = ("TalosControlPlane", "MachineDeployment", "MachineHealthCheck", "ProxmoxMachineTemplate")
CLUSTERS = {"homelab": ("30", "10"), "other": ("50", "14")}
CP_LABEL = "cluster.x-k8s.io/control-plane"
#: What a cluster is made of.
PARTS = (
    "Cluster",
    "Machine",
    "MachineSet",
    "MachineDeployment",
    "TalosControlPlane",
    "ProxmoxCluster",
    "ProxmoxMachine",
    "TalosConfig",
    "IPAddressClaim",
    "IPAddress",
    "InClusterIPPool",
    "Secret",
)


def manifests_of(cluster: str, control_planes: int, workers: int) -> list[Obj]:
    """The home lab under that name, with addresses of its own and room for many machines."""
    vip, tens = CLUSTERS[cluster]
    body = text(small(documents(), control_planes, workers)).replace("homelab", cluster)
    body = body.replace(f"capstan@pve!{cluster}", "capstan@pve!homelab").replace("192.168.0.30", f"192.168.0.{vip}")
    body = body.replace("192.168.0.20-192.168.0.29", f"192.168.0.{tens}0-192.168.0.{tens}9")
    return [d for d in yaml.safe_load_all(body) if d]


@dataclass
class Life:
    """`told` is the story so far; `written` what users last wrote into the specs of their objects."""

    lab: HomeLab
    told: list[str] = field(default_factory=list)
    written: dict[tuple[str, str], Obj] = field(default_factory=dict)
    #: Machines whose VM a trouble or a user has stopped or taken away, until when at least.
    hurt: dict[str, float] = field(default_factory=dict)
    #: Machines whose VM was destroyed by hand.
    robbed: set[str] = field(default_factory=set)
    #: Clusters whose deletion users have asked for, and how often each was made.
    ending: set[str] = field(default_factory=set)
    made: dict[str, int] = field(default_factory=dict)
    #: When a trouble, or a user who takes machines away, last meddled.
    meddled: float = 0.0
    #: How troubles that last are ended, by what they are.
    lasting: dict[str, Callable[[], Awaitable[None] | None]] = field(default_factory=dict)
    settled_minutes: float = 0.0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def tell(self, what: str) -> None:
        self.told.append(f"{self.now():9.1f} {what}")
        self.lab.world.trace.add("story", what)

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def hurts(self, name: str, seconds: float = 0.0) -> None:
        self.hurt[name] = self.now() + seconds
        self.meddled = self.now()

    # -- time

    def later(self, seconds: float, what: str, end: Callable[[], Awaitable[None] | None]) -> None:
        """End something by itself, or when all troubles end."""
        self.lasting[what] = end

        async def wait() -> None:
            await asyncio.sleep(seconds)
            await self.end(what)

        self._spawn(wait())

    async def end(self, what: str) -> None:
        end = self.lasting.pop(what, None)
        if end is None:
            return
        self.tell(f"over: {what}")
        self.meddled = self.now()
        ending = end()
        if ending is not None:
            await attempt(self, "", ending)

    async def end_all(self) -> None:
        for what in list(self.lasting):
            await self.end(what)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- reading and writing as users do

    async def all(self, kind: str, cluster: str = "") -> list[Obj]:
        await self.lab.world.up()
        found = await self.lab.all(kind)
        return [o for o in found if not cluster or o["metadata"]["name"].startswith(cluster)]

    async def machines(self, cluster: str, control_plane: bool | None = None) -> list[Obj]:
        found = await self.all("Machine", cluster)
        if control_plane is None:
            return found
        return [m for m in found if (f"{cluster}-control-plane" in m["metadata"]["name"]) is control_plane]

    async def patch(self, kind: str, name: str, patch: Obj) -> Obj:
        """Merge it in, and remember what the spec says now."""
        await self.lab.world.up()
        resource = next(k for k in SCHEME.kinds if k.kind == kind).resource()
        answer = await self.lab.world.plane.client.patch(resource, "default", name, patch)
        if kind in _USERS_KINDS:
            self.written[kind, name] = answer["spec"]
        return answer

    async def add(self, manifest: Obj) -> None:
        await self.lab.world.up()
        try:
            await self.lab.add(manifest)
        finally:
            self.written.pop((manifest["kind"], manifest["metadata"]["name"]), None)

    async def delete(self, kind: str, name: str) -> None:
        await self.lab.world.up()
        await self.lab.delete(kind, name)

    async def living(self) -> list[str]:
        """Clusters that are there and not being deleted."""
        found = await self.all("Cluster")
        return [c["metadata"]["name"] for c in found if "deletionTimestamp" not in c["metadata"]]

    async def pick_cluster(self, rng: Random) -> str:
        living = await self.living()
        return rng.choice(living) if living else ""

    def vms(self, cluster: str = "") -> list[Vm]:
        found = self.lab.world.datacenter.pve.vms.values()
        return sorted((vm for vm in found if not vm.template and vm.name.startswith(cluster)), key=lambda vm: vm.vmid)


async def attempt(life: Life, what: str, deed: Awaitable[Any]) -> bool:
    """A user tries something; what the API refuses is told, and is no failure."""
    try:
        await deed
    except ApiError as error:
        life.tell(f"{what} -> refused: {error.code} {error.reason} {str(error)[:160]}".strip())
        return False
    return True


async def left_of(life: Life, cluster: str) -> list[str]:
    """What bears the cluster's name, but for what users keep."""
    found = []
    for kind in PARTS:
        found += [f"{kind} {o['metadata']['name']}" for o in await life.all(kind, f"{cluster}")]
    return [name for name in found if name != f"Secret {cluster}-proxmox"]
