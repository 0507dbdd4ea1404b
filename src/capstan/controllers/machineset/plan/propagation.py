"""What flows from a set's template into Machines that exist: metadata, gates, timeouts, taints (3.3).

Everything else of the template makes a Machine another one and is never changed in place. A label or annotation that
leaves the template leaves the Machines that had it from there.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from capstan.api.cluster.kinds import MACHINE
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import (
    CLUSTER_NAME_LABEL,
    DEPLOYMENT_NAME_LABEL,
    SET_NAME_LABEL,
    TEMPLATE_HASH_LABEL,
)
from capstan.api.objects import Obj
from capstan.api.rules.followed import Marks, followed_marks, followed_record
from capstan.api.rules.names import must_format_value
from capstan.api.rules.owners import with_metadata
from capstan.controllers.machineset.snapshot import MachineSetSnapshot, Template
from capstan.runtime.plan import Update


def machine_labels(machine_set: MachineSet) -> dict[str, str]:
    """The labels of the set's Machines, bootstrap configs and infra machines."""
    labels = {
        **machine_set.spec.template.metadata.labels,
        **machine_set.spec.selector.match_labels,
        CLUSTER_NAME_LABEL: machine_set.spec.cluster_name,
        SET_NAME_LABEL: must_format_value(machine_set.metadata.name),
    }
    deployment = machine_set.metadata.labels.get(DEPLOYMENT_NAME_LABEL)
    if deployment is not None:
        labels[DEPLOYMENT_NAME_LABEL] = deployment
    return labels


def machine_annotations(machine_set: MachineSet) -> dict[str, str]:
    """The annotations of new Machines, bootstrap configs and infra machines: the template's, and which marks they
    have from there."""
    annotations = machine_set.spec.template.metadata.annotations
    wanted = Marks(machine_labels(machine_set), annotations)
    return {**annotations, **followed_record(wanted, _always(machine_set))}


def _always(machine_set: MachineSet) -> frozenset[str]:
    """Labels that all Machines of the set have as long as they are its."""
    own = (CLUSTER_NAME_LABEL, SET_NAME_LABEL, DEPLOYMENT_NAME_LABEL, TEMPLATE_HASH_LABEL)
    return frozenset((*machine_set.spec.selector.match_labels, *own))


def plan_propagation(snapshot: MachineSetSnapshot) -> Iterator[Update]:
    """One Update for each Machine, bootstrap config or infra machine that differs."""
    machine_set = snapshot.machine_set
    wanted = Marks(machine_labels(machine_set), machine_set.spec.template.metadata.annotations)
    always = _always(machine_set)
    for machine in snapshot.machines:
        deleting = machine.metadata.deletion_timestamp is not None
        after = with_template_fields(machine_set, machine)
        if not deleting:
            after = _with_marks(after, wanted, always)
        if after != machine:
            reason = f"Machine {machine.metadata.name} follows the template of its set"
            yield Update(resource=MACHINE.resource(), before=machine, after=after, reason=reason)
        if not deleting:
            yield from _mark_objects(snapshot, machine, wanted, always)


def with_template_fields(machine_set: MachineSet, machine: Machine) -> Machine:
    """The Machine with those fields of the template's spec that may change in place."""
    wanted = machine_set.spec.template.spec
    spec = msgspec.structs.replace(
        machine.spec,
        readiness_gates=wanted.readiness_gates,
        min_ready_seconds=wanted.min_ready_seconds,
        taints=wanted.taints,
        deletion=_deletion(wanted.deletion, machine.spec.deletion),
    )
    return machine if spec == machine.spec else msgspec.structs.replace(machine, spec=spec)


def _deletion(wanted: msgspec.Struct, current: msgspec.Struct) -> msgspec.Struct:
    """The template's timeouts; where it has none for the node's deletion, the Machine keeps its default."""
    fallback = getattr(current, "node_deletion_timeout_seconds", None)
    if getattr(wanted, "node_deletion_timeout_seconds", None) is None and fallback is not None:
        wanted = msgspec.structs.replace(wanted, node_deletion_timeout_seconds=fallback)
    return current if wanted == current else wanted


def _with_marks(machine: Machine, wanted: Marks, always: frozenset[str]) -> Machine:
    meta = machine.metadata
    have = Marks(meta.labels, meta.annotations)
    marks = followed_marks(have, wanted, always)
    if marks == have:
        return machine
    return with_metadata(machine, labels=dict(marks.labels), annotations=dict(marks.annotations))


def _mark_objects(
    snapshot: MachineSetSnapshot, machine: Machine, wanted: Marks, always: frozenset[str]
) -> Iterator[Update]:
    infrastructure, bootstrap = machine.spec.infrastructure_ref, machine.spec.bootstrap.config_ref
    pairs: list[tuple[Template | None, str]] = [
        (snapshot.bootstrap, bootstrap.name if bootstrap else ""),
        (snapshot.infrastructure, infrastructure.name),
    ]
    for template, name in pairs:
        found = snapshot.object_of(template, name) if template is not None else None
        if template is None or template.made is None or found is None:
            continue
        after = _marked_object(found, wanted, always)
        if after is not found:
            reason = f"{template.made.kind} {name} follows the template of its set"
            yield Update(resource=template.made, before=found, after=after, reason=reason)


def _marked_object(obj: Obj, wanted: Marks, always: frozenset[str]) -> Obj:
    metadata = obj["metadata"]
    have = Marks(metadata.get("labels") or {}, metadata.get("annotations") or {})
    marks = followed_marks(have, wanted, always)
    if metadata.get("deletionTimestamp") or marks == have:
        return obj
    return {**obj, "metadata": {**metadata, "labels": dict(marks.labels), "annotations": dict(marks.annotations)}}
