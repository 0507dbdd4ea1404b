"""Rules of certificate requests: who asked is the server's to say, and decisions come through /approval. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any, Final

from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.kubernetes.rules.faults import forbidden, invalid, required, value_at
from capstan.api.objects import Obj

_DECISIONS: Final = ("Approved", "Denied")
_PEM: Final = b"-----BEGIN CERTIFICATE REQUEST-----"


def _request(request: AdmissionRequest, new: Obj) -> Admission:
    if request.old is None:
        spec = {k: v for k, v in (new.get("spec") or {}).items() if k not in ("uid", "groups", "extra")}
        spec |= {"username": request.user, "groups": ["system:authenticated"]}
        return Admission({**new, "spec": spec}, tuple(_spec_faults(spec)))
    old = request.old
    if request.subresource == "":
        return Admission({**new, "spec": old.get("spec") or {}})
    if request.subresource == "approval":
        status: Obj = {**(old.get("status") or {}), "conditions": _stamped(new)}
        if not status["conditions"]:
            del status["conditions"]
        return Admission({**new, "status": status}, tuple(_decision_faults(old, {**new, "status": status})))
    kept = [c for c in _conditions(old) if c.get("type") in _DECISIONS]
    given = [c for c in _stamped(new) if c.get("type") not in _DECISIONS]
    status = {name: value for name, value in (new.get("status") or {}).items() if name != "conditions"}
    if kept or given:
        status["conditions"] = [*kept, *given]
    return Admission({**new, "status": status})


def _conditions(obj: Obj) -> list[Obj]:
    return list(value_at(obj, "status.conditions") or ())


def _stamped(obj: Obj) -> list[Obj]:
    return [{"status": "True", **condition} for condition in _conditions(obj)]


def _spec_faults(spec: Obj) -> Iterator[FieldCause]:
    if not spec.get("usages"):
        yield required("spec.usages", "usages must be specified")
    seconds = spec.get("expirationSeconds")
    if isinstance(seconds, int) and seconds < 600:
        yield invalid(
            "spec.expirationSeconds", seconds, "may not specify a duration less than 600 seconds (10 minutes)"
        )
    try:
        body = base64.b64decode(str(spec.get("request", "")), validate=True)
    except (binascii.Error, ValueError):
        body = b""
    if _PEM not in body:
        yield invalid("spec.request", _short(spec.get("request")), "PEM block type must be CERTIFICATE REQUEST")
    signer = str(spec.get("signerName", ""))
    if "/" not in signer:
        yield invalid("spec.signerName", signer, "should be a domain and path, such as example.com/signer")


def _short(value: Any) -> str:
    return str(value or "")[:40]


def _decision_faults(old: Obj, new: Obj) -> Iterator[FieldCause]:
    """A request is approved or denied, not both, and for good."""
    before = {c.get("type") for c in _conditions(old)}
    now = {c.get("type") for c in _conditions(new)}
    if now >= set(_DECISIONS):
        yield invalid("status.conditions", sorted(now), "Approved and Denied conditions are mutually exclusive")
    for kind in _DECISIONS:
        if kind in before and kind not in now:
            yield forbidden("status.conditions", f"updates may not remove a condition of type {kind!r}")


def _bundle(_: AdmissionRequest, new: Obj) -> Admission:
    """A bundle that belongs to a signer is named after it."""
    name, signer = new["metadata"]["name"], value_at(new, "spec.signerName") or ""
    prefix = f"{signer.replace('/', ':')}:" if signer else ""
    causes: list[FieldCause] = []
    if signer and not name.startswith(prefix):
        why = f"ClusterTrustBundle for signerName {signer} must be named with prefix {prefix}"
        causes.append(invalid("metadata.name", name, why))
    if not signer and ":" in name:
        causes.append(invalid("metadata.name", name, "ClusterTrustBundle without signer name must not have `:`"))
    if "-----BEGIN CERTIFICATE-----" not in str(value_at(new, "spec.trustBundle") or ""):
        causes.append(invalid("spec.trustBundle", "<value omitted>", "at least one trust anchor must be provided"))
    return Admission(new, tuple(causes))


RULES: Final = {"CertificateSigningRequest": _request, "ClusterTrustBundle": _bundle}
