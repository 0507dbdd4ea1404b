"""Stage `joined`: the Node is there, and the ISO with its secrets is gone from the drive."""

from __future__ import annotations

from dataclasses import replace

from capstan.api.core.node import Node
from capstan.api.objects import Key
from capstan.providers.proxmox.config import parse_tags
from capstan.providers.proxmox.proxmoxmachine.actions import EjectSeed, FillProviderId
from capstan.providers.proxmox.proxmoxmachine.hardware import find_seed, tags_text, wanted_tags
from capstan.providers.proxmox.proxmoxmachine.network import device_addresses
from capstan.providers.proxmox.proxmoxmachine.snapshot import Snapshot, Workload
from capstan.providers.proxmox.proxmoxmachine.stages.claims import known_claims
from capstan.providers.proxmox.proxmoxmachine.stages.step import (
    JOIN_PATIENCE,
    JOINED,
    PROVISIONED,
    SETTLED_SECONDS,
    Step,
    own_vm,
    target_of,
    waiting,
)
from capstan.providers.proxmox.resources import SEED_TAG
from capstan.runtime.plan import Emit


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
        # In the same words as before: the Machine sees its Node in a moment.
        return replace(wait_for_node(s, joined=True), actions=actions)
    message = (
        f"Node {node.metadata.name} runs on this VM but has the provider ID {found} instead of {provider}, and it "
        "cannot be changed: configure the cloud provider for CAPMOX, or delete the Machine"
    )
    told = Emit(reason=message, name="ProviderIDMismatch", type="Warning")
    return Step((told,), waiting("ProviderIDMismatch", message, JOINED), SETTLED_SECONDS)


def missed_node(s: Snapshot) -> tuple[FillProviderId, ...]:
    """A Node that has joined while its machine is on its way out: named as ours, so that its Machine finds it and takes
    it away."""
    node = s.workload.node if s.workload is not None else None
    if s.workload is None or node is None or node.spec.provider_id or s.cluster is None:
        return ()
    return (_fill(s, s.workload, node),)


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


def wait_for_node(s: Snapshot, *, joined: bool = False) -> Step:
    """The VM runs and its Node is awaited; after a while that is worth a warning, unless it has `joined`."""
    ready = next((c for c in s.machine.status.conditions if c.type == PROVISIONED and c.status == "True"), None)
    since = ready.last_transition_time if ready is not None else None
    vmid = s.identity.vmid if s.identity is not None else 0
    shown = f" since {since:%Y-%m-%dT%H:%M:%SZ}" if since is not None else ""
    if joined or since is None or s.now - since < JOIN_PATIENCE:
        message = f"VM {vmid} has been started; its Machine has no Node yet"
        left = SETTLED_SECONDS
        if since is not None and not joined:
            left = (JOIN_PATIENCE - (s.now - since)).total_seconds()
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
