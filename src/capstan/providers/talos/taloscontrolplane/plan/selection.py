"""Which Machine of the control plane goes next, of those that etcd can spare (KCP's order; 2.4)."""

from __future__ import annotations

from collections import Counter

from capstan.api.cluster.kinds import MACHINE
from capstan.api.cluster.names import DELETE_MACHINE_ANNOTATION
from capstan.api.objects import Key
from capstan.api.rules.quorum import is_removable
from capstan.providers.talos.taloscontrolplane.plan.drift import find_outdated
from capstan.providers.talos.taloscontrolplane.plan.health import member_problem
from capstan.providers.talos.taloscontrolplane.plan.step import Step
from capstan.providers.talos.taloscontrolplane.snapshot import ControlPlaneMachine, ControlPlaneSnapshot
from capstan.runtime.plan import Delete, ObjectRef


def select_for_deletion(snapshot: ControlPlaneSnapshot, *, only_outdated: bool = False) -> ControlPlaneMachine | None:
    """The one marked for deletion, else an outdated unhealthy one, an outdated one, an unhealthy one, any; among
    equals of the failure domain with the most Machines the oldest. `only_outdated` leaves those alone that are
    neither marked nor outdated."""
    outdated = find_outdated(snapshot)
    ranks = {m.uid: _rank(snapshot, m, m.name in outdated) for m in snapshot.active}
    eligible = [m for m in snapshot.active if not only_outdated or m.name in outdated or _is_marked(m)]
    crowd = Counter((ranks[m.uid], m.failure_domain) for m in eligible)
    known = _domains(snapshot)

    def order(machine: ControlPlaneMachine) -> tuple[int, bool, int, object, str]:
        domain, rank = machine.failure_domain, ranks[machine.uid]
        born = machine.machine.metadata.creation_timestamp or snapshot.now
        return rank, domain in known, -crowd[rank, domain], born, machine.name

    return next((m for m in sorted(eligible, key=order) if is_spare(snapshot, m)), None)


def _rank(snapshot: ControlPlaneSnapshot, machine: ControlPlaneMachine, is_outdated: bool) -> int:
    if _is_marked(machine):
        return 0 if is_outdated else 1
    is_ill = bool(member_problem(snapshot, machine))
    if is_outdated:
        return 2 if is_ill else 3
    return 4 if is_ill else 5


def _is_marked(machine: ControlPlaneMachine) -> bool:
    return DELETE_MACHINE_ANNOTATION in machine.machine.metadata.annotations


def _domains(snapshot: ControlPlaneSnapshot) -> set[str]:
    """Those that Machines may be in; without any, all Machines are in the right one."""
    reported = snapshot.cluster.status.failure_domains if snapshot.cluster else ()
    return {d.name for d in reported if d.control_plane} or {m.failure_domain for m in snapshot.active}


def is_spare(snapshot: ControlPlaneSnapshot, machine: ControlPlaneMachine) -> bool:
    """A machine whose member is not known is spare only when it surely has none."""
    member = snapshot.member_of(machine)
    if member is None:
        return not machine.talos.etcd_healthy
    return is_removable(snapshot.quorum, member.id)


def delete_machine(machine: ControlPlaneMachine, reason: str) -> Step:
    """One Machine; its etcd member leaves while it is on its way."""
    meta = machine.machine.metadata
    target = ObjectRef(MACHINE.resource(), Key(meta.namespace, meta.name), meta.uid)
    return Step((Delete(target=target, reason=reason),), polls=True)
