"""Defaults and rules of MachinePool."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from capstan.api.cluster.admission.rules import (
    bootstrap_causes,
    cluster_name_causes,
    is_settled,
    replicas_default,
    template_cluster_name_causes,
    version_causes,
    with_version_prefix,
)
from capstan.api.cluster.names import CLUSTER_NAME_LABEL
from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.objects import Obj
from capstan.api.rules.causes import forbidden_value
from capstan.api.rules.fields import mapping_at, text_at, value_at, with_entry, with_value
from capstan.api.rules.labels import metadata_causes

_VERSION: Final = "spec.template.spec.version"
_TIMEOUT: Final = "spec.template.spec.deletion.nodeDeletionTimeoutSeconds"
_TAINTS: Final = "spec.template.spec.taints"
_DEFAULT_TIMEOUT_SECONDS: Final = 10


def admit_machine_pool(request: AdmissionRequest) -> Admission:
    """Applies MachinePool's defaults, then its rules (cluster-api-core.md 15.1).

    Upstream validates deletions as well, so that a stored pool which is no longer valid could not be deleted; here
    a pool can always be deleted.
    """
    if request.new is None or is_settled(request):
        return Admission(request.new)
    replicas, refused = replicas_default(request)
    if refused:
        return Admission(request.new, refused)
    new = _defaulted(with_value(request.new, "spec.replicas", replicas))
    causes = (
        *bootstrap_causes(new, "spec.template.spec"),
        *cluster_name_causes(request.old, new),
        *template_cluster_name_causes(new),
        *version_causes(new, _VERSION),
        *_taint_causes(new),
        *metadata_causes(mapping_at(new, "spec.template.metadata"), "spec.template.metadata"),
    )
    return Admission(new, causes)


def _defaulted(pool: Obj) -> Obj:
    pool = with_entry(pool, "metadata.labels", CLUSTER_NAME_LABEL, text_at(pool, "spec.clusterName"))
    if value_at(pool, _TIMEOUT) is None:
        pool = with_value(pool, _TIMEOUT, _DEFAULT_TIMEOUT_SECONDS)
    return with_version_prefix(pool, _VERSION)


def _taint_causes(pool: Obj) -> Iterator[FieldCause]:
    """The provider makes the machines, and Capstan does not keep up the taints of their Nodes."""
    if value_at(pool, _TAINTS):
        yield forbidden_value(_TAINTS, "taints are not allowed to be set for MachinePools: leave them out")
