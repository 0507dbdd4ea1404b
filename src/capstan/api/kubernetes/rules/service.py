"""Rules of Services: ports and addresses. No packet is forwarded here, but the addresses are told apart. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final

from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest, Query
from capstan.api.kubernetes.rules.faults import duplicate, invalid, required, shown
from capstan.api.kubernetes.rules.podspec import port_faults
from capstan.api.objects import Obj

#: Where cluster addresses come from, and the one of the service `kubernetes`.
SERVICE_RANGE: Final = ipaddress.IPv4Network("10.96.0.0/12")
FIRST_ADDRESS: Final = str(SERVICE_RANGE[1])
_NODE_PORTS: Final = range(30000, 32768)
_ALL: Final = Query("", "Service")


def service_lookups(new: Obj) -> tuple[Query, ...]:
    """Other services, when this one needs an address or a port of its own."""
    spec = new.get("spec") or {}
    kind = spec.get("type") or "ClusterIP"
    needs_address = kind != "ExternalName" and not spec.get("clusterIP")
    needs_port = kind in ("NodePort", "LoadBalancer") and any(not p.get("nodePort") for p in spec.get("ports") or ())
    chosen = kind != "ExternalName" and spec.get("clusterIP") not in (None, "", "None")
    return (_ALL,) if needs_address or needs_port or chosen else ()


def admit_service(request: AdmissionRequest, new: Obj) -> Admission:
    if request.subresource:
        return Admission(new)
    others = [one for one in request.found.get(_ALL, ()) if one["metadata"]["uid"] != new["metadata"].get("uid")]
    spec = _with_defaults(new.get("spec") or {}, (request.old or {}).get("spec") or {})
    spec = _with_address(spec, others, new["metadata"])
    spec = _with_node_ports(spec, others)
    made = {**new, "spec": spec, "status": new.get("status") or {"loadBalancer": {}}}
    causes = [*_faults(spec), *_address_faults(spec, (request.old or {}).get("spec") or {}, others)]
    return Admission(made, tuple(causes))


def _with_defaults(given: Obj, old: Obj) -> Obj:
    spec = {"type": "ClusterIP", "sessionAffinity": "None", **given}
    kind = spec["type"]
    if "ports" in spec:
        spec["ports"] = [_with_target(port) for port in spec["ports"]]
    if spec["sessionAffinity"] == "ClientIP":
        spec.setdefault("sessionAffinityConfig", {"clientIP": {"timeoutSeconds": 10800}})
    else:
        spec.pop("sessionAffinityConfig", None)
    if kind == "ExternalName":
        for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"):
            spec.pop(name, None)
        return spec
    # An update that leaves the address out keeps it.
    if not spec.get("clusterIP") and old.get("clusterIP"):
        spec["clusterIP"] = old["clusterIP"]
    spec.setdefault("internalTrafficPolicy", "Cluster")
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    if kind in ("NodePort", "LoadBalancer"):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    else:
        spec.pop("externalTrafficPolicy", None)
        spec["ports"] = [{k: v for k, v in p.items() if k != "nodePort"} for p in spec.get("ports") or ()]
        if not spec["ports"]:
            del spec["ports"]
    if kind == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    return spec


def _with_target(port: Obj) -> Obj:
    made = {"protocol": "TCP", **port}
    if made.get("targetPort") in (None, 0, ""):
        made["targetPort"] = made.get("port", 0)
    return made


def _with_address(spec: Obj, others: Sequence[Obj], metadata: Obj) -> Obj:
    if spec["type"] == "ExternalName":
        return spec
    address = spec.get("clusterIP")
    if not address:
        taken = {(one.get("spec") or {}).get("clusterIP") for one in others}
        address = free_address(f"{metadata.get('namespace', '')}/{metadata.get('name', '')}", taken)
    family = "IPv6" if ":" in address else "IPv4"
    return {**spec, "clusterIP": address, "clusterIPs": [address], "ipFamilies": spec.get("ipFamilies") or [family]}


def free_address(name: str, taken: set[str | None]) -> str:
    """An address of the range that follows from the name, or the next free one. The first 16 are kept back."""
    size = SERVICE_RANGE.num_addresses - 17
    start = int.from_bytes(sha256(name.encode()).digest()[:8], "big") % size
    for step in range(size):
        address = str(SERVICE_RANGE[16 + (start + step) % size])
        if address not in taken:
            return address
    return ""


def _with_node_ports(spec: Obj, others: Sequence[Obj]) -> Obj:
    if spec["type"] not in ("NodePort", "LoadBalancer") or spec.get("allocateLoadBalancerNodePorts") is False:
        return spec
    taken = {p.get("nodePort") for one in others for p in (one.get("spec") or {}).get("ports") or ()}
    taken |= {p.get("nodePort") for p in spec.get("ports") or ()}
    ports = []
    for port in spec.get("ports") or ():
        if not port.get("nodePort"):
            free = next((number for number in _NODE_PORTS if number not in taken), 0)
            taken.add(free)
            port = {**port, "nodePort": free}
        ports.append(port)
    return {**spec, "ports": ports}


def _faults(spec: Obj) -> Iterator[FieldCause]:
    ports = spec.get("ports") or ()
    if spec["type"] == "ExternalName":
        if not spec.get("externalName"):
            yield required("spec.externalName")
    elif not ports and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    seen: set[object] = set()
    for index, port in enumerate(ports):
        path = f"spec.ports[{index}]"
        yield from port_faults(port.get("port"), f"{path}.port")
        name = port.get("name", "")
        if len(ports) > 1 and not name:
            yield required(f"{path}.name")
        for value in (name or None, (port.get("protocol"), port.get("port"))):
            if value is not None and value in seen:
                yield duplicate(f"{path}.name" if value == name else path, name or {"port": port.get("port")})
            seen.add(value)


def _address_faults(spec: Obj, old: Obj, others: Sequence[Obj]) -> Iterator[FieldCause]:
    address, before = spec.get("clusterIP"), old.get("clusterIP")
    if before and before != "None" and address != before and "ExternalName" not in (spec["type"], old.get("type")):
        yield invalid("spec.clusterIPs[0]", [address], "may not change once set")
    if address in (None, "None", before):
        return
    try:
        ipaddress.ip_address(address)
    except ValueError:
        why = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        yield invalid("spec.clusterIPs[0]", address, why)
        return
    if any((one.get("spec") or {}).get("clusterIP") == address for one in others):
        yield invalid(
            "spec.clusterIPs", [address], f"failed to allocate IP {shown(address)}: provided IP is already allocated"
        )
