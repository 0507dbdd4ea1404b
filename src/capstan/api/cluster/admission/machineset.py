"""Defaults and rules of MachineSet."""

from __future__ import annotations

from capstan.api.cluster.admission.rollout import rollout_warnings
from capstan.api.cluster.admission.rules import (
    bootstrap_causes,
    cluster_name_causes,
    is_settled,
    naming_causes,
    preflight_causes,
    replicas_default,
    selector_faults,
    selector_of,
    taint_causes,
    template_cluster_name_causes,
    version_causes,
    with_version_prefix,
)
from capstan.api.cluster.names import CLUSTER_NAME_LABEL, SET_NAME_LABEL
from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.objects import Obj
from capstan.api.rules.causes import invalid_value
from capstan.api.rules.fields import mapping_at, text_at, with_entry, with_value
from capstan.api.rules.labels import metadata_causes
from capstan.api.rules.names import must_format_value
from capstan.api.rules.replicas import selector_text, selects

_VERSION = "spec.template.spec.version"


def admit_machine_set(request: AdmissionRequest) -> Admission:
    """Applies MachineSet's defaults, then its rules (cluster-api-core.md 15.1)."""
    if request.new is None or is_settled(request):
        return Admission(request.new)
    replicas, refused = replicas_default(request)
    if refused:
        return Admission(request.new, refused)
    new = _defaulted(with_value(request.new, "spec.replicas", replicas))
    causes = (
        *bootstrap_causes(new, "spec.template.spec"),
        *_selector_causes(new),
        *preflight_causes(new),
        *cluster_name_causes(request.old, new),
        *template_cluster_name_causes(new),
        *version_causes(new, _VERSION),
        *taint_causes(new, "spec.template.spec.taints", workers=True),
        *naming_causes(new),
        *metadata_causes(mapping_at(new, "spec.template.metadata"), "spec.template.metadata"),
    )
    return Admission(new, causes, () if causes else rollout_warnings(request.old, new))


def _defaulted(machine_set: Obj) -> Obj:
    cluster = text_at(machine_set, "spec.clusterName")
    machine_set = with_entry(machine_set, "metadata.labels", CLUSTER_NAME_LABEL, cluster)
    selector = mapping_at(machine_set, "spec.selector")
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        name = must_format_value(text_at(machine_set, "metadata.name"))
        machine_set = with_entry(machine_set, "spec.selector.matchLabels", SET_NAME_LABEL, name)
        machine_set = with_entry(machine_set, "spec.template.metadata.labels", SET_NAME_LABEL, name)
    return with_version_prefix(machine_set, _VERSION)


def _selector_causes(machine_set: Obj) -> tuple[FieldCause, ...]:
    given = mapping_at(machine_set, "spec.selector")
    faults = tuple(selector_faults(given))
    if faults:
        return tuple(invalid_value("spec.selector", given, fault) for fault in faults)
    selector, labels = selector_of(machine_set), mapping_at(machine_set, "spec.template.metadata.labels")
    if selects(selector, labels):
        return ()
    why = f'must match spec.selector "{selector_text(selector)}"'
    return (invalid_value("spec.template.metadata.labels", labels, why),)
