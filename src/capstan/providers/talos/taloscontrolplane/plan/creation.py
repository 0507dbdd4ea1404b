"""Creates one Machine of the control plane with its TalosConfig and its infrastructure object (3.7)."""

from __future__ import annotations

from collections import Counter

from capstan.api.bootstrap.kinds import TALOS_CONFIG
from capstan.api.bootstrap.talosconfig import TalosConfig
from capstan.api.cluster.kinds import MACHINE
from capstan.api.cluster.names import CLUSTER_NAME_LABEL, CONTROL_PLANE_LABEL, MACHINE_FINALIZER
from capstan.api.meta import OwnerReference
from capstan.api.objects import Key, Obj
from capstan.api.rules.conditions_v1beta1 import find_legacy
from capstan.api.rules.contract import clone_template
from capstan.api.rules.names import NAMED_ANNOTATION, counted, derived_name, free_counters
from capstan.api.rules.owners import owner_object, owner_reference, with_metadata
from capstan.api.struct import encode
from capstan.providers.talos.taloscontrolplane.names import (
    ETCD_HOOK,
    MACHINES_CREATED,
    REMEDIATION_FOR_ANNOTATION,
)
from capstan.providers.talos.taloscontrolplane.plan.drift import find_outdated
from capstan.providers.talos.taloscontrolplane.plan.remediation import replacement_mark
from capstan.providers.talos.taloscontrolplane.plan.step import Step
from capstan.providers.talos.taloscontrolplane.snapshot import RESOURCE, ControlPlaneSnapshot
from capstan.runtime.plan import Action, Create, Delete, Emit, ObjectRef, Update, Waiting

TEMPLATE_FAILED = "InfrastructureTemplateCloningFailed"


def plan_creation(snapshot: ControlPlaneSnapshot) -> Step:
    """The objects, the Machine after them, and then it counts. What a crash left half made is finished under its
    name, so that a machine has the same name with and without the crash."""
    problem = find_template_problem(snapshot)
    if problem:
        known = find_legacy(snapshot.control_plane.status.conditions, MACHINES_CREATED)
        # Once the condition has said so; the same Event again is only counted.
        told = known is not None and known.message == problem
        events = (Emit(name=TEMPLATE_FAILED, type="Warning", reason=problem),) if told else ()
        return Step(events, (Waiting(MACHINES_CREATED, TEMPLATE_FAILED, problem),))
    half_made = next((c for c in snapshot.leftover_configs if is_wanted_config(snapshot, c)), None)
    if half_made is not None:
        return Step((*plan_clean_up(snapshot, half_made.metadata.name), *_create(snapshot, half_made.metadata.name)))
    control_plane = snapshot.control_plane
    meta = control_plane.metadata
    taken = [m.name for m in snapshot.machines] + [c.metadata.name for c in snapshot.leftover_configs]
    counter = next(free_counters(meta.annotations, meta.uid, taken))
    name = derived_name(meta.name, meta.uid, counter)
    named = with_metadata(control_plane, annotations={**meta.annotations, NAMED_ANNOTATION: str(counter + 1)})
    count = Update(resource=RESOURCE, before=control_plane, after=named, reason=f"the name {name} is taken")
    return Step((*plan_clean_up(snapshot, name), *_create(snapshot, name), count))


def plan_count(snapshot: ControlPlaneSnapshot) -> tuple[Update, ...]:
    """Machines that were made and not counted, because the process ended in between, are counted now."""
    control_plane = snapshot.control_plane
    meta = control_plane.metadata
    annotations = counted(meta.annotations, meta.uid, (m.name for m in snapshot.machines))
    if annotations is meta.annotations:
        return ()
    after = with_metadata(control_plane, annotations=annotations)
    return (Update(resource=RESOURCE, before=control_plane, after=after, reason="the names of its Machines are taken"),)


def find_template_problem(snapshot: ControlPlaneSnapshot) -> str:
    """Why no Machine can be made from the infrastructure template; empty when one can."""
    template, ref = snapshot.template, snapshot.control_plane.spec.infrastructure_template
    if template is None or not ref.name:
        return "spec.infrastructureTemplate names no template"
    if template.problem:
        return f"{ref.kind} {ref.name} cannot be read: {template.problem}"
    if template.missing:
        return f"{ref.kind} {ref.name} does not exist: create it, or correct spec.infrastructureTemplate"
    if snapshot.made is None:
        return f"there is no kind {ref.kind.removesuffix('Template')} for {ref.kind} {ref.name}"
    return ""


def is_wanted_config(snapshot: ControlPlaneSnapshot, config: TalosConfig) -> bool:
    """Whether a TalosConfig is what the control plane would make now."""
    return encode(config.spec) == encode(_config_spec(snapshot))


def _config_spec(snapshot: ControlPlaneSnapshot) -> object:
    wanted = snapshot.control_plane.spec.control_plane_config
    return wanted.init if wanted.init is not None and not snapshot.machines else wanted.controlplane


def _create(snapshot: ControlPlaneSnapshot, name: str) -> tuple[Action, ...]:
    template, made, cluster = snapshot.template, snapshot.made, snapshot.cluster
    assert template is not None and made is not None and cluster is not None
    owner = owner_reference(RESOURCE.api_version, RESOURCE.kind, snapshot.control_plane.metadata)
    infrastructure = clone_template(
        template,
        made,
        name=name,
        namespace=snapshot.control_plane.metadata.namespace,
        cluster_name=cluster.metadata.name,
        labels={CONTROL_PLANE_LABEL: ""},
        annotations={},
        owner=owner,
    )
    number = len(snapshot.active) + 1
    why = f"{len(snapshot.active)} Machines exist, {snapshot.desired} are wanted"
    if number > snapshot.desired:
        why = f"it takes the place of an outdated one of {snapshot.desired}"
    machine = _machine(snapshot, name)
    return (
        Create(
            resource=TALOS_CONFIG.resource(), object=_config(snapshot, name, owner), reason=f"Machine {name} needs it"
        ),
        Create(resource=made, object=infrastructure, reason=f"Machine {name} needs it"),
        Create(resource=MACHINE.resource(), object=machine, reason=f"number {number}: {why}"),
    )


def _config(snapshot: ControlPlaneSnapshot, name: str, owner: OwnerReference) -> Obj:
    resource = TALOS_CONFIG.resource()
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {
            "name": name,
            "namespace": snapshot.control_plane.metadata.namespace,
            "labels": {CLUSTER_NAME_LABEL: snapshot.cluster_key.name, CONTROL_PLANE_LABEL: ""},
            "ownerReferences": [owner_object(owner)],
        },
        "spec": encode(_config_spec(snapshot)),
    }


def _machine(snapshot: ControlPlaneSnapshot, name: str) -> Obj:
    """Born with the Machine controller's finalizer and with the hook that keeps it until its member has left."""
    meta, made = snapshot.control_plane.metadata, snapshot.made
    assert made is not None
    resource, config = MACHINE.resource(), TALOS_CONFIG.resource()
    spec: Obj = {
        "clusterName": snapshot.cluster_key.name,
        "version": snapshot.control_plane.spec.version,
        "bootstrap": {"configRef": {"apiGroup": config.group, "kind": config.kind, "name": name}},
        "infrastructureRef": {"apiGroup": made.group, "kind": made.kind, "name": name},
    }
    domain = _failure_domain(snapshot)
    if domain:
        spec["failureDomain"] = domain
    owner = owner_reference(RESOURCE.api_version, RESOURCE.kind, meta, controller=True)
    replaces = replacement_mark(snapshot)
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {
            "name": name,
            "namespace": meta.namespace,
            "labels": {CLUSTER_NAME_LABEL: snapshot.cluster_key.name, CONTROL_PLANE_LABEL: ""},
            "annotations": {ETCD_HOOK: "", **({REMEDIATION_FOR_ANNOTATION: replaces} if replaces else {})},
            "finalizers": [MACHINE_FINALIZER],
            "ownerReferences": [owner_object(owner)],
        },
        "spec": spec,
    }


def _failure_domain(snapshot: ControlPlaneSnapshot) -> str:
    """The domain for control planes with the fewest Machines that stay, then the fewest of all, then by name; empty
    when there is none."""
    domains = snapshot.cluster.status.failure_domains if snapshot.cluster else ()
    names = [d.name for d in domains if d.control_plane]
    outdated = find_outdated(snapshot)
    staying = Counter(m.failure_domain for m in snapshot.active if m.name not in outdated)
    used = Counter(m.failure_domain for m in snapshot.machines)
    return min(names, key=lambda name: (staying[name], used[name], name), default="")


def plan_clean_up(snapshot: ControlPlaneSnapshot, keep: str = "") -> list[Action]:
    """Delete what was made for Machines that never came to be, and that nobody asks for any more."""
    reason = "it was made for a Machine that was never created"
    configs = [c.metadata for c in snapshot.leftover_configs if c.metadata.name != keep]
    resource = TALOS_CONFIG.resource()
    actions: list[Action] = [
        Delete(target=ObjectRef(resource, Key(m.namespace, m.name), m.uid), reason=reason) for m in configs
    ]
    for obj in snapshot.leftover_infrastructure:
        meta = obj["metadata"]
        if meta["name"] != keep and snapshot.made is not None:
            target = ObjectRef(snapshot.made, Key(meta.get("namespace", ""), meta["name"]), meta["uid"])
            actions.append(Delete(target=target, reason=reason))
    return actions
