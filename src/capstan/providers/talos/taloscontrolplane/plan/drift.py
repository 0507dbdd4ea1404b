"""Machines that are not what the control plane's spec says: seen and told, not replaced (a later issue rolls them)."""

from __future__ import annotations

from capstan.api.rules.conditions_v1beta1 import find_legacy
from capstan.api.rules.contract import cloned_from
from capstan.api.rules.owners import group_of
from capstan.api.struct import encode
from capstan.providers.talos.taloscontrolplane.names import MACHINES_SPEC_UP_TO_DATE
from capstan.providers.talos.taloscontrolplane.snapshot import ControlPlaneMachine, ControlPlaneSnapshot
from capstan.runtime.plan import Action, Emit

DRIFT_REASON = "RollingUpdateNotSupported"


def find_outdated(snapshot: ControlPlaneSnapshot) -> tuple[tuple[str, str], ...]:
    """(Machine, what differs) for every Machine that stays."""
    found = [(m.name, ", ".join(_differences(snapshot, m))) for m in snapshot.active]
    return tuple((name, why) for name, why in found if why)


def drift_message(snapshot: ControlPlaneSnapshot) -> str:
    """What users read; empty when nothing differs."""
    outdated = find_outdated(snapshot)
    if not outdated:
        return ""
    listed = "; ".join(f"Machine {name}: {why}" for name, why in outdated)
    return (
        f"{listed}. Rolling replacement is not carried out yet: delete these Machines one at a time, each is "
        "replaced by one with the new spec, or take the change back"
    )


def plan_drift_event(snapshot: ControlPlaneSnapshot) -> tuple[Action, ...]:
    """A warning when the difference appears."""
    message = drift_message(snapshot)
    known = find_legacy(snapshot.control_plane.status.conditions, MACHINES_SPEC_UP_TO_DATE)
    if not message or (known is not None and known.message == message):
        return ()
    return (Emit(name=DRIFT_REASON, type="Warning", reason=message),)


def _differences(snapshot: ControlPlaneSnapshot, machine: ControlPlaneMachine) -> list[str]:
    """As upstream compares: version, template by name and kind, configuration. What is not there counts as equal."""
    spec = snapshot.control_plane.spec
    found = []
    if machine.machine.spec.version != spec.version:
        found.append(f"version {machine.machine.spec.version or '(none)'} instead of {spec.version}")
    name, group_kind = cloned_from(machine.infrastructure)
    ref = spec.infrastructure_template
    if name and (name, group_kind) != (ref.name, f"{ref.kind}.{group_of(ref.api_version)}"):
        found.append(f"made from template {name} instead of {ref.name}")
    wanted = spec.control_plane_config
    configs = [encode(c) for c in (wanted.controlplane, wanted.init) if c is not None]
    if machine.config is not None and encode(machine.config.spec) not in configs:
        found.append("another controlPlaneConfig")
    return found
