"""Says how a ProxmoxMachine stands: from what was observed, decided, and became of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from capstan.api.infrastructure.initialization import InfrastructureInitialization
from capstan.api.infrastructure.proxmoxmachine import NetworkStatus, ProxmoxMachine, ProxmoxMachineStatus
from capstan.api.meta import Condition
from capstan.api.rules.conditions import put_conditions
from capstan.providers.proxmox.config import Nic
from capstan.providers.proxmox.errors import Locked, StorageFull, TaskGone
from capstan.providers.proxmox.proxmoxmachine.actions import (
    AwaitTask,
    CheckCloudInit,
    CloneVm,
    DestroyVm,
    FillProviderId,
    SeedVm,
    StartVm,
    StopVm,
)
from capstan.providers.proxmox.proxmoxmachine.hardware import find_seed
from capstan.providers.proxmox.proxmoxmachine.network import (
    claim_name,
    device_addresses,
    device_name,
    devices_of,
    machine_addresses,
)
from capstan.providers.proxmox.proxmoxmachine.plan import Decision, decide
from capstan.providers.proxmox.proxmoxmachine.snapshot import Snapshot, Vm
from capstan.providers.proxmox.proxmoxmachine.stages import JOINED, PROVISIONED, known_claims, own_vm
from capstan.runtime.plan import Outcome, Outcomes, Update

#: How long a failed clone rests before it is removed and tried again: longer, the longer it has not worked.
RETRY_LOCKED, RETRY_FAILED, RETRY_LONGEST = timedelta(seconds=5), timedelta(seconds=30), timedelta(seconds=180)


def compute_status(s: Snapshot, outcomes: Outcomes) -> ProxmoxMachine | None:
    """The machine with its status as it should be now."""
    decision = decide(s)
    if decision.skipped:
        return None
    status = s.machine.status
    if not decision.paused:
        status = _with_task(s, status, outcomes)
        status = _with_facts(s, status, decision, outcomes)
    conditions = put_conditions(
        status.conditions,
        _conditions(s, decision, outcomes),
        generation=_generation(s, outcomes),
        now=s.now,
    )
    return msgspec.structs.replace(s.machine, status=msgspec.structs.replace(status, conditions=conditions))


def _generation(s: Snapshot, outcomes: Outcomes) -> int:
    """The generation that the status is about: the next one, when a change of the spec is committed with it."""
    last = outcomes.items[-1].action if outcomes.items else None
    changed = isinstance(last, Update) and outcomes.error is None and last.before.spec != last.after.spec
    return s.machine.metadata.generation + (1 if changed else 0)


def _with_task(s: Snapshot, status: ProxmoxMachineStatus, outcomes: Outcomes) -> ProxmoxMachineStatus:
    """`taskRef` is the clone in flight; with `retryAfter` it is the clone that failed."""
    for outcome in outcomes.of(CloneVm):
        if outcome.done:
            return msgspec.structs.replace(status, task_ref=str(outcome.result), retry_after=None)
    for outcome in outcomes.of(AwaitTask):
        if isinstance(outcome.error, TaskGone):
            return msgspec.structs.replace(status, task_ref="", retry_after=None)
        if outcome.error is None and outcome.result is not None:
            return _with_end(s, status, outcome.result)
    return status


def _with_end(s: Snapshot, status: ProxmoxMachineStatus, end: Any) -> ProxmoxMachineStatus:
    error = end.error()
    if error is None and s.machine.metadata.deletion_timestamp is None:
        # The next look sees the clone, and says so together with what is made of it.
        return status
    if error is None:
        return msgspec.structs.replace(status, task_ref="", retry_after=None)
    reserved_at = s.identity.reserved_at if s.identity is not None else None
    lasted = s.now - reserved_at if reserved_at is not None else timedelta()
    rest = RETRY_LOCKED if isinstance(error, Locked) else min(max(RETRY_FAILED, lasted / 4), RETRY_LONGEST)
    return msgspec.structs.replace(status, retry_after=s.now.replace(microsecond=0) + rest)


def _is_ready(s: Snapshot, decision: Decision, outcomes: Outcomes) -> bool:
    """Ready is decided, and nothing that it depends on went wrong. cloud-init's word counts when it was asked."""
    asked = outcomes.of(CheckCloudInit)
    if asked:
        return bool(asked[0].result == "done")
    return decision.provisioned and not any(o.error for o in outcomes.items if not isinstance(o.action, FillProviderId))


def _with_facts(
    s: Snapshot, status: ProxmoxMachineStatus, decision: Decision, outcomes: Outcomes
) -> ProxmoxMachineStatus:
    vm = own_vm(s)
    node = vm.node if vm is not None else s.quiet_node or (s.identity.node if s.identity is not None else "")
    ready = _is_ready(s, decision, outcomes) or bool(status.initialization.provisioned)
    seeded = any(o.done for o in outcomes.of(SeedVm)) or ready or (vm is not None and _has_seed(vm))
    changes: dict[str, Any] = {
        "proxmox_node": node or status.proxmox_node,
        "vm_status": _vm_status(s, decision, ready),
        # Once true it stays so; a process that ended after it gave the data leaves a drive, or a machine that joins.
        # False says that there may be a VM: from then on data may be given, and is looked for when the VM is gone.
        "bootstrap_data_provided": seeded or status.bootstrap_data_provided or _is_cloned(s, outcomes),
        "initialization": InfrastructureInitialization(provisioned=True) if ready else status.initialization,
    }
    if _is_addressed(s) and s.machine.metadata.deletion_timestamp is None:
        nets = device_addresses(known_claims(s), s.addresses, s.machine)
        changes["ip_addresses"] = nets
        changes["addresses"] = machine_addresses(s.machine, nets)
    if vm is not None and ready:
        changes["network"] = _network(s, {entry.net: entry for entry in changes.get("ip_addresses", ())})
    return msgspec.structs.replace(status, **changes)


def _is_cloned(s: Snapshot, outcomes: Outcomes) -> bool | None:
    """False once the VM has been asked for or seen, at any time; None before."""
    seen = any(o.done for o in outcomes.of(CloneVm)) or own_vm(s) is not None
    return False if seen else s.machine.status.bootstrap_data_provided


def _has_seed(vm: Vm) -> bool:
    return find_seed(vm.config, vm.vmid) is not None


def _is_addressed(s: Snapshot) -> bool:
    """Every claim has its address; machines publish all of them or none."""
    claims = known_claims(s)
    found = [s.addresses.get(claim_name(s.machine, claim)) for claim in claims]
    return bool(claims) and all(entry is not None and entry.address is not None for entry in found)


def _vm_status(s: Snapshot, decision: Decision, ready: bool) -> str:
    if decision.lost or (s.machine.metadata.deletion_timestamp is not None and s.observed and s.vm is None):
        return "notfound"
    return "ready" if ready else "pending"


def _network(s: Snapshot, by_net: dict[str, Any]) -> tuple[NetworkStatus, ...]:
    """The NICs of the VM with their MACs, as far as they are known."""
    vm = own_vm(s)
    if vm is None:
        return s.machine.status.network
    result: list[NetworkStatus] = []
    for index, device in enumerate(devices_of(s.machine)):
        name = device_name(device, index)
        nic = Nic.parse(str(vm.config.get(name, "")))
        if len(nic.mac) != 17:
            continue
        entry = by_net.get(name)
        addresses = (*entry.ipv4, *entry.ipv6) if entry is not None else ()
        result.append(NetworkStatus(connected=True, mac_addr=nic.mac, network_name=name, ip_addrs=addresses))
    return tuple(result)


def _conditions(s: Snapshot, decision: Decision, outcomes: Outcomes) -> list[Condition]:
    if decision.paused:
        return [Condition(type="Paused", status="True", reason="Paused", message=", ".join(decision.paused))]
    provisioned = _provisioned(s, decision, outcomes)
    joined = _joined(decision, outcomes) if decision.provisioned and provisioned.status == "True" else []
    ready = _ready([provisioned, *joined])
    return [provisioned, ready, Condition(type="Paused", status="False", reason="NotPaused"), *joined]


def _ready(conditions: list[Condition]) -> Condition:
    """What its Machine and its Cluster show of it. A Node that is merely awaited is no trouble; see `JOIN_PATIENCE`."""
    wrong = next((c for c in conditions if c.status != "True" and c.reason != "WaitingForNode"), None)
    if wrong is None:
        return Condition(type="Ready", status="True", reason="Ready")
    message = f"* {wrong.type}: {wrong.message or wrong.reason}"
    return Condition(type="Ready", status=wrong.status, reason=wrong.reason, message=message)


def _provisioned(s: Snapshot, decision: Decision, outcomes: Outcomes) -> Condition:
    failed = _failure(s, outcomes)
    if failed is not None:
        return Condition(type=PROVISIONED, status="False", reason=failed[0], message=failed[1])
    if _is_ready(s, decision, outcomes):
        return Condition(type=PROVISIONED, status="True", reason="Provisioned")
    if decision.waiting is not None:
        told = decision.waiting
        return Condition(type=PROVISIONED, status="False", reason=told.reason, message=told.message)
    return Condition(type=PROVISIONED, status="False", reason="WaitingForVMPowerUp", message="the VM is being started")


def _failure(s: Snapshot, outcomes: Outcomes) -> tuple[str, str] | None:
    """Reason and message of what went wrong: an action that failed, or a clone whose task did."""
    for outcome in outcomes.items:
        if outcome.error is not None and not isinstance(outcome.action, FillProviderId):
            return _reason(s, outcome), _explain(outcome.error)
        if isinstance(outcome.action, AwaitTask) and outcome.result is not None:
            error = outcome.result.error()
            if error is not None:
                return "CloningFailed", f"{_explain(error)}. What it left is removed, then it is tried again"
        if isinstance(outcome.action, CheckCloudInit) and outcome.result == "error":
            return (
                "VMProvisionFailed",
                "cloud-init ended with an error: see /var/log/cloud-init-output.log in the guest",
            )
    return None


def _reason(s: Snapshot, outcome: Outcome) -> str:
    if s.machine.metadata.deletion_timestamp is not None:
        return "DeletionFailed"
    match outcome.action:
        case CloneVm() | AwaitTask() | DestroyVm():
            return "CloningFailed"
        case StartVm() | StopVm():
            return "PoweringOnFailed"
        case _:
            return "TaskFailed"


def _explain(error: Exception) -> str:
    """What to do about the few errors whose own text does not say it."""
    text = str(error)
    if isinstance(error, Locked) and "(clone)" in text:
        return f"{text}. If no clone is running, it is left over: `qm unlock` it on its node, it is removed then"
    if isinstance(error, StorageFull) and "free space" not in text:
        return f"{text}; free space on the storage"
    return text


def _joined(decision: Decision, outcomes: Outcomes) -> list[Condition]:
    """Left as it is while nobody could look."""
    failed = next((o.error for o in outcomes.of(FillProviderId) if o.error is not None), None)
    if failed is not None:
        return [Condition(type=JOINED, status="False", reason="ProviderIDNotSet", message=str(failed))]
    if decision.joining is not None:
        told = decision.joining
        return [Condition(type=JOINED, status="False", reason=told.reason, message=told.message)]
    return [Condition(type=JOINED, status="True", reason="Joined")] if decision.joined else []
