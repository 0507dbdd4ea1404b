"""Refusals as Proxmox VE gives them: a status code, its text in the reason phrase, and errors by parameter."""

from __future__ import annotations

from collections.abc import Mapping


class PveError(Exception):
    """`reason` goes into the status line; `errors` into the body of a 400."""

    def __init__(self, status: int, reason: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.errors = dict(errors or {})


def failed(reason: str) -> PveError:
    """500: nearly everything that goes wrong."""
    return PveError(500, reason)


def bad_parameter(name: str, why: str) -> PveError:
    """400: one parameter was refused."""
    return PveError(400, "Parameter verification failed.", {name: why})


def denied(path: str, privileges: str) -> PveError:
    """403: names the path and the privileges that would do."""
    return PveError(403, f"Permission check failed ({path}, {privileges})")
