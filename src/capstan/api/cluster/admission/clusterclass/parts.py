"""Rules of the parts of a ClusterClass: rollouts, health checks, names, taints, metadata."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from capstan.api.cluster.admission.amounts import health_check_causes, portion_causes, strategy_causes
from capstan.api.cluster.admission.clusterclass.layout import (
    DEPLOYMENTS,
    MACHINE_INFRASTRUCTURE,
    POOLS,
    WorkerClass,
    worker_classes,
)
from capstan.api.cluster.admission.rules import taint_causes
from capstan.api.errors import FieldCause
from capstan.api.objects import Obj
from capstan.api.rules.causes import forbidden_value, invalid_value
from capstan.api.rules.fields import mapping_at, text_at, value_at
from capstan.api.rules.labels import metadata_causes, subdomain_faults
from capstan.api.rules.names import SUFFIX_ALPHABET, NameTemplateError, render_name

_CONTROL_PLANE: Final = "spec.controlPlane"
_CHECK: Final = f"{_CONTROL_PLANE}.healthCheck"
#: What every name template is tried with.
_NAMES: Final = {"cluster.name": "cluster", "random": SUFFIX_ALPHABET[:5]}


def part_causes(new: Obj) -> Iterator[FieldCause]:
    """Everything about one part by itself."""
    yield from _infrastructure_causes(new)
    yield from _control_plane_causes(new)
    for worker in worker_classes(new, DEPLOYMENTS):
        yield from _deployment_causes(worker)
    for worker in worker_classes(new, POOLS):
        yield from _worker_causes(worker, "MachinePool", {"machinePool.topologyName": "mptopology"})


def _infrastructure_causes(new: Obj) -> Iterator[FieldCause]:
    yield from _naming_causes(mapping_at(new, "spec.infrastructure"), "spec.infrastructure", "InfraCluster", {})


def _control_plane_causes(new: Obj) -> Iterator[FieldCause]:
    check, part = mapping_at(new, _CHECK), mapping_at(new, _CONTROL_PLANE)
    yield from health_check_causes(check, _CHECK)
    if is_checking(check) and not mapping_at(new, MACHINE_INFRASTRUCTURE):
        yield forbidden_value(_CHECK, "can be only set if spec.controlPlane.machineInfrastructure is set")
    yield from _naming_causes(part, _CONTROL_PLANE, "ControlPlane", {})
    yield from taint_causes(part, "taints", workers=False, within=_CONTROL_PLANE)
    yield from metadata_causes(mapping_at(part, "metadata"), f"{_CONTROL_PLANE}.metadata")


def _deployment_causes(worker: WorkerClass) -> Iterator[FieldCause]:
    check = mapping_at(worker.body, "healthCheck")
    at = f"{worker.keyed}.healthCheck"
    yield from strategy_causes(mapping_at(worker.body, "rollout.strategy"), f"{worker.keyed}.rollout.strategy")
    yield from health_check_causes(check, at)
    yield from portion_causes(value_at(check, "remediation.maxInFlight"), f"{at}.remediation.maxInFlight")
    yield from _worker_causes(worker, "MachineDeployment", {"machineDeployment.topologyName": "mdtopology"})


def _worker_causes(worker: WorkerClass, what: str, names: Mapping[str, str]) -> Iterator[FieldCause]:
    yield from _naming_causes(worker.body, worker.keyed, what, names)
    yield from taint_causes(worker.body, "taints", workers=False, within=worker.keyed)
    yield from metadata_causes(mapping_at(worker.body, "metadata"), f"{worker.keyed}.metadata")


def is_checking(check: Mapping[str, Any]) -> bool:
    """Whether a health check of a class says anything."""
    return any(mapping_at(check, part) for part in ("checks", "remediation"))


def _naming_causes(part: Mapping[str, Any], field: str, what: str, names: Mapping[str, str]) -> Iterator[FieldCause]:
    """A template for names gives names that Kubernetes takes; a random part is not demanded of it."""
    template, at = text_at(part, "naming.template"), f"{field}.naming.template"
    if not template:
        return
    try:
        name = render_name(template, {**_NAMES, **names})
    except NameTemplateError as error:
        yield invalid_value(at, template, f"invalid {what} name template: {error}")
        return
    yield from (invalid_value(at, template, fault) for fault in subdomain_faults(name))
