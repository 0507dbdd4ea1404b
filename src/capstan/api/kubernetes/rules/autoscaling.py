"""HorizontalPodAutoscaler: its default metric, and its two versions, of which v1 knows the processor only. Pure."""

from __future__ import annotations

from typing import Final

import orjson

from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.kubernetes.rules.faults import invalid
from capstan.api.objects import Obj

_METRICS: Final = "capstan.dev/autoscaling-metrics"


def _autoscaler(request: AdmissionRequest, new: Obj) -> Admission:
    spec = new.get("spec") or {}
    if request.subresource:
        return Admission(new)
    if not spec.get("metrics"):
        spec = {**spec, "metrics": [_processor(80)]}
    causes = []
    highest, lowest = spec.get("maxReplicas", 0), spec.get("minReplicas", 1)
    if highest < 1:
        causes.append(invalid("spec.maxReplicas", highest, "must be greater than 0"))
    elif highest < lowest:
        causes.append(invalid("spec.maxReplicas", highest, "must be greater than or equal to `minReplicas`"))
    return Admission({**new, "spec": spec}, tuple(causes))


def _processor(percent: int) -> Obj:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def converted(obj: Obj, to_version: str) -> Obj:
    """The object in v1 or v2. What v1 has no field for is kept where v2 keeps it: v1 shows the processor's share."""
    if obj["apiVersion"] == f"autoscaling/{to_version}":
        return obj
    return _to_v1(obj) if to_version == "v1" else _to_v2(obj)


def _to_v1(obj: Obj) -> Obj:
    spec = dict(obj.get("spec") or {})
    behaviour, metrics = spec.pop("behavior", None), spec.pop("metrics", None) or []
    percent = next((_percent(metric) for metric in metrics if _percent(metric) is not None), None)
    if percent is not None:
        spec["targetCPUUtilizationPercentage"] = percent
    made = {**obj, "apiVersion": "autoscaling/v1", "spec": spec}
    others = [metric for metric in metrics if _percent(metric) is None]
    return _with_kept(made, {"metrics": others, "behavior": behaviour})


def _percent(metric: Obj) -> int | None:
    resource = metric.get("resource") or {}
    if metric.get("type") != "Resource" or resource.get("name") != "cpu":
        return None
    percent = (resource.get("target") or {}).get("averageUtilization")
    return percent if isinstance(percent, int) else None


def _with_kept(obj: Obj, kept: Obj) -> Obj:
    kept = {name: value for name, value in kept.items() if value}
    if not kept:
        return obj
    metadata = obj["metadata"]
    annotations = {**(metadata.get("annotations") or {}), _METRICS: orjson.dumps(kept).decode()}
    return {**obj, "metadata": {**metadata, "annotations": annotations}}


def _to_v2(obj: Obj) -> Obj:
    spec = dict(obj.get("spec") or {})
    percent = spec.pop("targetCPUUtilizationPercentage", None)
    metrics = [_processor(percent)] if isinstance(percent, int) else []
    metadata = obj["metadata"]
    annotations = dict(metadata.get("annotations") or {})
    text = annotations.pop(_METRICS, "")
    try:
        kept = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:
        kept = {}
    if isinstance(kept, dict):
        metrics += kept.get("metrics") or []
        if kept.get("behavior"):
            spec["behavior"] = kept["behavior"]
    if metrics:
        spec["metrics"] = metrics
    if text:
        metadata = {k: v for k, v in metadata.items() if k != "annotations"}
        if annotations:
            metadata["annotations"] = annotations
    return {**obj, "apiVersion": "autoscaling/v2", "metadata": metadata, "spec": spec}


RULES: Final = {"HorizontalPodAutoscaler": _autoscaler}
