"""All that decisions about a ProxmoxCluster need, read once and frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from capstan.api.cluster.cluster import Cluster
from capstan.api.core.secret import Secret
from capstan.api.infrastructure.proxmoxcluster import ProxmoxCluster
from capstan.api.infrastructure.proxmoxmachine import ProxmoxMachine
from capstan.api.ipam.inclusterippool import InClusterIPPool


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the way to Proxmox VE: `reason` for the condition, `message` in plain words."""

    reason: str
    message: str
    pause_seconds: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`secret` is the one that spec.credentialsRef names; `secret_shared` says that other clusters use it too.
    `rivals` are other clusters with the same control plane endpoint, `residents` TalosConfigs of other clusters that
    give its address to a machine, as `namespace/name`."""

    now: datetime
    infra: ProxmoxCluster
    cluster: Cluster | None = None
    machines: tuple[ProxmoxMachine, ...] = ()
    pools: Mapping[str, InClusterIPPool] = field(default_factory=dict)
    secret: Secret | None = None
    secret_shared: bool = False
    problem: Problem | None = None
    rivals: tuple[str, ...] = ()
    residents: tuple[str, ...] = ()

    @property
    def collision(self) -> str:
        """Who else has the endpoint of the control plane, in words; empty when nobody has. Only a warning: two
        networks that do not know each other may use the same address."""
        told = []
        host = self.infra.spec.control_plane_endpoint.host
        if self.rivals:
            noun = "ProxmoxCluster" if len(self.rivals) == 1 else "ProxmoxClusters"
            told.append(
                f"spec.controlPlaneEndpoint {host} is that of {noun} {', '.join(self.rivals)} too: in one network only "
                "one control plane can answer there"
            )
        if self.residents:
            names = ", ".join(self.residents)
            told.append(
                f"spec.controlPlaneEndpoint {host} is given to a machine of another cluster by TalosConfig {names}"
            )
        return "; ".join(told)
