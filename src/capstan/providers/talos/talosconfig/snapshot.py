"""All that decisions about a TalosConfig need, as it was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from capstan.api.bootstrap.kinds import TALOS_CONFIG
from capstan.api.bootstrap.talosconfig import TalosConfig
from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.names import PAUSED_ANNOTATION
from capstan.api.core.secret import Secret
from capstan.api.objects import Key
from capstan.providers.talos.talosconfig_file import ClientConfig
from capstan.runtime.plan import ObjectRef

RESOURCE = TALOS_CONFIG.resource()

#: Types of machines that etcd runs on.
CONTROL_PLANE_TYPES = ("controlplane", "init")


@dataclass(frozen=True, slots=True, kw_only=True)
class TalosConfigSnapshot:
    """`secrets_ready`: the cluster's bundle and its Kubernetes CA are written. `client_config` is what the Secret
    `<cluster>-talosconfig` holds; None when it is missing or unreadable. `endpoints` are what it should list.
    `data_secret` is the Secret with the machine's data, once it is written. `collisions` say, one a text, who else has
    the static addresses of the machine."""

    config: TalosConfig
    now: datetime
    cluster_name: str = ""
    cluster: Cluster | None = None
    machine: Machine | None = None
    data_secret: Secret | None = None
    secrets_ready: bool = False
    client_config: ClientConfig | None = None
    endpoints: tuple[str, ...] = ()
    collisions: tuple[str, ...] = ()

    @property
    def subject(self) -> ObjectRef:
        meta = self.config.metadata
        return ObjectRef(RESOURCE, Key(meta.namespace, meta.name), meta.uid)

    @property
    def deleting(self) -> bool:
        return self.config.metadata.deletion_timestamp is not None

    @property
    def paused(self) -> bool:
        by_cluster = self.cluster is not None and self.cluster.spec.paused is True
        return by_cluster or PAUSED_ANNOTATION in self.config.metadata.annotations

    @property
    def data_written(self) -> bool:
        return self.config.status.initialization.data_secret_created is True

    @property
    def adopted_secret(self) -> str:
        """The data Secret that the Machine has already, after a move or a restore."""
        return (self.machine.spec.bootstrap.data_secret_name or "") if self.machine else ""

    @property
    def infrastructure_problem(self) -> str:
        """What the cluster still lacks before a configuration can be made; empty when nothing."""
        if self.cluster is None:
            return ""
        if self.cluster.status.initialization.infrastructure_provisioned is not True:
            return f"Waiting for the infrastructure of Cluster {self.cluster_name} to be provisioned"
        endpoint = self.cluster.spec.control_plane_endpoint
        if not endpoint.host or not endpoint.port:
            return (
                f"Waiting for the control plane endpoint of Cluster {self.cluster_name}: set "
                "spec.controlPlaneEndpoint (host and port) of the Cluster or of its infrastructure"
            )
        return ""

    @property
    def is_control_plane(self) -> bool:
        return self.config.spec.generate_type in CONTROL_PLANE_TYPES
