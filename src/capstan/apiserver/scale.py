"""The scale subresource: an autoscaling/v1 Scale as a view of three fields of the object."""

from __future__ import annotations

from typing import Any

from capstan.api.errors import FieldCause, bad_request, invalid
from capstan.api.kinds import ScalePaths
from capstan.api.objects import Obj
from capstan.api.rules.causes import shown
from capstan.apiserver.resources import Target, no_such_resource

MAX_REPLICAS = 2**31 - 1
#: apiVersion and kind of what is applied to the scale subresource.
SCALE = ("autoscaling/v1", "Scale")


def _path(text: str) -> tuple[str, ...]:
    return tuple(text.lstrip(".").split("."))


def _at(obj: Any, path: str) -> Any:
    for name in _path(path):
        obj = obj.get(name) if isinstance(obj, dict) else None
    return obj


def _with(obj: Any, path: tuple[str, ...], value: Any) -> Obj:
    """A copy of the levels above `path` with the value put there."""
    current = obj if isinstance(obj, dict) else {}
    if len(path) == 1:
        return {**current, path[0]: value}
    return {**current, path[0]: _with(current.get(path[0]), path[1:], value)}


def paths_of(target: Target) -> ScalePaths:
    if target.version.scale is None:
        raise no_such_resource()
    return target.version.scale


def scale_of(target: Target, obj: Obj) -> Obj:
    """The Scale of an object in the version asked for."""
    paths, metadata = paths_of(target), obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    status: Obj = {"replicas": _at(obj, paths.status_replicas) or 0}
    if paths.label_selector and (text := _at(obj, paths.label_selector)):
        status["selector"] = selector_text(text)
    replicas = _at(obj, paths.spec_replicas)
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in kept if name in metadata},
        "spec": {} if replicas is None else {"replicas": replicas},
        "status": status,
    }


def selector_text(value: Any) -> str:
    """A selector as one text: custom resources keep it so, built-in workloads as an object or as plain labels."""
    if not isinstance(value, dict):
        return str(value)
    is_plain = "matchLabels" not in value and "matchExpressions" not in value
    labels = value if is_plain else value.get("matchLabels") or {}
    terms = {key: f"{key}={label}" for key, label in labels.items()}
    for one in () if is_plain else value.get("matchExpressions") or ():
        key, values = one.get("key", ""), ",".join(sorted(one.get("values") or ()))
        written = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "DoesNotExist": f"!{key}"}
        terms[key] = written.get(one.get("operator", ""), key)
    return ",".join(terms[key] for key in sorted(terms))


def scaled(target: Target, obj: Obj, scale: Obj) -> Obj:
    """The object with the replicas of a Scale, and with its resourceVersion and uid as preconditions."""
    spec = scale.get("spec") or {}
    if not isinstance(spec, dict):
        raise bad_request("the spec of a Scale must be an object")
    name = obj["metadata"]["name"]
    replicas = spec.get("replicas")
    if replicas is None:
        raise invalid("Scale.autoscaling", name, [FieldCause("spec.replicas", "Required value", "FieldValueRequired")])
    if type(replicas) is not int or not 0 <= replicas <= MAX_REPLICAS:
        message = f"Invalid value: {shown(replicas)}: must be an integer from 0 to {MAX_REPLICAS}"
        raise invalid("Scale.autoscaling", name, [FieldCause("spec.replicas", message)])
    sent = scale.get("metadata") or {}
    if sent.get("name", name) != name:
        raise bad_request(f"the name of the object ({sent['name']}) does not match the name on the URL ({name})")
    metadata = dict(obj["metadata"])
    for field in ("resourceVersion", "uid"):
        if sent.get(field):
            metadata[field] = sent[field]
    return _with({**obj, "metadata": metadata}, _path(paths_of(target).spec_replicas), replicas)


def scale_config(target: Target, live: Obj, scale: Obj) -> Obj:
    """What an apply of a Scale states of the object: its replicas, with the resourceVersion and uid as
    preconditions."""
    checked = scaled(target, live, scale)
    sent = scale.get("metadata") or {}
    kept = {name: sent[name] for name in ("name", "namespace", "resourceVersion", "uid") if sent.get(name)}
    path = _path(paths_of(target).spec_replicas)
    whole: Obj = {"apiVersion": target.api_version, "kind": target.served.kind, "metadata": kept}
    return _with(whole, path, _at(checked, paths_of(target).spec_replicas))
