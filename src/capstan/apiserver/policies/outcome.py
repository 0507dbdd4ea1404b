"""What all policies together say about one write, carried out as their bindings want it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from capstan.apiserver.policies.validating import Denial, Verdict

_FAILURES = "validation.policy.admission.k8s.io/validation_failure"
#: No more failures than these are written into an audit event.
_MOST_FAILURES = 50


class Outcome:
    """Denials, warnings for the client, and notes for the audit log, in the order in which they were found."""

    def __init__(self) -> None:
        self.denials: list[Denial] = []
        self.warnings: list[str] = []
        self._failures: list[dict[str, Any]] = []
        self._notes: dict[str, list[str]] = {}

    def add(self, policy: str, verdict: Verdict, actions: Sequence[str]) -> None:
        for place, denial in verdict.denials:
            if "Deny" in actions:
                self.denials.append(denial)
            if "Warn" in actions:
                self.warnings.append(
                    f"Validation failed for ValidatingAdmissionPolicy '{denial.policy}' with binding "
                    f"'{denial.binding}': {denial.message}"
                )
            if "Audit" in actions:
                self._failures.append(_failure(place, denial, actions))
        for key, value in verdict.notes:
            values = self._notes.setdefault(f"{policy}/{key}", [])
            if value not in values:
                values.append(value)
        self.denials.extend(verdict.failed_notes)

    def annotations(self) -> Iterator[tuple[str, str]]:
        """What goes into the audit event."""
        if self._failures:
            yield _FAILURES, json.dumps(self._failures[:_MOST_FAILURES], separators=(",", ":"))
        for key, values in self._notes.items():
            yield key, ", ".join(values)


def _failure(place: int, denial: Denial, actions: Sequence[str]) -> dict[str, Any]:
    return {
        "message": denial.message,
        "policy": denial.policy,
        "binding": denial.binding,
        "expressionIndex": place,
        "validationActions": list(actions),
    }
