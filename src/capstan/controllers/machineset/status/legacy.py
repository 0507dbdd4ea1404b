"""The v1beta1 conditions of a MachineSet: MachinesCreated, Resized, MachinesReady, and Ready over them."""

from __future__ import annotations

from capstan.api.cluster.kinds import MACHINE
from capstan.api.meta import LegacyCondition
from capstan.api.rules.conditions_v1beta1 import (
    ERROR,
    WARNING,
    aggregate_legacy,
    find_legacy,
    legacy_false,
    legacy_true,
    put_legacies,
    summarize_legacy,
)
from capstan.api.rules.replicas import count_true
from capstan.controllers.machineset.plan.preflight import failed_checks
from capstan.controllers.machineset.plan.scale import is_creation_disabled, name_problem
from capstan.controllers.machineset.snapshot import MachineSetSnapshot
from capstan.runtime.plan import Create, Outcomes

_SUMMARIZED = ("MachinesCreated", "Resized", "MachinesReady")


def legacy_conditions(snapshot: MachineSetSnapshot, outcomes: Outcomes) -> list[LegacyCondition | None]:
    new: list[LegacyCondition | None] = [_created(snapshot, outcomes), _resized(snapshot), _machines_ready(snapshot)]
    before = snapshot.machine_set.status.deprecated.v1beta1.conditions
    so_far = put_legacies(before, new, now=snapshot.now)
    return [*new, summarize_legacy(so_far, _SUMMARIZED)]


def _created(snapshot: MachineSetSnapshot, outcomes: Outcomes) -> LegacyCondition | None:
    failed = next((o for o in outcomes.of(Create) if not o.done), None)
    if failed is not None and isinstance(failed.action, Create):
        kind = failed.action.resource.kind
        reason = "MachineCreationFailed"
        if kind != MACHINE.kind:
            infrastructure = snapshot.infrastructure.made
            is_infrastructure = infrastructure is not None and kind == infrastructure.kind
            reason = "InfrastructureTemplateCloningFailed" if is_infrastructure else "BootstrapTemplateCloningFailed"
        return legacy_false("MachinesCreated", reason, ERROR, str(failed.error))
    if snapshot.desired <= len(snapshot.machines):
        return legacy_true("MachinesCreated")
    return _not_created(snapshot)


def _not_created(snapshot: MachineSetSnapshot) -> LegacyCondition | None:
    """What keeps the missing Machines from being made, in the order in which it is looked at. While they are being
    made, and where somebody said that they are not to be, the condition stays what it was."""
    bootstrap, infrastructure = snapshot.bootstrap, snapshot.infrastructure
    if is_creation_disabled(snapshot.machine_set):
        return None
    for reason, text in (
        ("PreflightCheckFailed", "; ".join(failed_checks(snapshot))),
        ("MachineCreationFailed", name_problem(snapshot.machine_set)),
        ("BootstrapTemplateCloningFailed", bootstrap.problem if bootstrap is not None else ""),
        ("InfrastructureTemplateCloningFailed", infrastructure.problem),
    ):
        if text:
            return legacy_false("MachinesCreated", reason, ERROR, text)
    return None


def _resized(snapshot: MachineSetSnapshot) -> LegacyCondition | None:
    """Done when the last node is ready, not when the last Machine is made; until then it stays what it was."""
    have, want = len(snapshot.machines), snapshot.desired
    if have < want:
        text = f"Scaling up MachineSet to {want} replicas (actual {have})"
        return legacy_false("Resized", "ScalingUp", WARNING, text)
    if have > want:
        text = f"Scaling down MachineSet to {want} replicas (actual {have})"
        return legacy_false("Resized", "ScalingDown", WARNING, text)
    return legacy_true("Resized") if ready_nodes(snapshot) == have else None


def ready_nodes(snapshot: MachineSetSnapshot) -> int:
    """How many of the set's Machines have a node that is ready."""
    with_nodes = [m.status.conditions for m in snapshot.machines if m.status.node_ref is not None]
    return count_true(with_nodes, "NodeReady")


def _machines_ready(snapshot: MachineSetSnapshot) -> LegacyCondition | None:
    """The Machines' own Ready merged: the worst one's reason, and whose it is."""
    if not snapshot.machines:
        return legacy_true("MachinesReady")
    reported = [
        (f"Machine/{m.metadata.name}", find_legacy(m.status.deprecated.v1beta1.conditions, "Ready"))
        for m in snapshot.machines
    ]
    return aggregate_legacy(reported, "MachinesReady")
