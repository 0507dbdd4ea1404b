"""Machines that nobody controls are taken over before any Machine is made."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from capstan.api.cluster.machine import Machine
from capstan.api.cluster.reference import ContractReference
from capstan.api.meta import OwnerReference, controller_of
from capstan.api.rules.owners import with_metadata
from capstan.providers.talos.taloscontrolplane.names import MACHINES_CREATED
from capstan.providers.talos.taloscontrolplane.plan import plan
from capstan.providers.talos.taloscontrolplane.plan.adoption import find_orphans
from capstan.providers.talos.taloscontrolplane.snapshot import ControlPlaneSnapshot
from capstan.providers.talos.taloscontrolplane.status import compute_status
from capstan.runtime.plan import Create, Outcomes, Update

from .model import Model
from .test_rollout import whole

EARLIER = OwnerReference(
    api_version="controlplane.cluster.x-k8s.io/v1alpha3",
    kind="TalosControlPlane",
    name="cp",
    uid="before the restore",
    controller=True,
)
OTHER = OwnerReference(api_version="v1", kind="Other", name="o", uid="o", controller=True)


def orphaned(world: Model, owners: tuple[OwnerReference, ...], kind: str = "TalosConfig") -> ControlPlaneSnapshot:
    """As the controller reads it after a restore: no Machine is its own."""
    found = [with_metadata(m, owner_references=owners) for m in world.machines.values()]
    if kind != "TalosConfig":
        found = [_of_kind(m, kind) for m in found]
    return replace(world.snapshot(), machines=(), orphans=find_orphans(world.control_plane, found))


def _of_kind(machine: Machine, kind: str) -> Machine:
    ref = ContractReference(api_group="bootstrap.cluster.x-k8s.io", kind=kind, name="x")
    bootstrap = msgspec.structs.replace(machine.spec.bootstrap, config_ref=ref)
    return msgspec.structs.replace(machine, spec=msgspec.structs.replace(machine.spec, bootstrap=bootstrap))


@pytest.mark.parametrize("owners", [(), (EARLIER,)])
def test_they_are_taken_over_and_none_is_made(owners: tuple[OwnerReference, ...]) -> None:
    world = whole(3)
    snapshot = orphaned(world, owners)
    made = plan(snapshot)
    assert len(made.actions) == 3
    for action in made.actions:
        assert isinstance(action, Update)
        ref = controller_of(action.after.metadata)
        assert ref is not None and ref.uid == world.control_plane.metadata.uid
        assert len(action.after.metadata.owner_references) == 1
    assert compute_status(snapshot, Outcomes()) is None, "nothing is said of a control plane without its Machines"


def test_those_of_others_stay_theirs() -> None:
    world = whole(1)
    assert orphaned(world, (OTHER,)).orphans == ()


def test_one_that_another_provider_made_is_told_and_nothing_is_made_beside_it() -> None:
    made = plan(orphaned(whole(1), (), kind="KubeadmConfig"))
    assert not any(isinstance(a, Create | Update) for a in made.actions)
    assert (made.waiting_on[0].condition, made.waiting_on[0].reason) == (MACHINES_CREATED, "AdoptionFailed")
    assert "is no TalosConfig" in made.waiting_on[0].message
