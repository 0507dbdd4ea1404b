"""What a stage of the table is, what it asks for, and what all stages ask of a snapshot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from capstan.providers.proxmox.proxmoxmachine.actions import Target
from capstan.providers.proxmox.proxmoxmachine.snapshot import Snapshot, Vm
from capstan.providers.proxmox.transport import Endpoint
from capstan.runtime.plan import Action, Waiting

PROVISIONED = "VirtualMachineProvisioned"
JOINED = "NodeJoined"

#: Seconds until a settled machine is looked at again, in the list that all machines share.
SETTLED_SECONDS = 30.0
#: Seconds until the next look at what neither Kubernetes nor a task announces.
LOCKED_SECONDS, GUEST_SECONDS, REFUSED_SECONDS = 2.0, 5.0, 15.0
#: When a machine that has started but not joined is worth a warning.
JOIN_PATIENCE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Step:
    """What a stage asks for. `goes_on` says that later stages may add to the same plan."""

    actions: tuple[Action, ...] = ()
    waiting: Waiting | None = None
    requeue_after: float | None = None
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """One line of the table. `reason` is the condition's reason while it is the stage at work."""

    name: str
    reason: str
    look: Callable[[Snapshot], Step | None]


def waiting(reason: str, message: str, condition: str = PROVISIONED) -> Waiting:
    return Waiting(condition, reason, message)


def endpoint_of(s: Snapshot) -> Endpoint:
    assert s.endpoint is not None, "stages come after the credentials"
    return s.endpoint


def target_of(s: Snapshot, node: str = "") -> Target:
    """The machine's VM as actions need it."""
    assert s.identity is not None, "there is no target without an identity"
    where = node or (s.vm.node if s.vm is not None else s.quiet_node or s.identity.node)
    return Target(endpoint_of(s), where, s.identity.vmid, s.identity.nonce, s.machine.spec.provider_id)


def own_vm(s: Snapshot) -> Vm | None:
    return s.vm if s.vm is not None and s.vm.mine else None


def is_provisioned(s: Snapshot) -> bool:
    return bool(s.machine.status.initialization.provisioned)


def is_settled(s: Snapshot) -> bool:
    """The VM runs, so all that comes before its start holds; or it was ready before and is not touched again."""
    vm = own_vm(s)
    return s.quiet or is_provisioned(s) or (vm is not None and vm.running and not vm.paused)
