"""The port through which Machines are changed in place, instead of being replaced.

Nothing here knows how: whoever composes the process hands an updater over, or none, and then nothing changes in place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from capstan.api.errors import TransientError
from capstan.api.objects import Obj


@dataclass(frozen=True, slots=True)
class Templates:
    """What Machines are made from: a MachineSet and the templates that it names. Parts that nothing names are None."""

    machine_set: Obj
    infrastructure: Obj | None = None
    bootstrap: Obj | None = None


@dataclass(frozen=True, slots=True)
class UpdateAnswer:
    """How far an update is: done, or to be asked again after `retry_after` seconds."""

    retry_after: float = 0.0
    message: str = ""


class InPlaceUpdater(Protocol):
    """Carries updates out. Errors are ApiError or TransientError; they are tried again, and nothing is rolled back."""

    async def can_update(self, current: Templates, desired: Templates) -> bool:
        """Whether a Machine of the one can become one of the other while it runs."""
        ...

    async def update(self, machine: Obj, infrastructure: Obj, bootstrap: Obj | None) -> UpdateAnswer:
        """Make the host what these objects say by now. Called again until it answers that it is done."""
        ...


class UpdateInProgressError(TransientError):
    """An update that goes on; it is asked for again after `retry_after`."""
