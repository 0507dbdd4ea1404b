"""Metadata that every object has: ObjectMeta, owner references, label selectors, conditions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from capstan.api.struct import Struct


class OwnerReference(Struct, frozen=True, kw_only=True):
    """metav1.OwnerReference. At most one reference of an object has `controller` true."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool | None = None
    block_owner_deletion: bool | None = None


class ObjectMeta(Struct, frozen=True, kw_only=True):
    """metav1.ObjectMeta, the fields that decisions read."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    deletion_grace_period_seconds: int | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: tuple[OwnerReference, ...] = ()
    finalizers: tuple[str, ...] = ()
    self_link: str = ""
    managed_fields: tuple[dict[str, Any], ...] = ()


class Condition(Struct, frozen=True, kw_only=True, omit_defaults=False):
    """metav1.Condition. `status` is True, False or Unknown. All fields are required on the wire, so none is left out."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None
    observed_generation: int = 0


class LabelSelectorRequirement(Struct, frozen=True, kw_only=True):
    """One expression: `operator` is In, NotIn, Exists or DoesNotExist."""

    key: str
    operator: str
    values: tuple[str, ...] = ()


class LabelSelector(Struct, frozen=True, kw_only=True):
    """metav1.LabelSelector: all of match_labels and match_expressions must hold."""

    match_labels: dict[str, str] = {}
    match_expressions: tuple[LabelSelectorRequirement, ...] = ()


class TypedObject(Struct, frozen=True, kw_only=True):
    """What every top-level typed view has; kinds add `spec` and `status`."""

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = msgspec.field(default_factory=ObjectMeta)


def controller_of(meta: ObjectMeta) -> OwnerReference | None:
    """The owner reference that has `controller: true`, if any."""
    return next((ref for ref in meta.owner_references if ref.controller), None)
