"""Writing kept values again under the current data key, in small steps while the store works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import apsw

from capstan.store.sealing import Sealer, SealError

_STEP_ROWS = 200

Progress = Callable[[int, int], None]

_ROWS = """
SELECT revision, prefix, namespace, name, "check", value FROM revisions WHERE revision > ? ORDER BY revision LIMIT ?
"""
_UPDATE = 'UPDATE revisions SET value = ?, "check" = ? WHERE revision = ?'


@dataclass(slots=True)
class Resealing:
    """One walk over all rows up to `last`; each `step` is one transaction on the writer's thread."""

    sealer: Sealer
    last: int
    at: int = 0
    #: How many rows were written again, and the revisions of those that do not open.
    written: int = 0
    unreadable: list[int] = field(default_factory=list)

    def step(self, database: apsw.Connection) -> bool:
        """True when there is more to do."""
        rows: list[Any] = database.execute(_ROWS, (self.at, _STEP_ROWS)).fetchall()
        again: list[tuple[bytes, int, int]] = []
        for revision, prefix, namespace, name, check, stored in rows:
            if self.sealer.is_current(prefix, stored):
                continue
            try:
                if crc32(stored) != check:
                    raise SealError("it was changed on the disk")
                value = self.sealer.open(prefix, namespace, name, stored)
            except SealError:
                self.unreadable.append(revision)
                continue
            sealed = self.sealer.seal(prefix, namespace, name, value)
            again.append((sealed, crc32(sealed), revision))
        if again:
            with database:
                database.executemany(_UPDATE, again)
        self.written += len(again)
        if rows:
            self.at = rows[-1][0]
        return len(rows) == _STEP_ROWS and self.at < self.last
