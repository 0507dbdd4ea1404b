"""The rows of what runs containers, of what scales and protects it, and of the quotas that it lives in."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from capstan.api.kubernetes.rules.faults import value_at
from capstan.api.objects import Obj
from capstan.apiserver.cells.cell import (
    NONE,
    UNSET,
    Cell,
    Rows,
    age,
    at,
    count,
    created,
    made,
    number,
    selector,
    since,
    some,
    text,
)
from capstan.apiserver.columns import human_age

_TEMPLATE: Final = "spec.template.spec"
_REPLICAS: Final[dict[str, Cell]] = {
    "Desired": number("spec.replicas"),
    "Current": number("status.replicas"),
    "Ready": number("status.readyReplicas"),
    "Age": age,
}


def _of_containers(path: str, name: str) -> Cell:
    return lambda obj, _: ",".join(str(one.get(name, "")) for one in value_at(obj, f"{path}.containers") or ())


def _ready(wanted: str) -> Cell:
    return lambda obj, _: f"{value_at(obj, 'status.readyReplicas') or 0}/{value_at(obj, wanted) or 0}"


def _completions(obj: Obj, _: datetime) -> str:
    done, wanted = value_at(obj, "status.succeeded") or 0, value_at(obj, "spec.completions")
    if wanted is not None:
        return f"{done}/{wanted}"
    together = value_at(obj, "spec.parallelism") or 0
    return f"{done}/1 of {together}" if together > 1 else f"{done}/1"


def _job_status(obj: Obj, _: datetime) -> str:
    true = {c.get("type") for c in value_at(obj, "status.conditions") or () if c.get("status") == "True"}
    for name in ("Complete", "Failed", "SuccessCriteriaMet", "Suspended", "FailureTarget"):
        if name in true:
            return name
    return "Terminating" if obj["metadata"].get("deletionTimestamp") else "Running"


def _job_duration(obj: Obj, now: datetime) -> str:
    begun, ended = value_at(obj, "status.startTime"), value_at(obj, "status.completionTime")
    if not begun:
        return ""
    return human_age(begun, datetime.fromisoformat(str(ended).replace("Z", "+00:00")) if ended else now)


def _quota(*, of_limits: bool) -> Cell:
    """What is used of the quotas on limits, or of all others."""

    def cell(obj: Obj, _: datetime) -> str:
        hard, used = value_at(obj, "status.hard") or {}, value_at(obj, "status.used") or {}
        chosen = sorted(name for name in hard if name.startswith("limits.") == of_limits)
        return ", ".join(f"{name}: {used.get(name, 0)}/{hard[name]}" for name in chosen)

    return cell


def _reference(path: str) -> Cell:
    return lambda obj, _: f"{value_at(obj, f'{path}.kind') or ''}/{value_at(obj, f'{path}.name') or ''}"


def _metrics(obj: Obj, _: datetime) -> str:
    shown = []
    for metric in value_at(obj, "spec.metrics") or ():
        resource = metric.get("resource") or {}
        target = value_at(resource, "target.averageUtilization")
        known = f"{resource.get('name')}: <unknown>/{target}%" if target is not None else "<unknown>"
        shown.append(known)
    return some(shown, 2)


def _controller(obj: Obj, _: datetime) -> str:
    owner = next((one for one in obj["metadata"].get("ownerReferences") or () if one.get("controller")), None)
    if owner is None:
        return NONE
    group = str(owner.get("apiVersion", "")).rpartition("/")[0]
    return f"{str(owner.get('kind', '')).lower()}{'.' + group if group else ''}/{owner.get('name', '')}"


def _pods(path: str, selected_by: str = "") -> list[tuple[str, Cell]]:
    """The wide columns about the containers of a template."""
    columns = [("Containers", _of_containers(path, "name")), ("Images", _of_containers(path, "image"))]
    return [*columns, ("Selector", selector(selected_by))] if selected_by else columns


ROWS: Final[Rows] = {
    ("", "PodTemplate"): made(
        Containers=_of_containers("template.spec", "name"),
        Images=_of_containers("template.spec", "image"),
        Pod__Labels=selector("template.metadata.labels"),
    ),
    ("", "ReplicationController"): made(_pods(_TEMPLATE, "spec.selector"), **_REPLICAS),
    ("", "ResourceQuota"): made(Request=_quota(of_limits=False), Limit=_quota(of_limits=True), Age=age),
    ("", "LimitRange"): made(Created__At=created),
    ("apps", "Deployment"): made(
        _pods(_TEMPLATE, "spec.selector"),
        Ready=_ready("spec.replicas"),
        Up_to_date=number("status.updatedReplicas"),
        Available=number("status.availableReplicas"),
        Age=age,
    ),
    ("apps", "ReplicaSet"): made(_pods(_TEMPLATE, "spec.selector"), **_REPLICAS),
    ("apps", "StatefulSet"): made(_pods(_TEMPLATE), Ready=_ready("spec.replicas"), Age=age),
    ("apps", "DaemonSet"): made(
        _pods(_TEMPLATE, "spec.selector"),
        Desired=number("status.desiredNumberScheduled"),
        Current=number("status.currentNumberScheduled"),
        Ready=number("status.numberReady"),
        Up_to_date=number("status.updatedNumberScheduled"),
        Available=number("status.numberAvailable"),
        Node__Selector=selector("spec.template.spec.nodeSelector"),
        Age=age,
    ),
    ("apps", "ControllerRevision"): made(Controller=_controller, Revision=number("revision"), Age=age),
    ("batch", "Job"): made(
        _pods(_TEMPLATE, "spec.selector"),
        Status=_job_status,
        Completions=_completions,
        Duration=_job_duration,
        Age=age,
    ),
    ("batch", "CronJob"): made(
        _pods("spec.jobTemplate.spec.template.spec", "spec.jobTemplate.spec.selector"),
        Schedule=at("spec.schedule"),
        Timezone=text("spec.timeZone"),
        Suspend=text("spec.suspend", UNSET),
        Active=count("status.active"),
        Last__Schedule=since("status.lastScheduleTime"),
        Age=age,
    ),
    ("autoscaling", "HorizontalPodAutoscaler"): made(
        Reference=_reference("spec.scaleTargetRef"),
        Targets=_metrics,
        MinPods=text("spec.minReplicas", UNSET),
        MaxPods=number("spec.maxReplicas"),
        Replicas=number("status.currentReplicas"),
        Age=age,
    ),
    ("policy", "PodDisruptionBudget"): made(
        Min__Available=text("spec.minAvailable", "N/A"),
        Max__Unavailable=text("spec.maxUnavailable", "N/A"),
        Allowed__Disruptions=number("status.disruptionsAllowed"),
        Age=age,
    ),
}
