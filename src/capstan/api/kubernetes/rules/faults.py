"""Refusals of fields in Kubernetes' words, and the fields that never change. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from capstan.api.errors import FieldCause
from capstan.api.objects import Obj

_STORAGE: Final = "storage.k8s.io"

#: (group, kind) -> fields that an update must leave as they are.
IMMUTABLE: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("apps", "Deployment"): ("spec.selector",),
    ("apps", "ReplicaSet"): ("spec.selector",),
    ("apps", "DaemonSet"): ("spec.selector",),
    ("apps", "StatefulSet"): ("spec.selector", "spec.serviceName", "spec.podManagementPolicy"),
    ("apps", "ControllerRevision"): ("data",),
    ("batch", "Job"): ("spec.selector", "spec.completionMode"),
    ("discovery.k8s.io", "EndpointSlice"): ("addressType",),
    (_STORAGE, "StorageClass"): ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"),
    (_STORAGE, "VolumeAttributesClass"): ("driverName", "parameters"),
    (_STORAGE, "CSIDriver"): ("spec.attachRequired",),
    (_STORAGE, "CSIStorageCapacity"): ("nodeTopology", "storageClassName"),
    (_STORAGE, "VolumeAttachment"): ("spec",),
    ("scheduling.k8s.io", "PriorityClass"): ("value", "preemptionPolicy"),
    ("node.k8s.io", "RuntimeClass"): ("handler",),
    ("networking.k8s.io", "IPAddress"): ("spec.parentRef",),
    ("networking.k8s.io", "ServiceCIDR"): ("spec.cidrs",),
    ("storagemigration.k8s.io", "StorageVersionMigration"): ("spec.resource",),
    ("certificates.k8s.io", "ClusterTrustBundle"): ("spec.signerName",),
    ("resource.k8s.io", "ResourceClaim"): ("spec",),
    ("resource.k8s.io", "ResourceClaimTemplate"): ("spec",),
}


def immutable_faults(old: Obj, new: Obj, paths: Sequence[str]) -> Iterator[FieldCause]:
    """One cause for each of the fields that differs."""
    for path in paths:
        if value_at(old, path) != value_at(new, path):
            yield invalid(path, value_at(new, path), "field is immutable")


def value_at(obj: Any, path: str) -> Any:
    """The value under a dotted path; None where there is none."""
    for name in path.split("."):
        obj = obj.get(name) if isinstance(obj, dict) else None
    return obj


def replaced(obj: Obj, path: str, value: Any) -> Obj:
    """A copy of the levels above a dotted path, with the value put there; None takes it away."""
    name, _, rest = path.partition(".")
    if rest:
        inner = obj.get(name)
        return {**obj, name: replaced(inner if isinstance(inner, dict) else {}, rest, value)}
    if value is None:
        return {key: kept for key, kept in obj.items() if key != name}
    return {**obj, name: value}


def invalid(path: str, value: Any, why: str) -> FieldCause:
    return FieldCause(path, f"Invalid value: {shown(value)}: {why}")


def required(path: str, why: str = "") -> FieldCause:
    return FieldCause(path, f"Required value: {why}" if why else "Required value", "FieldValueRequired")


def forbidden(path: str, why: str) -> FieldCause:
    return FieldCause(path, f"Forbidden: {why}", "FieldValueForbidden")


def duplicate(path: str, value: Any) -> FieldCause:
    return FieldCause(path, f"Duplicate value: {shown(value)}", "FieldValueDuplicate")


def not_supported(path: str, value: Any, allowed: Sequence[str]) -> FieldCause:
    values = ", ".join(shown(one) for one in allowed)
    return FieldCause(path, f"Unsupported value: {shown(value)}: supported values: {values}", "FieldValueNotSupported")


def shown(value: Any) -> str:
    """A value in a message, shortened."""
    text = orjson.dumps(value).decode()
    return text if len(text) <= 200 else text[:200] + "..."
