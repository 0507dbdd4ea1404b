"""Node: a machine that runs pods, as a workload cluster knows it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec

from capstan.api.core.conditions import CoreCondition
from capstan.api.facts import KEEP_UNKNOWN, Facts, Int64, Required
from capstan.api.meta import TypedObject
from capstan.api.struct import Struct


class NodeSwapStatus(Struct, frozen=True, kw_only=True):
    """The node's swap.

    capacity: its size in bytes.
    """

    capacity: Int64 | None = None


class NodeSystemInfo(Struct, frozen=True, kw_only=True):
    """What the node says of its machine and its software.

    architecture: the processor's, such as amd64.
    boot_id: changes with every boot.
    machine_id: the identity in /etc/machine-id.
    system_uuid: the SMBIOS identity, by which a VM is recognised.
    kernel_version: the version of the Linux kernel.
    os_image: the name and version of the operating system.
    operating_system: linux or windows.
    container_runtime_version: name and version of the container runtime.
    kubelet_version: the version of the kubelet.
    kube_proxy_version: no longer filled.
    swap: the node's swap.
    """

    architecture: Required[str] = msgspec.field(default_factory=str)
    boot_id: Required[str] = msgspec.field(default_factory=str, name="bootID")
    container_runtime_version: Required[str] = msgspec.field(default_factory=str)
    kernel_version: Required[str] = msgspec.field(default_factory=str)
    kube_proxy_version: Required[str] = msgspec.field(default_factory=str)
    kubelet_version: Required[str] = msgspec.field(default_factory=str)
    machine_id: Required[str] = msgspec.field(default_factory=str, name="machineID")
    operating_system: Required[str] = msgspec.field(default_factory=str)
    os_image: Required[str] = msgspec.field(default_factory=str)
    swap: NodeSwapStatus | None = None
    system_uuid: Required[str] = msgspec.field(default_factory=str, name="systemUUID")


class NodeAddress(Struct, frozen=True, kw_only=True):
    """One address of a node.

    type: Hostname, InternalIP, ExternalIP, InternalDNS or ExternalDNS.
    address: the address.
    """

    type: Required[str] = ""
    address: Required[str] = ""


class Taint(Struct, frozen=True, kw_only=True):
    """Keeps pods off the node unless they tolerate it.

    key: what is wrong or special.
    value: more about it.
    effect: NoSchedule, PreferNoSchedule or NoExecute.
    time_added: when; only for NoExecute.
    """

    key: Required[str] = ""
    value: str = ""
    effect: Required[str] = ""
    time_added: datetime | None = None


class NodeSpec(Struct, frozen=True, kw_only=True):
    """What is wanted of the node.

    provider_id: the machine's identity at its provider.
    taints: what keeps pods off the node.
    unschedulable: true while the node is cordoned.
    pod_cidr: addresses of its pods.
    pod_cidrs: addresses of its pods, at most one range of each family.
    external_id: no longer used.
    """

    schema_facts: ClassVar[Facts] = (KEEP_UNKNOWN,)

    provider_id: str = msgspec.field(default="", name="providerID")
    taints: tuple[Taint, ...] = ()
    unschedulable: bool | None = None
    pod_cidr: str = msgspec.field(default="", name="podCIDR")
    pod_cidrs: tuple[str, ...] = msgspec.field(default=(), name="podCIDRs")
    external_id: str = msgspec.field(default="", name="externalID")


class AttachedVolume(Struct, frozen=True, kw_only=True):
    """A volume that is attached to a node.

    name: the volume, as its driver names it.
    device_path: where the node finds it.
    """

    name: Required[str] = ""
    device_path: Required[str] = ""


class NodeStatus(Struct, frozen=True, kw_only=True):
    """How the node is.

    addresses: how the node is reached.
    allocatable: what pods can have.
    capacity: what the machine has.
    conditions: what is observed of the node; Ready says that it takes pods.
    node_info: what the node says of its machine and its software.
    phase: no longer used.
    volumes_attached: volumes that are attached to the node.
    """

    schema_facts: ClassVar[Facts] = (KEEP_UNKNOWN,)

    addresses: tuple[NodeAddress, ...] = ()
    allocatable: dict[str, int | str] = {}
    capacity: dict[str, int | str] = {}
    conditions: tuple[CoreCondition, ...] = ()
    node_info: NodeSystemInfo | None = None
    phase: str = ""
    volumes_attached: tuple[AttachedVolume, ...] = ()


class Node(TypedObject, frozen=True, kw_only=True):
    """A machine that runs pods.

    spec: what is wanted of the node.
    status: how the node is.
    """

    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()
