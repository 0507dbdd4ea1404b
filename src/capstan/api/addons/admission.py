"""Defaults and rules of the add-ons group (cluster-api-core.md 15.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from capstan.api.addons.names import APPLY_ONCE
from capstan.api.cluster.admission.rules import is_settled, selector_faults
from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.objects import Obj
from capstan.api.rules.causes import invalid_value, shown
from capstan.api.rules.fields import mapping_at, text_at, with_value


def admit_cluster_resource_set(request: AdmissionRequest) -> Admission:
    """A set says once which Clusters it is for and how it is applied."""
    if request.new is None or is_settled(request):
        return Admission(request.new)
    new = request.new
    if not text_at(new, "spec.strategy"):
        new = with_value(new, "spec.strategy", APPLY_ONCE)
    return Admission(new, (*_selector_causes(new), *_immutable_causes(request.old, new)))


def admit_cluster_resource_set_binding(request: AdmissionRequest) -> Admission:
    """A record stays with its Cluster."""
    old, new = request.old, request.new
    before = text_at(old, "spec.clusterName")
    if new is None or not before or before == text_at(new, "spec.clusterName"):
        return Admission(new)
    return Admission(new, (_immutable("spec.clusterName", before, text_at(new, "spec.clusterName")),))


def _selector_causes(new: Obj) -> Iterator[FieldCause]:
    given = mapping_at(new, "spec.clusterSelector")
    for fault in selector_faults(given):
        yield invalid_value("spec.clusterSelector", given, fault)
    if not given.get("matchLabels") and not given.get("matchExpressions"):
        yield invalid_value(
            "spec.clusterSelector", given, "selector must not be empty: name a label of the Clusters that it is for"
        )


def _immutable_causes(old: Obj | None, new: Obj) -> Iterator[FieldCause]:
    if old is None:
        return
    before, after = text_at(old, "spec.strategy"), text_at(new, "spec.strategy")
    if before and before != after:
        yield _immutable("spec.strategy", before, after)
    given, wished = mapping_at(old, "spec.clusterSelector"), mapping_at(new, "spec.clusterSelector")
    if given != wished:
        yield _immutable("spec.clusterSelector", given, wished)


def _immutable(field: str, before: Any, after: Any) -> FieldCause:
    return invalid_value(field, after, f"field is immutable: it stays {shown(before)}; make a new object instead")
