"""The machines that find each other by discovery, because their configurations have the same cluster identity.

Here it is decided who holds the virtual IPs, and whose kube-apiserver answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Protocol

from capstan.sim.network import Station
from capstan.sim.signal import Signal
from capstan.sim.talos.config import MachineConfig
from capstan.sim.talos.environment import Environment
from capstan.sim.talos.etcd import EtcdCluster, EtcdMember
from capstan.sim.workload.cluster import Door


class Peer(Station, Protocol):
    """What machines of one site see of each other."""

    @property
    def config(self) -> MachineConfig | None: ...

    @property
    def etcd_cluster(self) -> EtcdCluster | None: ...

    @property
    def etcd_member(self) -> EtcdMember | None: ...

    @property
    def door(self) -> Door | None: ...

    def trustd_for(self, config: MachineConfig) -> bool:
        """Whether this machine's trustd would sign that machine's certificate."""
        ...

    def settle(self) -> None:
        """Open and close what depends on the others."""
        ...


class Site:
    """Machines that are powered on, in the order in which they came."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self.peers: list[Peer] = []
        self.changed = Signal()
        self._vips: dict[str, Peer] = {}

    def join(self, peer: Peer) -> None:
        self.peers.append(peer)
        self.update()

    def leave(self, peer: Peer) -> None:
        if peer in self.peers:
            self.peers.remove(peer)
            self.update()

    def update(self) -> None:
        """Something changed on one of the machines: settle what follows from it, and wake who waits."""
        for peer in list(self.peers):
            peer.settle()
        self._elect()
        self.changed.notify()

    def etcd_clusters(self, asking: Peer) -> Iterator[EtcdCluster]:
        """What discovery and the cluster endpoint show to a machine that wants to join."""
        config = asking.config
        for peer in self.peers:
            if peer is asking or peer.config is None or peer.etcd_cluster is None or peer.etcd_member is None:
                continue
            same_ca = config is not None and peer.config.etcd_ca.certificate_pem == config.etcd_ca.certificate_pem
            if same_ca and peer.config.discovery and peer.etcd_member.up:
                yield peer.etcd_cluster

    def doors(self) -> Iterator[Door]:
        """The API servers that answer."""
        return (peer.door for peer in self.peers if peer.door is not None)

    def vips_of(self, peer: Peer) -> tuple[str, ...]:
        return tuple(vip for vip, holder in self._vips.items() if holder is peer)

    def _elect(self) -> None:
        wanted = dict.fromkeys(vip for peer in self.peers if peer.config for vip in peer.config.vips)
        for vip, holder in list(self._vips.items()):
            if not _can_hold(holder, vip) or holder not in self.peers:
                del self._vips[vip]
                self._environment.network.detach(vip, holder)
        for vip in wanted:
            if vip not in self._vips and self._candidate(vip) is not None:
                delay = self._environment.delays.virtual_ip
                if delay:
                    asyncio.get_running_loop().call_later(delay, self._claim, vip)
                else:
                    self._claim(vip)

    def _candidate(self, vip: str) -> Peer | None:
        return next((peer for peer in self.peers if _can_hold(peer, vip)), None)

    def _claim(self, vip: str) -> None:
        candidate = self._candidate(vip)
        if vip in self._vips or candidate is None:
            return
        self._vips[vip] = candidate
        self._environment.network.attach(vip, candidate)
        self._environment.trace.add("talos", f"{candidate.label} holds {vip}")
        self.changed.notify()


def _can_hold(peer: Peer, vip: str) -> bool:
    cluster, member = peer.etcd_cluster, peer.etcd_member
    is_configured = peer.config is not None and vip in peer.config.vips
    return is_configured and cluster is not None and member is not None and member.up and cluster.has_quorum
