"""How many Machines there should be: one more at a time while etcd is whole, one fewer while it can spare one."""

from __future__ import annotations

from capstan.api.cluster.kinds import MACHINE
from capstan.api.cluster.names import DELETE_MACHINE_ANNOTATION
from capstan.api.objects import Key
from capstan.api.rules.quorum import is_removable
from capstan.providers.talos.taloscontrolplane.names import RESIZED
from capstan.providers.talos.taloscontrolplane.plan.creation import plan_clean_up, plan_creation
from capstan.providers.talos.taloscontrolplane.plan.drift import find_outdated
from capstan.providers.talos.taloscontrolplane.plan.step import Step, wait
from capstan.providers.talos.taloscontrolplane.plan.strangers import (
    describe_strangers,
    find_strangers,
    plan_stranger,
)
from capstan.providers.talos.taloscontrolplane.snapshot import ControlPlaneMachine, ControlPlaneSnapshot
from capstan.runtime.plan import Delete, ObjectRef


def plan_scale(snapshot: ControlPlaneSnapshot) -> Step:
    """No Machine is being deleted here, and etcd is bootstrapped if there is one."""
    have, want = len(snapshot.active), snapshot.desired
    if find_strangers(snapshot) and not find_machine_problem(snapshot):
        return plan_stranger(snapshot)
    if have < want:
        problem = find_etcd_problem(snapshot) if have else ""
        if problem:
            text = f"Waiting to create Machine {have + 1} of {want}: {problem}"
            return wait(RESIZED, "ScalingUp", text)
        return plan_creation(snapshot)
    if have > want:
        return _scale_down(snapshot)
    # A crash may have left half a Machine, and the wish for it may be gone since.
    return Step(tuple(plan_clean_up(snapshot)), polls=bool(find_etcd_problem(snapshot)))


def find_etcd_problem(snapshot: ControlPlaneSnapshot) -> str:
    """Why etcd should be left as it is for now; empty when every Machine has a healthy member of its own, and
    there are no others."""
    return find_machine_problem(snapshot) or describe_strangers(snapshot)


def find_machine_problem(snapshot: ControlPlaneSnapshot) -> str:
    """The first Machine without a healthy member of its own, in words."""
    for machine in snapshot.active:
        if not machine.talos.answers:
            where = f" at {machine.address}" if machine.address else ""
            return f"the Talos API of Machine {machine.name}{where} does not answer: {machine.talos.problem}"
        if not machine.talos.etcd_healthy:
            etcd = machine.talos.service("etcd")
            state = f"{etcd.state}, {etcd.message or 'not healthy'}" if etcd else "not there"
            return f"etcd on Machine {machine.name} is {state}{_if_lost(snapshot)}"
        member = snapshot.member_of(machine)
        if member is None or not member.hostname or member.is_learner:
            return f"etcd on Machine {machine.name} has not joined yet"
    return ""


def _if_lost(snapshot: ControlPlaneSnapshot) -> str:
    """What to do when no Machine is left that had etcd's data. It is never bootstrapped a second time by itself."""
    first_is_there = snapshot.bootstrap_machine_uid in {m.uid for m in snapshot.machines}
    if not snapshot.is_bootstrapped or snapshot.members is not None or first_is_there:
        return ""
    return (
        ". If no Machine is left that held its data, restore a snapshot on one "
        "(`talosctl bootstrap --recover-from=FILE`), or delete the Cluster and make it anew"
    )


def _scale_down(snapshot: ControlPlaneSnapshot) -> Step:
    if snapshot.desired < 1:
        text = "A control plane cannot scale to 0 replicas: delete the Cluster, or set spec.replicas to 1 or more"
        return wait(RESIZED, "ScalingDown", text, polls=False)
    if snapshot.members is None:
        text = f"Waiting for etcd before a Machine is deleted: {find_etcd_problem(snapshot) or 'it does not answer'}"
        return wait(RESIZED, "ScalingDown", text)
    target = select_for_deletion(snapshot)
    if target is None:
        healthy = sum(m.healthy for m in snapshot.quorum)
        text = (
            f"No Machine can be spared: {healthy} of {len(snapshot.quorum)} etcd members are healthy, and one fewer "
            "would be no majority. Repair the unhealthy Machines first"
        )
        return wait(RESIZED, "ScalingDown", text)
    meta = target.machine.metadata
    have, want = len(snapshot.active), snapshot.desired
    action = Delete(
        target=ObjectRef(MACHINE.resource(), Key(meta.namespace, meta.name), meta.uid),
        reason=f"{have} Machines exist, {want} are wanted",
    )
    return Step((action,), polls=True)


def select_for_deletion(snapshot: ControlPlaneSnapshot) -> ControlPlaneMachine | None:
    """The Machine marked for deletion, else an unhealthy one, else an outdated one, else the oldest; only one that
    etcd can spare."""
    outdated = {name for name, _why in find_outdated(snapshot)}

    def order(machine: ControlPlaneMachine) -> tuple[bool, bool, bool, object, str]:
        meta = machine.machine.metadata
        return (
            DELETE_MACHINE_ANNOTATION not in meta.annotations,
            machine.talos.etcd_healthy,
            machine.name not in outdated,
            meta.creation_timestamp or snapshot.now,
            machine.name,
        )

    return next((m for m in sorted(snapshot.active, key=order) if _is_spare(snapshot, m)), None)


def _is_spare(snapshot: ControlPlaneSnapshot, machine: ControlPlaneMachine) -> bool:
    """A machine whose member is not known is spare only when it surely has none."""
    member = snapshot.member_of(machine)
    if member is None:
        return not machine.talos.etcd_healthy
    return is_removable(snapshot.quorum, member.id)
