"""All sites of a world by their identity, and the nodes that nobody hears from."""

from __future__ import annotations

import asyncio

from capstan.sim.talos.config import MachineConfig
from capstan.sim.talos.environment import Environment
from capstan.sim.talos.site import Site
from capstan.sim.workload.cluster import WorkloadCluster
from capstan.sim.workload.kubelet import Kubelet


class Sites:
    """Machines without an identity of their own (no discovery, no cluster id) are a site by their OS CA."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._sites: dict[tuple[str, ...], Site] = {}
        self._silent: dict[tuple[int, str], asyncio.Task[None]] = {}

    def of(self, config: MachineConfig) -> Site:
        key = config.identity if config.cluster_id else (config.os_ca.certificate_pem.decode(),)
        if key not in self._sites:
            self._sites[key] = Site(self._environment)
        return self._sites[key]

    def watch_silence(self, kubelet: Kubelet) -> None:
        """A kubelet stopped: its Node goes NotReady, unless it is heard again before."""
        key = (id(kubelet.cluster), kubelet.facts.name)
        self.heard(kubelet.cluster, kubelet.facts.name)
        task = asyncio.get_running_loop().create_task(kubelet.fall_silent(), name=f"silence of {kubelet.facts.name}")
        self._silent[key] = task
        task.add_done_callback(lambda _task: self._silent.pop(key, None) if self._silent.get(key) is _task else None)

    def heard(self, cluster: WorkloadCluster, node: str) -> None:
        """The node speaks again."""
        task = self._silent.pop((id(cluster), node), None)
        if task is not None:
            task.cancel()
