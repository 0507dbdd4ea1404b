"""The kubelet of one boot: finds the cluster's API, registers the Node, and falls silent with its machine."""

from __future__ import annotations

from collections.abc import Callable

from capstan.sim.talos.config import MachineConfig
from capstan.sim.talos.delays import pause
from capstan.sim.talos.environment import Environment
from capstan.sim.talos.services import Services
from capstan.sim.talos.site import Site
from capstan.sim.talos.sites import Sites
from capstan.sim.workload.cluster import Door, WorkloadCluster
from capstan.sim.workload.kubelet import Kubelet, NodeDelays, NodeFacts


class KubeletService:
    """`own_door` is the machine's own kube-apiserver, where it has one."""

    def __init__(
        self,
        environment: Environment,
        sites: Sites,
        site: Site,
        services: Services,
        config: MachineConfig,
        facts: NodeFacts,
        own_door: Callable[[], Door | None],
    ) -> None:
        self._environment = environment
        self._sites = sites
        self._site = site
        self._services = services
        self._config = config
        self._facts = facts
        self._own_door = own_door
        self._kubelet: Kubelet | None = None

    @property
    def is_ready(self) -> bool:
        """Whether the Node is Ready."""
        return self._kubelet is not None and self._kubelet.is_ready

    @property
    def is_registered(self) -> bool:
        return self._kubelet is not None

    async def run(self) -> None:
        environment, delays = self._environment, self._environment.delays
        self._services.enter("kubelet", "Preparing", "Running pre state")
        await pause(environment.clock, delays.image_pull)
        self._services.run("kubelet")
        self._site.update()
        if self._config.skip_node_registration:
            return
        await self._site.changed.until(lambda: self._find_cluster() is not None)
        cluster = self._find_cluster()
        assert cluster is not None
        timing = NodeDelays(delays.node_register, delays.node_ready, delays.node_grace)
        kubelet = Kubelet(cluster, self._facts, timing, environment.clock, environment.trace)
        self._sites.heard(cluster, self._facts.name)
        await kubelet.register()
        self._kubelet = kubelet
        if self._config.cni != "none":
            await kubelet.become_ready()

    def stop(self) -> None:
        """The machine went down: from now on the cluster waits for a sign of life."""
        if self._kubelet is not None and self._kubelet.is_ready:
            self._sites.watch_silence(self._kubelet)

    def _find_cluster(self) -> WorkloadCluster | None:
        """Through the cluster endpoint, or KubePrism's view of the control plane."""
        config = self._config
        endpoint = self._environment.network.service(config.endpoint_host, config.endpoint_port)
        for found in (self._own_door(), endpoint, *(self._site.doors() if config.discovery else ())):
            if isinstance(found, Door) and found.ca_pem == config.kubernetes_ca.certificate_pem:
                return found.cluster
        return None


def compute_taints(config: MachineConfig) -> dict[str, str]:
    """The taints with which the Node registers, that of an external cloud provider included."""
    taints = dict(config.node_taints)
    if config.external_cloud_provider or config.kubelet_args.get("cloud-provider") == "external":
        taints["node.cloudprovider.kubernetes.io/uninitialized"] = "true:NoSchedule"
    return taints
