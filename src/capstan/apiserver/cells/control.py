"""The rows of what the API server itself acts by, and of what nodes and schedulers are told."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from capstan.api.kubernetes.rules.faults import value_at
from capstan.api.objects import Obj
from capstan.apiserver.cells.cell import NONE, UNSET, Rows, age, at, count, made, named, number, text

_ADMISSION: Final = "admissionregistration.k8s.io"
_FLOW: Final = "flowcontrol.apiserver.k8s.io"


def _conditions(obj: Obj, _: datetime) -> str:
    """The state of a certificate request."""
    found = [str(c.get("type")) for c in value_at(obj, "status.conditions") or ()]
    states: list[str] = [name for name in ("Approved", "Denied", "Failed") if name in found] or ["Pending"]
    return ",".join([*states, "Issued"] if value_at(obj, "status.certificate") else states)


def _available(obj: Obj, _: datetime) -> str:
    found = next((c for c in value_at(obj, "status.conditions") or () if c.get("type") == "Available"), None)
    if found is None:
        return "Unknown"
    return "True" if found.get("status") == "True" else f"{found.get('status')} ({found.get('reason', '')})"


def _param_kind(obj: Obj, _: datetime) -> str:
    ref = value_at(obj, "spec.paramKind")
    return f"{ref.get('apiVersion', '')}/{ref.get('kind', '')}" if ref else UNSET


def _claim_state(obj: Obj, _: datetime) -> str:
    if obj["metadata"].get("deletionTimestamp"):
        return "deleted"
    fields = (("allocated", "status.allocation"), ("reserved", "status.reservedFor"))
    states = [name for name, path in fields if value_at(obj, path)]
    return ",".join(states) or "pending"


def _requested_duration(obj: Obj, _: datetime) -> str:
    seconds = value_at(obj, "spec.expirationSeconds")
    if not isinstance(seconds, int):
        return NONE
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    return f"{hours}h" if hours and not minutes else f"{hours}h{minutes}m" if hours else f"{minutes}m"


ROWS: Final[Rows] = {
    ("scheduling.k8s.io", "PriorityClass"): made(
        Value=number("value"),
        Global_Default=text("globalDefault", "false"),
        Age=age,
        PreemptionPolicy=at("preemptionPolicy"),
    ),
    ("node.k8s.io", "RuntimeClass"): made(Handler=at("handler"), Age=age),
    ("certificates.k8s.io", "CertificateSigningRequest"): made(
        Age=age,
        SignerName=text("spec.signerName"),
        Requestor=at("spec.username"),
        RequestedDuration=_requested_duration,
        Condition=_conditions,
    ),
    ("certificates.k8s.io", "ClusterTrustBundle"): made(SignerName=text("spec.signerName"), Age=age),
    (_FLOW, "FlowSchema"): made(
        PriorityLevel=at("spec.priorityLevelConfiguration.name"),
        MatchingPrecedence=number("spec.matchingPrecedence"),
        DistinguisherMethod=text("spec.distinguisherMethod.type"),
        Age=age,
        MissingPL=lambda obj, _: next(
            (c.get("status", "?") for c in value_at(obj, "status.conditions") or () if c.get("type") == "Dangling"), "?"
        ),
    ),
    (_FLOW, "PriorityLevelConfiguration"): made(
        Type=at("spec.type"),
        NominalConcurrencyShares=text("spec.limited.nominalConcurrencyShares"),
        Queues=text("spec.limited.limitResponse.queuing.queues"),
        HandSize=text("spec.limited.limitResponse.queuing.handSize"),
        QueueLengthLimit=text("spec.limited.limitResponse.queuing.queueLengthLimit"),
        Age=age,
    ),
    (_ADMISSION, "MutatingWebhookConfiguration"): made(Webhooks=count("webhooks"), Age=age),
    (_ADMISSION, "ValidatingWebhookConfiguration"): made(Webhooks=count("webhooks"), Age=age),
    (_ADMISSION, "ValidatingAdmissionPolicy"): made(
        Validations=count("spec.validations"), ParamKind=_param_kind, Age=age
    ),
    (_ADMISSION, "ValidatingAdmissionPolicyBinding"): made(
        PolicyName=at("spec.policyName"), ParamRef=text("spec.paramRef.name", UNSET), Age=age
    ),
    (_ADMISSION, "MutatingAdmissionPolicy"): made(Mutations=count("spec.mutations"), ParamKind=_param_kind, Age=age),
    (_ADMISSION, "MutatingAdmissionPolicyBinding"): made(
        PolicyName=at("spec.policyName"), ParamRef=text("spec.paramRef.name", UNSET), Age=age
    ),
    ("apiregistration.k8s.io", "APIService"): made(
        Service=named("spec.service", "Local"), Available=_available, Age=age
    ),
    ("resource.k8s.io", "ResourceClaim"): made(State=_claim_state, Age=age),
    ("resource.k8s.io", "ResourceSlice"): made(
        Node=text("spec.nodeName"), Driver=at("spec.driver"), Pool=at("spec.pool.name"), Age=age
    ),
}
