"""Cluster between v1beta1 and v1beta2."""

from __future__ import annotations

from typing import Any, Final

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.conversion.moves import CONDITIONS, FAILURES, with_defaults
from capstan.api.cluster.conversion.references import CLUSTER_REFS, in_namespace, refs_down, refs_up
from capstan.api.cluster.conversion.topology import topology_down, topology_up
from capstan.api.conversion import Converter, Spoke, downgrade, move, stay, true_only, unless_empty, upgrade
from capstan.api.fieldnames import FieldNames
from capstan.api.objects import Obj

#: References to templates that keep their version; v1beta1 has them in the namespace of the Cluster.
_TEMPLATES: Final = (
    "spec.topology.controlPlane.machineHealthCheck.remediationTemplate",
    "spec.topology.workers.machineDeployments[].machineHealthCheck.remediationTemplate",
)


def _domains_up(domains: Any) -> Any:
    """A map by name becomes a list sorted by name; a domain not marked for control planes is marked as not."""
    if not isinstance(domains, dict):
        return domains
    return [
        {"name": name, "controlPlane": False, **(domain if isinstance(domain, dict) else {})}
        for name, domain in sorted(domains.items())
    ]


def _domains_down(domains: Any) -> Any:
    if not isinstance(domains, list):
        return domains
    return {
        domain["name"]: {
            key: value for key, value in domain.items() if key != "name" and not (key == "controlPlane" and not value)
        }
        for domain in domains
    }


_MOVES: Final = (
    *CONDITIONS,
    *FAILURES,
    stay("spec.paused", true_only, true_only),
    stay("spec.clusterNetwork.apiServerPort", down=unless_empty),
    stay("spec.clusterNetwork.serviceDomain", down=unless_empty),
    stay("spec.topology", topology_up, topology_down),
    stay("status.failureDomains", _domains_up, _domains_down),
    move("status.infrastructureReady", "status.initialization.infrastructureProvisioned", true_only),
    move("status.controlPlaneReady", "status.initialization.controlPlaneInitialized", true_only),
    move("status.v1beta2.controlPlane", "status.controlPlane"),
    move("status.v1beta2.workers", "status.workers"),
)


def _up(obj: Obj) -> Obj:
    return upgrade(refs_up(obj, CLUSTER_REFS), _MOVES)


def _down(obj: Obj) -> Obj:
    after = in_namespace(downgrade(refs_down(obj, CLUSTER_REFS), _MOVES), _TEMPLATES)
    return with_defaults(after, ("status",), {"infrastructureReady": False, "controlPlaneReady": False})


convert_cluster = Converter("v1beta2", {"v1beta1": Spoke(_up, _down, fields=FieldNames(_MOVES))}, struct=Cluster)
