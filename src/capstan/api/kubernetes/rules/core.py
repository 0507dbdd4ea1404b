"""Rules of the core group's kinds: pods, services, quotas, volumes, events; ConfigMap and Secret have their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import replace

from capstan.api.core.admission import admit_config_map, admit_secret
from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.kubernetes.rules.faults import forbidden, invalid, value_at
from capstan.api.kubernetes.rules.podspec import pod_spec_faults, with_pull_policies
from capstan.api.kubernetes.rules.service import admit_service, service_lookups
from capstan.api.objects import Obj

_MUTABLE_IN_POD: Final = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates")


def _secret(request: AdmissionRequest, new: Obj) -> Admission:
    return admit_secret(replace(request, new=new))


def _config_map(request: AdmissionRequest, new: Obj) -> Admission:
    return admit_config_map(replace(request, new=new))


def _pod(request: AdmissionRequest, new: Obj) -> Admission:
    if request.subresource == "status":
        return Admission(new)
    spec = with_pull_policies(new.get("spec") or {})
    if not spec.get("serviceAccountName"):
        spec = {**spec, "serviceAccountName": "default", "serviceAccount": "default"}
    new = {**new, "spec": _with_requests(spec)}
    if request.old is None:
        status = {"phase": "Pending", **(new.get("status") or {}), "qosClass": _qos_class(spec)}
        return Admission({**new, "status": status}, tuple(pod_spec_faults(spec, "spec")))
    return Admission(new, tuple(_pod_change_faults(request.old, new)))


def _with_requests(spec: Obj) -> Obj:
    """Requests default to the limits of the same container."""
    containers = []
    for container in spec.get("containers") or ():
        resources = container.get("resources") or {}
        limits = resources.get("limits")
        if limits:
            resources = {**resources, "requests": {**limits, **(resources.get("requests") or {})}}
            container = {**container, "resources": resources}
        containers.append(container)
    return {**spec, "containers": containers} if containers else spec


def _qos_class(spec: Obj) -> str:
    """Guaranteed, Burstable or BestEffort, by the processor and memory that the containers ask for."""
    asked = [container.get("resources") or {} for container in spec.get("containers") or ()]
    if not any(part.get("requests") or part.get("limits") for part in asked):
        return "BestEffort"
    for part in asked:
        limits, requests = part.get("limits") or {}, part.get("requests") or part.get("limits") or {}
        if any(name not in limits or limits[name] != requests.get(name) for name in ("cpu", "memory")):
            return "Burstable"
    return "Guaranteed"


def _pod_change_faults(old: Obj, new: Obj) -> Iterator[FieldCause]:
    if _fixed(old.get("spec") or {}) != _fixed(new.get("spec") or {}):
        why = (
            "pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
            "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
            "previously negative)"
        )
        yield forbidden("spec", why)


def _fixed(spec: Obj) -> Obj:
    """What of a pod never changes."""
    kept = {name: value for name, value in spec.items() if name not in _MUTABLE_IN_POD}
    for name in ("containers", "initContainers"):
        if name in kept:
            kept[name] = [{k: v for k, v in c.items() if k not in ("image", "imagePullPolicy")} for c in kept[name]]
    return kept


def _pod_template(_: AdmissionRequest, new: Obj) -> Admission:
    spec = with_pull_policies(value_at(new, "template.spec") or {})
    new = {**new, "template": {**(new.get("template") or {}), "spec": spec}}
    return Admission(new, tuple(pod_spec_faults(spec, "template.spec")))


def _controller(request: AdmissionRequest, new: Obj) -> Admission:
    """A ReplicationController: selector and labels follow its template's labels where they are missing."""
    if request.subresource == "status":
        return Admission(new)
    spec: Obj = dict(new.get("spec") or {})
    labels = value_at(spec, "template.metadata.labels") or {}
    spec.setdefault("replicas", 1)
    if labels and not spec.get("selector"):
        spec["selector"] = labels
    metadata = new["metadata"]
    if labels and not metadata.get("labels"):
        metadata = {**metadata, "labels": labels}
    causes = []
    if isinstance(spec.get("template"), dict):
        template = spec["template"]
        spec["template"] = {**template, "spec": with_pull_policies(template.get("spec") or {})}
        causes = list(pod_spec_faults(spec["template"]["spec"], "spec.template.spec"))
        if any(labels.get(key) != value for key, value in (spec.get("selector") or {}).items()):
            causes.append(
                invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
            )
    return Admission({**new, "metadata": metadata, "spec": spec}, tuple(causes))


def _limit_range(_: AdmissionRequest, new: Obj) -> Admission:
    limits = []
    for limit in value_at(new, "spec.limits") or ():
        if limit.get("type") == "Container":
            limit = dict(limit)
            for name, sources in (("default", ("max",)), ("defaultRequest", ("default", "min"))):
                given: dict[str, Any] = {}
                for source in reversed(sources):
                    given |= limit.get(source) or {}
                given |= limit.get(name) or {}
                if given:
                    limit[name] = given
        limits.append(limit)
    return Admission({**new, "spec": {**(new.get("spec") or {}), "limits": limits}})


def _volume(request: AdmissionRequest, new: Obj) -> Admission:
    if request.old is not None:
        return Admission(new)
    return Admission({**new, "status": {"phase": "Pending", **(new.get("status") or {})}})


def _event(request: AdmissionRequest, new: Obj) -> Admission:
    """An Event: it lives where the object lives that it is about."""
    if request.old is not None:
        return Admission(new)
    place, about = new["metadata"].get("namespace", ""), value_at(new, "involvedObject.namespace") or ""
    if about and place != about:
        return Admission(new, (invalid("involvedObject.namespace", about, "does not match event.namespace"),))
    if not about and place not in ("default", "kube-system"):
        return Admission(new, (invalid("involvedObject.namespace", about, "does not match event.namespace"),))
    return Admission(new)


RULES: Final = {
    "Secret": _secret,
    "ConfigMap": _config_map,
    "Pod": _pod,
    "PodTemplate": _pod_template,
    "ReplicationController": _controller,
    "LimitRange": _limit_range,
    "PersistentVolume": _volume,
    "PersistentVolumeClaim": _volume,
    "Event": _event,
    "Service": admit_service,
}


LOOKUPS: Final = {"Service": service_lookups}
