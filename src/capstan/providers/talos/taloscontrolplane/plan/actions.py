"""The effects of a control plane on its machines and Secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from capstan.api.cluster.cluster import Cluster
from capstan.api.meta import OwnerReference
from capstan.api.objects import Key
from capstan.providers.talos.channel import ClientCredentials
from capstan.runtime.plan import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineAction(Action):
    """Something that is asked of the Talos of one machine."""

    cluster: Key
    machine: str
    address: str
    credentials: ClientCredentials = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BootstrapEtcd(MachineAction):
    """Start the first member of the cluster's etcd. Never asked of two machines."""

    @property
    def summary(self) -> str:
        return f"bootstrap etcd on Machine {self.machine}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveEtcd(MachineAction):
    """Let a machine give up leadership, remove its own member and stop etcd."""

    @property
    def summary(self) -> str:
        return f"let Machine {self.machine} leave etcd"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveEtcdMember(MachineAction):
    """Let a healthy machine remove the member of one that does not answer."""

    member_id: int
    member_machine: str

    @property
    def summary(self) -> str:
        return f"remove the etcd member of Machine {self.member_machine}, through Machine {self.machine}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteKubeconfig(Action):
    """Write the administrators' kubeconfig of the cluster from its Kubernetes CA."""

    cluster: Cluster = field(repr=False)
    owner: OwnerReference
    server: str
    now: datetime

    @property
    def summary(self) -> str:
        return f"write the kubeconfig of Cluster {self.cluster.metadata.name}"
