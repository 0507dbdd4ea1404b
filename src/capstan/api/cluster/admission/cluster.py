"""Defaults and rules of Cluster."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from capstan.api.cluster.admission.rules import is_settled
from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.objects import Obj
from capstan.api.rules.causes import forbidden_value, invalid_value
from capstan.api.rules.fields import mapping_at, text_at, value_at
from capstan.api.rules.labels import label_value_faults

_REFS = ("spec.infrastructureRef", "spec.controlPlaneRef")
_TOPOLOGY = "spec.topology"
_NOT_YET = (
    "managed topologies are not there yet in Capstan, which keeps a ClusterClass but makes nothing from it; "
    "say what the Cluster consists of in spec.infrastructureRef and spec.controlPlaneRef"
)


def admit_cluster(request: AdmissionRequest) -> Admission:
    """Cluster's rules (cluster-api-core.md 15.2). Without a topology there is nothing to default."""
    if request.new is None or is_settled(request):
        return Admission(request.new)
    return Admission(request.new, tuple(_causes(request.old, request.new)))


def _causes(old: Obj | None, new: Obj) -> Iterator[FieldCause]:
    name = text_at(new, "metadata.name")
    for fault in label_value_faults(name):
        yield invalid_value("metadata.name", name, f"must be a valid label value: {fault}")
    for field in _REFS:
        if mapping_at(old, field) and not mapping_at(new, field):
            yield forbidden_value(field, "cannot be removed: refer to another object, or delete the Cluster")
    if not any(mapping_at(new, field) for field in (*_REFS, _TOPOLOGY)):
        why = "one of spec.controlPlaneRef, spec.infrastructureRef or spec.topology must be set"
        yield forbidden_value("spec", why)
    for network in ("pods", "services"):
        yield from _range_causes(new, f"spec.clusterNetwork.{network}.cidrBlocks")
    yield from _topology_causes(old, new)


def _range_causes(cluster: Obj, field: str) -> Iterator[FieldCause]:
    for index, block in enumerate(value_at(cluster, field) or ()):
        if not _is_range(block):
            why = f"invalid CIDR address: {block}: write an address and the length of its prefix, as in 10.244.0.0/16"
            yield invalid_value(f"{field}[{index}]", block, why)


def _is_range(block: str) -> bool:
    address, slash, bits = block.partition("/")
    if not slash or not bits.isdigit():
        return False
    try:
        ipaddress.ip_network(f"{address}/{bits}", strict=False)
    except ValueError:
        return False
    return "%" not in address


def _topology_causes(old: Obj | None, new: Obj) -> Iterator[FieldCause]:
    """Nothing makes a Cluster from its class yet: topologies are refused, not ignored."""
    if mapping_at(new, _TOPOLOGY):
        yield forbidden_value(_TOPOLOGY, f"can be set only if the ClusterTopology feature flag is enabled: {_NOT_YET}")
    elif mapping_at(old, _TOPOLOGY):
        yield forbidden_value(_TOPOLOGY, "cannot be removed from an existing Cluster")
