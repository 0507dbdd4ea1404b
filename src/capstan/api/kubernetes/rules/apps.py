"""Rules of workloads: selectors that match their template, strategies, and the template's pod. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.kubernetes.rules.faults import invalid, required, value_at
from capstan.api.kubernetes.rules.podspec import pod_spec_faults, restart_policy_faults, with_pull_policies
from capstan.api.objects import Obj
from capstan.api.rules.selectors import selects

_QUARTER: Final = "25%"
#: Kind -> the field with its strategy, the type that it has by default, and what that type is filled up with.
_STRATEGIES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "Deployment": ("strategy", {"maxUnavailable": _QUARTER, "maxSurge": _QUARTER}),
    "StatefulSet": ("updateStrategy", {"partition": 0}),
    "DaemonSet": ("updateStrategy", {"maxUnavailable": 1, "maxSurge": 0}),
}


def admit_workload(request: AdmissionRequest, new: Obj) -> Admission:
    """A Deployment, ReplicaSet, StatefulSet or DaemonSet."""
    if request.subresource == "status":
        return Admission(new)
    spec = with_template(new.get("spec") or {})
    if new["kind"] in _STRATEGIES:
        name, rolling = _STRATEGIES[new["kind"]]
        spec[name] = _strategy(spec.get(name) or {}, rolling)
    causes = [*_selector_faults(spec), *template_faults(spec, ("Always",)), *_strategy_faults(new["kind"], spec)]
    return Admission({**new, "spec": spec}, tuple(causes))


def with_template(spec: Obj) -> Obj:
    """A copy of a workload's spec with the template's pod filled in."""
    template = spec.get("template") or {}
    return {**spec, "template": {**template, "spec": with_pull_policies(template.get("spec") or {})}}


def _strategy(given: Obj, rolling: dict[str, Any]) -> Obj:
    made = {"type": "RollingUpdate", **given}
    if made["type"] == "RollingUpdate":
        made["rollingUpdate"] = {**rolling, **(made.get("rollingUpdate") or {})}
    return made


def _strategy_faults(kind: str, spec: Obj) -> Iterator[FieldCause]:
    if kind == "Deployment" and spec["strategy"]["type"] == "Recreate" and spec["strategy"].get("rollingUpdate"):
        message = "Forbidden: may not be specified when strategy `type` is 'Recreate'"
        yield FieldCause("spec.strategy.rollingUpdate", message, "FieldValueForbidden")


def template_faults(spec: Obj, restart: tuple[str, ...]) -> Iterator[FieldCause]:
    pod = value_at(spec, "template.spec") or {}
    yield from pod_spec_faults(pod, "spec.template.spec")
    yield from restart_policy_faults(pod, "spec.template.spec", restart)
    replicas = spec.get("replicas")
    if isinstance(replicas, int) and replicas < 0:
        yield invalid("spec.replicas", replicas, "must be greater than or equal to 0")


def _selector_faults(spec: Obj) -> Iterator[FieldCause]:
    selector = spec.get("selector")
    if not isinstance(selector, dict):
        yield required("spec.selector")
        return
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield invalid("spec.selector", selector, "empty selector is invalid for deployment")
        return
    labels = value_at(spec, "template.metadata.labels") or {}
    if not selects(selector, labels):
        yield invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")


RULES: Final = dict.fromkeys(("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"), admit_workload)
