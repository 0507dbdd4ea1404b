"""The lab's network: which simulated machine answers at which address, and who gets one by DHCP.

Addresses are those of the manifests. Nothing here touches the network of the host.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Address, ip_address
from typing import Any, Protocol


class Station(Protocol):
    """What can hold addresses: a machine. `service(port)` is the model that listens there, None when nothing does."""

    @property
    def label(self) -> str: ...

    def service(self, port: int) -> Any: ...


class Network:
    """Addresses and their holders. An address that two stations claim answers for the one that came first, as an
    ARP cache would have it; the other gets it when the first lets go."""

    def __init__(self, dhcp_subnet: str = "10.99.0.0/16") -> None:
        self._holders: dict[str, list[Station]] = {}
        self._leases: dict[str, str] = {}
        self._free: Iterator[Any] = IPv4Network(dhcp_subnet).hosts()
        self._prefix = IPv4Network(dhcp_subnet).prefixlen
        next(self._free)  # the first host address is the router's

    def attach(self, address: str, station: Station) -> bool:
        """Announce an address; false when another station answers for it already."""
        holders = self._holders.setdefault(_canonical(address), [])
        if station not in holders:
            holders.append(station)
        return holders[0] is station

    def detach(self, address: str, station: Station) -> None:
        key = _canonical(address)
        holders = self._holders.get(key, [])
        if station in holders:
            holders.remove(station)
        if not holders:
            self._holders.pop(key, None)

    def station(self, address: str) -> Station | None:
        """Who answers at an address now."""
        holders = self._holders.get(_canonical(address))
        return holders[0] if holders else None

    def service(self, address: str, port: int) -> Any:
        """The model that listens at `address:port`; None when the connection would time out or be refused."""
        station = self.station(address)
        return None if station is None else station.service(port)

    def lease(self, mac: str) -> str:
        """The DHCP address of a network card, with its prefix; the same card always gets the same one."""
        if mac not in self._leases:
            self._leases[mac] = str(next(self._free))
        return f"{self._leases[mac]}/{self._prefix}"

    def addresses(self) -> list[str]:
        """Every address that answers, sorted."""
        return sorted(self._holders)


def _canonical(address: str) -> str:
    """One spelling for each address; names are left as they are."""
    try:
        parsed = ip_address(address.partition("/")[0].strip("[]"))
    except ValueError:
        return address.lower()
    return parsed.compressed if isinstance(parsed, IPv6Address) else str(parsed)
