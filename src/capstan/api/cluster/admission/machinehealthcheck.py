"""Defaults and rules of MachineHealthCheck."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from capstan.api.cluster.admission.amounts import health_check_causes
from capstan.api.cluster.admission.rules import cluster_name_causes, is_settled, selector_faults
from capstan.api.cluster.names import CLUSTER_NAME_LABEL
from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.objects import Obj
from capstan.api.rules.causes import invalid_value, required_value
from capstan.api.rules.fields import mapping_at, text_at, value_at, with_entry, with_value

_STARTUP: Final = "spec.checks.nodeStartupTimeoutSeconds"
_DEFAULT_STARTUP_SECONDS: Final = 600


def admit_machine_health_check(request: AdmissionRequest) -> Admission:
    """Applies MachineHealthCheck's defaults, then its rules (cluster-api-core.md 15.1)."""
    if request.new is None or is_settled(request):
        return Admission(request.new)
    new = with_entry(request.new, "metadata.labels", CLUSTER_NAME_LABEL, text_at(request.new, "spec.clusterName"))
    if value_at(new, _STARTUP) is None:
        new = with_value(new, _STARTUP, _DEFAULT_STARTUP_SECONDS)
    spec = mapping_at(new, "spec")
    return Admission(
        new, (*_selector_causes(new), *cluster_name_causes(request.old, new), *health_check_causes(spec, "spec"))
    )


def _selector_causes(check: Obj) -> Iterator[FieldCause]:
    given = mapping_at(check, "spec.selector")
    for fault in selector_faults(given):
        yield invalid_value("spec.selector", given, fault)
    labels = mapping_at(check, "spec.selector.matchLabels")
    if not labels and not given.get("matchExpressions"):
        yield required_value("spec.selector", "selector must not be empty: name a label of the Machines to check")
    named, cluster = labels.get(CLUSTER_NAME_LABEL, ""), text_at(check, "spec.clusterName")
    if CLUSTER_NAME_LABEL in labels and named != cluster:
        why = "cannot specify a cluster selector other than the one specified by ClusterName"
        yield invalid_value("spec.selector", given, f'{why}: leave {CLUSTER_NAME_LABEL} out, or set it to "{cluster}"')
