"""Copies of the database: made in steps while it is written to, checked, and made fit to be a new beginning."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import apsw

from capstan.store.database import check_pages, fact, load, lock_store, open_database, set_fact, unreadable_objects
from capstan.store.index import Index
from capstan.store.protocol import StoreError
from capstan.store.sealing import Encryption, SealError

_STEP_PAGES = 100
#: How far the revisions of a restored store are ahead of its backup: beyond all that was written after the backup
#: and is lost, so that no revision means two things, and every client that has watched must list again.
REVISION_JUMP = 1_000_000_000


class Copying:
    """One copy under way. SQLite carries changes that happen between two steps into the copy: it is consistent and
    as new as its end. All methods run on the thread of the database."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._copy: apsw.Connection | None = None
        self._backup: apsw.Backup | None = None
        self.done_pages = 0
        self.total_pages = 0

    def begin(self, database: apsw.Connection) -> None:
        os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        self._copy = apsw.Connection(str(self._path))
        # A copy that was not finished is thrown away, so nothing is kept to take it back.
        self._copy.pragma("journal_mode", "off")
        self._backup = self._copy.backup("main", database, "main")

    def step(self, database: apsw.Connection) -> bool:
        """True when there is more to do."""
        assert self._backup is not None
        done = self._backup.step(_STEP_PAGES)
        self.total_pages = self._backup.page_count
        self.done_pages = self.total_pages - self._backup.remaining
        return not done

    def end(self, database: apsw.Connection) -> None:
        if self._backup is not None:
            self._backup.finish()
        if self._copy is not None:
            self._copy.close()


def verify_copy(path: Path) -> None:
    """Read the whole copy: its structure is sound and it is on the disk. Raises StoreError."""
    try:
        database = apsw.Connection(str(path))
        try:
            check_pages(path, database, "integrity_check")
        finally:
            database.close()
    except apsw.Error as error:
        raise StoreError(f"the copy {path} cannot be read: {error}") from None
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Renewed:
    """A copy that is ready to be served."""

    objects: int
    revision: int


def renew(path: Path, encryption: Encryption) -> Renewed:
    """Make a copy a new beginning: every object opens, history is forgotten, revisions jump ahead.

    Raises StoreError that names what is wrong; the copy is not to be used then."""
    verify_copy(path)
    lock = lock_store(path)
    try:
        database = open_database(path)
        try:
            return _renew(path, database, encryption)
        finally:
            database.close()
    except apsw.Error as error:
        raise StoreError(f"{path} is damaged or not a Capstan store: {error}") from None
    except SealError as error:
        raise StoreError(f"{path} cannot be decrypted: {error}") from None
    finally:
        os.close(lock)


def _renew(path: Path, database: apsw.Connection, encryption: Encryption) -> Renewed:
    document = fact(database, "keys", None)
    if document is None:
        raise StoreError(f"{path} holds no data keys: it is not the database of a management plane")
    index = Index(1)
    load(database, index, encryption.found(document).sealer(document))
    if index.unreadable:
        raise unreadable_objects(index)
    revision = index.revision + REVISION_JUMP
    with database:
        set_fact(database, "revision", revision)
        set_fact(database, "compacted", revision)
    return Renewed(index.count(), revision)
