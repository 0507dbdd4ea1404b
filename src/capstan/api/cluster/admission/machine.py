"""Defaults and rules of Machine."""

from __future__ import annotations

from capstan.api.cluster.admission.rules import (
    bootstrap_causes,
    cluster_name_causes,
    is_settled,
    taint_causes,
    version_causes,
    with_version_prefix,
)
from capstan.api.cluster.names import CLUSTER_NAME_LABEL, CONTROL_PLANE_LABEL, POOL_NAME_LABEL
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.objects import Obj
from capstan.api.rules.fields import mapping_at, text_at, value_at, with_entry, with_value

_NODE_DELETION_TIMEOUT_SECONDS = 10
_NODE_DELETION_TIMEOUT = "spec.deletion.nodeDeletionTimeoutSeconds"


def admit_machine(request: AdmissionRequest) -> Admission:
    """Applies Machine's defaults, then its rules (cluster-api-core.md 15.1)."""
    if request.new is None or is_settled(request):
        return Admission(request.new)
    new = _defaulted(request.new)
    workers = CONTROL_PLANE_LABEL not in mapping_at(new, "metadata.labels")
    causes = (
        *(() if _is_pool_owned(new) else bootstrap_causes(new, "spec")),
        *cluster_name_causes(request.old, new),
        *version_causes(new, "spec.version"),
        *taint_causes(new, "spec.taints", workers=workers),
    )
    return Admission(new, causes)


def _defaulted(machine: Obj) -> Obj:
    machine = with_entry(machine, "metadata.labels", CLUSTER_NAME_LABEL, text_at(machine, "spec.clusterName"))
    machine = with_version_prefix(machine, "spec.version")
    if value_at(machine, _NODE_DELETION_TIMEOUT) is None:
        machine = with_value(machine, _NODE_DELETION_TIMEOUT, _NODE_DELETION_TIMEOUT_SECONDS)
    return machine


def _is_pool_owned(machine: Obj) -> bool:
    """A MachinePool's Machines get their instructions from the pool."""
    if POOL_NAME_LABEL in mapping_at(machine, "metadata.labels"):
        return True
    return any(ref.get("kind") == "MachinePool" for ref in value_at(machine, "metadata.ownerReferences") or ())
