"""Groups that belong to Kubernetes (`*.k8s.io`, `*.kubernetes.io`) and the annotation that approves a definition."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from capstan.api.objects import Obj

ANNOTATION = "api-approved.kubernetes.io"
State = Literal["Missing", "Bypassed", "Approved", "Invalid"]

_RULE = f'protected groups must have approval annotation "{ANNOTATION}"'
_SEE = "see https://github.com/kubernetes/enhancements/pull/1111"


def is_protected(group: str) -> bool:
    return any(group == owned or group.endswith(f".{owned}") for owned in ("k8s.io", "kubernetes.io"))


def approval_of(crd: Obj) -> tuple[State, str]:
    """Whether a definition says that its API is approved, and how that is put in words."""
    text = ((crd.get("metadata") or {}).get("annotations") or {}).get(ANNOTATION) or ""
    if not text:
        return "Missing", f"{_RULE}, {_SEE}"
    if text.startswith("unapproved"):
        return "Bypassed", f'not approved: "{text}"'
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme and parts.netloc:
        return "Approved", f"approved in {text}"
    return "Invalid", f'{_RULE} with either a URL or a reason starting with "unapproved", {_SEE}'
