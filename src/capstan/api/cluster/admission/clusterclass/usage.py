"""What Clusters take from a class: it cannot be taken away while they use it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from capstan.api.cluster.admission.clusterclass.layout import DEPLOYMENTS, POOLS, items_at, worker_classes
from capstan.api.cluster.admission.clusterclass.parts import is_checking
from capstan.api.cluster.names import AUTOSCALER_MAX_SIZE_ANNOTATION, AUTOSCALER_MIN_SIZE_ANNOTATION, GROUP
from capstan.api.errors import FieldCause
from capstan.api.kinds import Query
from capstan.api.objects import Obj
from capstan.api.rules.causes import forbidden_value, invalid_value, shown
from capstan.api.rules.fields import mapping_at, text_at, value_at

_TOPOLOGY: Final = "spec.topology"
_DEPLOYMENT_TOPOLOGIES: Final = f"{_TOPOLOGY}.workers.machineDeployments"
_POOL_TOPOLOGIES: Final = f"{_TOPOLOGY}.workers.machinePools"


def clusters_query() -> Query:
    """All Clusters: that of a class can be in another namespace."""
    return Query(GROUP, "Cluster")


def clusters_of(found: Mapping[Query, Sequence[Obj]], old: Obj) -> list[Obj]:
    """The Clusters that name this class, in its namespace or from another one."""
    name, namespace = text_at(old, "metadata.name"), text_at(old, "metadata.namespace")
    return [cluster for cluster in found.get(clusters_query(), ()) if _names(cluster, name, namespace)]


def _names(cluster: Obj, name: str, namespace: str) -> bool:
    ref = mapping_at(cluster, f"{_TOPOLOGY}.classRef")
    return ref.get("name") == name and (ref.get("namespace") or text_at(cluster, "metadata.namespace")) == namespace


def use_causes(clusters: Sequence[Obj], old: Obj, new: Obj) -> Iterator[FieldCause]:
    """What the change would take from under a Cluster."""
    yield from _version_causes(clusters, new)
    yield from _removed_causes(clusters, old, new, DEPLOYMENTS, _DEPLOYMENT_TOPOLOGIES, "MachineDeploymentClass")
    yield from _removed_causes(clusters, old, new, POOLS, _POOL_TOPOLOGIES, "MachinePoolClass")
    yield from _control_plane_check_causes(clusters, old, new)
    yield from _deployment_check_causes(clusters, old, new)
    for cluster in clusters:
        yield from autoscaler_causes(cluster, new)


def _version_causes(clusters: Sequence[Obj], new: Obj) -> Iterator[FieldCause]:
    allowed = value_at(new, "spec.kubernetesVersions")
    for cluster in clusters if allowed else ():
        version = text_at(cluster, f"{_TOPOLOGY}.version")
        if version not in allowed:
            why = f"Kubernetes Version {version} is used by Cluster {_name(cluster)} but not set in ClusterClass"
            yield forbidden_value("spec.kubernetesVersions", why)


def _removed_causes(
    clusters: Sequence[Obj], old: Obj, new: Obj, at: str, topologies: str, what: str
) -> Iterator[FieldCause]:
    gone = {worker.name for worker in worker_classes(old, at)} - {worker.name for worker in worker_classes(new, at)}
    for cluster in clusters:
        for topology in items_at(cluster, topologies):
            if topology.get("class") in gone:
                named = shown(topology["class"])
                yield forbidden_value(
                    at, f"{what} {named} cannot be deleted because it is used by Cluster {_name(cluster)}"
                )


def _control_plane_check_causes(clusters: Sequence[Obj], old: Obj, new: Obj) -> Iterator[FieldCause]:
    field = "spec.controlPlane.healthCheck"
    if not is_checking(mapping_at(old, field)) or is_checking(mapping_at(new, field)):
        return
    relying = [cluster for cluster in clusters if _relies(mapping_at(cluster, f"{_TOPOLOGY}.controlPlane"))]
    yield from _dropped(field, relying)


def _deployment_check_causes(clusters: Sequence[Obj], old: Obj, new: Obj) -> Iterator[FieldCause]:
    before = {worker.name: mapping_at(worker.body, "healthCheck") for worker in worker_classes(old, DEPLOYMENTS)}
    for worker in worker_classes(new, DEPLOYMENTS):
        if not is_checking(before.get(worker.name, {})) or is_checking(mapping_at(worker.body, "healthCheck")):
            continue
        relying = [
            cluster
            for cluster in clusters
            if any(
                topology.get("class") == worker.name and _relies(topology)
                for topology in items_at(cluster, _DEPLOYMENT_TOPOLOGIES)
            )
        ]
        yield from _dropped(f"{worker.keyed}.healthCheck", relying)


def _relies(part: Mapping[str, Any]) -> bool:
    """Whether a part of a topology wants Machines to be checked, and leaves to the class for what."""
    check = mapping_at(part, "healthCheck")
    return check.get("enabled") is True and not is_checking(check)


def _dropped(field: str, relying: Sequence[Obj]) -> Iterator[FieldCause]:
    if relying:
        names = shown(",".join(text_at(cluster, "metadata.name") for cluster in relying))
        yield forbidden_value(field, f"healthCheck cannot be deleted because it is used by Cluster(s) {names}")


def autoscaler_causes(cluster: Obj, new: Obj) -> Iterator[FieldCause]:
    """Replicas that a topology gives are not the autoscaler's as well."""
    scaled = {w.name for w in worker_classes(new, DEPLOYMENTS) if _is_scaled(mapping_at(w.body, "metadata"))}
    place = f"cluster {_name(cluster)} in namespace {shown(text_at(cluster, 'metadata.namespace'))}"
    for topology in items_at(cluster, _DEPLOYMENT_TOPOLOGIES):
        replicas = topology.get("replicas")
        if replicas is None:
            continue
        field = f"{_DEPLOYMENT_TOPOLOGIES}[{topology.get('name', '')}].replicas"
        if _is_scaled(mapping_at(topology, "metadata")):
            why = "if the same MachineDeploymentTopology has autoscaler annotations"
            yield invalid_value(field, replicas, f"cannot be set for {place} {why}")
        if topology.get("class") in scaled:
            named = shown(topology["class"])
            why = f"if the source class {named} of this MachineDeploymentTopology has autoscaler annotations"
            yield invalid_value(field, replicas, f"cannot be set for {place} {why}")


def _is_scaled(metadata: Mapping[str, Any]) -> bool:
    annotations = metadata.get("annotations") or {}
    return any(name in annotations for name in (AUTOSCALER_MIN_SIZE_ANNOTATION, AUTOSCALER_MAX_SIZE_ANNOTATION))


def _name(cluster: Obj) -> str:
    return shown(text_at(cluster, "metadata.name"))
