"""How one Machine of a set is deleted, and what Events tell of it."""

from __future__ import annotations

from collections.abc import Iterator

from capstan.api.cluster.kinds import MACHINE
from capstan.api.cluster.machine import Machine
from capstan.api.objects import Key
from capstan.runtime.plan import Action, Delete, Emit, ObjectRef


def delete_machine(machine: Machine, reason: str) -> Delete:
    """A Machine that cannot be deleted keeps no other from it."""
    meta = machine.metadata
    target = ObjectRef(MACHINE.resource(), Key(meta.namespace, meta.name), meta.uid)
    refused = Emit(name="FailedDelete", type="Warning", reason=f'Failed to delete Machine "{meta.name}"')
    return Delete(target=target, reason=reason, part=meta.name, on_failure=refused)


def delete_and_tell(machine: Machine, reason: str) -> Iterator[Action]:
    name = machine.metadata.name
    yield delete_machine(machine, reason)
    yield Emit(name="SuccessfulDelete", reason=f'Deleted Machine "{name}"', part=name)
