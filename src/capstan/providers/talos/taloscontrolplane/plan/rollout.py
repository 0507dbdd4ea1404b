"""Replaces Machines that are not what the spec says, one at a time (3.7, 3.11; KCP 2.5).

With maxSurge 1 a new Machine comes before an old one goes, with 0 an old one goes first. Nothing moves before the
wished version is possible, and no step is taken before all that stay work again: that the new member of etcd has
joined, and that the old one has left, is seen and not assumed.
"""

from __future__ import annotations

from capstan.api.rules.conditions import is_false
from capstan.providers.talos.taloscontrolplane.names import MACHINES_SPEC_UP_TO_DATE
from capstan.providers.talos.taloscontrolplane.plan.creation import plan_creation
from capstan.providers.talos.taloscontrolplane.plan.health import find_preflight_problem, find_serving_problem
from capstan.providers.talos.taloscontrolplane.plan.selection import delete_machine, is_spare, select_for_deletion
from capstan.providers.talos.taloscontrolplane.plan.step import Step, wait
from capstan.providers.talos.taloscontrolplane.plan.upgrade import find_version_problem
from capstan.providers.talos.taloscontrolplane.snapshot import ControlPlaneMachine, ControlPlaneSnapshot

IN_PROGRESS = "RollingUpdateInProgress"
REFUSED = "UpgradeNotPossible"
#: Deleting first leaves one Machine fewer for a while: below this there would be no majority to lose a member from.
_LEAST_FOR_DELETE_FIRST = 3


def is_on_delete(snapshot: ControlPlaneSnapshot) -> bool:
    """Whether only those are replaced that their user deletes."""
    return snapshot.control_plane.spec.rollout_strategy.type == "OnDelete"


def max_surge(snapshot: ControlPlaneSnapshot) -> int:
    """How many Machines there may be beyond the wish: 0 or 1. What admission let in before it looked counts as 1."""
    stated = snapshot.control_plane.spec.rollout_strategy.rolling_update.max_surge
    return 0 if stated in (0, "0", "0%") else 1


def plan_rollout(snapshot: ControlPlaneSnapshot, outdated: dict[str, tuple[str, ...]]) -> Step:
    """There are as many Machines as wanted, or more; some are outdated."""
    refused = find_version_problem(snapshot)
    if refused:
        return wait(MACHINES_SPEC_UP_TO_DATE, REFUSED, refused, polls=False)
    have, want = len(snapshot.active), snapshot.desired
    if want < 1:
        text = "A control plane cannot scale to 0 replicas: delete the Cluster, or set spec.replicas to 1 or more"
        return wait(MACHINES_SPEC_UP_TO_DATE, IN_PROGRESS, text, polls=False)
    target = select_for_deletion(snapshot, only_outdated=True)
    if have < want + max_surge(snapshot):
        given_up = _given_up(snapshot, target)
        if given_up is not None:
            return _replace(snapshot, given_up, outdated)
        problem = find_preflight_problem(snapshot)
        if problem:
            return wait(MACHINES_SPEC_UP_TO_DATE, IN_PROGRESS, f"Waiting to create a new Machine: {problem}")
        return plan_creation(snapshot)
    surplus = next((m for m in snapshot.active if m.never_came), None) if have > want + max_surge(snapshot) else None
    if surplus is not None:
        # As when there is no room for a surge and its user has taken it back: others may go first only without it.
        return delete_machine(surplus, "it has never come up, and maxSurge allows no Machine beyond spec.replicas")
    if have == want and want < _LEAST_FOR_DELETE_FIRST:
        text = (
            f"spec.rolloutStrategy.rollingUpdate.maxSurge is 0, which needs {_LEAST_FOR_DELETE_FIRST} replicas or "
            f"more, and spec.replicas is {want}: set maxSurge to 1"
        )
        return wait(MACHINES_SPEC_UP_TO_DATE, REFUSED, text, polls=False)
    if target is None:
        text = "no outdated Machine can be spared: without it the healthy etcd members would be no majority"
        return wait(MACHINES_SPEC_UP_TO_DATE, IN_PROGRESS, f"Waiting to delete a Machine: {text}")
    return _replace(snapshot, target, outdated)


def _given_up(snapshot: ControlPlaneSnapshot, target: ControlPlaneMachine | None) -> ControlPlaneMachine | None:
    """A Machine that a health check calls unhealthy is not worth waiting for: it goes before the new one comes."""
    if target is None or len(snapshot.active) < _LEAST_FOR_DELETE_FIRST:
        return None
    ill = is_false(target.machine.status.conditions, "HealthCheckSucceeded")
    return target if ill and not target.talos.etcd_healthy and is_spare(snapshot, target) else None


def _replace(snapshot: ControlPlaneSnapshot, target: ControlPlaneMachine, outdated: dict[str, tuple[str, ...]]) -> Step:
    problem = find_preflight_problem(snapshot, but=target) or find_serving_problem(snapshot, target)
    if problem:
        text = f"Waiting to delete Machine {target.name}: {problem}"
        return wait(MACHINES_SPEC_UP_TO_DATE, IN_PROGRESS, text)
    why = ", ".join(outdated.get(target.name, ())) or "it is marked for deletion"
    return delete_machine(target, f"it is replaced: {why}")
