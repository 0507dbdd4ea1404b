"""Rules that Machines and the templates of Machines share: version, bootstrap, taints, naming, replicas."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from capstan.api.cluster.names import (
    AUTOSCALER_MAX_SIZE_ANNOTATION,
    AUTOSCALER_MIN_SIZE_ANNOTATION,
    OUTDATED_REVISION_TAINT,
    SKIP_PREFLIGHT_CHECKS_ANNOTATION,
    UNINITIALIZED_TAINT,
)
from capstan.api.errors import FieldCause
from capstan.api.kinds import AdmissionRequest
from capstan.api.meta import LabelSelector
from capstan.api.objects import Obj
from capstan.api.rules.causes import immutable_value, invalid_value, required_value
from capstan.api.rules.fields import mapping_at, text_at, value_at, with_value
from capstan.api.rules.labels import label_value_faults, qualified_name_faults, subdomain_faults
from capstan.api.rules.names import SUFFIX_ALPHABET, NameTemplateError, render_name
from capstan.api.struct import decode

_SEMVER: Final = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(-(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?"
    r"(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)
_PREFLIGHT_CHECKS: Final = (
    "All",
    "ControlPlaneIsStable",
    "ControlPlaneVersionSkew",
    "KubeadmVersionSkew",
    "KubernetesVersionSkew",
)
_RANDOM: Final = "{{ .random }}"


def is_settled(request: AdmissionRequest) -> bool:
    """Whether nothing is left to decide: a deletion, a status, or an update that leaves spec and names alone."""
    old, new = request.old, request.new
    if new is None or request.subresource in ("status", "scale"):
        return True
    if request.operation != "UPDATE" or old is None or old.get("spec") != new.get("spec"):
        return False
    return all(old["metadata"].get(part) == new["metadata"].get(part) for part in ("labels", "annotations"))


def with_version_prefix(obj: Obj, field: str) -> Obj:
    """Puts the `v` before a version that lacks it."""
    version = text_at(obj, field)
    return with_value(obj, field, f"v{version}") if version and not version.startswith("v") else obj


def version_causes(obj: Mapping[str, Any], field: str) -> Iterator[FieldCause]:
    """A version, where there is one, is `v` and a strict semantic version."""
    version = text_at(obj, field)
    if not version:
        return
    if not version.startswith("v"):
        yield invalid_value(field, version, "must start with v")
    if not _SEMVER.fullmatch(version.removeprefix("v")):
        yield invalid_value(field, version, "must be a valid semantic version: write all three numbers, as in v1.34.1")


def bootstrap_causes(obj: Mapping[str, Any], spec: str) -> Iterator[FieldCause]:
    """A Machine knows where its instructions come from."""
    field = f"{spec}.bootstrap"
    if not mapping_at(obj, f"{field}.configRef") and value_at(obj, f"{field}.dataSecretName") is None:
        why = f"expected either {field}.dataSecretName or {field}.configRef to be populated"
        yield required_value(field, why)


def cluster_name_causes(old: Obj | None, new: Obj) -> Iterator[FieldCause]:
    """An object never moves to another Cluster."""
    if old is not None and text_at(old, "spec.clusterName") != text_at(new, "spec.clusterName"):
        yield immutable_value("spec.clusterName", text_at(old, "spec.clusterName"), "make a new object instead")


def template_cluster_name_causes(new: Obj) -> Iterator[FieldCause]:
    """The template's Machines belong to the same Cluster as their owner."""
    name = text_at(new, "spec.clusterName")
    if name != text_at(new, "spec.template.spec.clusterName"):
        why = "spec.clusterName and spec.template.spec.clusterName must be set to the same value"
        yield invalid_value("spec.clusterName", name, why)


def taint_causes(obj: Mapping[str, Any], field: str, *, workers: bool, within: str = "") -> Iterator[FieldCause]:
    """Taints keep away from the keys that Cluster API, the kubelet and cloud controllers use. `within`: the field
    that `obj` itself is, if it is a part of something."""
    for index, taint in enumerate(value_at(obj, field) or ()):
        key = taint.get("key", "")
        at = f"{within}.{field}[{index}].key".removeprefix(".")
        fault = _taint_fault(key)
        if fault:
            yield invalid_value(at, key, fault)
        yield from (invalid_value(at, key, wrong) for wrong in qualified_name_faults(key))
        if workers and key == "node-role.kubernetes.io/control-plane":
            yield invalid_value(at, key, "taint is not allowed for worker Machines: take another key")


def _taint_fault(key: str) -> str:
    if key in (UNINITIALIZED_TAINT, OUTDATED_REVISION_TAINT):
        return "taint key is not allowed: Cluster API sets and removes this taint itself"
    if key.startswith("node.kubernetes.io/") and key != "node.kubernetes.io/out-of-service":
        return "taint key must not have the prefix node.kubernetes.io/, except for node.kubernetes.io/out-of-service"
    if key.startswith("node.cloudprovider.kubernetes.io/"):
        return "taint key must not have the prefix node.cloudprovider.kubernetes.io/: take a domain of your own"
    if key == "node-role.kubernetes.io/master":
        return (
            "taint is deprecated since 1.24 and should not be used anymore: "
            "control planes have node-role.kubernetes.io/control-plane"
        )
    return ""


def naming_causes(obj: Mapping[str, Any]) -> Iterator[FieldCause]:
    """A naming template has the random part and gives names that Kubernetes takes."""
    field = "spec.machineNaming.template"
    template = text_at(obj, field)
    if not template:
        return
    if _RANDOM not in template:
        yield invalid_value(field, template, f"invalid template, {_RANDOM} is missing: names have to differ")
    values = {"cluster.name": "cluster", "machineSet.name": "machineset", "random": SUFFIX_ALPHABET[:5]}
    try:
        name = render_name(template, values)
    except NameTemplateError as error:
        yield invalid_value(field, template, f"invalid template: {error}")
        return
    for fault in subdomain_faults(name):
        why = f"invalid template, generated names would not be valid Kubernetes object names: {fault}"
        yield invalid_value(field, template, why)


def preflight_causes(obj: Mapping[str, Any]) -> Iterator[FieldCause]:
    """Checks that are to be skipped exist."""
    annotations = mapping_at(obj, "metadata.annotations")
    given = annotations.get(SKIP_PREFLIGHT_CHECKS_ANNOTATION, "")
    unknown = [name for name in map(str.strip, given.split(",")) if name not in _PREFLIGHT_CHECKS] if given else []
    if unknown:
        field = f"metadata.annotations.{SKIP_PREFLIGHT_CHECKS_ANNOTATION}"
        yield invalid_value(field, unknown, f"skipped preflight check(s) must be among: {', '.join(_PREFLIGHT_CHECKS)}")


def selector_faults(selector: Mapping[str, Any]) -> Iterator[str]:
    """Why this is no label selector; nothing where it is one."""
    for key, value in (selector.get("matchLabels") or {}).items():
        yield from qualified_name_faults(key)
        yield from label_value_faults(value)
    for expression in selector.get("matchExpressions") or ():
        key, operator = expression.get("key", ""), expression.get("operator", "")
        values: Sequence[str] = expression.get("values") or ()
        yield from qualified_name_faults(key)
        if operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
            yield f'"{operator}" is not a valid label selector operator: use In, NotIn, Exists or DoesNotExist'
        elif operator in ("In", "NotIn") and not values:
            yield "for 'in', 'notin' operators, values set can't be empty"
        elif operator in ("Exists", "DoesNotExist") and values:
            yield "values set must be empty for exists and does not exist"


def selector_of(obj: Mapping[str, Any]) -> LabelSelector:
    """`spec.selector`, with nulls taken as absent."""
    given = mapping_at(obj, "spec.selector")
    return decode({name: value for name, value in given.items() if value is not None}, LabelSelector)


def replicas_default(request: AdmissionRequest) -> tuple[int | None, tuple[FieldCause, ...]]:
    """What `spec.replicas` becomes: as given, else from the autoscaler's annotations, else 1."""
    assert request.new is not None
    given = value_at(request.new, "spec.replicas")
    if given is not None:
        return given, ()
    annotations = mapping_at(request.new, "metadata.annotations")
    names = (AUTOSCALER_MIN_SIZE_ANNOTATION, AUTOSCALER_MAX_SIZE_ANNOTATION)
    if not all(name in annotations for name in names):
        return 1, ()
    causes = tuple(
        invalid_value(f"metadata.annotations.{name}", annotations[name], "must be a whole number")
        for name in names
        if not _is_int32(annotations[name])
    )
    if causes:
        return None, causes
    least, most = (int(annotations[name]) for name in names)
    before = value_at(request.old, "spec.replicas")
    if before is None or before < least:
        return least, ()
    return min(before, most), ()


def _is_int32(text: str) -> bool:
    return bool(re.fullmatch(r"[+-]?[0-9]{1,10}", text)) and -(2**31) <= int(text) < 2**31
