"""How many machines a Cluster has, wants, and can use (1.4)."""

from __future__ import annotations

import msgspec

from capstan.api.cluster.cluster import ClusterStatus
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machinepool import MachinePool
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.replicas import ReplicaCounts, VersionCount
from capstan.api.cluster.versions import counted, versions_of
from capstan.api.rules.contract import control_plane_counters
from capstan.api.rules.replicas import count_true
from capstan.controllers.cluster.snapshot import ClusterSnapshot


def control_plane_counts(snapshot: ClusterSnapshot) -> ReplicaCounts:
    """What the control plane object says; where there is none, and none will be made, its Machines."""
    old = snapshot.cluster.status.control_plane
    if snapshot.control_plane is None and snapshot.cluster.spec.topology is None:
        return _of_machines(snapshot.control_plane_machines, old)
    if snapshot.control_plane is None or snapshot.control_plane.object is None:
        return ReplicaCounts(upgrade_plan=old.upgrade_plan) if old.upgrade_plan else ClusterStatus().control_plane
    counters = control_plane_counters(snapshot.control_plane)
    counts = msgspec.structs.replace(
        old,
        desired_replicas=counters.desired,
        replicas=counters.replicas,
        ready_replicas=counters.ready,
        available_replicas=counters.available,
        up_to_date_replicas=counters.up_to_date,
        versions=tuple(VersionCount(version=version, replicas=replicas) for version, replicas in counters.versions),
    )
    # Nothing reported is nothing written: the codec leaves a default out only when it is the field's own.
    return counts if counts != ReplicaCounts() else ClusterStatus().control_plane


def worker_counts(snapshot: ClusterSnapshot) -> ReplicaCounts:
    """Pools, deployments, sets of their own, and Machines of their own, added up."""
    groups: list[MachinePool | MachineDeployment | MachineSet] = [
        *snapshot.pools,
        *snapshot.deployments,
        *snapshot.stand_alone_sets,
    ]
    alone = _of_machines(snapshot.stand_alone_workers, ReplicaCounts())
    statuses = [group.status for group in groups]
    lists = [*(status.versions for status in statuses), alone.versions]
    return msgspec.structs.replace(
        snapshot.cluster.status.workers,
        desired_replicas=sum(g.spec.replicas or 0 for g in groups) + (alone.desired_replicas or 0),
        replicas=sum(s.replicas or 0 for s in statuses) + (alone.replicas or 0),
        ready_replicas=sum(s.ready_replicas or 0 for s in statuses) + (alone.ready_replicas or 0),
        available_replicas=sum(s.available_replicas or 0 for s in statuses) + (alone.available_replicas or 0),
        up_to_date_replicas=sum(s.up_to_date_replicas or 0 for s in statuses) + (alone.up_to_date_replicas or 0),
        versions=counted((v.version, v.replicas or 0) for versions in lists for v in versions),
    )


def _of_machines(machines: tuple[Machine, ...], old: ReplicaCounts) -> ReplicaCounts:
    reported = [machine.status.conditions for machine in machines]
    return msgspec.structs.replace(
        old,
        desired_replicas=len(machines),
        replicas=len(machines),
        ready_replicas=count_true(reported, "Ready"),
        available_replicas=count_true(reported, "Available"),
        up_to_date_replicas=count_true(reported, "UpToDate"),
        versions=versions_of(machines),
    )
