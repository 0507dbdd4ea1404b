"""Counts of requests under the names that Kubernetes' dashboards know, in Prometheus' text format."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping

from capstan.apiserver.audit.auditor import Auditor
from capstan.apiserver.exchange import Request
from capstan.apiserver.limits import Admission
from capstan.apiserver.requestinfo import RequestInfo

_BOUNDS = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
_VERBS = {
    "get": "GET",
    "list": "LIST",
    "watch": "WATCH",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "deletecollection": "DELETECOLLECTION",
}
_Key = tuple[str, str, str, str, str, str, str]


class _Series:
    """One histogram and the answers by code."""

    __slots__ = ("buckets", "codes", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(_BOUNDS) + 1)
        self.codes: dict[int, int] = {}
        self.seconds = 0.0


class AccessMetrics:
    """The number of series is bounded by the resources that are served, not by what clients ask for."""

    def __init__(self, admission: Admission, auditor: Auditor | None) -> None:
        self._admission = admission
        self._auditor = auditor
        self._series: dict[_Key, _Series] = {}

    def count(self, request: Request, info: RequestInfo, status: int, seconds: float, known: bool) -> None:
        route = info.route
        dry_run = "All" if "dryRun" in request.query else ""
        verb = _VERBS.get(info.verb, "GET" if info.is_read else "OTHER")
        if route is not None and known:
            subresource = route.subresource if len(route.subresource) < 20 and route.subresource.isalpha() else ""
            key = (verb, dry_run, route.group, route.version, route.plural, subresource, info.scope)
        else:
            key = (verb, "", "", "", "", "", "")
        series = self._series.get(key)
        if series is None:
            if len(self._series) > 20_000:
                return
            series = self._series[key] = _Series()
        series.codes[status] = series.codes.get(status, 0) + 1
        if verb != "WATCH":
            series.seconds += seconds
            series.buckets[bisect_left(_BOUNDS, seconds)] += 1

    def text(self, objects: Mapping[str, int]) -> str:
        return "\n".join([*self._requests(), *self._durations(), *self._present(), *self._objects(objects)]) + "\n"

    def _requests(self) -> Iterator[str]:
        yield "# HELP apiserver_request_total Requests that were answered, by what was asked for and the answer."
        yield "# TYPE apiserver_request_total counter"
        for key, series in self._series.items():
            labels = _labels(key)
            for code, count in sorted(series.codes.items()):
                yield f'apiserver_request_total{{code="{code}",component="apiserver",{labels}}} {count}'

    def _durations(self) -> Iterator[str]:
        name = "apiserver_request_duration_seconds"
        yield f"# HELP {name} Time from the whole request to its answer, without watches."
        yield f"# TYPE {name} histogram"
        for key, series in self._series.items():
            if key[0] == "WATCH":
                continue
            labels = f'component="apiserver",{_labels(key)}'
            total = 0
            for bound, count in zip(_BOUNDS, series.buckets, strict=False):
                total += count
                yield f'{name}_bucket{{{labels},le="{bound:g}"}} {total}'
            total += series.buckets[-1]
            yield f'{name}_bucket{{{labels},le="+Inf"}} {total}'
            yield f"{name}_sum{{{labels}}} {series.seconds:.6f}"
            yield f"{name}_count{{{labels}}} {total}"

    def _present(self) -> Iterator[str]:
        admission = self._admission
        yield "# HELP apiserver_current_inflight_requests Requests that run now."
        yield "# TYPE apiserver_current_inflight_requests gauge"
        for kind, count in admission.in_flight().items():
            yield f'apiserver_current_inflight_requests{{request_kind="{kind}"}} {count}'
        yield "# HELP apiserver_current_inqueue_requests Requests that wait for room."
        yield "# TYPE apiserver_current_inqueue_requests gauge"
        for level, count in admission.waiting():
            yield f'apiserver_current_inqueue_requests{{priority_level="{level}"}} {count}'
        yield "# HELP apiserver_longrunning_requests Watches that run now."
        yield "# TYPE apiserver_longrunning_requests gauge"
        yield f'apiserver_longrunning_requests{{verb="WATCH",component="apiserver"}} {admission.watches()}'
        yield "# HELP apiserver_flowcontrol_rejected_requests_total Requests that were answered with 429."
        yield "# TYPE apiserver_flowcontrol_rejected_requests_total counter"
        for (level, reason), count in sorted(admission.rejected.items()):
            labels = f'priority_level="{level}",reason="{reason}"'
            yield f"apiserver_flowcontrol_rejected_requests_total{{{labels}}} {count}"
        if self._auditor is not None:
            sink = self._auditor.sink
            yield "# HELP apiserver_audit_event_total Audit events that were written."
            yield "# TYPE apiserver_audit_event_total counter"
            yield f"apiserver_audit_event_total {sink.written}"
            yield "# HELP apiserver_audit_error_total Audit events that could not be written."
            yield "# TYPE apiserver_audit_error_total counter"
            yield f'apiserver_audit_error_total{{plugin="log"}} {sink.lost}'

    def _objects(self, objects: Mapping[str, int]) -> Iterator[str]:
        yield "# HELP apiserver_storage_objects Objects that are stored, by resource."
        yield "# TYPE apiserver_storage_objects gauge"
        for resource, count in sorted(objects.items()):
            yield f'apiserver_storage_objects{{resource="{resource}"}} {count}'


def _labels(key: _Key) -> str:
    verb, dry_run, group, version, resource, subresource, scope = key
    return (
        f'dry_run="{dry_run}",group="{group}",resource="{resource}",scope="{scope}",'
        f'subresource="{subresource}",verb="{verb}",version="{version}"'
    )
