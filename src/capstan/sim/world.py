"""A whole world in memory: a management plane and a datacenter on one virtual loop, repeatable from its seed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from typing import Any, TypeVar

import yaml

from capstan.api.errors import is_already_exists
from capstan.api.meta import TypedObject
from capstan.api.objects import Obj, Resource
from capstan.api.scheme import SCHEME
from capstan.api.struct import decode
from capstan.providers.talos.config.secrets import ServiceAccountAlgorithm
from capstan.sim.clock import VirtualClock
from capstan.sim.datacenter import Datacenter, DatacenterSettings
from capstan.sim.gate import Gate, GatedChannels, GatedClient, GatedTransports, GatedWorkloads
from capstan.sim.loop import VirtualLoop, finish
from capstan.sim.plane import Plane, Ports
from capstan.sim.proxmox.transport import SimulatedTransports
from capstan.sim.signal import Signal
from capstan.sim.trace import Trace
from capstan.store.memory import MemoryStore

T = TypeVar("T")
K = TypeVar("K", bound=TypedObject)


class World:
    """`with World(seed=1) as world: world.run(scenario(world))`.

    Guarantees: equal settings and equal scenarios give equal traces, byte by byte. `crash_after` ends the management
    plane's process at points before or after an effect; a new one goes on from the store.
    """

    def __init__(
        self, settings: DatacenterSettings | None = None, *, service_account: ServiceAccountAlgorithm = "ecdsa-p256"
    ) -> None:
        self.loop = VirtualLoop()
        self.clock = VirtualClock(self.loop)
        self.store = MemoryStore()
        self.changed = Signal()
        self.crashes = 0
        #: How long nobody starts the process again after its end.
        self.down_seconds = 0.0
        self._gaps: Iterator[int] = iter(())
        self._service_account: ServiceAccountAlgorithm = service_account
        self._restart: asyncio.Task[None] | None = None
        self.gate = Gate(self._effect, self._crash)
        self.datacenter = self.run(self._make_datacenter(settings))
        self.plane = self._make_plane()

    def __enter__(self) -> World:
        self.run(self.plane.start())
        return self

    def __exit__(self, *_error: object) -> None:
        self.run(self._stop())
        finish(self.loop)

    @property
    def trace(self) -> Trace:
        return self.datacenter.trace

    def run(self, scenario: Coroutine[Any, Any, T]) -> T:
        """Run a scenario to its end on the virtual loop."""
        return self.loop.run_until_complete(scenario)

    def crash_after(self, gaps: Iterable[int]) -> None:
        """End the process after so many more points before and after effects, and each new process after the next
        gap, until the gaps are used up."""
        self._gaps = iter(gaps)
        self._arm()

    async def up(self) -> None:
        """Wait until the process runs: its API answers to users."""
        while self._restart is not None and not self._restart.done():
            await asyncio.wait([self._restart])

    async def lose_plane(self) -> None:
        """The management plane and all that it knew are gone; a new one begins with nothing. The datacenter goes on."""
        await self.plane.stop()
        self.store = MemoryStore()
        self.plane = self._make_plane()
        await self.plane.start()

    # -- what a user does

    async def apply(self, manifests: str, namespace: str = "default") -> None:
        """Create each object, or merge into the one that is there; as `kubectl apply` ends up."""
        for document in yaml.safe_load_all(manifests):
            if document:
                await self._apply_one(document, namespace)

    async def delete(self, manifests: str, namespace: str = "default") -> None:
        """Ask for the deletion of each object; does not wait."""
        for document in yaml.safe_load_all(manifests):
            if document:
                resource, where = resource_of(document, namespace)
                await self.plane.client.delete(resource, where, document["metadata"]["name"])

    async def get(self, kind: type[K], name: str, namespace: str = "default") -> K:
        """The typed object as it is now. Raises ApiError NotFound."""
        resource = SCHEME.of(kind).resource()
        return decode(await self.plane.client.get(resource, namespace if resource.namespaced else "", name), kind)

    async def list(self, kind: type[K], namespace: str = "") -> list[K]:
        found = await self.plane.client.list(SCHEME.of(kind).resource(), namespace)
        return [decode(item, kind) for item in found.items]

    async def patch(self, kind: type[TypedObject], name: str, patch: Obj, namespace: str = "default") -> None:
        await self.plane.client.patch(SCHEME.of(kind).resource(), namespace, name, patch)

    async def until(self, check: Callable[[], Awaitable[bool]], timeout_seconds: float = 3600.0) -> None:
        """Wait until the check holds; it is made again after every effect. Raises TimeoutError with the trace's end."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while not await check():
                    await self.changed.next()
        except TimeoutError:
            tail = "\n".join(self.trace.lines[-30:])
            raise TimeoutError(
                f"not so after {timeout_seconds:.0f} simulated seconds; the last lines:\n{tail}"
            ) from None

    # -- how it is put together

    async def _make_datacenter(self, settings: DatacenterSettings | None) -> Datacenter:
        datacenter = Datacenter(self.clock, settings)
        datacenter.trace.on_line = self.changed.notify
        return datacenter

    def _make_plane(self) -> Plane:
        outside = self.datacenter
        transports = SimulatedTransports({outside.settings.pve_host: outside.pve_api})
        ports = Ports(
            transports=GatedTransports(transports, self.gate),
            channels=GatedChannels(outside.channels, self.gate),
            workloads=GatedWorkloads(outside.workload_clients, self.gate),
            keys=outside.keys,
            clock=self.clock,
        )
        return Plane(
            self.store,
            ports,
            wrap=lambda client: GatedClient(client, self.gate, "api"),
            service_account=self._service_account,
        )

    def _effect(self, who: str, what: str) -> None:
        if who:
            self.trace.add(who, what)
        self.loop.call_soon(self.changed.notify)

    def _crash(self) -> None:
        self.crashes += 1
        self.trace.add("crash", f"the process ends at point {self.gate.points}")
        self._restart = self.loop.create_task(self._start_again(), name="restart")

    def _arm(self) -> None:
        gap = next(self._gaps, 0)
        self.gate.crash_at = self.gate.points + gap if gap else 0

    async def _start_again(self) -> None:
        await self.plane.stop()
        if self.down_seconds:
            await self.clock.sleep(self.down_seconds)
        self.gate.open()
        self._arm()
        self.plane = self._make_plane()
        self.trace.add("crash", "a new process starts from the store")
        await self.plane.start()

    async def _stop(self) -> None:
        if self._restart is not None:
            await self._restart
        await self.plane.stop()
        await self.datacenter.stop()

    async def _apply_one(self, document: Obj, namespace: str) -> None:
        resource, where = resource_of(document, namespace)
        name = document["metadata"]["name"]
        if where:
            document = {**document, "metadata": {**document["metadata"], "namespace": where}}
        try:
            await self.plane.client.create(resource, document)
        except Exception as error:
            if not is_already_exists(error):
                raise
            await self.plane.client.patch(resource, where, name, document)


def resource_of(document: Obj, namespace: str) -> tuple[Resource, str]:
    """The resource of a manifest in the version that it was written in, and its namespace."""
    group, _, version = document["apiVersion"].rpartition("/")
    kind = SCHEME.by_kind(group, document["kind"])
    if kind is None:
        raise ValueError(f"{document['apiVersion']} {document['kind']} is not served")
    resource = kind.resource(version)
    return resource, document["metadata"].get("namespace") or namespace if resource.namespaced else ""
