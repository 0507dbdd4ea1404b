"""AdmissionReview: the question that a webhook gets, and what of its answer counts. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from capstan.api.errors import ApiError, FieldCause
from capstan.api.objects import Obj
from capstan.apiserver.policies.evaluation import Seen
from capstan.apiserver.webhooks.client import MAX_TOLD, WebhookError, told

_GROUP = "admission.k8s.io"
_SCALE = {"group": "autoscaling", "version": "v1", "kind": "Scale"}
_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}
#: As much as is taken of an answer's warnings, causes and notes.
_MOST = 32
_LONGEST_NOTE = 10 * 1024


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a webhook answered. `result` is the Status of a denial; `patch` the operations of a JSON patch, None
    where it changes nothing; `notes` are for the audit log."""

    allowed: bool
    result: Mapping[str, Any]
    patch: Any
    warnings: tuple[str, ...]
    notes: tuple[tuple[str, str], ...]


def question(uid: str, version: str, seen: Seen) -> Obj:
    """The AdmissionReview about a write. Empty names are left out, as Kubernetes does."""
    request: Obj = {"uid": uid, **{k: v for k, v in seen.request().items() if v != ""}}
    request["userInfo"] = {k: v for k, v in request["userInfo"].items() if v}
    if seen.attributes.subresource == "scale":
        request["kind"] = request["requestKind"] = _SCALE
    request |= {"object": seen.new, "oldObject": seen.old}
    return {"kind": "AdmissionReview", "apiVersion": f"{_GROUP}/{version}", "request": request}


def verdict(answer: Obj, uid: str, version: str, *, mutating: bool) -> Verdict:
    """What an answer says. Errors: WebhookError when it is not one that may be given."""
    response = answer.get("response")
    if version == "v1":
        wanted, got = f"{_GROUP}/{version}", told(f"{answer.get('apiVersion')}, Kind={answer.get('kind')}")
        if (answer.get("apiVersion"), answer.get("kind")) != (wanted, "AdmissionReview"):
            raise WebhookError(f"expected webhook response of {wanted}, Kind=AdmissionReview, got {got}")
    if not isinstance(response, dict):
        raise WebhookError("webhook response was absent")
    if version == "v1" and response.get("uid") != uid:
        raise WebhookError(f'expected response.uid="{uid}", got "{told(str(response.get("uid") or ""))}"')
    result = response.get("status") or {}
    if not isinstance(response.get("allowed"), bool) or not isinstance(result, dict):
        raise WebhookError("the response is not an AdmissionResponse: allowed must be a boolean, status an object")
    return Verdict(
        response["allowed"],
        result,
        _patch(response, version, mutating=mutating),
        tuple(told(str(text))[:256] for text in _list(response.get("warnings"))),
        tuple(_notes(response.get("auditAnnotations"))),
    )


def _patch(response: Obj, version: str, *, mutating: bool) -> Any:
    patch, kind = response.get("patch"), response.get("patchType")
    if not mutating:
        if version == "v1" and patch:
            raise WebhookError("validating webhook may not return response.patch")
        if version == "v1" and kind:
            raise WebhookError("validating webhook may not return response.patchType")
        return None
    if version == "v1" and patch and not kind:
        raise WebhookError("webhook returned response.patch but not response.patchType")
    if version == "v1" and kind and not patch:
        raise WebhookError("webhook returned response.patchType but not response.patch")
    if kind and kind != "JSONPatch":
        raise WebhookError(f'webhook returned invalid response.patchType of "{told(str(kind))}"')
    if not patch:
        return None
    try:
        return orjson.loads(base64.b64decode(patch, validate=True))
    except (binascii.Error, ValueError, TypeError):
        raise WebhookError("response.patch is not the base64 of a JSON patch") from None


def _list(value: Any) -> list[Any]:
    return value[:_MOST] if isinstance(value, list) else []


def _notes(value: Any) -> list[tuple[str, str]]:
    if not isinstance(value, dict):
        return []
    return [(told(str(key))[:256], str(text)[:_LONGEST_NOTE]) for key, text in list(value.items())[:_MOST]]


def denial(name: str, result: Mapping[str, Any]) -> ApiError:
    """The answer to a write that a webhook does not allow: 403, or the code that it gives."""
    code = result.get("code")
    code = code if isinstance(code, int) and 400 <= code <= 599 else 403
    reason, message = told(str(result.get("reason") or "")), _shown(str(result.get("message") or ""))
    why = f'admission webhook "{name}" denied the request'
    why = f"{why}: {message or reason}" if message or reason else f"{why} without explanation"
    details = result.get("details")
    details = details if isinstance(details, dict) else {}
    about = {key: told(str(details[key])) for key in ("name", "group", "kind", "uid") if details.get(key)}
    causes = [
        FieldCause(*(told(str(one.get(key) or "")) for key in ("field", "message", "reason")))
        for one in _list(details.get("causes"))
        if isinstance(one, dict)
    ]
    return ApiError(code, reason or _REASONS.get(code, ""), why, about, tuple(causes))


def _shown(text: str) -> str:
    """A message for people: bounded, its lines stay lines."""
    cleaned = "".join(c if c.isprintable() or c == "\n" else " " for c in text[: MAX_TOLD + 1]).strip()
    return cleaned if len(text) <= MAX_TOLD else cleaned[:MAX_TOLD] + "..."


def failure(name: str, why: str) -> ApiError:
    """The answer when a webhook that must be asked could not be."""
    message = f'failed calling webhook "{name}": {why}'
    return internal(message)


def internal(message: str) -> ApiError:
    """500 in the form of Kubernetes' internal errors."""
    causes = (FieldCause("", message, ""),)
    return ApiError(500, "InternalError", f"Internal error occurred: {message}", {}, causes)
