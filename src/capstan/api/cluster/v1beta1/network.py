"""TODO cluster/v1beta1/network"""

from __future__ import annotations

from typing import Annotated

from capstan.api.facts import Int32, Required, items, length
from capstan.api.struct import Struct


class NetworkRanges(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta1.spec.clusterNetwork.pods']"""

    cidr_blocks: Required[Annotated[tuple[Annotated[str, length(1, 43)], ...], items(None, 100)]] = ()


class ClusterNetwork(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta1.spec.clusterNetwork']"""

    api_server_port: Int32 | None = None
    pods: NetworkRanges = NetworkRanges()
    service_domain: Annotated[str, length(1, 253)] = ""
    services: NetworkRanges = NetworkRanges()


class ControlPlaneEndpoint(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta1.spec.controlPlaneEndpoint']"""

    host: Annotated[str, length(None, 512)] = ""
    port: Int32 | None = None
