"""Rules of what a ClusterClass is made from: references to templates, and names of classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from capstan.api.cluster.admission.clusterclass.layout import DEPLOYMENTS, POOLS, template_refs, worker_classes
from capstan.api.errors import FieldCause
from capstan.api.objects import Obj
from capstan.api.rules.causes import invalid_value, required_value

_SUFFIX: Final = "Template"


def template_causes(new: Obj) -> Iterator[FieldCause]:
    """References name templates, and classes of workers can be told apart."""
    for field, ref in template_refs(new):
        yield from _ref_causes(ref, field)
    yield from _unique_causes(new, DEPLOYMENTS, "MachineDeployment")
    yield from _unique_causes(new, POOLS, "MachinePool")


def _ref_causes(ref: Mapping[str, Any], field: str) -> Iterator[FieldCause]:
    name, kind, version = (str(ref.get(part) or "") for part in ("name", "kind", "apiVersion"))
    if not name:
        yield required_value(f"{field}.name", "template name must be defined")
    if len(kind) <= len(_SUFFIX) or not kind.endswith(_SUFFIX):
        yield invalid_value(f"{field}.kind", kind, f'template kind must be of form "<name>{_SUFFIX}"')
    if not version:
        yield required_value(f"{field}.apiVersion", "template apiVersion must be defined")
    elif version.count("/") > 1:
        why = f"template apiVersion must be a valid Kubernetes apiVersion: unexpected GroupVersion string: {version}"
        yield invalid_value(f"{field}.apiVersion", version, why)


def _unique_causes(new: Obj, at: str, what: str) -> Iterator[FieldCause]:
    seen: set[str] = set()
    for worker in worker_classes(new, at):
        if worker.name in seen:
            why = f'{what} class must be unique. {what} with class "{worker.name}" is defined more than once'
            yield invalid_value(f"{worker.field}.class", worker.name, why)
        seen.add(worker.name)
