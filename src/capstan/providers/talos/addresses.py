"""At which addresses a machine's own Talos API answers (talos.md 3.3, 5.6)."""

from __future__ import annotations

from collections.abc import Iterable

from capstan.api.cluster.machine import Machine


def machine_addresses(machine: Machine, virtual_ip: str = "") -> tuple[str, ...]:
    """Internal addresses, then external ones. The virtual IP leads to any machine and is left out, unless the
    machine has no other: then it is the machine's own address."""
    listed = machine.status.addresses
    ordered = [a.address for kind in ("InternalIP", "ExternalIP") for a in listed if a.type == kind]
    found = tuple(dict.fromkeys(ordered))
    own = tuple(address for address in found if address != virtual_ip)
    return own or found


def all_endpoints(machines: Iterable[Machine], virtual_ip: str = "") -> tuple[str, ...]:
    """Every address of every machine, sorted as text, as upstream writes them."""
    return tuple(sorted({address for machine in machines for address in machine_addresses(machine, virtual_ip)}))
