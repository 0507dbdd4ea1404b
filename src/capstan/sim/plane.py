"""A management plane in memory: API server and all controllers over given ports, as one process has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from capstan.api.scheme import SCHEME
from capstan.api.verbs import User
from capstan.apiserver.server import ApiServer
from capstan.controllers import core_controllers
from capstan.providers.ipam import ipam_controllers
from capstan.providers.proxmox import proxmox_controllers
from capstan.providers.proxmox.client import Clients
from capstan.providers.proxmox.transport import TransportFactory
from capstan.providers.talos import talos_controllers
from capstan.providers.talos.channel import ChannelFactory
from capstan.providers.talos.config.secrets import ServiceAccountAlgorithm
from capstan.runtime.client.local import LocalClient
from capstan.runtime.client.protocol import Client
from capstan.runtime.clock import Clock
from capstan.runtime.controller import Controller
from capstan.runtime.keys import KeySource
from capstan.runtime.manager import Manager
from capstan.runtime.nodes import WorkloadNodes
from capstan.runtime.workload import WorkloadClients
from capstan.store.protocol import Store

#: Who the controllers are to the API server.
CONTROLLERS = User("system:capstan", ("system:masters", "system:authenticated"))


@dataclass(frozen=True, slots=True)
class Ports:
    """The outside world as a plane sees it."""

    transports: TransportFactory
    channels: ChannelFactory
    workloads: WorkloadClients
    keys: KeySource
    clock: Clock


def all_controllers(
    client: Client, ports: Ports, service_account: ServiceAccountAlgorithm = "contract"
) -> list[Controller[Any, Any]]:
    """One of each kind, over the same ports."""
    return [
        *core_controllers(ports.workloads, client, ports.keys),
        *ipam_controllers(),
        *proxmox_controllers(Clients(ports.transports, ports.clock), ports.keys, ports.workloads),
        *talos_controllers(client, ports.keys, ports.channels, service_account=service_account),
    ]


class Plane:
    """One process's worth of management plane. `wrap` puts something between the controllers and the API."""

    def __init__(
        self,
        store: Store,
        ports: Ports,
        *,
        wrap: Callable[[Client], Client] = lambda client: client,
        service_account: ServiceAccountAlgorithm = "contract",
    ) -> None:
        self.server = ApiServer(store, scheme=SCHEME, clock=ports.clock.now, token=ports.keys.token)
        self.client: Client = LocalClient(self.server.verbs(CONTROLLERS))
        own = wrap(self.client)
        self.manager = Manager(own, SCHEME, ports.clock, workload_nodes=WorkloadNodes(ports.workloads, ports.clock))
        for controller in all_controllers(own, ports, service_account):
            self.manager.add(controller)

    async def start(self) -> None:
        await self.server.start()
        await self.manager.start()

    async def stop(self) -> None:
        """At once, wherever the work is."""
        await self.manager.stop()
        await self.server.stop()
