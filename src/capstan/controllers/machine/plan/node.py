"""What a Machine writes onto its Node in the workload cluster: annotations, labels, taints (2.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from re import Pattern
from typing import Final

import msgspec

from capstan.api.cluster.names import (
    INTERRUPTIBLE_LABEL,
    NODE_ANNOTATIONS_FROM_MACHINE_ANNOTATION,
    NODE_CLUSTER_NAME_ANNOTATION,
    NODE_CLUSTER_NAMESPACE_ANNOTATION,
    NODE_LABELS_FROM_MACHINE_ANNOTATION,
    NODE_MACHINE_ANNOTATION,
    NODE_OWNER_KIND_ANNOTATION,
    NODE_OWNER_NAME_ANNOTATION,
    NODE_TAINTS_FROM_MACHINE_ANNOTATION,
    OUTDATED_REVISION_TAINT,
    REVISION_ANNOTATION,
    UNINITIALIZED_TAINT,
)
from capstan.api.cluster.nodelabels import is_node_annotation, is_node_label
from capstan.api.core.node import Node, Taint
from capstan.api.meta import controller_of
from capstan.api.rules.conditions import find_condition
from capstan.api.rules.contract import is_interruptible
from capstan.controllers.machine.snapshot import MachineSnapshot, Synced
from capstan.runtime.nodeactions import PatchNode
from capstan.runtime.plan import Emit

#: What every node says of where it comes from; on nodes whose Machine does not say it any more it is removed.
_IDENTITY: Final = frozenset(
    {
        NODE_CLUSTER_NAME_ANNOTATION,
        NODE_CLUSTER_NAMESPACE_ANNOTATION,
        NODE_MACHINE_ANNOTATION,
        NODE_OWNER_KIND_ANNOTATION,
        NODE_OWNER_NAME_ANNOTATION,
    }
)


def plan_node(snapshot: MachineSnapshot) -> Iterator[PatchNode | Emit]:
    """One patch when the Node does not carry all that the Machine says; events for what users wait for."""
    node = snapshot.node
    if snapshot.node_conflict and not _is_told(snapshot):
        yield Emit(name="FailedSetNodeRef", type="Warning", reason=snapshot.node_conflict)
    if node is None or not snapshot.kubeconfig:
        return
    if snapshot.machine.status.node_ref is None:
        yield Emit(name="SuccessfulSetNodeRef", reason=node.metadata.name)
    after = marked_node(snapshot, node)
    if after != node:
        yield PatchNode(
            cluster=snapshot.cluster_key,
            before=node,
            after=after,
            kubeconfig=snapshot.kubeconfig,
            reason=f"Node {node.metadata.name} carries the labels, annotations and taints of its Machine",
        )
    if INTERRUPTIBLE_LABEL in after.metadata.labels and INTERRUPTIBLE_LABEL not in node.metadata.labels:
        yield Emit(name="SuccessfulSetInterruptibleNodeLabel", reason=node.metadata.name)


def _is_told(snapshot: MachineSnapshot) -> bool:
    """Whether the condition says already that several Nodes claim the provider ID."""
    told = find_condition(snapshot.machine.status.conditions, "NodeHealthy")
    return told is not None and told.message == snapshot.node_conflict


def marked_node(snapshot: MachineSnapshot, node: Node) -> Node:
    """The Node as its Machine wants it. Keys that an earlier Machine state set and that are gone are removed."""
    machine, old, synced = snapshot.machine.metadata, node.metadata.annotations, snapshot.synced
    annotations = {k: v for k, v in machine.annotations.items() if _is_synced_annotation(k, synced)}
    labels = {k: v for k, v in machine.labels.items() if _is_synced_label(k, synced)}
    if is_interruptible(snapshot.infrastructure):
        labels[INTERRUPTIBLE_LABEL] = ""
    taints, taint_record = _taints(snapshot, node)
    records = {
        NODE_LABELS_FROM_MACHINE_ANNOTATION: ",".join(sorted(labels)),
        NODE_ANNOTATIONS_FROM_MACHINE_ANNOTATION: ",".join(sorted(annotations.keys() - _IDENTITY)),
    }
    if taint_record is not None:
        # Empty, too: that it is there says that the node got its taints of OnInitialization.
        records[NODE_TAINTS_FROM_MACHINE_ANNOTATION] = taint_record
    gone = (_record(old, NODE_ANNOTATIONS_FROM_MACHINE_ANNOTATION) | _IDENTITY) - annotations.keys()
    kept_labels = _without(node.metadata.labels, _record(old, NODE_LABELS_FROM_MACHINE_ANNOTATION) - labels.keys())
    metadata = msgspec.structs.replace(
        node.metadata,
        labels={**kept_labels, **labels},
        annotations={**_without(old, gone), **annotations, **_identity(snapshot), **records},
    )
    spec = node.spec if taints == node.spec.taints else msgspec.structs.replace(node.spec, taints=taints)
    return msgspec.structs.replace(node, metadata=metadata, spec=spec)


def _identity(snapshot: MachineSnapshot) -> dict[str, str]:
    machine = snapshot.machine
    marks = {
        NODE_CLUSTER_NAME_ANNOTATION: machine.spec.cluster_name,
        NODE_CLUSTER_NAMESPACE_ANNOTATION: machine.metadata.namespace,
        NODE_MACHINE_ANNOTATION: machine.metadata.name,
    }
    owner = controller_of(machine.metadata)
    if owner is not None:
        marks[NODE_OWNER_KIND_ANNOTATION] = owner.kind
        marks[NODE_OWNER_NAME_ANNOTATION] = owner.name
    return marks


def _is_synced_label(key: str, synced: Synced) -> bool:
    return is_node_label(key) or _is_wished(key, synced.labels)


def _is_synced_annotation(key: str, synced: Synced) -> bool:
    return is_node_annotation(key) or _is_wished(key, synced.annotations)


def _is_wished(key: str, patterns: Iterable[Pattern[str]]) -> bool:
    return any(pattern.search(key) for pattern in patterns)


def _record(annotations: Mapping[str, str], name: str) -> frozenset[str]:
    return frozenset(key for key in annotations.get(name, "").split(",") if key)


def _without(mapping: Mapping[str, str], keys: frozenset[str]) -> dict[str, str]:
    return {key: value for key, value in mapping.items() if key not in keys}


def _taints(snapshot: MachineSnapshot, node: Node) -> tuple[tuple[Taint, ...], str | None]:
    """The Node's taints, and the record of those that the Machine keeps up; None when its taints do not go on."""
    goes_on = snapshot.synced.taints
    initialized = NODE_TAINTS_FROM_MACHINE_ANNOTATION in node.metadata.annotations
    record = _record(node.metadata.annotations, NODE_TAINTS_FROM_MACHINE_ANNOTATION) if goes_on else frozenset()
    always = [t for t in snapshot.machine.spec.taints if goes_on and t.propagation == "Always"]
    once = [t for t in snapshot.machine.spec.taints if goes_on and t.propagation == "OnInitialization"]
    set_now = always if initialized else [t for t in snapshot.machine.spec.taints if t in always or t in once]
    wanted = {(t.key, t.effect): Taint(key=t.key, value=t.value, effect=t.effect) for t in set_now}
    if _is_outdated(snapshot):
        wanted[OUTDATED_REVISION_TAINT, "PreferNoSchedule"] = Taint(
            key=OUTDATED_REVISION_TAINT, effect="PreferNoSchedule"
        )
    kept_up = {f"{t.key}:{t.effect}" for t in always}
    left_alone = {f"{t.key}:{t.effect}" for t in once}
    gone = record - kept_up - left_alone | {f"{UNINITIALIZED_TAINT}:NoSchedule"}
    if not _is_outdated(snapshot):
        gone |= {f"{OUTDATED_REVISION_TAINT}:PreferNoSchedule"}
    result = []
    for taint in node.spec.taints:
        place = (taint.key, taint.effect)
        if place in wanted:
            new = wanted.pop(place)
            result.append(taint if taint.value == new.value else new)
        elif f"{taint.key}:{taint.effect}" not in gone:
            result.append(taint)
    result.extend(wanted.values())
    return tuple(result), ",".join(sorted(kept_up)) if goes_on else None


def _is_outdated(snapshot: MachineSnapshot) -> bool:
    """The Machine's set is of an older revision than its deployment."""
    if snapshot.machine_set is None or snapshot.deployment is None:
        return False
    of_set = snapshot.machine_set.metadata.annotations.get(REVISION_ANNOTATION, "0")
    of_deployment = snapshot.deployment.metadata.annotations.get(REVISION_ANNOTATION, "0")
    return of_set.isdigit() and of_deployment.isdigit() and int(of_set) < int(of_deployment)
