"""Rules across parameters: addresses, replicas, templates. Each broken one says where, why, and what would be right."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from capstan.generate.parameters import Network, Parameters

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Range = tuple[Address, Address]

#: A rolling replacement needs one machine more than the replicas, for the control plane and for each pool.
SURGE = 1


def check(parameters: Parameters) -> Iterator[tuple[str, str]]:
    """Path and message of every broken rule."""
    if parameters.control_plane.replicas % 2 == 0:
        yield (
            "controlPlane.replicas",
            f"{parameters.control_plane.replicas} is even: etcd keeps a majority, so an even count tolerates no more "
            f"failures than one machine less; use {parameters.control_plane.replicas - 1 or 1} or "
            f"{parameters.control_plane.replicas + 1}",
        )
    yield from _check_template(parameters)
    yield from _check_pools(parameters)
    yield from _check_network(parameters)


def _check_template(parameters: Parameters) -> Iterator[tuple[str, str]]:
    proxmox = parameters.proxmox
    if proxmox.template_tags and proxmox.template_id is not None:
        yield "proxmox.templateTags", "a template is named by templateID or by templateTags, not by both"
    if not proxmox.template_tags and proxmox.template_id is None:
        yield "proxmox.templateID", "is required unless templateTags name the template"
    if not proxmox.nodes and not proxmox.source_node:
        yield "proxmox.nodes", "name at least one node, or sourceNode"
    if not proxmox.full_clone and proxmox.storage:
        yield "proxmox.storage", "linked clones stay on the template's storage; leave storage empty or use full clones"
    if len(set(proxmox.nodes)) != len(proxmox.nodes):
        yield "proxmox.nodes", "a node is named twice"


def _check_pools(parameters: Parameters) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for number, pool in enumerate(parameters.workers):
        if pool.name in seen:
            yield f"workers[{number}].name", f'"{pool.name}" is the name of another pool'
        if pool.name == "control-plane":
            yield f"workers[{number}].name", '"control-plane" is taken by the control plane'
        seen.add(pool.name)


def _check_network(parameters: Parameters) -> Iterator[tuple[str, str]]:
    network = parameters.network
    single = {"vip": network.vip, "gateway": network.gateway}
    parsed: dict[str, Address] = {}
    for name, text in (*single.items(), *((f"dns[{n}]", text) for n, text in enumerate(network.dns))):
        try:
            parsed[name] = ipaddress.ip_address(text)
        except ValueError:
            yield f"network.{name}", f'"{text}" is not an IP address'
    for name in ("pods", "services"):
        try:
            ipaddress.ip_network(getattr(network, name))
        except ValueError as error:
            yield f"network.{name}", f"not a CIDR: {error}"
    ranges: list[tuple[int, Range]] = []
    for number, text in enumerate(network.addresses):
        try:
            ranges.append((number, parse_range(text)))
        except ValueError as error:
            yield f"network.addresses[{number}]", f'"{text}": {error}'
    if "vip" in parsed and "gateway" in parsed and len(ranges) == len(network.addresses):
        yield from _check_ranges(parameters, ranges, parsed["vip"], parsed["gateway"])


def _check_ranges(
    parameters: Parameters, ranges: list[tuple[int, Range]], vip: Address, gateway: Address
) -> Iterator[tuple[str, str]]:
    network = parameters.network
    home = ipaddress.ip_network(f"{gateway}/{network.prefix}", strict=False)
    for number, (first, last) in ranges:
        where, text = f"network.addresses[{number}]", network.addresses[number]
        if first.version != home.version or first not in home or last not in home:
            yield where, f'"{text}" is not inside {home}, the network of the gateway'
            continue
        if first <= vip <= last:  # type: ignore[operator]
            yield where, f"the virtual IP {vip} lies in {text}: a machine would get its address; take it out"
        if first <= gateway <= last:  # type: ignore[operator]
            yield where, f"the gateway {gateway} lies in {text}: a machine would get its address; take it out"
        for other, (start, end) in ranges:
            if other < number and start <= last and first <= end:  # type: ignore[operator]
                yield where, f'"{text}" overlaps with "{network.addresses[other]}": an address would be there twice'
    if vip == gateway:
        yield "network.vip", f"{vip} is the gateway's address"
    elif vip not in home:
        yield "network.vip", f"{vip} is not inside {home}; the machines take it over on their own network"
    yield from _check_room(parameters, network, ranges)


def _check_room(parameters: Parameters, network: Network, ranges: list[tuple[int, Range]]) -> Iterator[tuple[str, str]]:
    room = sum(int(last) - int(first) + 1 for _number, (first, last) in ranges)
    groups = 1 + len(parameters.workers)
    machines = parameters.control_plane.replicas + sum(pool.replicas for pool in parameters.workers)
    needed = machines + groups * SURGE
    if room < needed:
        yield (
            "network.addresses",
            f"{room} addresses are too few: {machines} machines and {groups * SURGE} more while they are replaced "
            f"(one for the control plane and one for each pool) need {needed}",
        )


def parse_range(text: str) -> Range:
    """First and last address of `a-b`, a CIDR (network and broadcast address left out) or one address."""
    if "-" in text:
        first, _, last = (part.strip() for part in text.partition("-"))
        start, end = ipaddress.ip_address(first), ipaddress.ip_address(last)
        if start.version != end.version:
            raise ValueError("both ends must be of one family")
        if start > end:  # type: ignore[operator]
            raise ValueError("the first address is behind the last one")
        return start, end
    if "/" in text:
        network = ipaddress.ip_network(text, strict=False)
        edge = 1 if network.num_addresses > 2 else 0
        return network[edge], network[-1 - edge]
    address = ipaddress.ip_address(text)
    return address, address
