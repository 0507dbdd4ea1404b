"""Rules of ProxmoxCluster and ProxmoxClusterTemplate: an endpoint that is none of the machines' addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from capstan.api.errors import FieldCause
from capstan.api.ipam.addresses import AddressSet, parse_address
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.rules.causes import invalid_value
from capstan.api.rules.fields import mapping_at, text_at, value_at

_HOSTNAME: Final = re.compile(
    r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.IGNORECASE | re.ASCII
)


def admit_proxmox_cluster(request: AdmissionRequest) -> Admission:
    """The endpoint is an IP address or a hostname, and no machine can get its address."""
    return _admit(request, "spec")


def admit_proxmox_cluster_template(request: AdmissionRequest) -> Admission:
    """As for the clusters that are made from it. A template may change."""
    return _admit(request, "spec.template.spec")


def _admit(request: AdmissionRequest, at: str) -> Admission:
    if request.new is None or request.subresource == "status":
        return Admission(request.new)
    if request.old is not None and request.old.get("spec") == request.new.get("spec"):
        return Admission(request.new)
    return Admission(request.new, tuple(_endpoint_causes(mapping_at(request.new, at))))


def _endpoint_causes(spec: Mapping[str, Any]) -> Iterator[FieldCause]:
    if value_at(spec, "externalManagedControlPlane"):
        return
    host = text_at(spec, "controlPlaneEndpoint.host")
    address = parse_address(host)
    if address is None:
        if len(host) > 253 or not _HOSTNAME.fullmatch(host):
            why = (
                "provided endpoint address is not a valid IP or FQDN: "
                "write one that the machines reach, as in 10.0.0.9 or api.example.org"
            )
            yield invalid_value("spec.controlplaneEndpoint", host, why)
        return
    for name, field in (("ipv4Config", "spec.IPv4Config.addresses"), ("ipv6Config", "spec.IPv6Config.addresses")):
        entries = value_at(spec, f"{name}.addresses") or ()
        try:
            members = AddressSet.of_entries(entries)
        except ValueError as error:
            why = f"provided addresses are not valid IP addresses, ranges or CIDRs: {error}"
            yield invalid_value(field, entries, why)
            continue
        if members.contains(*address):
            why = f"addresses may not contain the endpoint IP: take {host} out of them, or choose another endpoint"
            yield invalid_value(field, entries, why)
