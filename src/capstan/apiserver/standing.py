"""Objects that every Kubernetes has: its namespaces, the service `kubernetes`, the classes and levels of the system.

They are made when the server starts and they are not there; what somebody made of them since is left as it is.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from functools import partial
from typing import Final

from capstan.api.errors import ApiError, is_already_exists
from capstan.api.kubernetes.rules.scheduling import SYSTEM
from capstan.api.kubernetes.rules.service import FIRST_ADDRESS, SERVICE_RANGE
from capstan.api.objects import Obj
from capstan.api.verbs import User, WriteOptions
from capstan.apiserver.backend import Backend
from capstan.apiserver.namespaces import ALWAYS
from capstan.apiserver.resources import Served
from capstan.apiserver.writing import Change, Writer

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_FLOW: Final = "flowcontrol.apiserver.k8s.io"
_AUTOUPDATE: Final = {"annotations": {"apf.kubernetes.io/autoupdate-spec": "true"}}
_EVERYONE: Final = ("system:authenticated", "system:unauthenticated")


async def make_standing(backend: Backend, writer: Writer, user: User) -> None:
    """Create what is missing."""
    for group, kind, namespace, body in standing():
        served = backend.registry.by_kind(group, kind)
        if served is not None:
            await _make(backend, writer, user, served, namespace, body)


async def announce(backend: Backend, writer: Writer, user: User, host: str, port: int) -> None:
    """Say where the service `kubernetes` leads; only when that is not yet said."""
    for group, kind, namespace, body in _endpoints(ipaddress.ip_address(host), port):
        served = backend.registry.by_kind(group, kind)
        if served is None:
            continue
        name = body["metadata"]["name"]
        if await backend.store.get(served.prefix, namespace, name) is None:
            await _make(backend, writer, user, served, namespace, body)
        fields = {key: value for key, value in body.items() if key != "metadata"}
        change = Change(name, partial(_with, fields), WriteOptions(), user)
        await writer.change(served.stored(namespace), change)


def _with(fields: Obj, current: Obj) -> Obj:
    return {**current, **fields}


async def _make(backend: Backend, writer: Writer, user: User, served: Served, namespace: str, body: Obj) -> None:
    if await backend.store.get(served.prefix, namespace, body["metadata"]["name"]) is not None:
        return
    try:
        await writer.create(served.stored(namespace), body, WriteOptions(), user)
    except ApiError as error:
        if not is_already_exists(error):
            raise


def standing() -> Iterator[tuple[str, str, str, Obj]]:
    """(group, kind, namespace, object) of each, namespaces first."""
    for name in ALWAYS:
        yield "", "Namespace", "", {"metadata": {"name": name}}
    for name, value in SYSTEM.items():
        about = "Used for system critical pods that must not be moved from their current " + name.split("-")[1] + "."
        yield "scheduling.k8s.io", "PriorityClass", "", _named(name, value=value, description=about)
    yield "networking.k8s.io", "ServiceCIDR", "", _named("kubernetes", spec={"cidrs": [str(SERVICE_RANGE)]})
    yield "", "Service", "default", _service()
    yield from _flow_control()


def _named(name: str, *, metadata: Obj | None = None, **fields: object) -> Obj:
    return {"metadata": {"name": name, **(metadata or {})}, **fields}


def _service() -> Obj:
    labels = {"component": "apiserver", "provider": "kubernetes"}
    port = {"name": "https", "protocol": "TCP", "port": 443, "targetPort": 6443}
    spec = {"type": "ClusterIP", "clusterIP": FIRST_ADDRESS, "ports": [port], "sessionAffinity": "None"}
    return _named("kubernetes", metadata={"labels": labels}, spec=spec)


def _endpoints(found: Address, port: int) -> Iterator[tuple[str, str, str, Obj]]:
    ports = [{"name": "https", "port": port, "protocol": "TCP"}]
    mirrored = {"labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}}
    subsets = [{"addresses": [{"ip": str(found)}], "ports": ports}]
    yield "", "Endpoints", "default", _named("kubernetes", metadata=mirrored, subsets=subsets)
    labels = {"labels": {"kubernetes.io/service-name": "kubernetes"}}
    family = f"IPv{found.version}"
    ready = [{"addresses": [str(found)], "conditions": {"ready": True}}]
    slice_ = _named("kubernetes", metadata=labels, addressType=family, endpoints=ready, ports=ports)
    yield "discovery.k8s.io", "EndpointSlice", "default", slice_


def _flow_control() -> Iterator[tuple[str, str, str, Obj]]:
    """The two levels that Kubernetes cannot do without, and the rules that lead to them."""
    exempt = {"type": "Exempt", "exempt": {}}
    limited = {"nominalConcurrencyShares": 5, "limitResponse": {"type": "Reject"}}
    yield _FLOW, "PriorityLevelConfiguration", "", _named("exempt", metadata=_AUTOUPDATE, spec=exempt)
    catching = {"type": "Limited", "limited": limited}
    yield _FLOW, "PriorityLevelConfiguration", "", _named("catch-all", metadata=_AUTOUPDATE, spec=catching)
    for name, precedence, groups in (("exempt", 1, ("system:masters",)), ("catch-all", 10000, _EVERYONE)):
        spec: Obj = {
            "priorityLevelConfiguration": {"name": name},
            "matchingPrecedence": precedence,
            "rules": [_anything_by(groups)],
        }
        if name == "catch-all":
            spec["distinguisherMethod"] = {"type": "ByUser"}
        yield _FLOW, "FlowSchema", "", _named(name, metadata=_AUTOUPDATE, spec=spec)


def _anything_by(groups: tuple[str, ...]) -> Obj:
    every = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True, "namespaces": ["*"]}
    return {
        "subjects": [{"kind": "Group", "group": {"name": group}} for group in groups],
        "resourceRules": [every],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
    }
