"""What is kept right beside the steps: the kubeconfig, the hooks of Machines, owners of the template and of Secrets."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from capstan.api.cluster.kinds import CLUSTER, MACHINE
from capstan.api.cluster.machine import Machine
from capstan.api.cluster.names import KUBECONFIG_SUFFIX
from capstan.api.meta import Condition, OwnerReference
from capstan.api.rules.conditions import FALSE, TRUE, find_condition, put_condition
from capstan.api.rules.owners import adopted_object, owner_reference, with_metadata
from capstan.providers.talos.names import SECRETS, cluster_owner, marked_secret
from capstan.providers.talos.taloscontrolplane.names import ETCD_HOOK
from capstan.providers.talos.taloscontrolplane.plan.actions import WriteKubeconfig
from capstan.providers.talos.taloscontrolplane.plan.drift import find_outdated
from capstan.providers.talos.taloscontrolplane.snapshot import RESOURCE, ControlPlaneMachine, ControlPlaneSnapshot
from capstan.runtime.plan import Action, Emit, Update


def plan_upkeep(snapshot: ControlPlaneSnapshot) -> Iterator[Action]:
    """What the steps build on."""
    yield from _template_owner(snapshot)
    yield from _secret_marks(snapshot)
    yield from _kubeconfig(snapshot)


def plan_marks(snapshot: ControlPlaneSnapshot) -> Iterator[Update]:
    """What Machines show. Their own controller writes them too, so these come last: a conflict holds nothing up."""
    outdated = find_outdated(snapshot)
    for machine in snapshot.active:
        after = with_up_to_date(snapshot, machine, outdated.get(machine.name, ()))
        reason = f"Machine {machine.name} is {'not what' if machine.name in outdated else 'as'} its control plane says"
        if not machine.has_hook:
            after = with_metadata(after, annotations={**after.metadata.annotations, ETCD_HOOK: ""})
            reason = f"Machine {machine.name} is not to go before its etcd member"
        if after != machine.machine:
            yield Update(resource=MACHINE.resource(), before=machine.machine, after=after, reason=reason)


def with_up_to_date(snapshot: ControlPlaneSnapshot, machine: ControlPlaneMachine, outdated: tuple[str, ...]) -> Machine:
    """The Machine with its condition UpToDate, which is the control plane's to set. Left for later while the
    Machine's own controller has not begun to report: its first status is a busy time. A machine that has joined is
    told for its present generation, else `kubectl wait` takes the condition for outdated."""
    status, meta = machine.machine.status, machine.machine.metadata
    text = "\n".join(f"* {why}" for why in outdated)
    wanted = (FALSE, "NotUpToDate", text) if outdated else (TRUE, "UpToDate", "")
    known = find_condition(status.conditions, "UpToDate")
    if not status.conditions:
        return machine.machine
    is_same = known is not None and (known.status, known.reason, known.message) == wanted
    if known is not None and is_same and (known.observed_generation == meta.generation or status.node_ref is None):
        return machine.machine
    new = Condition(type="UpToDate", status=wanted[0], reason=wanted[1], message=wanted[2])
    conditions = put_condition(status.conditions, new, generation=meta.generation, now=snapshot.now)
    return msgspec.structs.replace(machine.machine, status=msgspec.structs.replace(status, conditions=conditions))


def _template_owner(snapshot: ControlPlaneSnapshot) -> Iterator[Action]:
    template, cluster = snapshot.template, snapshot.cluster
    if template is None or template.object is None or template.resource is None or cluster is None:
        return
    if not template.kind.endswith("Template"):
        return
    owner = owner_reference(CLUSTER.resource().api_version, "Cluster", cluster.metadata)
    after = adopted_object(template.object, owner, {})
    if after is not template.object:
        reason = f"{template.kind} {template.name} belongs to Cluster {cluster.metadata.name}"
        yield Update(resource=template.resource, before=template.object, after=after, reason=reason)


def _secret_marks(snapshot: ControlPlaneSnapshot) -> Iterator[Action]:
    """Owner and label that were stripped, as a restore does, come back; what is in the Secret stays."""
    cluster = snapshot.cluster
    if cluster is None or cluster.metadata.deletion_timestamp is not None:
        return
    name = cluster.metadata.name
    for secret in snapshot.secrets:
        is_kubeconfig = secret.metadata.name == name + KUBECONFIG_SUFFIX
        owner = _controller(snapshot) if is_kubeconfig else cluster_owner(cluster)
        after = marked_secret(secret, name, owner)
        if after is not secret:
            reason = f"Secret {secret.metadata.name} belongs to {owner.kind} {owner.name}"
            yield Update(resource=SECRETS, before=secret, after=after, reason=reason)


def _controller(snapshot: ControlPlaneSnapshot) -> OwnerReference:
    return owner_reference(RESOURCE.api_version, RESOURCE.kind, snapshot.control_plane.metadata, controller=True)


def _kubeconfig(snapshot: ControlPlaneSnapshot) -> Iterator[Action]:
    """Written once there is a CA, again when half a year is left. A Secret of somebody else's stays as it is."""
    cluster = snapshot.cluster
    if cluster is None or not snapshot.has_authority or (snapshot.kubeconfig and not snapshot.kubeconfig_due):
        return
    renewed = bool(snapshot.kubeconfig)
    yield WriteKubeconfig(
        cluster=cluster,
        owner=_controller(snapshot),
        server=snapshot.endpoint,
        now=snapshot.now,
        reason="it is old, or of another CA" if renewed else "there is none yet",
    )
    if renewed:
        text = f"Renewed the kubeconfig of Cluster {cluster.metadata.name}; its CA is the same"
        yield Emit(name="KubeconfigRenewed", reason=text)
