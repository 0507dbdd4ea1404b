"""Takes over control plane Machines that nobody controls: after a restore or a move, before any new one is made.

A restore gives objects new identities, and owner references of the old ones mean nothing. Whoever counts only what it
owns would see no Machine, and make new ones beside those that run.
"""

from __future__ import annotations

from collections.abc import Iterable

from capstan.api.bootstrap.kinds import TALOS_CONFIG
from capstan.api.cluster.kinds import CLUSTER, MACHINE
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.names import CONTROL_PLANE_LABEL
from capstan.api.controlplane.taloscontrolplane import TalosControlPlane
from capstan.api.meta import controller_of
from capstan.api.rules.owners import owner_reference, with_metadata
from capstan.providers.talos.taloscontrolplane.snapshot import RESOURCE, ControlPlaneSnapshot
from capstan.runtime.plan import Action, Update


def find_orphans(control_plane: TalosControlPlane, machines: Iterable[Machine]) -> tuple[Machine, ...]:
    """Control plane Machines of the cluster that nobody controls, or an earlier object of this name did."""
    return tuple(m for m in machines if _is_orphan(control_plane, m))


def _is_orphan(control_plane: TalosControlPlane, machine: Machine) -> bool:
    meta = machine.metadata
    if CONTROL_PLANE_LABEL not in meta.labels or meta.deletion_timestamp is not None:
        return False
    ref = controller_of(meta)
    if ref is None:
        return True
    is_namesake = ref.kind == RESOURCE.kind and ref.name == control_plane.metadata.name
    return is_namesake and ref.uid != control_plane.metadata.uid


def plan_adoption(snapshot: ControlPlaneSnapshot) -> tuple[Action, ...]:
    """All at once: each is one write that changes nothing in the world."""
    actions: list[Action] = []
    meta = snapshot.control_plane.metadata
    for machine in snapshot.orphans:
        name = machine.metadata.name
        if not _is_talos(machine):
            continue
        owner = owner_reference(RESOURCE.api_version, RESOURCE.kind, meta, controller=True)
        # Of a Machine that nobody controls the Cluster is made the owner; now it has a nearer one.
        refs = machine.metadata.owner_references
        kept = tuple(r for r in refs if not r.controller and r.uid != meta.uid and r.kind != CLUSTER.kind)
        after = with_metadata(machine, owner_references=(*kept, owner))
        reason = f"Machine {name} belongs to TalosControlPlane {meta.name} and nobody controls it"
        actions.append(Update(resource=MACHINE.resource(), before=machine, after=after, reason=reason))
    return tuple(actions)


def is_adopting(snapshot: ControlPlaneSnapshot) -> bool:
    return any(map(_is_talos, snapshot.orphans))


def find_foreign(snapshot: ControlPlaneSnapshot) -> str:
    """Why no Machine is made beside one that another provider configured; empty when there is none."""
    found = next((m.metadata.name for m in snapshot.orphans if not _is_talos(m)), "")
    if not found:
        return ""
    return (
        f"Machine {found} has the label of this control plane, nobody controls it, and its bootstrap configuration is "
        "no TalosConfig: it is not adopted. Delete it, or take the label away"
    )


def _is_talos(machine: Machine) -> bool:
    ref = machine.spec.bootstrap.config_ref
    return ref is not None and ref.kind == TALOS_CONFIG.kind
