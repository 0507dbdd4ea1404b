"""The COSI resources of a machine that management planes read: Get, List and Watch over a snapshot (talos.md 4.7)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from capstan.providers.talos.channel import RpcError
from capstan.providers.talos.rpc import message
from capstan.sim.talos.api.replies import NOT_FOUND, PERMISSION_DENIED, stamp
from capstan.sim.talos.machine import Machine

_CREATED, _BOOTSTRAPPED = 0, 3


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource: `spec` is what its YAML form shows."""

    namespace: str
    type: str
    id: str
    spec: Any


def unmet_conditions(machine: Machine) -> list[dict[str, str]]:
    """Why a booting or running machine is not ready; nothing in other stages (talos.md 7.1)."""
    if machine.stage not in ("booting", "running"):
        return []
    required = ["apid", "machined"]
    if machine.config is not None:
        required += ["kubelet", *(["etcd", "trustd"] if machine.config.is_control_plane else [])]
    missing = []
    for name in required:
        service = machine.services.get(name)
        if service is None or service.state != "Running":
            missing.append(f"{name} not running")
        elif service.healthy is False:
            missing.append(f"{name} not healthy")
    conditions = []
    if not machine.addresses:
        conditions.append({"name": "network", "reason": "waiting on: address"})
    if missing:
        conditions.append({"name": "services", "reason": ", ".join(missing)})
    if machine.config is not None and machine.config.is_control_plane and machine.door is None:
        conditions.append({"name": "staticPods", "reason": f"kube-system/kube-apiserver-{machine.hostname} not ready"})
    if machine.config is not None and not (machine.kubelet and machine.kubelet.is_ready):
        conditions.append({"name": "nodeReady", "reason": f'node "{machine.hostname}" status is not available yet'})
    return conditions


def resources(machine: Machine) -> Iterator[Resource]:
    """Everything that this simulation knows of a machine in COSI's terms."""
    unmet = unmet_conditions(machine)
    status = {"ready": not unmet, "unmetConditions": unmet}
    yield Resource(
        "runtime", "MachineStatuses.runtime.talos.dev", "machine", {"stage": machine.stage, "status": status}
    )
    yield Resource(
        "network", "HostnameStatuses.net.talos.dev", "hostname", {"hostname": machine.hostname, "domainname": ""}
    )
    addresses = [address for link in machine.links for address in link.addresses]
    for name in ("current", "default", "routed", "accumulative"):
        shown = addresses[:1] if name == "default" else addresses
        yield Resource("network", "NodeAddresses.net.talos.dev", name, {"addresses": shown, "sortAlgorithm": "v1"})
    for service in machine.services:
        healthy, unknown = bool(service.healthy), service.healthy is None
        spec = {"running": service.state == "Running", "healthy": healthy, "unknown": unknown}
        yield Resource("runtime", "Services.v1alpha1.talos.dev", service.id, spec)
    yield Resource(
        "runtime", "TimeStatuses.v1alpha1.talos.dev", "node", {"synced": True, "epoch": 1, "syncDisabled": False}
    )
    config = machine.config
    if config is None:
        return
    yield Resource("config", "MachineTypes.config.talos.dev", "machine-type", config.machine_type)
    for name in ("v1alpha1", "persistent"):
        yield Resource("config", "MachineConfigs.config.talos.dev", name, config.text.decode())
    if machine.etcd_member is not None:
        yield Resource("etcd", "EtcdMembers.etcd.talos.dev", "local", {"memberID": f"{machine.etcd_member.id:016x}"})
    yield Resource(
        "k8s",
        "Nodenames.kubernetes.talos.dev",
        "nodename",
        {"nodename": machine.hostname, "skipNodeRegistration": config.skip_node_registration},
    )
    if machine.kubelet is not None and machine.kubelet.is_registered:
        node = {"nodename": machine.hostname, "nodeReady": machine.kubelet.is_ready, "unschedulable": False}
        yield Resource("k8s", "NodeStatuses.kubernetes.talos.dev", machine.hostname, node)
    if config.discovery and machine.site is not None:
        yield from _members(machine)


def _members(machine: Machine) -> Iterator[Resource]:
    assert machine.site is not None
    for peer in machine.site.peers:
        if isinstance(peer, Machine) and peer.config is not None and peer.config.discovery:
            spec = {
                "nodeId": peer.vm.uuid,
                "addresses": list(peer.addresses),
                "hostname": peer.hostname,
                "machineType": peer.config.machine_type,
                "operatingSystem": f"Talos ({peer.image.version})",
            }
            yield Resource("cluster", "Members.cluster.talos.dev", peer.hostname, spec)


_SENSITIVE = {"MachineConfigs.config.talos.dev"}


def _select(machine: Machine, namespace: str, kind: str, roles: frozenset[str]) -> list[Resource]:
    """Refuses secrets to all but admins, and types that it does not know, as the access policy does."""
    known = list(resources(machine))
    if kind in _SENSITIVE and "os:admin" not in roles:
        raise RpcError(PERMISSION_DENIED, "not authorized")
    if not kind.endswith(".talos.dev"):
        raise RpcError(PERMISSION_DENIED, f'resource type "{kind}" is not registered')
    return [resource for resource in known if resource.namespace == namespace and resource.type == kind]


def _encode(machine: Machine, resource: Resource) -> Any:
    text = resource.spec if isinstance(resource.spec, str) else yaml.safe_dump(resource.spec, sort_keys=False)
    built = message("cosi.resource.Resource")(
        metadata={
            "namespace": resource.namespace,
            "type": resource.type,
            "id": resource.id,
            "version": "1",
            "phase": "running",
        },
        spec={"yaml_spec": text},
    )
    now = machine.environment.clock.now()
    built.metadata.created.CopyFrom(stamp(now))
    built.metadata.updated.CopyFrom(stamp(now))
    return built


async def get(machine: Machine, request: Any, roles: frozenset[str]) -> Any:
    for resource in _select(machine, request.namespace, request.type, roles):
        if resource.id == request.id:
            return message("cosi.resource.GetResponse")(resource=_encode(machine, resource))
    raise RpcError(NOT_FOUND, f"resource {request.type}({request.namespace}/{request.id}) doesn't exist")


async def list_all(machine: Machine, request: Any, roles: frozenset[str]) -> AsyncIterator[Any]:
    for resource in sorted(_select(machine, request.namespace, request.type, roles), key=lambda r: r.id):
        yield message("cosi.resource.ListResponse")(resource=_encode(machine, resource))


async def watch(machine: Machine, request: Any, roles: frozenset[str]) -> AsyncIterator[Any]:
    """The state now as CREATED events, and again whenever the machine changes its stage."""
    if request.api_version >= 1:
        yield message("cosi.resource.WatchResponse")()
    seen = -1
    while True:
        for resource in _select(machine, request.namespace, request.type, roles):
            if not request.id or resource.id == request.id:
                event = {"resource": _encode(machine, resource), "event_type": _CREATED if seen < 0 else 1}
                yield message("cosi.resource.WatchResponse")(event=[event])
        if seen < 0 and request.options.bootstrap_contents:
            yield message("cosi.resource.WatchResponse")(event=[{"event_type": _BOOTSTRAPPED}])
        seen = machine.events.last
        await machine.events.after(seen)
