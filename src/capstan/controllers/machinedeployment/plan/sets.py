"""The deployment's MachineSet: made once, scaled, and kept in step where that needs no new machines (4.3, 4.4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from capstan.api.cluster.kinds import MACHINE_SET
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import (
    CLUSTER_NAME_LABEL,
    CONVERSION_DATA_ANNOTATION,
    DEPLOYMENT_NAME_LABEL,
    DESIRED_REPLICAS_ANNOTATION,
    DISABLE_MACHINE_CREATE_ANNOTATION,
    LAST_APPLIED_ANNOTATION,
    MACHINE_SET_FINALIZER,
    MAX_REPLICAS_ANNOTATION,
    REVISION_ANNOTATION,
    REVISION_HISTORY_ANNOTATION,
    TEMPLATE_HASH_LABEL,
)
from capstan.api.cluster.template import TemplateMetadata
from capstan.api.meta import LabelSelector
from capstan.api.objects import Obj
from capstan.api.rules.lasting import patience_left
from capstan.api.rules.names import NAMED_ANNOTATION, free_counters, suffix, template_hash, with_suffix
from capstan.api.rules.owners import owner_reference, with_metadata
from capstan.api.struct import encode
from capstan.controllers.machinedeployment.plan.limits import max_surge
from capstan.controllers.machinedeployment.snapshot import RESOURCE, MachineDeploymentSnapshot
from capstan.runtime.plan import Action, Create, Emit, Update, Waiting

#: Annotations of the deployment that its sets do not get, or get in their own way.
_NOT_COPIED = frozenset(
    (
        LAST_APPLIED_ANNOTATION,
        REVISION_ANNOTATION,
        REVISION_HISTORY_ANNOTATION,
        DESIRED_REPLICAS_ANNOTATION,
        MAX_REPLICAS_ANNOTATION,
        CONVERSION_DATA_ANNOTATION,
        NAMED_ANNOTATION,
    )
)


@dataclass(frozen=True, slots=True)
class Sets:
    """What to do about the sets; `deployment` carries the revision and the counter of names."""

    deployment: MachineDeployment
    actions: tuple[Action, ...] = ()
    waiting_on: tuple[Waiting, ...] = ()
    requeue_after: float | None = None


def plan_sets(snapshot: MachineDeploymentSnapshot, deployment: MachineDeployment) -> Sets:
    """Make the one set that there is to be, or bring it to where the deployment is."""
    current = snapshot.current
    if current is None:
        return _create(snapshot, deployment)
    actions: list[Action] = []
    for machine_set in snapshot.machine_sets:
        if machine_set.metadata.deletion_timestamp is None:
            actions.extend(_follow(snapshot, machine_set, is_current=machine_set == current))
    revision = current.metadata.annotations.get(REVISION_ANNOTATION) or "1"
    return Sets(_with_annotations(deployment, {REVISION_ANNOTATION: revision}), tuple(actions), _waiting(current))


def _waiting(current: MachineSet) -> tuple[Waiting, ...]:
    wanted, available = current.spec.replicas or 0, current.status.available_replicas or 0
    if available >= wanted:
        return ()
    name = current.metadata.name
    text = f"MachineDeployment waits for MachineSet {name}: {available} of {wanted} Machine(s) are available"
    return (Waiting("Available", "NotAvailable", text),)


def _with_annotations(deployment: MachineDeployment, wanted: dict[str, str]) -> MachineDeployment:
    have = deployment.metadata.annotations
    if wanted.items() <= have.items():
        return deployment
    return with_metadata(deployment, annotations={**have, **wanted})


def _create(snapshot: MachineDeploymentSnapshot, deployment: MachineDeployment) -> Sets:
    missing = [found for found in snapshot.templates if found.object is None]
    why = [found.problem or f"{found.kind} {found.name} does not exist" for found in missing]
    if deployment.spec.paused:
        why.append("spec.paused is true")
    if snapshot.cluster is not None and snapshot.cluster.metadata.deletion_timestamp is not None:
        why.append(f"Cluster {snapshot.cluster.metadata.name} is being deleted")
    if why:
        text = "MachineDeployment waits to create its MachineSet: " + "; ".join(why)
        waiting = (Waiting("ScalingUp", "ScalingUp", text),)
        if not missing:
            return Sets(deployment, (), waiting)
        left = patience_left(deployment.metadata.creation_timestamp, snapshot.now)
        told = Emit(name="TemplateNotFound", type="Warning", reason=f"{text}: create it, or correct spec.template.spec")
        return Sets(deployment, (told,) if not left else (), waiting, left or None)
    meta = deployment.metadata
    counter = next(islice(free_counters(meta.annotations, meta.uid, ()), 1))
    made = machine_set_object(deployment, suffix(meta.uid, counter))
    name = made["metadata"]["name"]
    create = Create(
        resource=MACHINE_SET.resource(), object=made, reason=f"MachineDeployment {meta.name} has no MachineSet"
    )
    event = Emit(name="SuccessfulCreate", reason=f"Created MachineSet {name}")
    noted = {REVISION_ANNOTATION: "1", NAMED_ANNOTATION: str(counter + 1)}
    return Sets(_with_annotations(deployment, noted), (create, event))


def effective_selector(deployment: MachineDeployment) -> LabelSelector:
    """The deployment's selector; an empty one takes what carries the deployment's and the cluster's name."""
    selector = deployment.spec.selector
    if selector.match_labels or selector.match_expressions:
        return selector
    return LabelSelector(
        match_labels={
            DEPLOYMENT_NAME_LABEL: deployment.metadata.name,
            CLUSTER_NAME_LABEL: deployment.spec.cluster_name,
        }
    )


def machine_set_object(deployment: MachineDeployment, tail: str) -> Obj:
    """The set as it is created, at its full size. Its hash label only tells it apart and is never computed again."""
    meta, spec = deployment.metadata, deployment.spec
    unique = {TEMPLATE_HASH_LABEL: f"{template_hash(encode(spec.template))}-{tail}"}
    selector = effective_selector(deployment)
    labels = _set_labels(deployment, unique)
    made = MachineSet(
        api_version=MACHINE_SET.resource().api_version,
        kind="MachineSet",
        spec=msgspec.structs.replace(
            MachineSet().spec,
            cluster_name=spec.cluster_name,
            replicas=spec.replicas or 0,
            selector=msgspec.structs.replace(selector, match_labels={**selector.match_labels, **unique}),
            template=msgspec.structs.replace(
                spec.template,
                metadata=TemplateMetadata(labels=labels, annotations=spec.template.metadata.annotations),
            ),
            **_naming_and_order(deployment, MachineSet()),
        ),
    )
    owner = owner_reference(RESOURCE.api_version, "MachineDeployment", meta, controller=True)
    obj = encode(made)
    obj["metadata"] = {
        "name": with_suffix(meta.name, tail),
        "namespace": meta.namespace,
        "labels": labels,
        "annotations": {**_set_annotations(deployment), REVISION_ANNOTATION: "1"},
        "finalizers": [MACHINE_SET_FINALIZER],
        "ownerReferences": [encode(owner)],
    }
    return obj


def _naming_and_order(deployment: MachineDeployment, machine_set: MachineSet) -> dict[str, Any]:
    """How Machines are named and in which order they go, where the set has it otherwise. (What is equal is left
    out: the codec drops a default only when it is the very default of its field.)"""
    wanted = {"deletion": deployment.spec.deletion, "machine_naming": deployment.spec.machine_naming}
    return {name: value for name, value in wanted.items() if value != getattr(machine_set.spec, name)}


def _set_labels(deployment: MachineDeployment, unique: dict[str, str]) -> dict[str, str]:
    """Labels of the set, and of its template."""
    return {
        **deployment.spec.template.metadata.labels,
        **effective_selector(deployment).match_labels,
        CLUSTER_NAME_LABEL: deployment.spec.cluster_name,
        DEPLOYMENT_NAME_LABEL: deployment.metadata.name,
        **unique,
    }


def _set_annotations(deployment: MachineDeployment) -> dict[str, str]:
    copied = {k: v for k, v in deployment.metadata.annotations.items() if k not in _NOT_COPIED}
    replicas = deployment.spec.replicas or 0
    return {
        **copied,
        DESIRED_REPLICAS_ANNOTATION: str(replicas),
        MAX_REPLICAS_ANNOTATION: str(replicas + max_surge(deployment)),
        DISABLE_MACHINE_CREATE_ANNOTATION: "false",
    }


def _follow(snapshot: MachineDeploymentSnapshot, machine_set: MachineSet, *, is_current: bool) -> Iterator[Action]:
    """One Update of a set that exists, and an Event when its size changes."""
    after = _in_step(snapshot.deployment, machine_set)
    old, new = machine_set.spec.replicas or 0, machine_set.spec.replicas or 0
    if is_current:
        others = sum(s.spec.replicas or 0 for s in snapshot.all_sets if s != machine_set)
        new = max(snapshot.desired - others, 0)
        if machine_set.spec.replicas != new:
            after = msgspec.structs.replace(after, spec=msgspec.structs.replace(after.spec, replicas=new))
    if after == machine_set:
        return
    name = machine_set.metadata.name
    reason = f"MachineSet {name} follows its deployment"
    if old != new:
        reason = f"scale MachineSet {name} from {old} to {new}: {snapshot.desired} replicas wanted"
    yield Update(resource=MACHINE_SET.resource(), before=machine_set, after=after, reason=reason)
    if old != new:
        word = "up" if new > old else "down"
        yield Emit(name="SuccessfulScale", reason=f"Scaled {word} MachineSet {name}: {old} -> {new}")


def _in_step(deployment: MachineDeployment, machine_set: MachineSet) -> MachineSet:
    """The set with everything of the deployment that changes in place."""
    wanted = deployment.spec.template
    unique = machine_set.metadata.labels.get(TEMPLATE_HASH_LABEL)
    labels = _set_labels(deployment, {} if unique is None else {TEMPLATE_HASH_LABEL: unique})
    template = machine_set.spec.template
    machine_spec = msgspec.structs.replace(
        template.spec,
        min_ready_seconds=wanted.spec.min_ready_seconds,
        readiness_gates=wanted.spec.readiness_gates,
        deletion=template.spec.deletion if template.spec.deletion == wanted.spec.deletion else wanted.spec.deletion,
        taints=wanted.spec.taints,
    )
    template = msgspec.structs.replace(
        template,
        metadata=TemplateMetadata(labels=labels, annotations=wanted.metadata.annotations),
        spec=machine_spec,
    )
    spec = msgspec.structs.replace(
        machine_set.spec,
        template=template,
        **_naming_and_order(deployment, machine_set),
    )
    meta = machine_set.metadata
    annotations = {**meta.annotations, **_set_annotations(deployment)}
    after = with_metadata(machine_set, labels={**meta.labels, **labels}, annotations=annotations)
    return msgspec.structs.replace(after, spec=spec)
