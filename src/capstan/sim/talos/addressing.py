"""Which addresses and which hostname a machine ends up with: machine configuration over NoCloud data over DHCP.

Pure: links are named eth0, eth1, ... in the order of the VM's cards (the nocloud image boots with net.ifnames=0).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from capstan.sim.cidata import LinkConfig
from capstan.sim.hypervisor import GuestInterface, NicView
from capstan.sim.talos.config import LinkSettings

#: Gives the leased address of a card, with its prefix.
Lease = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Link:
    """One card as the guest has set it up; `addresses` are CIDRs."""

    name: str
    mac: str
    addresses: tuple[str, ...]


def compute_links(
    nics: Sequence[NicView], configured: Sequence[LinkSettings], platform: Sequence[LinkConfig], lease: Lease
) -> tuple[Link, ...]:
    """Static addresses of the configuration win over the platform's; a card that nobody mentions uses DHCP."""
    return tuple(_link(f"eth{index}", nic.mac.lower(), configured, platform, lease) for index, nic in enumerate(nics))


def _link(
    name: str, mac: str, configured: Sequence[LinkSettings], platform: Sequence[LinkConfig], lease: Lease
) -> Link:
    own = [s for s in configured if (s.mac == mac if s.mac else s.name == name)]
    static = tuple(address for settings in own for address in settings.addresses)
    if static:
        return Link(name, mac, static)
    if any(settings.dhcp for settings in own):
        return Link(name, mac, (lease(mac),))
    offered = next((p for p in platform if (p.mac == mac if p.mac else p.name == name)), None)
    if offered is not None:
        addresses = offered.addresses + ((lease(mac),) if offered.dhcp4 else ())
        return Link(name, mac, addresses)
    if own or platform:
        return Link(name, mac, ())
    return Link(name, mac, (lease(mac),))


def compute_hostname(configured: str, platform: str, node_id: str) -> str:
    """The configuration's name, else the platform's, else the stable one made of the node's identity."""
    chosen = configured or platform
    if chosen:
        return chosen.lower()
    digest = int.from_bytes(hashlib.sha256(node_id.encode()).digest(), "big")
    alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = ""
    for _ in range(6):
        digest, rest = divmod(digest, 36)
        text += alphabet[rest]
    return f"talos-{text[:3]}-{text[3:]}"


def compute_guest_interfaces(links: Sequence[Link], vips: Sequence[str]) -> tuple[GuestInterface, ...]:
    """What the guest agent shows: loopback and the links, with the virtual IPs that the machine holds on the first."""
    found = [GuestInterface("lo", "00:00:00:00:00:00", ("127.0.0.1/8", "::1/128"))]
    for index, link in enumerate(links):
        extra = tuple(f"{vip}/32" for vip in vips) if index == 0 else ()
        found.append(GuestInterface(link.name, link.mac, link.addresses + extra))
    return tuple(found)
