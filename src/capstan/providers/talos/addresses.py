"""At which addresses a machine's own Talos API answers (talos.md 3.3, 5.6)."""

from __future__ import annotations

from collections.abc import Iterable

from capstan.api.cluster.machine import Machine


def machine_addresses(machine: Machine, virtual_ip: str = "") -> tuple[str, ...]:
    """Internal addresses, then external ones. The virtual IP leads to any machine and is left out, unless the
    machine has no other: then it is the machine's own address."""
    listed: dict[str, list[str]] = {a.type: [] for a in machine.status.addresses} | {"InternalIP": [], "ExternalIP": []}
    for address in machine.status.addresses:
        listed[address.type].append(address.address)
    found = tuple(dict.fromkeys((*listed["InternalIP"], *listed["ExternalIP"])))
    own = tuple(address for address in found if address != virtual_ip)
    return own or found


def all_endpoints(machines: Iterable[Machine], virtual_ip: str = "") -> tuple[str, ...]:
    """Every address of every machine, sorted as text, as upstream writes them."""
    return tuple(sorted({address for machine in machines for address in machine_addresses(machine, virtual_ip)}))
