"""Whether etcd and the Machines of the control plane are well enough for the next step (3.4, 6.4; KCP's preflight)."""

from __future__ import annotations

from capstan.api.rules.quorum import majority
from capstan.providers.talos.taloscontrolplane.plan.strangers import describe_strangers
from capstan.providers.talos.taloscontrolplane.snapshot import ControlPlaneMachine, ControlPlaneSnapshot


def find_etcd_problem(snapshot: ControlPlaneSnapshot) -> str:
    """Why etcd should be left as it is for now; empty when every Machine has a healthy member of its own, there
    are no others, and no alarm is raised."""
    return find_machine_problem(snapshot) or describe_strangers(snapshot) or _find_alarm(snapshot)


def describe_etcd(snapshot: ControlPlaneSnapshot) -> str:
    """The problem of etcd as users read it: what it means comes first when no majority is left."""
    problem, total = find_etcd_problem(snapshot), len(snapshot.active)
    healthy = sum(m.talos.etcd_healthy and m.talos.answers for m in snapshot.active)
    was_whole = snapshot.control_plane.status.initialized is True
    if not was_whole or snapshot.members is not None or total < 2 or healthy >= majority(total):
        return problem
    return (
        f"{healthy} of {total} Machines have a healthy etcd, which is no majority: no Machine can be replaced until "
        f"{majority(total)} have one. Start the others again, or restore a snapshot (`talosctl bootstrap "
        f"--recover-from=FILE`). First: {problem}"
    )


def find_machine_problem(snapshot: ControlPlaneSnapshot, but: ControlPlaneMachine | None = None) -> str:
    """The first Machine without a healthy member of its own, in words; one may be left out."""
    for machine in snapshot.active:
        problem = "" if but is not None and machine.uid == but.uid else member_problem(snapshot, machine)
        if problem:
            return problem
    return ""


def member_problem(snapshot: ControlPlaneSnapshot, machine: ControlPlaneMachine) -> str:
    """Why this Machine does not count as a healthy member of etcd."""
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


def find_preflight_problem(snapshot: ControlPlaneSnapshot, but: ControlPlaneMachine | None = None) -> str:
    """Why no Machine may be replaced now: all of them work as control planes, but for the one that is to go."""
    problem = find_machine_problem(snapshot, but) or describe_strangers(snapshot) or _find_alarm(snapshot)
    if problem:
        return problem
    if snapshot.nodes is None:
        return f"the API server does not answer: {snapshot.nodes_problem}"
    ready = {node.metadata.name for node in snapshot.nodes if _is_true(node.status.conditions, "Ready")}
    for machine in snapshot.active:
        if but is not None and machine.uid == but.uid:
            continue
        if machine.talos.unhealthy_services:
            return f"services of Machine {machine.name} are not healthy: {', '.join(machine.talos.unhealthy_services)}"
        if not machine.node_name:
            return f"Machine {machine.name} has no Node yet"
        if machine.node_name not in ready:
            return f"Node {machine.node_name} of Machine {machine.name} is not Ready"
    return ""


def find_serving_problem(snapshot: ControlPlaneSnapshot, but: ControlPlaneMachine) -> str:
    """Why this Machine may not go yet: on another one Kubernetes' own parts do not run, kube-apiserver above all."""
    for machine in snapshot.active:
        if machine.uid != but.uid and machine.talos.static_pods:
            return f"on Machine {machine.name} {machine.talos.static_pods}"
    return ""


def find_replacement_problem(snapshot: ControlPlaneSnapshot) -> str:
    """Why no Machine may take the place of a remediated one: others may be ill too, as long as one works and etcd
    keeps its quorum should the newcomer never become healthy."""
    if all(member_problem(snapshot, machine) for machine in snapshot.active):
        return find_machine_problem(snapshot)
    if any(m.is_learner or not m.hostname for m in snapshot.members or ()):
        return "a member of etcd has not joined yet"
    healthy, voters = sum(m.healthy for m in snapshot.quorum), len(snapshot.quorum)
    if voters > 1 and healthy < majority(voters + 1):
        return f"{healthy} of {voters} etcd members are healthy: one more that is not would cost the majority"
    return ""


def _find_alarm(snapshot: ControlPlaneSnapshot) -> str:
    for machine in snapshot.active:
        if machine.talos.alarms:
            return f"etcd on Machine {machine.name} raises {', '.join(machine.talos.alarms)}"
    return ""


def _is_true(conditions: object, type: str) -> bool:
    return any(c.type == type and c.status == "True" for c in conditions)  # type: ignore[attr-defined]


def _if_lost(snapshot: ControlPlaneSnapshot) -> str:
    """What to do when no Machine is left that had etcd's data. It is never bootstrapped a second time by itself."""
    first_is_there = snapshot.bootstrap_machine_uid in {m.uid for m in snapshot.machines}
    if not snapshot.is_bootstrapped or snapshot.members is not None or first_is_there:
        return ""
    return (
        ". If no Machine is left that held its data, restore a snapshot on one "
        "(`talosctl bootstrap --recover-from=FILE`), or delete the Cluster and make it anew"
    )
