"""The rows of services, of what they lead to and of how one gets to them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from capstan.api.kubernetes.rules.faults import value_at
from capstan.api.objects import Obj
from capstan.apiserver.cells.cell import NONE, UNSET, Rows, age, at, joined, made, selector, some, text

_NETWORK: Final = "networking.k8s.io"


def _external_addresses(obj: Obj, _: datetime) -> str:
    spec, kind = obj.get("spec") or {}, value_at(obj, "spec.type")
    if kind == "ExternalName":
        return str(spec.get("externalName", ""))
    given = [str(one) for one in spec.get("externalIPs") or ()]
    if kind == "LoadBalancer":
        ingress = value_at(obj, "status.loadBalancer.ingress") or ()
        found = [str(one.get("ip") or one.get("hostname") or "") for one in ingress] + given
        return ",".join(found) or "<pending>"
    return ",".join(given) or NONE


def _service_ports(obj: Obj, _: datetime) -> str:
    shown = []
    for port in value_at(obj, "spec.ports") or ():
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        shown.append(f"{port.get('port')}{node}/{port.get('protocol', 'TCP')}")
    return ",".join(shown) or NONE


def _endpoints(obj: Obj, _: datetime) -> str:
    found = [
        f"{address.get('ip', '')}:{port.get('port')}"
        for subset in obj.get("subsets") or ()
        for port in subset.get("ports") or ()
        for address in subset.get("addresses") or ()
    ]
    return some(found)


def _slice_addresses(obj: Obj, _: datetime) -> str:
    return some([str(address) for one in obj.get("endpoints") or () for address in one.get("addresses") or ()])


def _slice_ports(obj: Obj, _: datetime) -> str:
    return ",".join(str(port.get("port", "*")) for port in obj.get("ports") or ()) or UNSET


def _hosts(obj: Obj, _: datetime) -> str:
    return some([str(rule["host"]) for rule in value_at(obj, "spec.rules") or () if rule.get("host")], absent="*")


def _ingress_address(obj: Obj, _: datetime) -> str:
    found = value_at(obj, "status.loadBalancer.ingress") or ()
    return ",".join(str(one.get("ip") or one.get("hostname") or "") for one in found)


def _parent(obj: Obj, _: datetime) -> str:
    ref = value_at(obj, "spec.parentRef") or {}
    parts = (ref.get("resource"), ref.get("namespace"), ref.get("name"))
    return "/".join(str(part) for part in parts if part)


def _parameters(obj: Obj, _: datetime) -> str:
    ref = value_at(obj, "spec.parameters")
    if not ref:
        return NONE
    group = f".{ref['apiGroup']}" if ref.get("apiGroup") else ""
    return f"{ref.get('kind', '')}{group}/{ref.get('name', '')}"


ROWS: Final[Rows] = {
    ("", "Service"): made(
        [("Selector", selector("spec.selector"))],
        Type=at("spec.type"),
        Cluster_IP=text("spec.clusterIP"),
        External_IP=_external_addresses,
        **{"Port(s)": _service_ports},
        Age=age,
    ),
    ("", "Endpoints"): made(Endpoints=_endpoints, Age=age),
    (_NETWORK, "Ingress"): made(
        Class=text("spec.ingressClassName"),
        Hosts=_hosts,
        Address=_ingress_address,
        Ports=lambda obj, _: "80, 443" if value_at(obj, "spec.tls") else "80",
        Age=age,
    ),
    (_NETWORK, "IngressClass"): made(Controller=at("spec.controller"), Parameters=_parameters, Age=age),
    (_NETWORK, "NetworkPolicy"): made(Pod_Selector=selector("spec.podSelector"), Age=age),
    (_NETWORK, "IPAddress"): made(ParentRef=_parent, Age=age),
    (_NETWORK, "ServiceCIDR"): made(CIDRs=joined("spec.cidrs"), Age=age),
    ("discovery.k8s.io", "EndpointSlice"): made(
        AddressType=at("addressType"), Ports=_slice_ports, Endpoints=_slice_addresses, Age=age
    ),
}
