"""The etcd service of one control-plane machine: bootstraps on request, joins what it finds, leaves, is removed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from capstan.sim.hypervisor import VirtualDisk
from capstan.sim.talos.delays import pause
from capstan.sim.talos.environment import Environment
from capstan.sim.talos.etcd import EtcdCluster, EtcdMember, EtcdRefusal
from capstan.sim.talos.services import Services
from capstan.sim.talos.site import Peer, Site
from capstan.sim.workload.cluster import WorkloadCluster

_DATA = "etcd"
_LEAVE_SECONDS = 300.0


class EtcdService:
    """One boot of etcd. Its data directory is the disk's `etcd`: (cluster, member)."""

    def __init__(
        self,
        environment: Environment,
        machine: Peer,
        site: Site,
        services: Services,
        disk: VirtualDisk,
        *,
        hostname: str,
        address: str,
    ) -> None:
        self._environment = environment
        self._machine = machine
        self._site = site
        self._services = services
        self._disk = disk
        self._hostname = hostname
        self._address = address
        self._task: asyncio.Task[None] | None = None
        self.cluster: EtcdCluster | None = None
        self.member: EtcdMember | None = None

    @property
    def has_data(self) -> bool:
        return _DATA in self._disk.contents

    def start(self, spawn: Callable[..., asyncio.Task[None]]) -> None:
        self._spawn = spawn
        self._task = spawn(self._run(), f"{self._machine.label} etcd")

    def stop(self) -> None:
        """The process ends; the data stays."""
        if self.member is not None:
            self.member.up = False

    def bootstrap(self) -> None:
        """Begin a new cluster of one member. The data directory is there from now on, so a second call is refused."""
        if self._task is not None:
            self._task.cancel()
        self._services.enter("etcd", "Finished", "Service finished: bootstrap requested")
        config = self._machine.config
        workload = WorkloadCluster(config.cluster_name if config else "", self._environment.kubernetes)
        self.cluster = EtcdCluster(self._environment.keys.number(63), workload)
        self.member = self._new_member()
        self.cluster.members[self.member.id] = self.member
        self._disk.contents[_DATA] = (self.cluster, self.member)
        self._trace("bootstraps")
        self._task = self._spawn(self._start_bootstrapped(), f"{self._machine.label} etcd")

    async def leave(self) -> None:
        """Remove this member, stop, empty the data directory. Raises EtcdRefusal; waits up to five minutes for an
        unhealthy cluster to become healthy."""
        cluster, member = self.cluster, self.member
        if cluster is None or member is None:
            raise EtcdRefusal("etcd is not running")
        async with asyncio.timeout(_LEAVE_SECONDS):
            while member.id in cluster.members:
                try:
                    cluster.remove(member.id)
                except EtcdRefusal as refusal:
                    if not refusal.retriable:
                        raise
                    await self._site.changed.next()
        if self._task is not None:
            self._task.cancel()
        self.member = self.cluster = None
        self._disk.contents.pop(_DATA, None)
        self._services.enter("etcd", "Finished", "Service finished successfully")
        self._trace("left")
        self._site.update()

    def settle(self) -> None:
        """A member that others removed cannot go on."""
        if self.cluster is None or self.member is None or self.member.id in self.cluster.members:
            return
        service = self._services.get("etcd")
        if service is not None and service.state == "Running":
            self._fail()

    def _fail(self) -> None:
        self._services.enter("etcd", "Failed", "the member has been permanently removed from the cluster")

    async def _run(self) -> None:
        self._services.enter("etcd", "Preparing", "Running pre state")
        await pause(self._environment.clock, self._environment.delays.image_pull)
        config = self._machine.config
        if self.has_data:
            self.cluster, self.member = self._disk.contents[_DATA]
        elif config is not None and config.machine_type == "init":
            self.bootstrap()
            return
        else:
            await self._join()
        await self._start()

    async def _start_bootstrapped(self) -> None:
        self._services.enter("etcd", "Preparing", "Running pre state")
        await self._start()

    async def _join(self) -> None:
        """Wait for a cluster of the same etcd CA, and become a learner of it, one at a time."""
        await self._site.changed.until(lambda: self._find() is not None)
        await pause(self._environment.clock, self._environment.delays.etcd_join)
        await self._site.changed.until(self._can_join)
        cluster = self._find()
        assert cluster is not None
        for member in [m for m in cluster.members.values() if m.name == self._hostname]:
            cluster.remove(member.id)
        self.cluster, self.member = cluster, self._new_member()
        cluster.add_learner(self.member)
        self._disk.contents[_DATA] = (cluster, self.member)
        self._trace("joins as a learner")

    def _find(self) -> EtcdCluster | None:
        return next(self._site.etcd_clusters(self._machine), None)

    def _can_join(self) -> bool:
        cluster = self._find()
        return cluster is not None and cluster.can_add_learner()

    async def _start(self) -> None:
        cluster, member = self.cluster, self.member
        assert cluster is not None
        assert member is not None
        if member.id not in cluster.members:
            self._fail()
            self._site.update()
            return
        await pause(self._environment.clock, self._environment.delays.etcd_start)
        member.up, member.name = True, self._hostname
        self._services.run("etcd")
        self._site.update()
        if member.is_learner:
            await pause(self._environment.clock, self._environment.delays.etcd_promote)
            await self._site.changed.until(lambda: cluster.has_quorum or member.id not in cluster.members)
            if member.id in cluster.members:
                cluster.promote(member)
                self._trace("is a member")
            self._site.update()

    def _new_member(self) -> EtcdMember:
        return EtcdMember(self._environment.keys.number(63), self._address)

    def _trace(self, what: str) -> None:
        self._environment.trace.add("etcd", f"{self._machine.label} {what}")
