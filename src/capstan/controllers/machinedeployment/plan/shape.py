"""What a set of the deployment looks like: made anew, and brought into step without new machines (4.3, 4.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from capstan.api.cluster.kinds import MACHINE_SET
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machineset import MachineSet
from capstan.api.cluster.names import (
    ACKNOWLEDGED_MOVE_ANNOTATION,
    CLUSTER_NAME_LABEL,
    CONVERSION_DATA_ANNOTATION,
    DEPLOYMENT_NAME_LABEL,
    DESIRED_REPLICAS_ANNOTATION,
    DISABLE_MACHINE_CREATE_ANNOTATION,
    LAST_APPLIED_ANNOTATION,
    MACHINE_SET_FINALIZER,
    MAX_REPLICAS_ANNOTATION,
    MOVE_MACHINES_ANNOTATION,
    RECEIVE_MACHINES_ANNOTATION,
    REVISION_ANNOTATION,
    REVISION_HISTORY_ANNOTATION,
    TEMPLATE_HASH_LABEL,
)
from capstan.api.cluster.rollouthistory import CHANGE_CAUSE_ANNOTATION, ROLLOUT_HISTORY_ANNOTATION
from capstan.api.cluster.template import TemplateMetadata
from capstan.api.conversion import FACTS_ANNOTATION
from capstan.api.meta import LabelSelector, ObjectMeta
from capstan.api.objects import Obj
from capstan.api.rules.names import NAMED_ANNOTATION, template_hash, with_suffix
from capstan.api.rules.owners import owner_reference
from capstan.api.rules.takeover import RECORD_ANNOTATION, Claim
from capstan.api.struct import encode
from capstan.controllers.machinedeployment.plan.limits import is_rolling_update, max_surge
from capstan.controllers.machinedeployment.snapshot import RESOURCE
from capstan.runtime.intent import stated

#: Owns what a deployment states of its sets.
MANAGER: Final = "capi-machinedeployment"

#: Annotations of the deployment that its sets do not get, or get in their own way.
_NOT_COPIED = frozenset(
    (
        LAST_APPLIED_ANNOTATION,
        REVISION_ANNOTATION,
        REVISION_HISTORY_ANNOTATION,
        DESIRED_REPLICAS_ANNOTATION,
        MAX_REPLICAS_ANNOTATION,
        CONVERSION_DATA_ANNOTATION,
        NAMED_ANNOTATION,
        ROLLOUT_HISTORY_ANNOTATION,
        CHANGE_CAUSE_ANNOTATION,
        RECORD_ANNOTATION,
        FACTS_ANNOTATION,
    )
)

#: Kept as they are once they are set, by whatever plan.
_REVISIONS = (REVISION_ANNOTATION, REVISION_HISTORY_ANNOTATION)

#: What only a deployment writes of its sets. One of these annotations that is not planned again goes.
IN_PLACE: Final = Claim(
    in_place=(
        ("spec",),
        *(
            ("metadata", "annotations", name)
            for name in (
                ACKNOWLEDGED_MOVE_ANNOTATION,
                DESIRED_REPLICAS_ANNOTATION,
                DISABLE_MACHINE_CREATE_ANNOTATION,
                MAX_REPLICAS_ANNOTATION,
                MOVE_MACHINES_ANNOTATION,
                RECEIVE_MACHINES_ANNOTATION,
            )
        ),
    )
)


def effective_selector(deployment: MachineDeployment) -> LabelSelector:
    """The deployment's selector; an empty one takes what carries the deployment's and the cluster's name."""
    selector = deployment.spec.selector
    if selector.match_labels or selector.match_expressions:
        return selector
    return LabelSelector(
        match_labels={
            DEPLOYMENT_NAME_LABEL: deployment.metadata.name,
            CLUSTER_NAME_LABEL: deployment.spec.cluster_name,
        }
    )


def new_machine_set(deployment: MachineDeployment, tail: str) -> MachineSet:
    """A set that is not there yet, without replicas. Its hash label only tells it apart and is never computed
    again."""
    meta, spec = deployment.metadata, deployment.spec
    unique = {TEMPLATE_HASH_LABEL: f"{template_hash(encode(spec.template))}-{tail}"}
    selector = effective_selector(deployment)
    labels = _set_labels(deployment, unique)
    return MachineSet(
        api_version=MACHINE_SET.resource().api_version,
        kind="MachineSet",
        metadata=ObjectMeta(
            name=with_suffix(meta.name, tail),
            namespace=meta.namespace,
            labels=labels,
            finalizers=(MACHINE_SET_FINALIZER,),
            owner_references=(owner_reference(RESOURCE.api_version, "MachineDeployment", meta, controller=True),),
        ),
        spec=msgspec.structs.replace(
            MachineSet().spec,
            cluster_name=spec.cluster_name,
            replicas=0,
            selector=msgspec.structs.replace(selector, match_labels={**selector.match_labels, **unique}),
            template=msgspec.structs.replace(
                spec.template,
                metadata=TemplateMetadata(labels=labels, annotations=spec.template.metadata.annotations),
            ),
            **_naming_and_order(deployment, MachineSet()),
        ),
    )


def _naming_and_order(deployment: MachineDeployment, machine_set: MachineSet) -> dict[str, Any]:
    """How Machines are named and in which order they go, where the set has it otherwise. (What is equal is left
    out: the codec drops a default only when it is the very default of its field.)"""
    wanted = {"deletion": deployment.spec.deletion, "machine_naming": deployment.spec.machine_naming}
    return {name: value for name, value in wanted.items() if value != getattr(machine_set.spec, name)}


def _set_labels(deployment: MachineDeployment, unique: dict[str, str]) -> dict[str, str]:
    """Labels of the set, and of its template."""
    return {
        **deployment.spec.template.metadata.labels,
        **effective_selector(deployment).match_labels,
        CLUSTER_NAME_LABEL: deployment.spec.cluster_name,
        DEPLOYMENT_NAME_LABEL: deployment.metadata.name,
        **unique,
    }


def _set_annotations(deployment: MachineDeployment, *, is_current: bool) -> dict[str, str]:
    copied = _copied(deployment)
    replicas = deployment.spec.replicas or 0
    frozen = not is_current and not is_rolling_update(deployment)
    return {
        **copied,
        DESIRED_REPLICAS_ANNOTATION: str(replicas),
        MAX_REPLICAS_ANNOTATION: str(replicas + max_surge(deployment)),
        DISABLE_MACHINE_CREATE_ANNOTATION: "true" if frozen else "false",
    }


def _copied(deployment: MachineDeployment) -> dict[str, str]:
    return {k: v for k, v in deployment.metadata.annotations.items() if k not in _NOT_COPIED}


def in_step(
    deployment: MachineDeployment, machine_set: MachineSet, planned: Mapping[str, str], *, is_current: bool
) -> MachineSet:
    """All that the deployment states of a set: what changes in place as it wants it, the annotations that a rollout
    has planned, and everything else as the set has it. What of the set's metadata is others' is not in it."""
    wanted = deployment.spec.template
    unique = machine_set.metadata.labels.get(TEMPLATE_HASH_LABEL)
    labels = _set_labels(deployment, {} if unique is None else {TEMPLATE_HASH_LABEL: unique})
    template = machine_set.spec.template
    machine_spec = msgspec.structs.replace(
        template.spec,
        min_ready_seconds=wanted.spec.min_ready_seconds,
        readiness_gates=wanted.spec.readiness_gates,
        deletion=template.spec.deletion if template.spec.deletion == wanted.spec.deletion else wanted.spec.deletion,
        taints=wanted.spec.taints,
    )
    template = msgspec.structs.replace(
        template,
        metadata=TemplateMetadata(labels=labels, annotations=wanted.metadata.annotations),
        spec=machine_spec,
    )
    spec = msgspec.structs.replace(machine_set.spec, template=template, **_naming_and_order(deployment, machine_set))
    have, meta = machine_set.metadata, deployment.metadata
    owner = owner_reference(RESOURCE.api_version, "MachineDeployment", meta, controller=True)
    revisions = {name: have.annotations[name] for name in _REVISIONS if name in have.annotations}
    stated_metadata = ObjectMeta(
        name=have.name,
        namespace=have.namespace,
        labels=labels,
        annotations={**_set_annotations(deployment, is_current=is_current), **revisions, **planned},
        finalizers=have.finalizers,
        owner_references=(owner,),
    )
    return msgspec.structs.replace(machine_set, metadata=stated_metadata, spec=spec, status=MachineSet().status)


def intent_of(machine_set: MachineSet) -> Obj:
    """What the deployment states of a set that is as `in_step` says."""
    resource = MACHINE_SET.resource()
    address = {"apiVersion": resource.api_version, "kind": resource.kind}
    intent: Obj = stated({**encode(machine_set), **address})
    return intent
