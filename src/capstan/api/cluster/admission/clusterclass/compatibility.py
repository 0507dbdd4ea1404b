"""Which changes of a class its Clusters can follow: templates may be replaced, but not by those of another kind."""

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
from capstan.api.rules.causes import forbidden_value, shown
from capstan.api.rules.fields import mapping_at
from capstan.api.rules.owners import group_of

_WHY = "to prevent incompatible changes in the Clusters"


def incompatible_causes(old: Obj, new: Obj) -> Iterator[FieldCause]:
    """What Clusters of the old class cannot follow (cluster-api-core.md 8.10). Bootstrap templates may change."""
    for field in ("spec.infrastructure.templateRef", "spec.controlPlane.templateRef", MACHINE_INFRASTRUCTURE):
        yield from _ref_causes(mapping_at(old, field), mapping_at(new, field), field)
    for at in (DEPLOYMENTS, POOLS):
        before = {worker.name: worker.body for worker in worker_classes(old, at)}
        for worker in worker_classes(new, at):
            if worker.name in before:
                former = mapping_at(before[worker.name], "infrastructure.templateRef")
                field = f"{worker.field}.infrastructure.templateRef"
                yield from _ref_causes(former, mapping_at(worker.body, "infrastructure.templateRef"), field)


def _ref_causes(old: Mapping[str, Any], new: Mapping[str, Any], field: str) -> Iterator[FieldCause]:
    """One that is added or taken away changes from or to nothing."""
    before, after = group_of(str(old.get("apiVersion", ""))), group_of(str(new.get("apiVersion", "")))
    if before != after:
        change = f"from {shown(before)} to {shown(after)}"
        yield forbidden_value(f"{field}.apiVersion", f"group of apiVersion cannot be changed {change} {_WHY}")
    before, after = str(old.get("kind", "")), str(new.get("kind", ""))
    if before != after:
        change = f"from {shown(before)} to {shown(after)}"
        yield forbidden_value(f"{field}.kind", f"kind cannot be changed {change} {_WHY}")
