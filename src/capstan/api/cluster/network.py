"""A cluster's addresses: pods, services, and where its API is."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capstan.api.facts import ATOMIC_LIST, Facts, Port, Required, Text512, entries, items, length
from capstan.api.struct import Struct


class NetworkRanges(Struct, frozen=True, kw_only=True):
    """Ranges of addresses.

    cidr_blocks: ranges such as 10.244.0.0/16.
    """

    cidr_blocks: Required[Annotated[tuple[Annotated[str, length(1, 43)], ...], items(1, 100), ATOMIC_LIST]] = ()


class ClusterNetwork(Struct, frozen=True, kw_only=True):
    """The addresses inside the cluster.

    api_server_port: the port of the API server on the control plane machines.
    pods: the ranges of the pods' addresses.
    service_domain: the DNS domain of services; cluster.local where empty.
    services: the ranges of the services' addresses.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    api_server_port: Port | None = None
    pods: NetworkRanges = NetworkRanges()
    service_domain: Annotated[str, length(1, 253)] = ""
    services: NetworkRanges = NetworkRanges()


class ControlPlaneEndpoint(Struct, frozen=True, kw_only=True):
    """Where the cluster's API is reached.

    host: a name or an address.
    port: the port.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    host: Text512 = ""
    port: Port | None = None
