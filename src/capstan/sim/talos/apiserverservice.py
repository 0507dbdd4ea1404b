"""The kube-apiserver of one control-plane machine: its door is open while the local etcd carries it."""

from __future__ import annotations

from collections.abc import Callable

from capstan.sim.talos.config import MachineConfig
from capstan.sim.talos.delays import pause
from capstan.sim.talos.environment import Environment
from capstan.sim.talos.etcdservice import EtcdService
from capstan.sim.talos.site import Site
from capstan.sim.workload.cluster import Door


class ApiServerService:
    """The static pod of one boot. `names` are what its certificate is valid for."""

    def __init__(
        self,
        environment: Environment,
        site: Site,
        etcd: EtcdService,
        config: MachineConfig,
        label: str,
        names: Callable[[], frozenset[str]],
    ) -> None:
        self._environment = environment
        self._site = site
        self._etcd = etcd
        self._config = config
        self._label = label
        self._names = names
        self._running = False
        self.door: Door | None = None

    async def run(self) -> None:
        """Up once the local etcd is a member of a cluster with quorum, until it is a member no more."""
        while True:
            await self._site.changed.until(self._is_etcd_ready)
            await pause(self._environment.clock, self._environment.delays.api_server)
            if not self._is_etcd_ready():
                continue
            assert self._etcd.cluster is not None
            await self._etcd.cluster.workload.start()
            self._running = True
            self._site.update()
            self._environment.trace.add("talos", f"{self._label} kube-apiserver is up")
            await self._site.changed.until(lambda: self._etcd.member is None)
            self._running = False

    def stop(self) -> None:
        self._running = False
        self.settle()

    def settle(self) -> None:
        """Open or close the door."""
        is_wanted = self._running and self._is_etcd_ready()
        if not is_wanted and self.door is not None:
            door, self.door = self.door, None
            door.close()
        elif is_wanted and self.door is None:
            cluster, authority = self._etcd.cluster, self._config.kubernetes_ca
            assert cluster is not None
            self.door = Door(cluster.workload, self._label, authority.certificate_pem, authority.key_pem, self._names)
            cluster.workload.open(self.door)

    def _is_etcd_ready(self) -> bool:
        cluster, member = self._etcd.cluster, self._etcd.member
        return cluster is not None and member is not None and member.up and not member.is_learner and cluster.has_quorum
