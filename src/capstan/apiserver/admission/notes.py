"""What admission wants to be written into the audit log about the request that is being answered.

The audit log knows the request, admission knows only the write: they meet in a context that belongs to the request's
task, and to the tasks that it starts.
"""

from __future__ import annotations

from contextvars import ContextVar

_notes: ContextVar[dict[str, str] | None] = ContextVar("admission_notes", default=None)


def collect(into: dict[str, str]) -> None:
    """From now on the notes of this task go there."""
    _notes.set(into)


def note(key: str, value: str) -> None:
    """An annotation of the audit event of the present request; nothing where nobody writes one. The first stays."""
    found = _notes.get()
    if found is not None:
        found.setdefault(key, value)
