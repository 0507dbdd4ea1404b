"""Rules of Jobs and CronJobs: generated selectors, and schedules that can be read. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.kubernetes.rules.apps import template_faults, with_template
from capstan.api.kubernetes.rules.faults import invalid, required, value_at
from capstan.api.objects import Obj

_UID: Final = "batch.kubernetes.io/controller-uid"
_NAME: Final = "batch.kubernetes.io/job-name"
_RESTART: Final = ("OnFailure", "Never")
_MONTHS: Final = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DAYS: Final = "sun|mon|tue|wed|thu|fri|sat"
#: The five fields of a schedule: lowest and highest number, and names that stand for numbers.
_FIELDS: Final = ((0, 59, ""), (0, 23, ""), (1, 31, ""), (1, 12, _MONTHS), (0, 6, _DAYS))
_NICKNAMES: Final = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")


def _job(request: AdmissionRequest, new: Obj) -> Admission:
    if request.subresource == "status":
        return Admission(new)
    spec = with_template(new.get("spec") or {})
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    if request.old is None and not spec.get("manualSelector"):
        spec = _selected(spec, new["metadata"])
    causes = [*template_faults(spec, _RESTART)]
    if not isinstance(spec.get("selector"), dict):
        causes.append(required("spec.selector"))
    return Admission({**new, "spec": spec}, tuple(causes))


def _selected(spec: Obj, metadata: Obj) -> Obj:
    """The selector that makes a Job's pods its own, by its uid."""
    name, uid = metadata["name"], metadata["uid"]
    template = spec["template"]
    within = template.get("metadata") or {}
    own = {_UID: uid, _NAME: name, "controller-uid": uid, "job-name": name}
    labels = {**(within.get("labels") or {}), **own}
    selector = {"matchLabels": {_UID: uid}}
    return {**spec, "selector": selector, "template": {**template, "metadata": {**within, "labels": labels}}}


def _cron_job(request: AdmissionRequest, new: Obj) -> Admission:
    if request.subresource == "status":
        return Admission(new)
    job = value_at(new, "spec.jobTemplate.spec") or {}
    job = with_template(job)
    spec = {**new["spec"], "jobTemplate": {**(new["spec"].get("jobTemplate") or {}), "spec": job}}
    causes = [*_schedule_faults(spec.get("schedule"))]
    for cause in template_faults(job, _RESTART):
        causes.append(FieldCause(f"spec.jobTemplate.{cause.field}", cause.message, cause.reason))
    return Admission({**new, "spec": spec}, tuple(causes))


def _schedule_faults(schedule: object) -> Iterator[FieldCause]:
    if not isinstance(schedule, str) or not schedule:
        yield required("spec.schedule")
        return
    if "TZ" in schedule:
        why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        yield invalid("spec.schedule", schedule, why)
        return
    if schedule in _NICKNAMES or re.fullmatch(r"@every [0-9.]+(ns|us|ms|s|m|h)([0-9.]+(ns|us|ms|s|m|h))*", schedule):
        return
    words = schedule.split()
    if len(words) != 5:
        yield invalid("spec.schedule", schedule, f"expected exactly 5 fields, found {len(words)}: {words}")
        return
    for word, (low, high, names) in zip(words, _FIELDS, strict=True):
        if not all(_is_range(part, low, high, names) for part in word.lower().split(",")):
            yield invalid("spec.schedule", schedule, f"failed to parse {word}")
            return


def _is_range(part: str, low: int, high: int, names: str) -> bool:
    """`*`, `5`, `1-5`, `mon-fri`, each perhaps with a `/step`."""
    span, slash, step = part.partition("/")
    if slash and not (step.isdigit() and int(step) > 0):
        return False
    if span in ("*", "?"):
        return True
    ends = span.split("-")
    numbers = [int(end) if end.isdigit() else (low if names and end in names.split("|") else -1) for end in ends]
    if len(ends) > 2 or any(not low <= number <= high for number in numbers):
        return False
    return len(numbers) == 1 or not all(end.isdigit() for end in ends) or numbers[0] <= numbers[1]


RULES: Final = {"Job": _job, "CronJob": _cron_job}
