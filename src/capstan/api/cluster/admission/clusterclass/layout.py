"""Where the parts of a ClusterClass stand: its classes of workers and its references to templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from capstan.api.rules.fields import mapping_at, value_at

DEPLOYMENTS: Final = "spec.workers.machineDeployments"
POOLS: Final = "spec.workers.machinePools"
MACHINE_INFRASTRUCTURE: Final = "spec.controlPlane.machineInfrastructure.templateRef"


@dataclass(frozen=True, slots=True)
class WorkerClass:
    """One class of workers. `field` names it by its place in the list, `keyed` by its name."""

    name: str
    field: str
    keyed: str
    body: Mapping[str, Any]


def worker_classes(obj: Mapping[str, Any], at: str) -> Iterator[WorkerClass]:
    """The classes in the list at a path."""
    for index, body in enumerate(items_at(obj, at)):
        name = str(body.get("class", ""))
        yield WorkerClass(name, f"{at}[{index}]", f"{at}[{name}]", body)


def items_at(obj: Mapping[str, Any], path: str) -> list[Mapping[str, Any]]:
    """The objects in a list; nothing where there is none."""
    found = value_at(obj, path)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def template_refs(obj: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every reference to a template, with its field. That of the control plane's machines only where it is set."""
    for field in ("spec.infrastructure.templateRef", "spec.controlPlane.templateRef"):
        yield field, mapping_at(obj, field)
    if mapping_at(obj, MACHINE_INFRASTRUCTURE):
        yield MACHINE_INFRASTRUCTURE, mapping_at(obj, MACHINE_INFRASTRUCTURE)
    for at in (DEPLOYMENTS, POOLS):
        for worker in worker_classes(obj, at):
            for part in ("bootstrap", "infrastructure"):
                yield f"{worker.field}.{part}.templateRef", mapping_at(worker.body, f"{part}.templateRef")
