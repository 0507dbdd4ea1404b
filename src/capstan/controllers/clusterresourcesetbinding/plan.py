"""Decides whether the record of a cluster is still of use."""

from __future__ import annotations

from capstan.controllers.clusterresourcesetbinding.snapshot import BindingSnapshot
from capstan.runtime.plan import Delete, Plan


def plan(snapshot: BindingSnapshot) -> Plan:
    """A Cluster that is gone or going needs no record (cluster-api-core.md 10)."""
    if snapshot.binding.metadata.deletion_timestamp is not None:
        return Plan(snapshot.subject)
    cluster = snapshot.cluster
    if cluster is None:
        return Plan(snapshot.subject, (_delete(snapshot, "does not exist"),))
    if cluster.metadata.deletion_timestamp is not None:
        return Plan(snapshot.subject, (_delete(snapshot, "is deleted"),))
    return Plan(snapshot.subject)


def _delete(snapshot: BindingSnapshot, why: str) -> Delete:
    return Delete(target=snapshot.subject, reason=f"Cluster {snapshot.cluster_name} {why}")
