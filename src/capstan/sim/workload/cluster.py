"""One workload cluster's Kubernetes: an API server in memory that answers while one of its doors is open.

Its data belongs to an etcd cluster; a door is the kube-apiserver of one control-plane machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from capstan.api.verbs import User, Verbs
from capstan.sim.signal import Signal


class Kubernetes(Protocol):
    """An API server in memory, as `capstan.apiserver` makes them."""

    def verbs(self, user: User) -> Verbs: ...

    async def start(self) -> None:
        """Make what every cluster has."""
        ...

    async def stop(self) -> None: ...


#: Makes the API server of a new cluster.
KubernetesFactory = Callable[[], Kubernetes]


@dataclass(slots=True, eq=False)
class Door:
    """The kube-apiserver of one machine: the CA that signed its certificate and signs its clients', and the names
    and addresses in that certificate. Once closed it stays closed: connections through it are gone."""

    cluster: WorkloadCluster
    label: str
    ca_pem: bytes
    ca_key_pem: bytes = field(repr=False)
    names: Callable[[], frozenset[str]]
    is_open: bool = True

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self.cluster.doors.remove(self)
            self.cluster.changed.notify()


class WorkloadCluster:
    """Doors, and the API behind them. `changed` tells of doors that open and close."""

    def __init__(self, name: str, factory: KubernetesFactory) -> None:
        self.name = name
        self.doors: list[Door] = []
        self.changed = Signal()
        self._factory = factory
        self._kubernetes: Kubernetes | None = None
        self._starting: asyncio.Task[None] | None = None

    @property
    def is_available(self) -> bool:
        return bool(self.doors)

    @property
    def kubernetes(self) -> Kubernetes:
        """The API itself; made when it is first needed."""
        if self._kubernetes is None:
            self._kubernetes = self._factory()
        return self._kubernetes

    async def start(self) -> None:
        """Have the API server ready, once, whichever machine comes first."""
        if self._starting is None:
            self._starting = asyncio.ensure_future(self.kubernetes.start())
        await asyncio.shield(self._starting)

    async def stop(self) -> None:
        """End what runs beside its requests."""
        if self._kubernetes is not None:
            await self._kubernetes.stop()

    def open(self, door: Door) -> None:
        self.doors.append(door)
        self.changed.notify()
