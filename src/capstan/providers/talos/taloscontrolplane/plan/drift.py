"""Machines that are not what the control plane's spec says, and how each differs (3.7; the words are KCP's)."""

from __future__ import annotations

from datetime import UTC, datetime

from capstan.api.cluster.rollouthistory import ROLLOUT_AFTER_ANNOTATION
from capstan.api.rules.contract import cloned_from
from capstan.api.rules.owners import group_of
from capstan.api.struct import encode
from capstan.providers.talos.taloscontrolplane.snapshot import ControlPlaneMachine, ControlPlaneSnapshot


def find_outdated(snapshot: ControlPlaneSnapshot) -> dict[str, tuple[str, ...]]:
    """Machine to what differs, for every Machine that stays and is not as the spec says."""
    found = ((m.name, differences(snapshot, m)) for m in snapshot.active)
    return {name: why for name, why in found if why}


def differences(snapshot: ControlPlaneSnapshot, machine: ControlPlaneMachine) -> tuple[str, ...]:
    """As upstream compares: version, template by name and kind, configuration. What is not there counts as equal."""
    spec = snapshot.control_plane.spec
    found = []
    if machine.machine.spec.version != spec.version:
        found.append(f"Version {machine.machine.spec.version or '(none)'}, {spec.version} required")
    wanted = spec.control_plane_config
    configs = [encode(c) for c in (wanted.controlplane, wanted.init) if c is not None]
    if machine.config is not None and encode(machine.config.spec) not in configs:
        found.append("TalosConfig is not up-to-date")
    if not is_of_wanted_template(snapshot, machine):
        kind = machine.machine.spec.infrastructure_ref.kind or spec.infrastructure_template.kind
        found.append(f"{kind} is not up-to-date")
    after = rollout_after(snapshot)
    born = machine.machine.metadata.creation_timestamp
    if after is not None and after <= snapshot.now and born is not None and born < after:
        found.append("TalosControlPlane capstan.dev/rollout-after expired")
    return tuple(found)


def is_of_wanted_template(snapshot: ControlPlaneSnapshot, machine: ControlPlaneMachine) -> bool:
    """By name and kind only; a template that is edited in place is not seen."""
    name, group_kind = cloned_from(machine.infrastructure)
    ref = snapshot.control_plane.spec.infrastructure_template
    return not name or (name, group_kind) == (ref.name, f"{ref.kind}.{group_of(ref.api_version)}")


def rollout_after(snapshot: ControlPlaneSnapshot) -> datetime | None:
    """Machines from before this moment are to be replaced; None for no wish, or one that cannot be read."""
    written = snapshot.control_plane.metadata.annotations.get(ROLLOUT_AFTER_ANNOTATION, "")
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def describe_outdated(outdated: dict[str, tuple[str, ...]]) -> str:
    """One line for people; empty when nothing differs."""
    return "; ".join(f"Machine {name}: {', '.join(why)}" for name, why in outdated.items())
