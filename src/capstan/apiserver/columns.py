"""The columns of built-in kinds, as kube-apiserver prints them, and ages as kubectl writes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from capstan.api.objects import Obj

#: The cells of one object at a moment.
Cells = Callable[[Obj, datetime], list[Any]]

_ROLE_LABEL = "node-role.kubernetes.io/"
_OLD_ROLE_LABEL = "kubernetes.io/role"


def human_duration(span: timedelta) -> str:
    """A span as apimachinery's HumanDuration writes it: `5m3s`, `3h20m`, `2d3h`, `9d`, `2y45d`."""
    seconds = int(span.total_seconds()) if span >= timedelta(0) else -1
    if span <= timedelta(seconds=-2):
        return "<invalid>"
    if seconds < 0:
        return "0s"
    minutes, hours = seconds // 60, seconds // 3600
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return _pair(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _pair(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return _pair(hours // 24, "d", hours % 24, "h")
    if hours < 24 * 365 * 2:
        return f"{hours // 24}d"
    if hours < 24 * 365 * 8:
        return _pair(hours // 24 // 365, "y", hours // 24 % 365, "d")
    return f"{hours // 24 // 365}y"


def _pair(first: int, first_unit: str, second: int, second_unit: str) -> str:
    return f"{first}{first_unit}{second}{second_unit}" if second else f"{first}{first_unit}"


def human_age(timestamp: Any, now: datetime) -> str:
    """The time since an RFC 3339 timestamp; `<unknown>` without one, `<invalid>` for what is none."""
    if not timestamp:
        return "<unknown>"
    try:
        moment = datetime.fromisoformat(str(timestamp).replace("Z", "+00:00"))
    except ValueError:
        return "<invalid>"
    if moment.tzinfo is None:
        return "<invalid>"
    return human_duration(now - moment)


def _age(obj: Obj, now: datetime) -> str:
    return human_age(obj["metadata"].get("creationTimestamp"), now)


def _name(obj: Obj) -> str:
    return str(obj["metadata"].get("name", ""))


def _namespace(obj: Obj, now: datetime) -> list[Any]:
    return [_name(obj), obj.get("status", {}).get("phase", ""), _age(obj, now)]


def _secret(obj: Obj, now: datetime) -> list[Any]:
    return [_name(obj), obj.get("type", ""), len(obj.get("data") or {}), _age(obj, now)]


def _config_map(obj: Obj, now: datetime) -> list[Any]:
    return [_name(obj), len(obj.get("data") or {}) + len(obj.get("binaryData") or {}), _age(obj, now)]


def _service_account(obj: Obj, now: datetime) -> list[Any]:
    return [_name(obj), len(obj.get("secrets") or ()), _age(obj, now)]


def _lease(obj: Obj, now: datetime) -> list[Any]:
    return [_name(obj), obj.get("spec", {}).get("holderIdentity") or "", _age(obj, now)]


def _crd(obj: Obj, now: datetime) -> list[Any]:
    return [_name(obj), obj["metadata"].get("creationTimestamp", "")]


def _role(obj: Obj, now: datetime) -> list[Any]:
    return [_name(obj), obj["metadata"].get("creationTimestamp", "")]


def _binding(obj: Obj, now: datetime) -> list[Any]:
    ref = obj.get("roleRef", {})
    named: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for subject in obj.get("subjects") or ():
        name = subject.get("name", "")
        shown = f"{subject.get('namespace', '')}/{name}" if subject.get("kind") == "ServiceAccount" else name
        named.setdefault(subject.get("kind", ""), []).append(shown)
    subjects = [", ".join(named[kind]) for kind in ("User", "Group", "ServiceAccount")]
    return [_name(obj), f"{ref.get('kind', '')}/{ref.get('name', '')}", _age(obj, now), *subjects]


def _event(obj: Obj, now: datetime) -> list[Any]:
    about = obj.get("involvedObject") or obj.get("regarding") or {}
    source = obj.get("source") or obj.get("deprecatedSource") or {}
    series = obj.get("series") or {}
    event_time = obj.get("eventTime")
    first = obj.get("firstTimestamp") or obj.get("deprecatedFirstTimestamp") or event_time
    last = series.get("lastObservedTime") or obj.get("lastTimestamp") or obj.get("deprecatedLastTimestamp") or first
    count = series.get("count") or obj.get("count") or obj.get("deprecatedCount") or 1
    target = f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"
    message = str(obj.get("message") or obj.get("note") or "").strip()
    return [
        human_age(last, now),
        obj.get("type", ""),
        obj.get("reason", ""),
        target,
        about.get("fieldPath", ""),
        _source(source, obj),
        message,
        human_age(first, now),
        count,
        _name(obj),
    ]


def _source(source: Obj, obj: Obj) -> str:
    component = source.get("component") or obj.get("reportingComponent") or obj.get("reportingController") or ""
    host = source.get("host") or obj.get("reportingInstance") or ""
    return ", ".join(part for part in (component, host) if part)


def _node(obj: Obj, now: datetime) -> list[Any]:
    status = obj.get("status", {})
    info = status.get("nodeInfo", {})
    addresses: dict[str, str] = {}
    for address in status.get("addresses") or ():
        addresses.setdefault(address.get("type", ""), address.get("address", ""))
    return [
        _name(obj),
        _node_status(obj),
        ",".join(_node_roles(obj)) or "<none>",
        _age(obj, now),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP") or "<none>",
        addresses.get("ExternalIP") or "<none>",
        info.get("osImage") or "<unknown>",
        info.get("kernelVersion") or "<unknown>",
        info.get("containerRuntimeVersion") or "<unknown>",
    ]


def _node_status(obj: Obj) -> str:
    conditions = obj.get("status", {}).get("conditions") or ()
    ready = next((c for c in conditions if c.get("type") == "Ready"), None)
    parts = ["Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"]
    if obj.get("spec", {}).get("unschedulable"):
        parts.append("SchedulingDisabled")
    return ",".join(parts)


def _node_roles(obj: Obj) -> list[str]:
    roles = set()
    for label, value in (obj["metadata"].get("labels") or {}).items():
        if label.startswith(_ROLE_LABEL) and len(label) > len(_ROLE_LABEL):
            roles.add(label.removeprefix(_ROLE_LABEL))
        elif label == _OLD_ROLE_LABEL and value:
            roles.add(value)
    return sorted(roles)


def _pod(obj: Obj, now: datetime) -> list[Any]:
    spec, status = obj.get("spec", {}), obj.get("status", {})
    states = status.get("containerStatuses") or ()
    restarts = sum(state.get("restartCount", 0) for state in states)
    ready = sum(1 for state in states if state.get("ready"))
    gates = spec.get("readinessGates") or ()
    passed = {c.get("type") for c in status.get("conditions") or () if c.get("status") == "True"}
    return [
        _name(obj),
        f"{ready}/{len(spec.get('containers') or ())}",
        _pod_status(obj),
        str(restarts),
        _age(obj, now),
        status.get("podIP") or "<none>",
        spec.get("nodeName") or "<none>",
        status.get("nominatedNodeName") or "<none>",
        f"{sum(g.get('conditionType') in passed for g in gates)}/{len(gates)}" if gates else "<none>",
    ]


def _pod_status(obj: Obj) -> str:
    status = obj.get("status", {})
    if obj["metadata"].get("deletionTimestamp"):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    for state in reversed(status.get("containerStatuses") or ()):
        now = state.get("state", {})
        reason = (now.get("waiting") or {}).get("reason") or (now.get("terminated") or {}).get("reason")
        if reason:
            return str(reason)
    return str(status.get("reason") or status.get("phase") or "Unknown")


def column(name: str, type_: str = "string", priority: int = 0) -> Obj:
    """The definition of a column, with a description where there is more to say than its name."""
    return {
        "name": name,
        "type": type_,
        "format": "name" if name == "Name" else "",
        "description": _ABOUT.get(name, ""),
        "priority": priority,
    }


_ABOUT = {
    "Name": "Name must be unique within a namespace.",
    "Age": "When the object was created, as the time since then.",
    "Created At": "When the object was created.",
    "Status": "The state of the object.",
    "Type": "What kind of data or event this is.",
    "Data": "How many entries the object holds.",
    "Secrets": "How many secrets the account lists.",
    "Holder": "Who holds the lease.",
    "Roles": "The roles of the node, from its labels.",
    "Version": "The version of the node's kubelet.",
    "Internal-IP": "The address of the node inside its network.",
    "External-IP": "The address of the node outside its network.",
    "Last Seen": "The time since the event was last seen.",
    "First Seen": "The time since the event was first seen.",
    "Reason": "Why this happened, in one word.",
    "Object": "What the event is about.",
    "Message": "What happened.",
    "Count": "How often this happened.",
}  # fmt: skip

_WIDE = 1
_NAMED = [column("Name")]
_AGED = [column("Age")]

#: (group, kind) -> column definitions and the cells of a row.
BUILTIN: dict[tuple[str, str], tuple[list[Obj], Cells]] = {
    ("", "Namespace"): ([*_NAMED, column("Status"), *_AGED], _namespace),
    ("", "Secret"): ([*_NAMED, column("Type"), column("Data"), *_AGED], _secret),
    ("", "ConfigMap"): ([*_NAMED, column("Data"), *_AGED], _config_map),
    ("", "ServiceAccount"): ([*_NAMED, column("Secrets"), *_AGED], _service_account),
    ("coordination.k8s.io", "Lease"): ([*_NAMED, column("Holder"), *_AGED], _lease),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): ([*_NAMED, column("Created At", "date")], _crd),
    ("rbac.authorization.k8s.io", "Role"): ([*_NAMED, column("Created At", "date")], _role),
    ("rbac.authorization.k8s.io", "ClusterRole"): ([*_NAMED, column("Created At", "date")], _role),
}

_EVENT = (
    [
        column("Last Seen"),
        column("Type"),
        column("Reason"),
        column("Object"),
        column("Subobject", priority=_WIDE),
        column("Source", priority=_WIDE),
        column("Message"),
        column("First Seen", priority=_WIDE),
        column("Count", priority=_WIDE),
        column("Name", priority=_WIDE),
    ],
    _event,
)
_BINDING = (
    [
        *_NAMED,
        column("Role"),
        *_AGED,
        column("Users", priority=_WIDE),
        column("Groups", priority=_WIDE),
        column("ServiceAccounts", priority=_WIDE),
    ],
    _binding,
)
BUILTIN[("", "Event")] = BUILTIN[("events.k8s.io", "Event")] = _EVENT
BUILTIN[("rbac.authorization.k8s.io", "RoleBinding")] = _BINDING
BUILTIN[("rbac.authorization.k8s.io", "ClusterRoleBinding")] = _BINDING
BUILTIN[("", "Node")] = (
    [
        *_NAMED,
        column("Status"),
        column("Roles"),
        *_AGED,
        column("Version"),
        column("Internal-IP", priority=_WIDE),
        column("External-IP", priority=_WIDE),
        column("OS-Image", priority=_WIDE),
        column("Kernel-Version", priority=_WIDE),
        column("Container-Runtime", priority=_WIDE),
    ],
    _node,
)
BUILTIN[("", "Pod")] = (
    [
        *_NAMED,
        column("Ready"),
        column("Status"),
        column("Restarts", "integer"),
        *_AGED,
        column("IP", priority=_WIDE),
        column("Node", priority=_WIDE),
        column("Nominated Node", priority=_WIDE),
        column("Readiness Gates", priority=_WIDE),
    ],
    _pod,
)
