"""Metadata that every object has: ObjectMeta, owner references, label selectors, conditions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar

import msgspec

from capstan.api.facts import (
    ATOMIC_LIST,
    ATOMIC_MAP,
    ConditionStatus,
    Facts,
    Int64,
    OptionalConditionType,
    Required,
    Text256,
    Text10240,
    between,
    length,
    pattern,
)
from capstan.api.struct import Struct


class OwnerReference(Struct, frozen=True, kw_only=True):
    """An object that this one belongs to; when all of them are gone, this one goes too.

    api_version: its API group and version.
    kind: its kind.
    name: its name.
    uid: its identity.
    controller: true for the one that manages this object.
    block_owner_deletion: whether the owner, deleted in the foreground, waits for this object.
    """

    api_version: Required[str]
    kind: Required[str]
    name: Required[str]
    uid: Required[str]
    controller: bool | None = None
    block_owner_deletion: bool | None = None


class ObjectMeta(Struct, frozen=True, kw_only=True):
    """What every object has, whatever its kind.

    name: unique within the kind and namespace; never changes.
    generate_name: the beginning of a name that the server completes.
    namespace: the room that the name is unique in.
    uid: the identity of the object; never used again.
    resource_version: the revision of the object, to be compared only for equality.
    generation: counts the changes of what is wanted.
    creation_timestamp: when the object was made.
    deletion_timestamp: when it was asked to go; it stays until its finalizers are gone.
    deletion_grace_period_seconds: how long it may take to stop.
    labels: names and values to select objects by.
    annotations: names and values that are only kept.
    owner_references: the objects that this one belongs to.
    finalizers: who must agree before the object goes.
    self_link: no longer used.
    managed_fields: who set which field.
    """

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


class Condition(Struct, frozen=True, kw_only=True):
    """One thing that is observed of an object.

    The fields that the schema requires go on the wire even when empty; `observedGeneration` does not, because
    `kubectl wait` never trusts a condition that observed generation 0.

    type: what is observed; several clients wait for Ready and Available.
    status: True, False or Unknown.
    reason: why, in one CamelCase word.
    message: why, for people.
    last_transition_time: when the status last changed.
    observed_generation: the metadata.generation that this is about.
    """

    type: Required[OptionalConditionType]
    status: Required[ConditionStatus]
    reason: Required[Annotated[str, length(1, 1024), pattern(r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")]] = ""
    message: Required[Annotated[str, length(None, 32768)]] = msgspec.field(default_factory=str)
    last_transition_time: Required[datetime | None] = None
    observed_generation: Annotated[Int64, between(0)] = 0


class LegacyCondition(Struct, frozen=True, kw_only=True):
    """A condition of the v1beta1 contract: it has a severity, and conditions that are True have no reason.

    type: what is observed.
    status: True, False or Unknown.
    severity: Error, Warning or Info; only where status is False.
    reason: why, in one CamelCase word.
    message: why, for people.
    last_transition_time: when the condition last changed.
    """

    type: Required[Text256]
    status: Required[str]
    severity: Annotated[str, length(None, 32)] = ""
    reason: Text256 = ""
    message: Text10240 = ""
    last_transition_time: Required[datetime | None] = None


class LabelSelectorRequirement(Struct, frozen=True, kw_only=True):
    """One expression over a label.

    key: the label.
    operator: In, NotIn, Exists or DoesNotExist.
    values: what In and NotIn compare with.
    """

    key: Required[str]
    operator: Required[str]
    values: Annotated[tuple[str, ...], ATOMIC_LIST] = ()


class LabelSelector(Struct, frozen=True, kw_only=True):
    """Which objects are meant, by their labels: all of both lists must hold.

    match_labels: labels and their values.
    match_expressions: expressions over labels.
    """

    schema_facts: ClassVar[Facts] = (ATOMIC_MAP,)

    match_labels: dict[str, str] = {}
    match_expressions: Annotated[tuple[LabelSelectorRequirement, ...], ATOMIC_LIST] = ()


class TypedObject(Struct, frozen=True, kw_only=True):
    """What every top-level typed view has; kinds add `spec` and `status`."""

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = msgspec.field(default_factory=ObjectMeta)


def controller_of(meta: ObjectMeta) -> OwnerReference | None:
    """The owner reference that has `controller: true`, if any."""
    return next((ref for ref in meta.owner_references if ref.controller), None)
