"""What flows from a set's template into Machines that exist: metadata, gates, timeouts, taints (3.3).

The set states each Machine as a whole, by a server-side apply: what changes in place as its template has it,
everything else as the Machine has it. So whatever leaves the template leaves the Machines, what others wrote stays, and
nothing is sent that holds already. Of infra machines and bootstrap configs it states labels and annotations, under a
name of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from capstan.api.cluster.kinds import MACHINE
from capstan.api.cluster.machine import IN_PLACE_FIELDS, Machine
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import (
    CLUSTER_NAME_LABEL,
    DEPLOYMENT_NAME_LABEL,
    MACHINE_FINALIZER,
    SET_NAME_LABEL,
)
from capstan.api.objects import Obj, Resource
from capstan.api.rules.names import must_format_value
from capstan.api.rules.owners import owner_object, owner_reference
from capstan.api.rules.takeover import Claim
from capstan.api.struct import encode
from capstan.api.verbs import Handover
from capstan.controllers.machineset.snapshot import RESOURCE, MachineSetSnapshot, Template
from capstan.runtime.intent import plan_apply, shown, stated
from capstan.runtime.plan import Apply, Update

#: Owns Machines, and what infra machines and bootstrap configs are made with.
MANAGER: Final = "capi-machineset"
#: Owns what flows into the labels and annotations of infra machines and bootstrap configs.
METADATA_MANAGER: Final = "capi-machineset-metadata"

_MACHINE = MACHINE.resource()
_IN_PLACE = Claim(in_place=tuple(("spec", name) for name in IN_PLACE_FIELDS))
_OF_OBJECTS = Claim(maker=MANAGER)


def machine_labels(machine_set: MachineSet) -> dict[str, str]:
    """The labels of the set's Machines, bootstrap configs and infra machines."""
    labels = {
        **machine_set.spec.template.metadata.labels,
        **machine_set.spec.selector.match_labels,
        CLUSTER_NAME_LABEL: machine_set.spec.cluster_name,
        SET_NAME_LABEL: must_format_value(machine_set.metadata.name),
    }
    deployment = machine_set.metadata.labels.get(DEPLOYMENT_NAME_LABEL)
    if deployment is not None:
        labels[DEPLOYMENT_NAME_LABEL] = deployment
    return labels


def marks(machine_set: MachineSet) -> Obj:
    """The labels and annotations of the set's Machines, bootstrap configs and infra machines."""
    return {"labels": machine_labels(machine_set), "annotations": machine_set.spec.template.metadata.annotations}


def handover(machine_set: MachineSet) -> Handover:
    """Who owns the labels and annotations of an infra machine or bootstrap config that is made."""
    return Handover(METADATA_MANAGER, marks(machine_set))


def intent_of_machine(machine_set: MachineSet) -> Obj:
    """What the set states of every Machine; names, references, version and failure domain are each one's own."""
    owner = owner_reference(RESOURCE.api_version, "MachineSet", machine_set.metadata, controller=True)
    spec = stated({**encode(machine_set.spec.template.spec), "clusterName": machine_set.spec.cluster_name})
    return {
        "apiVersion": _MACHINE.api_version,
        "kind": "Machine",
        "metadata": {
            **stated(marks(machine_set)),
            "namespace": machine_set.metadata.namespace,
            "finalizers": [MACHINE_FINALIZER],
            "ownerReferences": [owner_object(owner)],
        },
        "spec": spec,
    }


def new_machine(machine_set: MachineSet, name: str) -> Obj:
    """The Machine as it is created: the template, with references to its own objects. It is born with the Machine
    controller's finalizer, so that it cannot vanish before that controller has seen it."""
    intent = intent_of_machine(machine_set)
    spec = dict(intent["spec"])
    spec["infrastructureRef"] = _made(spec.get("infrastructureRef") or {}, name)
    bootstrap = spec.get("bootstrap") or {}
    config = bootstrap.get("configRef")
    spec["bootstrap"] = {**bootstrap, "configRef": _made(config, name)} if config else bootstrap
    return {**intent, "metadata": {**intent["metadata"], "name": name}, "spec": spec}


def _made(template: Obj, name: str) -> Obj:
    """The reference to what is made from a template."""
    return {**template, "kind": template.get("kind", "").removesuffix("Template"), "name": name}


def plan_propagation(snapshot: MachineSetSnapshot) -> Iterator[Apply | Update]:
    """One write for each Machine, bootstrap config or infra machine that differs."""
    machine_set = snapshot.machine_set
    intent = intent_of_machine(machine_set)
    objects = _Objects(snapshot)
    for machine in snapshot.machines:
        name = machine.metadata.name
        reason = f"Machine {name} follows the template of its set"
        if machine.metadata.deletion_timestamp is not None:
            after = _with_template_fields(machine_set, machine)
            if after != machine:
                yield Update(resource=_MACHINE, before=machine, after=after, reason=reason, part=name)
            continue
        have = shown(machine, machine.spec)
        wanted = _of_this(intent, have, name)
        yield from plan_apply(_MACHINE, have, wanted, MANAGER, reason, claim=_IN_PLACE, part=name)
        yield from objects.plan(machine)


def _of_this(intent: Obj, have: Obj, name: str) -> Obj:
    """The intent for a Machine that is there, with what of it never changes in place."""
    metadata, spec = {**intent["metadata"], "name": name}, dict(intent["spec"])
    finalizers = have["metadata"]["finalizers"]
    metadata["finalizers"] = finalizers if MACHINE_FINALIZER in finalizers else [*finalizers, MACHINE_FINALIZER]
    current = have["spec"]
    bootstrap = {k: v for k, v in (spec.get("bootstrap") or {}).items() if k != "configRef"}
    config = current.get("bootstrap", {}).get("configRef")
    kept = {
        "bootstrap": {**bootstrap, "configRef": config} if config else bootstrap,
        "infrastructureRef": current.get("infrastructureRef"),
        "version": current.get("version"),
        "failureDomain": current.get("failureDomain"),
    }
    for field, value in kept.items():
        if value:
            spec[field] = value
        else:
            spec.pop(field, None)
    return {**intent, "metadata": metadata, "spec": spec}


def _with_template_fields(machine_set: MachineSet, machine: Machine) -> Machine:
    """A Machine on its way out, with those fields of the template that matter to that way."""
    wanted = machine_set.spec.template.spec
    spec = msgspec.structs.replace(
        machine.spec,
        readiness_gates=wanted.readiness_gates,
        min_ready_seconds=wanted.min_ready_seconds,
        taints=wanted.taints,
        deletion=_deletion(wanted.deletion, machine.spec.deletion),
    )
    return machine if spec == machine.spec else msgspec.structs.replace(machine, spec=spec)


def _deletion(wanted: msgspec.Struct, current: msgspec.Struct) -> msgspec.Struct:
    """The template's timeouts; where it has none for the node's deletion, the Machine keeps its default."""
    fallback = getattr(current, "node_deletion_timeout_seconds", None)
    if getattr(wanted, "node_deletion_timeout_seconds", None) is None and fallback is not None:
        wanted = msgspec.structs.replace(wanted, node_deletion_timeout_seconds=fallback)
    return current if wanted == current else wanted


class _Objects:
    """Infra machines and bootstrap configs of the set's Machines, by their names."""

    def __init__(self, snapshot: MachineSetSnapshot) -> None:
        self._stated = stated(marks(snapshot.machine_set))
        self._bootstrap = _named(snapshot.bootstrap)
        self._infrastructure = _named(snapshot.infrastructure)

    def plan(self, machine: Machine) -> Iterator[Apply]:
        config = machine.spec.bootstrap.config_ref
        pairs = (
            (self._bootstrap, config.name if config is not None else ""),
            (self._infrastructure, machine.spec.infrastructure_ref.name),
        )
        for (resource, named), name in pairs:
            found = named.get(name)
            if resource is None or found is None or found["metadata"].get("deletionTimestamp"):
                continue
            intent = {
                "apiVersion": resource.api_version,
                "kind": resource.kind,
                "metadata": {**self._stated, "name": name, "namespace": found["metadata"].get("namespace", "")},
            }
            reason, part = f"{resource.kind} {name} follows the template of its set", machine.metadata.name
            yield from plan_apply(resource, found, intent, METADATA_MANAGER, reason, claim=_OF_OBJECTS, part=part)


def _named(template: Template | None) -> tuple[Resource | None, dict[str, Obj]]:
    if template is None:
        return None, {}
    return template.made, {obj["metadata"]["name"]: obj for obj in template.objects}
