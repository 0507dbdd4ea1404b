"""Channels to simulated machines in memory: real credentials, real protobuf bytes, no sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

from capstan.providers.talos.channel import APID_PORT, Channel, ClientCredentials, RpcError
from capstan.sim.faults import Fault, Faults
from capstan.sim.network import Network
from capstan.sim.talos.api import apid
from capstan.sim.talos.api.identity import identify
from capstan.sim.talos.api.replies import DEADLINE_EXCEEDED, UNAVAILABLE
from capstan.sim.talos.api.roles import Caller
from capstan.sim.talos.machine import Machine
from capstan.sim.trace import Trace

_QUIET = ("Version", "Hostname", "ServiceList", "List", "EtcdMemberList", "EtcdStatus", "EtcdAlarmList", "Get", "Time")


class SimChannels:
    """Implements `capstan.providers.talos.channel.ChannelFactory` on the simulated network."""

    def __init__(self, network: Network, trace: Trace, faults: Faults) -> None:
        self._network = network
        self._trace = trace
        self._faults = faults

    async def connect(self, address: str, credentials: ClientCredentials | None, port: int = APID_PORT) -> Channel:
        return SimChannel(self, address, credentials, port)

    def find(self, address: str, port: int) -> Machine:
        """The machine whose apid listens there. Raises RpcError UNAVAILABLE."""
        machine = self._network.service(address, port)
        if not isinstance(machine, Machine):
            where = f"dial tcp {address}:{port}: no route to host"
            raise RpcError(UNAVAILABLE, f'connection error: desc = "transport: Error while dialing: {where}"')
        return machine

    def strike(self, machine: Machine, path: str) -> Fault | None:
        """Trace what may have an effect, and look whether it goes wrong."""
        name = path.rpartition("/")[2]
        if name not in _QUIET:
            self._trace.add("rpc", f"{machine.label} {name}")
        fault = self._faults.strike("talos", f"{machine.label} {name}")
        if fault is not None:
            self._trace.add("fault", f"{fault.kind} {machine.label} {name} {fault.code} {fault.message}")
        if fault is not None and fault.kind == "refuse":
            raise RpcError(fault.code or UNAVAILABLE, fault.message)
        return fault


class SimChannel:
    """A channel to one address; the machine is looked for at each call, as a real channel reconnects."""

    def __init__(self, channels: SimChannels, address: str, credentials: ClientCredentials | None, port: int) -> None:
        self._channels = channels
        self._address = address
        self._credentials = credentials
        self._port = port
        self._known: tuple[Machine, int, str, Caller] | None = None

    def _enter(self) -> tuple[Machine, Caller]:
        machine = self._channels.find(self._address, self._port)
        known = self._known
        if known is None or known[:3] != (machine, machine.boots, machine.apid):
            known = (machine, machine.boots, machine.apid, identify(machine, self._address, self._credentials))
            self._known = known
        return machine, known[3]

    async def unary(
        self,
        method: str,
        request: bytes,
        *,
        metadata: Mapping[str, str] | None = None,
        timeout_seconds: float = 10.0,
    ) -> bytes:
        machine, caller = self._enter()
        fault = self._channels.strike(machine, method)
        try:
            async with asyncio.timeout(timeout_seconds):
                if fault is not None and fault.kind == "delay":
                    await asyncio.sleep(fault.delay_seconds)
                answer = await apid.call(machine, method, request, caller, metadata or {})
        except TimeoutError:
            raise RpcError(DEADLINE_EXCEEDED, "context deadline exceeded") from None
        if fault is not None and fault.kind == "lose_reply":
            raise RpcError(UNAVAILABLE, "the connection was lost")
        return answer

    async def stream(
        self,
        method: str,
        request: bytes,
        *,
        metadata: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> AsyncIterator[bytes]:
        machine, caller = self._enter()
        self._channels.strike(machine, method)
        loop = asyncio.get_running_loop()
        deadline = None if timeout_seconds is None else loop.time() + timeout_seconds
        answers = apid.stream(machine, method, request, caller, metadata or {})
        boot = machine.boots
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    answer = await anext(answers, None)
            except TimeoutError:
                raise RpcError(DEADLINE_EXCEEDED, "context deadline exceeded") from None
            if machine.boots != boot or not machine.apid:
                raise RpcError(UNAVAILABLE, "the connection was lost")
            if answer is None:
                return
            yield answer

    async def aclose(self) -> None:
        self._known = None
