"""TODO cluster/network"""

from __future__ import annotations

from typing import Annotated, ClassVar

from capstan.api.facts import ATOMIC_LIST, Facts, Port, Required, Text512, entries, items, length
from capstan.api.struct import Struct


class NetworkRanges(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.clusterNetwork.pods']"""

    cidr_blocks: Required[Annotated[tuple[Annotated[str, length(1, 43)], ...], items(1, 100), ATOMIC_LIST]] = ()


class ClusterNetwork(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.clusterNetwork']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    api_server_port: Port | None = None
    pods: NetworkRanges = NetworkRanges()
    service_domain: Annotated[str, length(1, 253)] = ""
    services: NetworkRanges = NetworkRanges()


class ControlPlaneEndpoint(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.controlPlaneEndpoint']"""

    schema_facts: ClassVar[Facts] = (entries(1),)

    host: Text512 = ""
    port: Port | None = None
