"""Defaults and rules of MachineDeployment."""

from __future__ import annotations

from collections.abc import Iterator

from capstan.api.cluster.admission.amounts import portion_causes, strategy_causes
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
from capstan.api.cluster.names import CLUSTER_NAME_LABEL, DEPLOYMENT_NAME_LABEL
from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.objects import Obj
from capstan.api.rules.causes import forbidden_value, invalid_value
from capstan.api.rules.fields import mapping_at, text_at, value_at, with_entry, with_value
from capstan.api.rules.labels import label_value_faults, metadata_causes
from capstan.api.rules.replicas import selector_text, selects

_VERSION = "spec.template.spec.version"
_STRATEGY = "spec.rollout.strategy"
_SURGE = f"{_STRATEGY}.rollingUpdate.maxSurge"
_UNAVAILABLE = f"{_STRATEGY}.rollingUpdate.maxUnavailable"
_MAX_IN_FLIGHT = "spec.remediation.maxInFlight"
_TEMPLATE_LABELS = "spec.template.metadata.labels"


def admit_machine_deployment(request: AdmissionRequest) -> Admission:
    """Applies MachineDeployment's defaults, then its rules (cluster-api-core.md 15.1)."""
    if request.new is None or is_settled(request):
        return Admission(request.new)
    replicas, refused = replicas_default(request)
    if refused:
        return Admission(request.new, refused)
    new = _defaulted(with_value(request.new, "spec.replicas", replicas))
    causes = (
        *_name_causes(new),
        *bootstrap_causes(new, "spec.template.spec"),
        *_selector_causes(new),
        *preflight_causes(new),
        *cluster_name_causes(request.old, new),
        *template_cluster_name_causes(new),
        *strategy_causes(mapping_at(new, _STRATEGY), _STRATEGY),
        *portion_causes(value_at(new, _MAX_IN_FLIGHT), _MAX_IN_FLIGHT),
        *version_causes(new, _VERSION),
        *naming_causes(new),
        *taint_causes(new, "spec.template.spec.taints", workers=True),
        *metadata_causes(mapping_at(new, "spec.template.metadata"), "spec.template.metadata"),
    )
    return Admission(new, causes)


def _defaulted(deployment: Obj) -> Obj:
    cluster, name = text_at(deployment, "spec.clusterName"), text_at(deployment, "metadata.name")
    deployment = with_entry(deployment, "metadata.labels", CLUSTER_NAME_LABEL, cluster)
    if not text_at(deployment, f"{_STRATEGY}.type"):
        deployment = with_value(deployment, f"{_STRATEGY}.type", "RollingUpdate")
    if text_at(deployment, f"{_STRATEGY}.type") == "RollingUpdate":
        for field, amount in ((_SURGE, 1), (_UNAVAILABLE, 0)):
            if value_at(deployment, field) is None:
                deployment = with_value(deployment, field, amount)
    deployment = _with_selector(deployment, cluster, name)
    return with_version_prefix(deployment, _VERSION)


def _with_selector(deployment: Obj, cluster: str, name: str) -> Obj:
    """An empty selector takes what has this deployment's name; every selector is bound to its Cluster."""
    selector = mapping_at(deployment, "spec.selector")
    entries = [(CLUSTER_NAME_LABEL, cluster)]
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        entries.append((DEPLOYMENT_NAME_LABEL, name))
    for key, value in entries:
        deployment = with_entry(deployment, "spec.selector.matchLabels", key, value)
        deployment = with_entry(deployment, _TEMPLATE_LABELS, key, value)
    return deployment


def _name_causes(deployment: Obj) -> Iterator[FieldCause]:
    """The name becomes the value of a label."""
    name = text_at(deployment, "metadata.name")
    for fault in label_value_faults(name):
        yield invalid_value("metadata.name", name, f"must be a valid label value: {fault}")


def _selector_causes(deployment: Obj) -> Iterator[FieldCause]:
    given = mapping_at(deployment, "spec.selector")
    faults = tuple(selector_faults(given))
    yield from (invalid_value("spec.selector", given, fault) for fault in faults)
    selector = selector_of(deployment)
    if not faults and not selects(selector, mapping_at(deployment, _TEMPLATE_LABELS)):
        yield forbidden_value(_TEMPLATE_LABELS, f'must match spec.selector "{selector_text(selector)}"')
