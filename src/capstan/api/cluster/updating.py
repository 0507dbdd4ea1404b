"""What the marks of an update in place on a Machine mean."""

from __future__ import annotations

from capstan.api.cluster.machine import Machine
from capstan.api.cluster.names import PENDING_HOOKS_ANNOTATION, UPDATE_IN_PROGRESS_ANNOTATION, UPDATE_MACHINE_HOOK


def is_update_pending(machine: Machine) -> bool:
    """Whether the Machine's objects have been changed, so that its host can follow."""
    return UPDATE_MACHINE_HOOK in machine.metadata.annotations.get(PENDING_HOOKS_ANNOTATION, "").split(",")


def is_updating(machine: Machine) -> bool:
    """Whether the Machine is on its way to another template: from the first mark that is set to the last one that is
    taken away."""
    return UPDATE_IN_PROGRESS_ANNOTATION in machine.metadata.annotations or is_update_pending(machine)
