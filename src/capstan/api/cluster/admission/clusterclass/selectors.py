"""Rules of which templates a patch changes: what is selected is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from capstan.api.cluster.admission.clusterclass.layout import (
    DEPLOYMENTS,
    MACHINE_INFRASTRUCTURE,
    POOLS,
    worker_classes,
)
from capstan.api.errors import FieldCause
from capstan.api.objects import Obj
from capstan.api.rules.causes import invalid_value
from capstan.api.rules.fields import mapping_at
from capstan.api.rules.labels import qualified_name_faults

_WORKERS = (("machineDeploymentClass", DEPLOYMENTS, "MachineDeployment"), ("machinePoolClass", POOLS, "MachinePool"))


def selector_causes(selector: Mapping[str, Any], new: Obj, field: str) -> Iterator[FieldCause]:
    """A selector selects something, and everything that it says is selected by it."""
    wanted = mapping_at(selector, "matchResources")
    names = {part: mapping_at(wanted, part).get("names") or () for part, _, _ in _WORKERS}
    if not wanted.get("infrastructureCluster") and not wanted.get("controlPlane") and not any(names.values()):
        yield invalid_value(field, selector, "no selector enabled")
        return
    at = f"{field}.matchResources"
    if wanted.get("infrastructureCluster") and not _fits(selector, mapping_at(new, "spec.infrastructure.templateRef")):
        why = "selector is enabled but does not match the infrastructure ref"
        yield invalid_value(f"{at}.infrastructureCluster", True, why)
    if wanted.get("controlPlane") and not _fits_control_plane(selector, new):
        refs = "neither the controlPlane ref nor the controlPlane machineInfrastructure ref"
        yield invalid_value(f"{at}.controlPlane", True, f"selector is enabled but matches {refs}")
    for part, classes, what in _WORKERS:
        for index, name in enumerate(names[part]):
            fault = _name_fault(name) or _class_fault(selector, new, classes, name, what)
            if fault:
                yield invalid_value(f"{at}.{part}.names[{index}]", name, fault)


def _fits(selector: Mapping[str, Any], ref: Mapping[str, Any]) -> bool:
    return all(selector.get(part) == ref.get(part) for part in ("apiVersion", "kind"))


def _fits_control_plane(selector: Mapping[str, Any], new: Obj) -> bool:
    refs = (mapping_at(new, "spec.controlPlane.templateRef"), mapping_at(new, MACHINE_INFRASTRUCTURE))
    return any(ref and _fits(selector, ref) for ref in refs)


def _class_fault(selector: Mapping[str, Any], new: Obj, classes: str, name: str, what: str) -> str:
    for worker in worker_classes(new, classes):
        if is_named(worker.name, name):
            refs = (mapping_at(worker.body, f"{part}.templateRef") for part in ("infrastructure", "bootstrap"))
            if any(_fits(selector, ref) for ref in refs):
                return ""
    return f"selector is enabled but matches neither the bootstrap ref nor the infrastructure ref of a {what} class"


def is_named(name: str, wanted: str) -> bool:
    """Whether the name is the wanted one, which may begin or end with a star."""
    if wanted.startswith("*"):
        return wanted == "*" or name.endswith(wanted.removeprefix("*"))
    if wanted.endswith("*"):
        return name.startswith(wanted.removesuffix("*"))
    return name == wanted


def _name_fault(name: str) -> str:
    if "*" not in name:
        return ""
    if name.count("*") > 1:
        return 'selector can at most contain a single "*" rune'
    if not name.startswith("*") and not name.endswith("*"):
        return '"*" rune can only appear at the beginning, or ending of the selector'
    if any(qualified_name_faults(name.replace("*", "a"))):
        return "selector does not comply with the Kubernetes naming standards"
    return ""
