"""The table of stages: what has to hold for a machine, in order, read from the top on each reconcile.

A stage looks at the snapshot and says None (it holds) or what to do about it. Which stage is the first that does not
hold follows from the world alone, so a crash between any two lines changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from capstan.api.core.node import Node
from capstan.api.infrastructure.proxmoxmachine import ProxmoxMachine
from capstan.api.meta import ObjectMeta
from capstan.api.objects import Key
from capstan.api.struct import encode
from capstan.providers.proxmox.config import parse_tags, smbios_uuid, with_marker
from capstan.providers.proxmox.proxmoxmachine.actions import (
    AwaitTask,
    CheckCloudInit,
    CloneVm,
    ConfigureVm,
    DestroyVm,
    EjectSeed,
    FillProviderId,
    ResizeDisk,
    SeedVm,
    StartVm,
    Target,
)
from capstan.providers.proxmox.proxmoxmachine.hardware import (
    differences,
    find_seed,
    macs,
    missing_disk,
    missing_gib,
    seed_drive,
    tags_text,
    wanted_tags,
)
from capstan.providers.proxmox.proxmoxmachine.identity import VmIdentity, encode_identity
from capstan.providers.proxmox.proxmoxmachine.network import (
    NoPool,
    PoolClaim,
    claim_name,
    device_addresses,
    find_conflict,
    new_claim,
    pool_claims,
    why_pending,
)
from capstan.providers.proxmox.proxmoxmachine.nocloud import Seed, has_default_route, seed_files
from capstan.providers.proxmox.proxmoxmachine.placement import Choice, Refusal, place
from capstan.providers.proxmox.proxmoxmachine.snapshot import Snapshot, Vm, Workload
from capstan.providers.proxmox.resources import (
    CLAIMS,
    IDENTITY_ANNOTATION,
    MACHINE_FINALIZER,
    PROXMOX_MACHINES,
    SEED_TAG,
)
from capstan.providers.proxmox.transport import Endpoint
from capstan.runtime.plan import Action, Create, Emit, Update, Waiting

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


# --- reserved ------------------------------------------------------------------------------------------------------


def reserved(s: Snapshot) -> Step | None:
    """A VMID, a nonce and a place are written down before anything is asked of Proxmox VE."""
    if s.identity is not None and not is_taken_by_other(s):
        return None
    if s.site is None:
        return Step(waiting=waiting("Cloning", "the nodes and templates are being looked at"), requeue_after=1.0)
    choice = place(s.site)
    if isinstance(choice, Refusal):
        told = Emit(reason=choice.message, name=choice.reason, type="Warning")
        return Step((told,), waiting(choice.reason, choice.message), REFUSED_SECONDS)
    why = f"VM {s.site.vmid} on {choice.node}, cloned from template {choice.template.vmid} of {choice.template.node}"
    if s.identity is not None:
        why = f"VMID {s.identity.vmid} was taken by somebody else; {why}"
    claims = tuple(_missing_claims(s))
    return Step((*claims, _reserve(s, choice, why)), waiting("Cloning", f"reserved {why}"))


def is_taken_by_other(s: Snapshot) -> bool:
    """Our VMID went to somebody else before our clone was accepted. While a clone runs into it, it may be ours."""
    vm = s.vm
    if not s.observed or vm is None or vm.mine or s.machine.spec.provider_id:
        return False
    clone_is_running = bool(s.machine.status.task_ref) and s.machine.status.retry_after is None
    return not clone_is_running and vm.lock != "clone" and not is_remains(s)


def is_remains(s: Snapshot) -> bool:
    """What a clone of ours left that Proxmox VE had accepted, and that failed before the VM got its identity."""
    status, vm = s.machine.status, s.vm
    failed = bool(status.task_ref) and status.retry_after is not None
    return vm is not None and not vm.mine and failed and vm.half_made and not s.machine.spec.provider_id


def _reserve(s: Snapshot, choice: Choice, why: str) -> Update:
    assert s.site is not None
    identity = VmIdentity(
        vmid=s.site.vmid,
        nonce=s.identity.nonce if s.identity is not None and s.identity.nonce else s.fresh_nonce,
        pve=s.pve,
        node=choice.node,
        source_node=choice.template.node,
        template_id=choice.template.vmid,
        gate=s.machine.spec.storage or choice.template.storage,
        memory_mib=choice.memory_mib,
        cores=choice.cores,
        reserved_at=s.now.replace(microsecond=0),
    )
    return update_machine(
        s.machine,
        f"reserve {why}",
        annotations={**s.machine.metadata.annotations, IDENTITY_ANNOTATION: encode_identity(identity)},
        vmid=identity.vmid,
    )


def update_machine(
    machine: ProxmoxMachine,
    reason: str,
    *,
    annotations: dict[str, str] | None = None,
    vmid: int | None = None,
    provider_id: str = "",
) -> Update:
    """The machine with its finalizer and these fields. Always the last action: it is committed with the status."""
    meta: ObjectMeta = machine.metadata
    finalizers = meta.finalizers if MACHINE_FINALIZER in meta.finalizers else (*meta.finalizers, MACHINE_FINALIZER)
    after = msgspec.structs.replace(
        machine,
        metadata=msgspec.structs.replace(meta, annotations=annotations or meta.annotations, finalizers=finalizers),
        spec=msgspec.structs.replace(
            machine.spec,
            virtual_machine_id=vmid or machine.spec.virtual_machine_id,
            provider_id=provider_id or machine.spec.provider_id,
        ),
    )
    return Update(reason=reason, resource=PROXMOX_MACHINES, before=machine, after=after)


# --- cloned --------------------------------------------------------------------------------------------------------


def cloned(s: Snapshot) -> Step | None:
    """The VM exists, is ours, and its clone has ended."""
    if is_settled(s):
        return None
    status, vm = s.machine.status, s.vm
    if status.task_ref and status.retry_after is None:
        return _await_clone(s)
    if status.task_ref and status.retry_after is not None:
        return _after_failed_clone(s)
    if vm is None:
        return _clone(s)
    if vm.lock == "clone" or not vm.mine:
        message = f"VM {vm.vmid} on {vm.node} is being cloned; whose it is shows when that has ended"
        return Step(waiting=waiting("Cloning", message), requeue_after=LOCKED_SECONDS)
    return None


def _await_clone(s: Snapshot) -> Step:
    identity = s.identity
    assert identity is not None
    task = s.machine.status.task_ref
    message = f"template {identity.template_id} is being cloned to VM {identity.vmid} on {identity.node}"
    follow = AwaitTask(reason=message, endpoint=endpoint_of(s), upid=task)
    return Step((follow,), waiting("Cloning", message), requeue_after=1.0)


def _after_failed_clone(s: Snapshot) -> Step:
    """A clone failed. Wait a while, remove what it left, and try again."""
    retry_at = s.machine.status.retry_after
    condition = next((c for c in s.machine.status.conditions if c.type == PROVISIONED), None)
    message = condition.message if condition is not None and condition.reason == "CloningFailed" else "the clone failed"
    told = Emit(reason=message, name="CloningFailed", type="Warning")
    if retry_at is not None and s.now < retry_at:
        pause = (retry_at - s.now).total_seconds()
        return Step((told,), waiting("CloningFailed", message), requeue_after=pause)
    vm = s.vm
    if vm is not None and (vm.mine or is_remains(s)):
        remove = DestroyVm(reason="its clone failed half-way; it is removed and cloned again", target=target_of(s))
        return Step((told, remove), waiting("CloningFailed", message), requeue_after=LOCKED_SECONDS)
    return _clone(s)


def _clone(s: Snapshot) -> Step:
    identity, spec = s.identity, s.machine.spec
    assert identity is not None
    full = spec.full is not False
    action = CloneVm(
        reason=f"VM {identity.vmid} does not exist yet",
        target=target_of(s, identity.node),
        source_node=identity.source_node,
        template_id=identity.template_id,
        gate=identity.gate,
        params={
            "name": s.machine.metadata.name,
            "description": with_marker(spec.description, identity.nonce),
            "full": full,
            "format": (spec.format or None) if full else None,
            "storage": (spec.storage or None) if full else None,
            "pool": spec.pool or None,
            "snapname": spec.snap_name or None,
            "target": identity.node if identity.node != identity.source_node else None,
        },
    )
    message = f"template {identity.template_id} is being cloned to VM {identity.vmid} on {identity.node}"
    return Step((action,), waiting("Cloning", message), requeue_after=1.0)


# --- configured ----------------------------------------------------------------------------------------------------


def configured(s: Snapshot) -> Step | None:
    """Processors, memory, NICs, tags and the size of the boot disk are as the machine wants them."""
    vm = own_vm(s)
    if is_settled(s) or vm is None:
        return None
    if vm.lock:
        message = f"VM {vm.vmid} is locked ({vm.lock}) by another operation in Proxmox VE"
        return Step(waiting=waiting("Locked", message), requeue_after=LOCKED_SECONDS)
    if not smbios_uuid(dict(vm.config)):
        message = f"VM {vm.vmid} has no SMBIOS UUID, which is its identity: the template must have smbios1 with a uuid"
        return Step(waiting=waiting("VMProvisionFailed", message), requeue_after=REFUSED_SECONDS)
    no_disk = missing_disk(s.machine, vm.config)
    if no_disk:
        told = Emit(reason=no_disk, name="VMProvisionFailed", type="Warning")
        return Step((told,), waiting("VMProvisionFailed", no_disk), requeue_after=REFUSED_SECONDS)
    actions: list[Action] = []
    nonce = s.identity.nonce if s.identity is not None else ""
    params = differences(s.machine, vm.config, nonce)
    if params:
        why = f"the clone differs from the machine in {', '.join(sorted(params))}"
        digest = str(vm.config.get("digest", ""))
        actions.append(ConfigureVm(reason=why, target=target_of(s), params=params, digest=digest))
    growth = missing_gib(s.machine, vm.config)
    if growth is not None:
        why = f"the template's disk is smaller than {growth[1]} GiB"
        actions.append(ResizeDisk(reason=why, target=target_of(s), disk=growth[0], size_gib=growth[1]))
    return Step(tuple(actions), goes_on=True) if actions else None


# --- addressed -----------------------------------------------------------------------------------------------------


def addressed(s: Snapshot) -> Step | None:
    """Every claim has its address."""
    if is_settled(s):
        return None
    assert s.infra is not None
    claims = pool_claims(s.machine, s.infra)
    if isinstance(claims, NoPool):
        return Step(waiting=waiting("WaitingForStaticIPAllocation", claims.message), requeue_after=REFUSED_SECONDS)
    missing = tuple(_missing_claims(s))
    problems: list[str] = []
    for claim in claims:
        name = claim_name(s.machine, claim)
        found = s.addresses.get(name)
        conflict = find_conflict(s.machine, claim, found) if found is not None else ""
        if conflict or found is None or found.address is None:
            problems.append(conflict or why_pending(found, name, claim.pool_name))
    if not missing and not problems:
        return None
    message = "; ".join(problems)
    exhausted = any(
        c.status == "False" for a in s.addresses.values() for c in a.claim.status.conditions if c.type == "Ready"
    )
    told = (Emit(reason=message, name="WaitingForStaticIPAllocation", type="Warning"),) if exhausted else ()
    return Step((*missing, *told), waiting("WaitingForStaticIPAllocation", message), SETTLED_SECONDS)


def _missing_claims(s: Snapshot) -> tuple[Create, ...]:
    if s.infra is None:
        return ()
    claims = pool_claims(s.machine, s.infra)
    if isinstance(claims, NoPool):
        return ()
    return tuple(_create_claim(s, claim) for claim in claims if claim_name(s.machine, claim) not in s.addresses)


def _create_claim(s: Snapshot, claim: PoolClaim) -> Create:
    view = new_claim(s.machine, cluster_name(s), claim)
    why = f"{claim.device} draws an address from pool {claim.pool_name}"
    return Create(reason=why, resource=CLAIMS, object=encode(view))


def cluster_name(s: Snapshot) -> str:
    return s.cluster.metadata.name if s.cluster is not None else ""


def known_claims(s: Snapshot) -> tuple[PoolClaim, ...]:
    claims = pool_claims(s.machine, s.infra) if s.infra is not None else ()
    return () if isinstance(claims, NoPool) else claims


# --- bootstrapped --------------------------------------------------------------------------------------------------


def bootstrapped(s: Snapshot) -> Step | None:
    """The NoCloud data is in the drive. It is made anew before each first start, so that it is never a stale one."""
    vm = own_vm(s)
    if is_settled(s) or vm is None:
        return None
    if s.bootstrap is None or s.infra is None:
        return Step(waiting=waiting("WaitingForBootstrapData", "the bootstrap data Secret is not there"))
    if s.bootstrap.format not in ("", "cloud-config", "talos"):
        message = f"bootstrap data of format {s.bootstrap.format} is not supported yet: use cloud-config or talos"
        told = Emit(reason=message, name="UnsupportedBootstrapFormat", type="Warning")
        return Step((told,), waiting("UnsupportedBootstrapFormat", message), SETTLED_SECONDS)
    config = dict(vm.config)
    nonce = s.identity.nonce if s.identity is not None else ""
    claims = known_claims(s)
    seed = Seed(
        machine=s.machine,
        uuid=smbios_uuid(config),
        user_data=s.bootstrap.value,
        claims=claims,
        addresses=s.addresses,
        macs=macs(s.machine, config, nonce),
        dns_servers=s.infra.spec.dns_servers,
        kubernetes_version=s.owner.spec.version if s.owner is not None else "",
    )
    if not has_default_route(seed):
        message = "no NIC has a default route: give the address pool a gateway, or a device a route to `default`"
        return Step(waiting=waiting("VMProvisionFailed", message), requeue_after=REFUSED_SECONDS)
    tags = wanted_tags(s.machine, config, device_addresses(claims, s.addresses, s.machine))
    action = SeedVm(
        reason="the machine needs its configuration before it starts",
        target=target_of(s),
        drive=seed_drive(config, vm.vmid),
        tags=tags_text(tags, seeded=True),
        files=seed_files(seed),
    )
    return Step((action,), goes_on=True)


# --- started -------------------------------------------------------------------------------------------------------


def started(s: Snapshot) -> Step | None:
    """The VM runs. One that was ready before and is stopped now is left to whoever stopped it."""
    vm = own_vm(s)
    if s.quiet or vm is None:
        return None
    if vm.running and not vm.paused:
        return None
    if is_provisioned(s):
        message = (
            f"VM {vm.vmid} on {vm.node} was ready and is {vm.qmp_status or vm.status} now: start it in Proxmox VE, or "
            "delete the Machine to replace it"
        )
        told = Emit(reason=message, name="VirtualMachineStopped", type="Warning")
        return Step((told,), waiting("VirtualMachineStopped", message), requeue_after=SETTLED_SECONDS)
    verb = "resume" if vm.paused else "start"
    action = StartVm(reason=f"VM {vm.vmid} is {vm.qmp_status or vm.status}", target=target_of(s), verb=verb)
    return Step((action,), requeue_after=GUEST_SECONDS, goes_on=True)


# --- answering -----------------------------------------------------------------------------------------------------


def answering(s: Snapshot) -> Step | None:
    """The guest agent and cloud-init report, unless the machine says that they do not have to."""
    if s.quiet or is_provisioned(s):
        return None
    checks = s.machine.spec.checks
    if checks.skip_qemu_guest_agent:
        return None
    vm = own_vm(s)
    if vm is None or not vm.agent_answers:
        message = (
            "the guest agent does not answer yet: the image needs qemu-guest-agent and the template `agent: 1`; set "
            "spec.checks.skipQemuGuestAgent if it has none"
        )
        return Step(waiting=waiting("WaitingForCloudInit", message), requeue_after=GUEST_SECONDS)
    if checks.skip_cloud_init_status or not _is_cloud_config(s):
        return None
    ask = CheckCloudInit(reason="cloud-init has to finish before the machine is ready", target=target_of(s))
    return Step((ask,), waiting("WaitingForCloudInit", "cloud-init has not finished yet"), GUEST_SECONDS)


def _is_cloud_config(s: Snapshot) -> bool:
    """Talos has no cloud-init that could be asked."""
    return s.bootstrap is not None and s.bootstrap.value.lstrip()[:13] == b"#cloud-config"


# --- joined --------------------------------------------------------------------------------------------------------


def joined(s: Snapshot) -> Step | None:
    """The Node is there with our provider ID, and the ISO with its secrets is gone from the drive."""
    if s.owner is not None and s.owner.status.node_ref is not None:
        return _eject(s)
    node = s.workload.node if s.workload is not None else None
    provider = s.machine.spec.provider_id
    if s.workload is None or node is None or not provider:
        return wait_for_node(s)
    found = node.spec.provider_id
    if found in ("", provider):
        actions = () if found else (_fill(s, s.workload, node),)
        message = f"Node {node.metadata.name} has joined; the Machine has not seen it yet"
        return Step(actions, waiting("WaitingForNode", message, JOINED), SETTLED_SECONDS)
    message = (
        f"Node {node.metadata.name} runs on this VM but has the provider ID {found} instead of {provider}, and it "
        "cannot be changed: configure the cloud provider for CAPMOX, or delete the Machine"
    )
    told = Emit(reason=message, name="ProviderIDMismatch", type="Warning")
    return Step((told,), waiting("ProviderIDMismatch", message, JOINED), SETTLED_SECONDS)


def _fill(s: Snapshot, workload: Workload, node: Node) -> FillProviderId:
    assert s.cluster is not None
    return FillProviderId(
        reason=f"Node {node.metadata.name} has the system UUID of this machine's VM and no provider ID",
        cluster=Key(s.cluster.metadata.namespace, s.cluster.metadata.name),
        node=node.metadata.name,
        node_uid=node.metadata.uid,
        provider_id=s.machine.spec.provider_id,
        kubeconfig=workload.kubeconfig,
    )


def wait_for_node(s: Snapshot) -> Step:
    """The VM runs and its Node is awaited; after a while that is worth a warning."""
    ready = next((c for c in s.machine.status.conditions if c.type == PROVISIONED and c.status == "True"), None)
    since = ready.last_transition_time if ready is not None else None
    vmid = s.identity.vmid if s.identity is not None else 0
    shown = f" since {since:%Y-%m-%dT%H:%M:%SZ}" if since is not None else ""
    if since is None or s.now - since < JOIN_PATIENCE:
        message = f"VM {vmid} has been started; its Node has not joined the cluster yet"
        left = (JOIN_PATIENCE - (s.now - since)).total_seconds() if since is not None else SETTLED_SECONDS
        return Step(waiting=waiting("WaitingForNode", message, JOINED), requeue_after=min(left, SETTLED_SECONDS))
    message = (
        f"VM {vmid} runs{shown} and its Node has not joined the cluster: look at its console in Proxmox VE; check the "
        "image (Talos needs the nocloud platform), the bridge and VLAN, that its address and the control plane "
        "endpoint can be reached, and the time. A MachineHealthCheck or deleting the Machine replaces it"
    )
    told = Emit(reason=message, name="NodeNotJoined", type="Warning")
    return Step((told,), waiting("NodeNotJoined", message, JOINED), SETTLED_SECONDS)


def _eject(s: Snapshot) -> Step | None:
    vm = own_vm(s)
    if vm is None:
        return None
    found = find_seed(vm.config, vm.vmid)
    if found is None and SEED_TAG not in parse_tags(vm.config.get("tags")):
        return None
    claims = known_claims(s)
    tags = wanted_tags(s.machine, vm.config, device_addresses(claims, s.addresses, s.machine))
    action = EjectSeed(
        reason="the Node has joined: the configuration, with its secrets, is not needed any more",
        target=target_of(s),
        drive=found[0] if found is not None else "",
        volume=found[1].volume if found is not None else "",
        tags=tags_text(tags, seeded=False),
    )
    return Step((action,), requeue_after=SETTLED_SECONDS, goes_on=True)


#: Up to and with `answering` the machine is being provisioned; `joined` is what follows.
STAGES: tuple[Stage, ...] = (
    Stage("reserved", "Cloning", reserved),
    Stage("cloned", "Cloning", cloned),
    Stage("configured", "WaitingForDiskReconciliation", configured),
    Stage("addressed", "WaitingForStaticIPAllocation", addressed),
    Stage("bootstrapped", "WaitingForBootstrapDataReconciliation", bootstrapped),
    Stage("started", "WaitingForVMPowerUp", started),
    Stage("answering", "WaitingForCloudInit", answering),
    Stage("joined", "WaitingForNode", joined),
)

JOINED_STAGE = STAGES[-1]
