"""What is being done to the Machines of a control plane: rolling out, scaling, remediating (kubeadm-clusterctl 2.8).

TalosControlPlane has a place for older conditions only. These stand there with the newer ones' types, reasons and
polarity, which is where Cluster API looks for them when there is no other place.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from capstan.api.cluster.machineconditions import awaiting_owner, machines_up_to_date, remediating, scaling_down
from capstan.api.meta import Condition
from capstan.api.rules.conditions import FALSE, TRUE
from capstan.api.rules.nouns import counted
from capstan.providers.talos.taloscontrolplane.names import MACHINES_CREATED, MACHINES_SPEC_UP_TO_DATE, RESIZED
from capstan.providers.talos.taloscontrolplane.plan.drift import find_outdated
from capstan.providers.talos.taloscontrolplane.plan.rollout import is_on_delete
from capstan.providers.talos.taloscontrolplane.snapshot import ControlPlaneSnapshot
from capstan.runtime.plan import Waiting


def list_operations(snapshot: ControlPlaneSnapshot, waiting: tuple[Waiting, ...], missing: str) -> Iterator[Condition]:
    """`waiting` is what the plan waits for, `missing` what has to be there before the first Machine."""
    machines = [m.machine for m in snapshot.machines]
    yield rolling_out(snapshot, waiting)
    yield scaling_up(snapshot, waiting, missing)
    have, want = len(snapshot.machines), snapshot.desired
    yield _with_waiting(scaling_down(have, want, machines, snapshot.now), waiting)
    yield remediating(machines, awaiting_owner(machines), by="TalosControlPlane")
    yield machines_up_to_date(machines, snapshot.now)


def rolling_out(snapshot: ControlPlaneSnapshot, waiting: tuple[Waiting, ...]) -> Condition:
    """True while a Machine is not what the spec says, with each difference once and what is waited for."""
    outdated = find_outdated(snapshot)
    if not outdated:
        return Condition(type="RollingOut", status=FALSE, reason="NotRollingOut")
    lines = [f"Rolling out {counted(len(outdated), 'not up-to-date replica')}"]
    lines += [f"* {why}" for why in dict.fromkeys(why for found in outdated.values() for why in found)]
    lines += [f"* {w.message}" for w in waiting if w.condition == MACHINES_SPEC_UP_TO_DATE]
    if is_on_delete(snapshot):
        lines.append("* Waiting for the Machines to be deleted (spec.rolloutStrategy.type is OnDelete)")
    return Condition(type="RollingOut", status=TRUE, reason="RollingOut", message="\n".join(lines))


def scaling_up(snapshot: ControlPlaneSnapshot, waiting: tuple[Waiting, ...], missing: str) -> Condition:
    """While Machines are missing: for the wish, or for a place that a rollout needs."""
    have, want = len(snapshot.active), snapshot.desired
    if have >= want:
        return Condition(type="ScalingUp", status=FALSE, reason="NotScalingUp")
    lines = [f"Scaling up from {have} to {want} replicas"]
    if missing:
        lines.append(f"* {missing}")
    lines += [f"* {w.message}" for w in waiting if w.condition in (RESIZED, MACHINES_CREATED)]
    return Condition(type="ScalingUp", status=TRUE, reason="ScalingUp", message="\n".join(lines))


def _with_waiting(condition: Condition, waiting: tuple[Waiting, ...]) -> Condition:
    """With what a Machine fewer waits for, unless it is said to be on its way."""
    lines = [f"* {w.message}" for w in waiting if w.condition == RESIZED and w.reason == "ScalingDown"]
    if condition.status != TRUE or not lines:
        return condition
    return msgspec.structs.replace(condition, message="\n".join([condition.message, *lines]))
