"""What converts the objects of a kind outside of the process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from capstan.api.objects import Obj


class Converter(Protocol):
    """Asks somebody else, such as a webhook."""

    async def convert(self, objects: Sequence[Obj], api_version: str) -> list[Obj]:
        """The same objects in `api_version`, in order. Those that have it already come back as they are. Errors:
        ApiError 500 with what the webhook said, or did not."""
        ...
