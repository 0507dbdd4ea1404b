"""Errors that cross rooms. Each carries the decision that its receiver has to take.

`ApiError` is a Kubernetes Status; `TransientError` says when to try again; `TerminalError` says that trying
again cannot help until something that the user owns changes. Anything else is a bug.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldCause:
    """Why one field was refused. `reason` is a Kubernetes CauseType such as FieldValueInvalid."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"


@dataclass(eq=False)
class ApiError(Exception):
    """A refusal by a Kubernetes API: code, reason and message of its Status (metav1.Status)."""

    code: int
    reason: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)
    causes: Sequence[FieldCause] = ()
    retry_after_seconds: int | None = None

    def __str__(self) -> str:
        return self.message

    def status(self) -> dict[str, Any]:
        """The Status object of this error, as it goes on the wire."""
        details = dict(self.details)
        if self.causes:
            details["causes"] = [{"reason": c.reason, "message": c.message, "field": c.field} for c in self.causes]
        if self.retry_after_seconds is not None:
            details["retryAfterSeconds"] = self.retry_after_seconds
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        if details:
            body["details"] = details
        return body


def _about(group_resource: str, name: str) -> dict[str, Any]:
    plural, _, group = group_resource.partition(".")
    details: dict[str, Any] = {"name": name, "kind": plural}
    if group:
        details["group"] = group
    return details


def not_found(group_resource: str, name: str) -> ApiError:
    """404: the object does not exist."""
    return ApiError(404, "NotFound", f'{group_resource} "{name}" not found', _about(group_resource, name))


def already_exists(group_resource: str, name: str) -> ApiError:
    """409 on create: the name is taken."""
    return ApiError(409, "AlreadyExists", f'{group_resource} "{name}" already exists', _about(group_resource, name))


def conflict(group_resource: str, name: str, why: str) -> ApiError:
    """409 on write: a precondition (uid, resourceVersion) does not hold."""
    return ApiError(
        409,
        "Conflict",
        f'Operation cannot be fulfilled on {group_resource} "{name}": {why}',
        _about(group_resource, name),
    )


def invalid(group_kind: str, name: str, causes: Sequence[FieldCause]) -> ApiError:
    """422: fields were refused; one cause for each."""
    shown = "; ".join(f"{c.field}: {c.message}" for c in causes)
    if len(causes) > 1:
        shown = "[" + ", ".join(f"{c.field}: {c.message}" for c in causes) + "]"
    kind, _, group = group_kind.partition(".")
    details: dict[str, Any] = {"name": name, "kind": kind}
    if group:
        details["group"] = group
    return ApiError(422, "Invalid", f'{group_kind} "{name}" is invalid: {shown}', details, causes)


def bad_request(message: str) -> ApiError:
    """400: the request itself cannot be understood."""
    return ApiError(400, "BadRequest", message)


def forbidden(group_resource: str, name: str, why: str) -> ApiError:
    """403: known who asks, but not allowed, or refused by a rule of the server."""
    shown = f'{group_resource} "{name}" is forbidden: {why}' if group_resource else f"forbidden: {why}"
    return ApiError(403, "Forbidden", shown, _about(group_resource, name))


def expired(message: str) -> ApiError:
    """410: the resourceVersion or continue token is older than the retained history."""
    return ApiError(410, "Expired", message)


class TransientError(Exception):
    """The world said: not now. `retry_after` in seconds; None leaves the wait to the queue's back-off."""

    def __init__(self, message: str, retry_after: float | None = None, reason: str = "") -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.reason = reason


class TerminalError(Exception):
    """Trying again cannot help until something that the user owns changes. `reason` is CamelCase."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


def is_not_found(error: BaseException | None) -> bool:
    return isinstance(error, ApiError) and error.reason == "NotFound"


def is_conflict(error: BaseException | None) -> bool:
    return isinstance(error, ApiError) and error.reason == "Conflict"


def is_already_exists(error: BaseException | None) -> bool:
    return isinstance(error, ApiError) and error.reason == "AlreadyExists"
