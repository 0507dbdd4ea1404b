"""Rules of ingresses, network policies, addresses and address ranges. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Final

from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.kubernetes.rules.faults import invalid, required, value_at
from capstan.api.objects import Obj


def _policy(_: AdmissionRequest, new: Obj) -> Admission:
    spec = new.get("spec") or {}
    if not spec.get("policyTypes"):
        spec = {**spec, "policyTypes": ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]}
    return Admission({**new, "spec": spec})


def _ingress(request: AdmissionRequest, new: Obj) -> Admission:
    return Admission(new) if request.subresource else Admission(new, tuple(_ingress_faults(new.get("spec") or {})))


def _ingress_faults(spec: Obj) -> Iterator[FieldCause]:
    rules, backend = spec.get("rules") or (), spec.get("defaultBackend")
    if not rules and not backend:
        yield invalid("spec", spec, "either `defaultBackend` or `rules` must be specified")
    if backend:
        yield from _backend_faults(backend, "spec.defaultBackend")
    for index, rule in enumerate(rules):
        http = f"spec.rules[{index}].http"
        if "http" in rule and not value_at(rule, "http.paths"):
            yield required(f"{http}.paths")
        for number, path in enumerate(value_at(rule, "http.paths") or ()):
            at = f"{http}.paths[{number}]"
            text = path.get("path", "")
            if path.get("pathType") in ("Exact", "Prefix") and not text.startswith("/"):
                yield invalid(f"{at}.path", text, "must be an absolute path")
            yield from _backend_faults(path.get("backend") or {}, f"{at}.backend")


def _backend_faults(backend: Obj, path: str) -> Iterator[FieldCause]:
    service, resource = backend.get("service"), backend.get("resource")
    if service and resource:
        yield invalid(path, "", "cannot set both resource and service backends")
    elif not service and not resource:
        yield required(f"{path}", "resource or service backend is required")
    elif service and not service.get("name"):
        yield required(f"{path}.service.name")
    elif service and not (value_at(service, "port.name") or value_at(service, "port.number")):
        yield required(f"{path}.service.port", "port name or number is required")


def _address(_: AdmissionRequest, new: Obj) -> Admission:
    name = new["metadata"]["name"]
    causes: list[FieldCause] = []
    try:
        if str(ipaddress.ip_address(name)) != name:
            causes.append(invalid("metadata.name", name, "must be a valid address in its canonical format"))
    except ValueError:
        causes.append(invalid("metadata.name", name, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"))
    return Admission(new, tuple(causes))


def _range(request: AdmissionRequest, new: Obj) -> Admission:
    if request.subresource == "status":
        return Admission(new)
    cidrs = value_at(new, "spec.cidrs") or ()
    causes = [] if cidrs else [required("spec.cidrs", "at least one CIDR required")]
    for index, cidr in enumerate(cidrs):
        try:
            ipaddress.ip_network(cidr)
        except ValueError:
            why = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
            causes.append(invalid(f"spec.cidrs[{index}]", cidr, why))
    if request.old is None:
        since = new["metadata"].get("creationTimestamp")
        ready = {"type": "Ready", "status": "True", "reason": "", "message": "Kubernetes Service CIDR is ready"}
        new = {**new, "status": {"conditions": [{**ready, "lastTransitionTime": since}]}}
    return Admission(new, tuple(causes))


RULES: Final = {"NetworkPolicy": _policy, "Ingress": _ingress, "IPAddress": _address, "ServiceCIDR": _range}
