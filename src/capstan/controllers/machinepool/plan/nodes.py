"""Which Nodes of the workload cluster belong to a pool, what they carry, and which of them go."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from capstan.api.cluster.names import (
    MACHINE_POOL_FINALIZER,
    NODE_CLUSTER_NAME_ANNOTATION,
    NODE_CLUSTER_NAMESPACE_ANNOTATION,
    NODE_LABELS_FROM_MACHINE_ANNOTATION,
    NODE_OWNER_KIND_ANNOTATION,
    NODE_OWNER_NAME_ANNOTATION,
    UNINITIALIZED_TAINT,
)
from capstan.api.cluster.nodelabels import is_node_label
from capstan.api.core.node import Node
from capstan.api.core.reference import ObjectReference
from capstan.controllers.machinepool.snapshot import MachinePoolSnapshot
from capstan.runtime.nodeactions import DeleteNode, PatchNode
from capstan.runtime.plan import Action, Emit


def node_refs(snapshot: MachinePoolSnapshot) -> tuple[ObjectReference, ...]:
    """The pool's Nodes as its status names them; those of before while they cannot be seen, and none before the
    pool has its finalizer."""
    if snapshot.nodes_problem or MACHINE_POOL_FINALIZER not in snapshot.pool.metadata.finalizers:
        return snapshot.pool.status.node_refs
    return tuple(
        ObjectReference(api_version="v1", kind="Node", name=node.metadata.name, uid=node.metadata.uid)
        for node in snapshot.members
    )


def plan_nodes(snapshot: MachinePoolSnapshot) -> Iterator[Action]:
    """Mark the Nodes of the pool, remove those that left it. Nodes of Machines are marked by their Machine."""
    if not snapshot.provisioned:
        return
    if snapshot.nodes_problem:
        # A cluster without a kubeconfig has nothing to ask yet; what is asked and does not answer is told.
        if snapshot.kubeconfig and len(snapshot.pool.status.node_refs) < len(snapshot.provider_ids):
            yield _failed(f"failed to get Node references: {snapshot.nodes_problem}")
        return
    yield from retire(snapshot, frozenset(node.metadata.name for node in snapshot.members))
    if not snapshot.machine_kind:
        for node in snapshot.members:
            after = marked_node(snapshot, node)
            if after != node:
                yield PatchNode(
                    cluster=snapshot.cluster_key,
                    before=node,
                    after=after,
                    kubeconfig=snapshot.kubeconfig,
                    reason=f"Node {node.metadata.name} carries the labels and annotations of its MachinePool",
                    part=f"Node {node.metadata.name}",
                    on_failure=_failed(f"error marking Node {node.metadata.name}"),
                )
    found = node_refs(snapshot)
    if found and found != snapshot.pool.status.node_refs:
        names = ", ".join(ref.name for ref in found)
        yield Emit(name="SuccessfulSetNodeRefs", reason=f"{len(found)} Nodes belong to the pool: {names}")


def _failed(text: str) -> Emit:
    return Emit(name="FailedSetNodeRef", type="Warning", reason=text)


def retire(snapshot: MachinePoolSnapshot, kept: frozenset[str]) -> Iterator[DeleteNode]:
    """The Nodes that the pool knew and that are not kept. Only a Node that is still the same is removed."""
    present = {node.metadata.name: node for node in snapshot.nodes}
    for ref in snapshot.pool.status.node_refs:
        node = present.get(ref.name)
        if ref.name in kept or node is None or ref.uid not in ("", node.metadata.uid):
            continue
        yield DeleteNode(
            cluster=snapshot.cluster_key,
            name=ref.name,
            uid=node.metadata.uid,
            kubeconfig=snapshot.kubeconfig,
            reason=f"its machine is no longer in MachinePool {snapshot.pool.metadata.name}",
        )


def marked_node(snapshot: MachinePoolSnapshot, node: Node) -> Node:
    """The Node as its pool wants it. Labels that the pool set before and does not want now are removed."""
    pool, old = snapshot.pool, node.metadata
    labels = {key: value for key, value in pool.spec.template.metadata.labels.items() if is_node_label(key)}
    record = old.annotations.get(NODE_LABELS_FROM_MACHINE_ANNOTATION, "")
    gone = {key for key in record.split(",") if key} - labels.keys()
    annotations = {
        **old.annotations,
        NODE_CLUSTER_NAME_ANNOTATION: pool.spec.cluster_name,
        NODE_CLUSTER_NAMESPACE_ANNOTATION: pool.metadata.namespace,
        NODE_OWNER_KIND_ANNOTATION: "MachinePool",
        NODE_OWNER_NAME_ANNOTATION: pool.metadata.name,
        NODE_LABELS_FROM_MACHINE_ANNOTATION: ",".join(sorted(labels)),
    }
    kept = {key: value for key, value in old.labels.items() if key not in gone}
    metadata = msgspec.structs.replace(old, labels={**kept, **labels}, annotations=annotations)
    taints = tuple(t for t in node.spec.taints if (t.key, t.effect) != (UNINITIALIZED_TAINT, "NoSchedule"))
    spec = node.spec if taints == node.spec.taints else msgspec.structs.replace(node.spec, taints=taints)
    return msgspec.structs.replace(node, metadata=metadata, spec=spec)
