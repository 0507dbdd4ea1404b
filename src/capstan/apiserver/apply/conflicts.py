"""Conflicts: fields that somebody else owns and that a configuration would change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from capstan.api.errors import ApiError, FieldCause
from capstan.apiserver.apply.fieldset import shown_path
from capstan.apiserver.apply.managers import Managed, described


@dataclass(frozen=True, slots=True)
class Conflict:
    """One field, as a path of elements, and who owns it."""

    manager: Managed
    path: tuple[str, ...]


@dataclass(eq=False)
class ConflictError(Exception):
    """An apply without force met fields of others."""

    conflicts: Sequence[Conflict]

    def refusal(self) -> ApiError:
        """The 409 that clients know: one cause for each field."""
        causes = [
            FieldCause(shown_path(c.path), f"conflict with {described(c.manager)}", "FieldManagerConflict")
            for c in self.conflicts
        ]
        return ApiError(409, "Conflict", self._message(), causes=causes)

    def _message(self) -> str:
        count = len(self.conflicts)
        if count == 1:
            only = self.conflicts[0]
            path = shown_path(only.path)
            return f"Apply failed with 1 conflict: conflict with {described(only.manager)}: {path}"
        lines = []
        for manager in dict.fromkeys(described(c.manager) for c in self.conflicts):
            lines.append(f"conflicts with {manager}:")
            lines += [f"- {shown_path(c.path)}" for c in self.conflicts if described(c.manager) == manager]
        return f"Apply failed with {count} conflicts: " + "\n".join(lines)
