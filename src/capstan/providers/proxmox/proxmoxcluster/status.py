"""Says how a ProxmoxCluster stands: its pools, where its machines are, and whether Proxmox VE answers."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from capstan.api.core.reference import LocalReference
from capstan.api.errors import ApiError
from capstan.api.infrastructure.initialization import InfrastructureInitialization
from capstan.api.infrastructure.placement import NodeLocation, NodeLocations
from capstan.api.infrastructure.proxmoxcluster import ProxmoxCluster
from capstan.api.infrastructure.proxmoxmachine import ProxmoxMachine
from capstan.api.meta import Condition
from capstan.api.rules.conditions import put_conditions
from capstan.providers.proxmox.proxmoxcluster.plan import AVAILABLE, Decision, decide
from capstan.providers.proxmox.proxmoxcluster.pools import wanted_pools, zone_references
from capstan.providers.proxmox.proxmoxcluster.snapshot import Snapshot
from capstan.providers.proxmox.resources import CONTROL_PLANE_LABEL
from capstan.runtime.plan import Outcomes


def compute_status(s: Snapshot, outcomes: Outcomes) -> ProxmoxCluster | None:
    """The cluster with its status as it should be now."""
    decision = decide(s)
    if decision.skipped:
        return None
    status = s.infra.status
    if not decision.paused and s.infra.metadata.deletion_timestamp is None:
        pools = wanted_pools(s.infra)
        ready = decision.available and outcomes.error is None
        status = msgspec.structs.replace(
            status,
            in_cluster_ip_pool_ref=tuple(LocalReference(name=pool.name) for pool in pools),
            in_cluster_zone_ref=zone_references(pools),
            initialization=InfrastructureInitialization(provisioned=True) if ready else status.initialization,
        )
    if not decision.paused:
        status = msgspec.structs.replace(status, node_locations=_locations(s.machines))
    conditions = put_conditions(
        status.conditions,
        _conditions(s, decision, outcomes),
        generation=s.infra.metadata.generation,
        now=s.now,
    )
    return msgspec.structs.replace(s.infra, status=msgspec.structs.replace(status, conditions=conditions))


def _locations(machines: Iterable[ProxmoxMachine]) -> NodeLocations | None:
    """Which machine is on which node, control plane and workers apart."""
    sides: tuple[list[NodeLocation], list[NodeLocation]] = ([], [])
    for machine in machines:
        if machine.status.proxmox_node:
            place = NodeLocation(machine=LocalReference(name=machine.metadata.name), node=machine.status.proxmox_node)
            sides[CONTROL_PLANE_LABEL not in machine.metadata.labels].append(place)
    if not sides[0] and not sides[1]:
        return None
    return NodeLocations(control_plane=tuple(sides[0]), workers=tuple(sides[1]))


def _conditions(s: Snapshot, decision: Decision, outcomes: Outcomes) -> list[Condition]:
    if decision.paused:
        return [Condition(type="Paused", status="True", reason="Paused", message=", ".join(decision.paused))]
    available = _available(s, decision, outcomes)
    good = available.status == "True"
    ready = Condition(
        type="Ready",
        status=available.status,
        reason="Ready" if good else available.reason,
        message="" if good else f"* {AVAILABLE}: {available.message or available.reason}",
    )
    return [available, ready, Condition(type="Paused", status="False", reason="NotPaused")]


def _available(s: Snapshot, decision: Decision, outcomes: Outcomes) -> Condition:
    error = outcomes.error
    if error is not None:
        refused = isinstance(error, ApiError) and error.reason == "Invalid"
        reason = "InvalidConfiguration" if refused else "ReconcileFailed"
        return Condition(type=AVAILABLE, status="False", reason=reason, message=str(error))
    if decision.waiting is not None:
        told = decision.waiting
        return Condition(type=AVAILABLE, status="False", reason=told.reason, message=told.message)
    return Condition(type=AVAILABLE, status="True", reason="Provisioned", message=s.collision)
