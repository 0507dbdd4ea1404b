"""Makes the API servers of workload clusters: Capstan's own, over a store in memory, with Kubernetes' own kinds."""

from __future__ import annotations

from capstan.api.builtins import KINDS
from capstan.api.kinds import Scheme
from capstan.apiserver.server import ApiServer
from capstan.runtime.clock import Clock
from capstan.sim.keys import SeededKeys
from capstan.sim.workload.cluster import KubernetesFactory
from capstan.sim.workload.pods import PodLife
from capstan.store.memory import MemoryStore


class WorkloadServer(ApiServer):
    """An API server whose pods can be evicted."""

    def __init__(self, clock: Clock, keys: SeededKeys) -> None:
        super().__init__(MemoryStore(), scheme=Scheme(KINDS), clock=clock.now, token=keys.token, stored_kinds=True)
        self.pods = PodLife(self, clock)
        served = self.registry.by_plural("", "pods")
        assert served is not None
        self.registry.add(self.pods.served(served))

    async def stop(self) -> None:
        await self.pods.stop()
        await super().stop()


def embedded_kubernetes(clock: Clock, keys: SeededKeys) -> KubernetesFactory:
    """Every call makes a Kubernetes of its own."""
    return lambda: WorkloadServer(clock, keys)
