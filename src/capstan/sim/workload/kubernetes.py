"""Makes the API servers of workload clusters: Capstan's own, over a store in memory, with Kubernetes' own kinds."""

from __future__ import annotations

from capstan.api.builtins import KINDS
from capstan.api.kinds import Scheme
from capstan.apiserver.server import ApiServer
from capstan.runtime.clock import Clock
from capstan.sim.keys import SeededKeys
from capstan.sim.workload.cluster import KubernetesFactory
from capstan.store.memory import MemoryStore


def embedded_kubernetes(clock: Clock, keys: SeededKeys) -> KubernetesFactory:
    """Every call makes a Kubernetes of its own."""
    scheme = Scheme(KINDS)

    def make() -> ApiServer:
        return ApiServer(MemoryStore(), scheme=scheme, clock=clock.now, token=keys.token)

    return make
