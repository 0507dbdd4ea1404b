"""Rules of ClusterClass (cluster-api-core.md 15.3, 15.7 and 8.6). There are no defaults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from capstan.api.cluster.admission.clusterclass.compatibility import incompatible_causes
from capstan.api.cluster.admission.clusterclass.parts import part_causes
from capstan.api.cluster.admission.clusterclass.patches import patch_causes
from capstan.api.cluster.admission.clusterclass.templates import template_causes
from capstan.api.cluster.admission.clusterclass.usage import clusters_of, clusters_query, use_causes
from capstan.api.cluster.admission.clusterclass.variables import class_schemas, variable_causes
from capstan.api.cluster.admission.clusterclass.versions import kubernetes_version_causes
from capstan.api.cluster.admission.rules import is_settled
from capstan.api.cluster.names import GROUP
from capstan.api.errors import FieldCause, forbidden
from capstan.api.kinds import Admission, AdmissionRequest, Query
from capstan.api.objects import Obj
from capstan.api.rules.fields import text_at

__all__ = ["admit_cluster_class", "class_schemas", "lookups_cluster_class"]

#: What a create of a class says: it is kept and checked, and that is all.
NOT_ACTED_ON: Final = (
    "ClusterClass is stored and checked, but Capstan makes no Clusters from classes yet: "
    "a Cluster with spec.topology is refused"
)
_NAMED: Final = 3


def admit_cluster_class(request: AdmissionRequest) -> Admission:
    """A class is whole in itself, stays compatible with what it was, and stays as long as a Cluster uses it.

    Errors: ApiError 403 for the deletion of a class in use.
    """
    if request.operation == "DELETE" and request.old is not None:
        _refuse_while_used(request, request.old)
    new = request.new
    if new is None or is_settled(request):
        return Admission(new)
    causes = tuple(_causes(request, new))
    warned = request.operation == "CREATE" and not causes
    return Admission(new, causes, (NOT_ACTED_ON,) if warned else ())


def lookups_cluster_class(_class: Obj) -> Sequence[Query]:
    """The Clusters that may use the class: they can be in every namespace."""
    return (clusters_query(),)


def _causes(request: AdmissionRequest, new: Obj) -> Iterator[FieldCause]:
    old = request.old if request.operation == "UPDATE" else None
    yield from template_causes(new)
    yield from part_causes(new)
    yield from variable_causes(new)
    yield from patch_causes(new)
    yield from kubernetes_version_causes(new)
    if old is not None:
        yield from incompatible_causes(old, new)
        yield from use_causes(clusters_of(request.found, old), old, new)


def _refuse_while_used(request: AdmissionRequest, old: Obj) -> None:
    names = [
        f"{text_at(cluster, 'metadata.namespace')}/{text_at(cluster, 'metadata.name')}"
        for cluster in clusters_of(request.found, old)
    ]
    if names:
        more = f", ... ({len(names) - _NAMED} more)" if len(names) > _NAMED else ""
        why = f"ClusterClass cannot be deleted because it is used by Cluster(s): {', '.join(names[:_NAMED])}{more}"
        raise forbidden(f"clusterclasses.{GROUP}", text_at(old, "metadata.name"), why)
