"""The servers behind the lab's proxy: one for each machine's apid and each kube-apiserver, made when first dialled."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from capstan.sim.certificates import Issuer
from capstan.sim.lab.apidserver import ApidServer
from capstan.sim.lab.doorserver import DoorServer
from capstan.sim.lab.proxy import Route
from capstan.sim.network import Network
from capstan.sim.talos.machine import Machine
from capstan.sim.workload.cluster import Door


class Listener(Protocol):
    """A server of this process. `start` may use the UNIX socket's path, and gives where it listens."""

    async def start(self, path: str) -> str | int: ...

    async def stop(self) -> None: ...


@dataclass(slots=True)
class _Served:
    listener: Listener
    route: Route
    ended: asyncio.Task[None]


class Endpoints:
    """Routes of the proxy. Fixed ones (the simulated Proxmox VE by its name) are added; machines come and go."""

    def __init__(self, network: Network, issuer: Issuer) -> None:
        self._network = network
        self._issuer = issuer
        self._folder = tempfile.TemporaryDirectory(prefix="capstan-lab-")
        self._fixed: dict[tuple[str, int], Route] = {}
        self._served: dict[Any, _Served] = {}
        self._lock = asyncio.Lock()
        self._count = 0

    def add(self, host: str, port: int, target: str | int) -> None:
        """A name that always leads to one UNIX socket, or one port on loopback."""
        self._fixed[(host, port)] = Route(target, _never)

    async def route(self, host: str, port: int) -> Route | None:
        """Implements the proxy's `Router`."""
        fixed = self._fixed.get((host, port))
        if fixed is not None:
            return fixed
        model = self._network.service(host, port)
        if model is None:
            return None
        async with self._lock:
            served = self._served.get(_identity(model))
            if served is None:
                served = await self._serve(model)
            return served.route

    def socket_path(self) -> str:
        """A fresh path for a UNIX socket, short enough and readable by this user only."""
        self._count += 1
        return str(Path(self._folder.name) / f"{self._count}.sock")

    async def stop(self) -> None:
        for served in list(self._served.values()):
            served.ended.cancel()
            await served.listener.stop()
        self._served.clear()
        self._folder.cleanup()

    async def _serve(self, model: Any) -> _Served:
        identity = _identity(model)
        listener: Listener
        broken: Callable[[], Awaitable[None]]
        if isinstance(model, Machine):
            listener, broken = ApidServer(model), model.disconnected.next
        else:
            listener, broken = DoorServer(model, self._issuer), lambda: _closed(model)
        target = await listener.start(self.socket_path())
        ended = asyncio.ensure_future(self._stop_when(identity, broken))
        served = self._served[identity] = _Served(listener, Route(target, broken), ended)
        return served

    async def _stop_when(self, identity: Any, broken: Callable[[], Awaitable[None]]) -> None:
        """The model went down: so does its server."""
        await broken()
        served = self._served.pop(identity, None)
        if served is not None:
            await served.listener.stop()


def _identity(model: Any) -> Any:
    """A machine in another boot or mode has another certificate, so another server."""
    if isinstance(model, Machine):
        return (id(model), model.boots, model.apid)
    return id(model)


async def _closed(door: Door) -> None:
    await door.cluster.changed.until(lambda: not door.is_open)


async def _never() -> None:
    await asyncio.get_running_loop().create_future()
