"""Decides the next steps of a ProxmoxMachine from what was observed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from capstan.api.objects import Key
from capstan.providers.proxmox.config import smbios_uuid
from capstan.providers.proxmox.errors import NodeOffline
from capstan.providers.proxmox.proxmoxmachine.deletion import removal
from capstan.providers.proxmox.proxmoxmachine.identity import provider_id
from capstan.providers.proxmox.proxmoxmachine.snapshot import Snapshot
from capstan.providers.proxmox.proxmoxmachine.stages import (
    JOINED_STAGE,
    PROVISIONED,
    SETTLED_SECONDS,
    STAGES,
    is_provisioned,
    is_settled,
    own_vm,
    update_machine,
    wait_for_node,
    waiting,
)
from capstan.providers.proxmox.proxmoxmachine.stages.claims import adopted_claims
from capstan.providers.proxmox.resources import (
    MACHINE_FINALIZER,
    MANAGED_BY_ANNOTATION,
    PAUSED_ANNOTATION,
    PROXMOX_MACHINES,
)
from capstan.runtime.plan import Action, Emit, ObjectRef, Plan, Update, Waiting

#: Reasons of the condition that tell of a failed effect: they become an Event when it is tried again.
FAILED = ("CloningFailed", "PoweringOnFailed", "TaskFailed", "VMProvisionFailed", "DeletionFailed")


#: What others do within this time of its creation is not told as being waited for.
FIRST_PATIENCE = timedelta(seconds=5)

DELETING = waiting("Deleting", "the machine is being deleted")


@dataclass(frozen=True, slots=True)
class Decision:
    """The plan and what it means: `waiting` for VirtualMachineProvisioned, `joining` for NodeJoined. `provisioned` says
    that the machine is ready once the actions are done, `joined` that its Node is there and nothing is left to do,
    `lost` that its VM is gone. `paused` holds the reasons."""

    actions: tuple[Action, ...] = ()
    waiting: Waiting | None = None
    joining: Waiting | None = None
    requeue_after: float | None = None
    provisioned: bool = False
    joined: bool = False
    lost: bool = False
    paused: tuple[str, ...] = ()
    skipped: bool = False


def subject_of(s: Snapshot) -> ObjectRef:
    meta = s.machine.metadata
    return ObjectRef(PROXMOX_MACHINES, Key(meta.namespace, meta.name), meta.uid)


def plan(s: Snapshot) -> Plan:
    """What to do now, what is waited for, and when to look again."""
    decision = decide(s)
    told = tuple(entry for entry in (decision.waiting, decision.joining) if entry is not None)
    actions = (*_told_failure(s, decision), *decision.actions)
    # A machine whose Node is known has nothing to do after this.
    return Plan(subject_of(s), actions, told, decision.requeue_after, final=decision.joined)


def _told_failure(s: Snapshot, decision: Decision) -> tuple[Emit, ...]:
    """The Event of a failure that the last reconcile wrote into the condition."""
    if not decision.actions or any(isinstance(action, Emit) for action in decision.actions):
        return ()
    condition = next((c for c in s.machine.status.conditions if c.type == PROVISIONED), None)
    if condition is None or condition.reason not in FAILED or not condition.message:
        return ()
    return (Emit(reason=condition.message, name=condition.reason, type="Warning"),)


def decide(s: Snapshot) -> Decision:
    """The same for the plan and for the status, so that both say the same."""
    decision = _decide(s)
    leaving = s.machine.metadata.deletion_timestamp is not None
    if decision.paused or decision.skipped or leaving or s.owner is None:
        return decision
    return replace(decision, actions=(*adopted_claims(s), *decision.actions, *_held(s, decision)))


def _held(s: Snapshot, decision: Decision) -> tuple[Action, ...]:
    """The finalizer of a machine that has a VM, when somebody took it off. It is committed with the status."""
    begun = s.identity is not None or bool(s.machine.spec.provider_id)
    if not begun or MACHINE_FINALIZER in s.machine.metadata.finalizers:
        return ()
    if any(isinstance(action, Update) and action.resource == PROXMOX_MACHINES for action in decision.actions):
        return ()
    return (update_machine(s.machine, "its VM goes before it does"),)


def _decide(s: Snapshot) -> Decision:
    paused = paused_by(s)
    if paused:
        return Decision(paused=paused)
    if s.machine.metadata.deletion_timestamp is not None:
        step = removal(s)
        return Decision(step.actions, step.waiting or DELETING, requeue_after=step.requeue_after)
    missing = _prerequisite(s)
    if missing is not None:
        return _patiently(s, missing)
    if s.problem is not None:
        return _blocked(s)
    if is_lost(s):
        return _lost(s)
    return _walk(s)


def _patiently(s: Snapshot, missing: Decision) -> Decision:
    """Nothing is said of a machine that has just been made: the others are about to do their part."""
    created = s.machine.metadata.creation_timestamp
    if missing.skipped or s.machine.status.conditions or created is None or s.now - created >= FIRST_PATIENCE:
        return missing
    return replace(missing, skipped=True, requeue_after=(created + FIRST_PATIENCE - s.now).total_seconds())


def paused_by(s: Snapshot) -> tuple[str, ...]:
    """Why nothing is done, in the words of Cluster API."""
    reasons: list[str] = []
    if s.cluster is not None and s.cluster.spec.paused:
        reasons.append("Cluster spec.paused is set to true")
    if PAUSED_ANNOTATION in s.machine.metadata.annotations:
        reasons.append(f"{s.machine.kind or 'ProxmoxMachine'} has the {PAUSED_ANNOTATION} annotation")
    return tuple(reasons)


def _prerequisite(s: Snapshot) -> Decision | None:
    """What others have to do before a VM is made. A machine that has one goes on without asking again."""
    if MANAGED_BY_ANNOTATION in s.machine.metadata.annotations:
        return Decision(skipped=True)
    if s.owner is None or s.cluster is None:
        message = "no Machine owns this ProxmoxMachine yet" if s.owner is None else "its Cluster does not exist"
        return Decision(waiting=waiting("WaitingForClusterInfrastructureReady", message))
    if s.infra is None:
        return Decision(waiting=waiting("WaitingForClusterInfrastructureReady", "its ProxmoxCluster does not exist"))
    if is_provisioned(s):
        return None
    if not s.cluster.status.initialization.infrastructure_provisioned:
        message = (
            f"Cluster {s.cluster.metadata.name} has no infrastructure yet: see ProxmoxCluster {s.infra.metadata.name}"
        )
        return Decision(waiting=waiting("WaitingForClusterInfrastructureReady", message))
    if not s.owner.spec.bootstrap.data_secret_name:
        message = f"Machine {s.owner.metadata.name} has no bootstrap data yet"
        return Decision(waiting=waiting("WaitingForBootstrapData", message))
    return None


def _blocked(s: Snapshot) -> Decision:
    """A read failed. A machine that is ready stays so: that Proxmox VE does not answer says nothing about its VM.
    When the VM's own node does not answer while the others do, that says something."""
    assert s.problem is not None
    problem = s.problem
    told = Emit(reason=problem.message, name=problem.reason, type="Warning")
    if is_provisioned(s) and problem.reason != NodeOffline.reason_name:
        return Decision((told,), requeue_after=problem.pause_seconds, provisioned=True)
    return Decision((told,), waiting(problem.reason, problem.message), requeue_after=problem.pause_seconds)


def is_lost(s: Snapshot) -> bool:
    """The VM had an identity of its own and does not exist any more."""
    return bool(s.observed and s.machine.spec.provider_id and own_vm(s) is None and not s.quiet)


def _lost(s: Snapshot) -> Decision:
    assert s.identity is not None and s.owner is not None
    provider = s.machine.spec.provider_id
    reused = f" (VMID {s.identity.vmid} belongs to another VM now)" if s.vm is not None else ""
    message = (
        f"VM {s.identity.vmid} ({provider}) does not exist in Proxmox VE any more{reused}. It was not deleted by "
        f"Capstan and is not made again under the same identity: delete Machine {s.owner.metadata.name} to get a new "
        "one in its place, or restore the VM with its VMID and SMBIOS UUID"
    )
    told = Emit(reason=message, name="VirtualMachineNotFound", type="Warning")
    return Decision((told,), waiting("VirtualMachineNotFound", message), requeue_after=SETTLED_SECONDS, lost=True)


def _walk(s: Snapshot) -> Decision:
    """Down the table: the first stage that does not hold acts; some let later ones act in the same plan."""
    actions: list[Action] = []
    requeue: float | None = None
    for stage in STAGES:
        if stage is JOINED_STAGE:
            return _provisioned(s, actions, requeue)
        step = stage.look(s)
        if step is None:
            continue
        actions += step.actions
        requeue = step.requeue_after if step.requeue_after is not None else requeue
        if not step.goes_on:
            if stage.name not in ("reserved", "cloned"):
                actions += _identify(s)
            return Decision(tuple(actions), step.waiting, requeue_after=requeue)
    raise AssertionError("the table ends with its last stage")


def _provisioned(s: Snapshot, actions: list[Action], requeue: float | None) -> Decision:
    """All that makes the machine ready holds, or does so after these actions. What is left is its Node."""
    step = wait_for_node(s) if actions or not is_settled(s) else JOINED_STAGE.look(s)
    identified = _identify(s)
    if step is None:
        done = (*actions, *identified)
        return Decision(done, requeue_after=requeue or SETTLED_SECONDS, provisioned=True, joined=True)
    if step.requeue_after is not None:
        requeue = min(step.requeue_after, requeue) if requeue is not None else step.requeue_after
    told = step.actions if not actions else ()
    return Decision(
        # An Update of the machine must stay last: it is committed together with the status.
        (*actions, *told, *identified),
        joining=step.waiting,
        requeue_after=requeue,
        provisioned=True,
        joined=step.goes_on,
    )


def _identify(s: Snapshot) -> list[Action]:
    """From now on the SMBIOS UUID is the identity."""
    vm = own_vm(s)
    uuid = smbios_uuid(dict(vm.config)) if vm is not None else ""
    if s.machine.spec.provider_id or not uuid or vm is None:
        return []
    why = f"VM {vm.vmid} has the SMBIOS UUID {uuid}"
    return [update_machine(s.machine, why, provider_id=provider_id(uuid), vmid=vm.vmid)]
