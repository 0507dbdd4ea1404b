"""TODO core/node"""

from __future__ import annotations

import msgspec

from capstan.api.facts import Int64, Required
from capstan.api.struct import Struct


class NodeSwapStatus(Struct, frozen=True, kw_only=True):
    """TODO ['Machine/v1beta2.status.nodeInfo.swap']"""

    capacity: Int64 | None = None


class NodeSystemInfo(Struct, frozen=True, kw_only=True):
    """TODO ['Machine/v1beta2.status.nodeInfo']"""

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
