"""What is kept right beside the steps: the kubeconfig, the hooks of Machines, the owner of the template."""

from __future__ import annotations

from collections.abc import Iterator

from capstan.api.cluster.kinds import CLUSTER, MACHINE
from capstan.api.rules.owners import adopted_object, owner_reference, with_metadata
from capstan.providers.talos.taloscontrolplane.names import ETCD_HOOK
from capstan.providers.talos.taloscontrolplane.plan.actions import WriteKubeconfig
from capstan.providers.talos.taloscontrolplane.snapshot import RESOURCE, ControlPlaneSnapshot
from capstan.runtime.plan import Action, Update


def plan_upkeep(snapshot: ControlPlaneSnapshot) -> Iterator[Action]:
    yield from _template_owner(snapshot)
    yield from _kubeconfig(snapshot)
    for machine in snapshot.active:
        if not machine.has_hook:
            annotations = {**machine.machine.metadata.annotations, ETCD_HOOK: ""}
            after = with_metadata(machine.machine, annotations=annotations)
            reason = f"Machine {machine.name} is not to go before its etcd member"
            yield Update(resource=MACHINE.resource(), before=machine.machine, after=after, reason=reason)


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


def _kubeconfig(snapshot: ControlPlaneSnapshot) -> Iterator[Action]:
    """Written once there is a CA, again when half a year is left. A Secret of somebody else's stays as it is."""
    cluster = snapshot.cluster
    if cluster is None or not snapshot.has_authority or (snapshot.kubeconfig and not snapshot.kubeconfig_due):
        return
    yield WriteKubeconfig(
        cluster=cluster,
        owner=owner_reference(RESOURCE.api_version, RESOURCE.kind, snapshot.control_plane.metadata, controller=True),
        server=snapshot.endpoint,
        now=snapshot.now,
        reason="less than half a year of its certificate is left" if snapshot.kubeconfig else "there is none yet",
    )
