"""Etcd members that no Machine stands for: left by Machines that went without a goodbye (3.4).

Upstream removes them at first sight and by name, and has removed healthy members so. Here a member is unknown only
when its addresses match no Machine while every Machine has a healthy member of its own; it is written down, seen again
a while later, and removed only if etcd can spare it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from capstan.api.rules.owners import with_metadata
from capstan.api.rules.quorum import is_removable
from capstan.providers.talos.client import EtcdMember
from capstan.providers.talos.taloscontrolplane.names import ETCD_HEALTHY, STRANGER_ANNOTATION
from capstan.providers.talos.taloscontrolplane.plan.actions import RemoveEtcdMember
from capstan.providers.talos.taloscontrolplane.plan.step import Step, wait
from capstan.providers.talos.taloscontrolplane.snapshot import RESOURCE, ControlPlaneSnapshot
from capstan.runtime.plan import Update

#: How long a member must have been unknown.
PATIENCE = timedelta(seconds=60)


def find_strangers(snapshot: ControlPlaneSnapshot) -> tuple[EtcdMember, ...]:
    return tuple(m for m in snapshot.members or () if snapshot.machine_of(m) is None)


def describe_strangers(snapshot: ControlPlaneSnapshot) -> str:
    """Empty when there are none."""
    names = ", ".join(m.hostname or f"{m.id:x}" for m in find_strangers(snapshot))
    return f"etcd has members that no Machine stands for: {names}" if names else ""


def plan_stranger(snapshot: ControlPlaneSnapshot) -> Step:
    """One of them: note it, wait, remove it. Every Machine has a healthy member here."""
    member, control_plane = find_strangers(snapshot)[0], snapshot.control_plane
    since = _noted(control_plane.metadata.annotations.get(STRANGER_ANNOTATION, ""), member.id)
    if since is None:
        note = f"{member.id:x}@{snapshot.now.isoformat()}"
        annotations = {**control_plane.metadata.annotations, STRANGER_ANNOTATION: note}
        after = with_metadata(control_plane, annotations=annotations)
        reason = describe_strangers(snapshot)
        return Step((Update(resource=RESOURCE, before=control_plane, after=after, reason=reason),), polls=True)
    if snapshot.now - since < PATIENCE:
        text = f"{describe_strangers(snapshot)}; it is removed when it stays so for {PATIENCE.total_seconds():g} s"
        return wait(ETCD_HEALTHY, "EtcdClusterUnhealthy", text)
    if not is_removable(snapshot.quorum, member.id) or snapshot.credentials is None:
        text = f"{describe_strangers(snapshot)}; it stays, because without it there would be no majority"
        return wait(ETCD_HEALTHY, "EtcdClusterUnhealthy", text)
    asked = snapshot.active[0]
    action = RemoveEtcdMember(
        cluster=snapshot.cluster_key,
        machine=asked.name,
        address=asked.address,
        credentials=snapshot.credentials,
        member_id=member.id,
        member_machine=member.hostname or "(gone)",
        reason=describe_strangers(snapshot),
    )
    return Step((action,), polls=True)


def _noted(note: str, member_id: int) -> datetime | None:
    """Since when this member is known to be unknown."""
    number, _, moment = note.partition("@")
    try:
        return datetime.fromisoformat(moment) if int(number, 16) == member_id else None
    except ValueError:
        return None
