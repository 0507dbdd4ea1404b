"""All that decisions about a ProxmoxMachine need, read once and frozen. A read that failed is a value in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machine import Machine
from capstan.api.core.node import Node
from capstan.api.infrastructure.proxmoxcluster import ProxmoxCluster
from capstan.api.infrastructure.proxmoxmachine import ProxmoxMachine
from capstan.api.ipam.ipaddress import IPAddress
from capstan.api.ipam.ipaddressclaim import IPAddressClaim
from capstan.providers.proxmox.config import drives, parse_bool
from capstan.providers.proxmox.proxmoxmachine.identity import VmIdentity
from capstan.providers.proxmox.proxmoxmachine.placement import Site
from capstan.providers.proxmox.transport import Endpoint


@dataclass(frozen=True, slots=True)
class Problem:
    """A read that failed: `reason` for the condition, `message` in plain words, when to look again."""

    reason: str
    message: str
    pause_seconds: float


@dataclass(frozen=True, slots=True)
class Vm:
    """A VM as Proxmox VE shows it. `mine` says whether its identity is the machine's."""

    node: str
    vmid: int
    mine: bool
    config: Mapping[str, Any]
    status: str = "stopped"
    qmp_status: str = ""
    lock: str = ""
    #: The guest agent's answer to a ping; None when it was not asked.
    agent_answers: bool | None = None

    @property
    def running(self) -> bool:
        return self.status == "running"

    @property
    def paused(self) -> bool:
        return self.running and self.qmp_status in ("paused", "suspended", "prelaunch")

    @property
    def half_made(self) -> bool:
        """A clone is running into it, or was broken off before it had a name, a disk or an identity."""
        return is_half_made(self.config)

    @property
    def protected(self) -> bool:
        return parse_bool(self.config.get("protection", "0"))


def is_half_made(config: Mapping[str, Any]) -> bool:
    """What Proxmox VE keeps of a clone until the copy has ended: a lock, and for a while nothing else."""
    named = bool(config.get("name") or config.get("smbios1") or drives(config))
    return config.get("lock") == "clone" or not named


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The bootstrap data of the machine: the Secret's `value` and `format`."""

    value: bytes = field(repr=False)
    format: str = "cloud-config"


@dataclass(frozen=True, slots=True)
class Address:
    """One claim of the machine and what became of it. `metric` is that of the pool's gateway."""

    claim: IPAddressClaim
    address: IPAddress | None = None
    metric: int | None = None


@dataclass(frozen=True, slots=True)
class Workload:
    """The workload cluster: how to reach it, and the Node that runs on this machine's VM."""

    kubeconfig: bytes = field(repr=False)
    node: Node | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`vm` None means that there is none with the machine's VMID; it only counts when `observed` is true. `quiet` says
    that the VM runs and is the right one, seen in the cluster-wide list, and that nothing else was read of it.
    `machine` has no `status.taskRef` any more when that task was seen to be done, before the VM was looked at."""

    now: datetime
    machine: ProxmoxMachine
    owner: Machine | None = None
    cluster: Cluster | None = None
    infra: ProxmoxCluster | None = None
    endpoint: Endpoint | None = None
    identity: VmIdentity | None = None
    problem: Problem | None = None
    observed: bool = False
    quiet: bool = False
    quiet_node: str = ""
    vm: Vm | None = None
    bootstrap: Bootstrap | None = None
    addresses: Mapping[str, Address] = field(default_factory=dict)
    site: Site | None = None
    fresh_nonce: str = ""
    pve: str = ""
    workload: Workload | None = None
