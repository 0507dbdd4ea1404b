"""Taking a backup of a plane that runs or rests, and putting one back."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from capstan.cli.archive import Description, unpack_archive, write_archive
from capstan.cli.place import Place
from capstan.store.copying import renew
from capstan.store.directory import sync_directory
from capstan.store.protocol import StoreError
from capstan.store.resealing import Progress
from capstan.store.sealing import Encryption, kek_id
from capstan.store.sqlite import SqliteStore

_WORK = ".backup-"
_RENAME_EXCHANGE = 2
_AT_FDCWD = -100


async def take(
    store: SqliteStore,
    place: Place,
    now: datetime,
    token: Callable[[int], bytes],
    *,
    with_keys: bool,
    progress: Progress | None = None,
) -> Path:
    """Make the archive below the data directory, from where the caller takes it away. Leftovers of earlier callers
    go. Raises StoreError."""
    clear_leftovers(place)
    work = place.root / f"{_WORK}{token(4).hex()}"
    work.mkdir(mode=0o700)
    copy = work / "state.db"
    try:
        revision = await store.copy_to(copy, progress)
        about = {
            "version": version("capstan-k8s"),
            "made": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "revision": revision,
            "kek": kek_id(store.kek),
        }
        await asyncio.to_thread(write_archive, work / "backup.tar", place, copy, store.kek, about, with_keys=with_keys)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    copy.unlink()
    return work / "backup.tar"


def clear_leftovers(place: Place) -> None:
    """What a backup left that nobody took away."""
    for path in place.root.glob(f"{_WORK}*"):
        shutil.rmtree(path, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back, and where what was there before lies now."""

    description: Description
    objects: int
    revision: int
    aside: Path | None


def restore(archive: Path, place: Place, keys: Mapping[str, bytes], now: datetime) -> Restored:
    """Put a backup in place of a data directory in which no plane runs.

    All is unpacked and checked beside the directory first; the directories then change places in one step. What was
    there stays aside. Raises StoreError, SealError or OSError; the directory is as it was then."""
    root = place.root
    root.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.path.ismount(root):
        raise StoreError(f"{root} is a mount point, which cannot change places: restore into a directory below it")
    with _held(place):
        fresh = Place(root.with_name(f".{root.name}.restoring"))
        shutil.rmtree(fresh.root, ignore_errors=True)
        fresh.make()
        try:
            description, kek = unpack_archive(archive, fresh.root, keys)
            renewed = renew(fresh.database, Encryption(kek))
            aside = _change_places(fresh.root, root, now)
        except BaseException:
            shutil.rmtree(fresh.root, ignore_errors=True)
            raise
    return Restored(description, renewed.objects, renewed.revision, aside)


class _held:
    """No plane runs in the directory while it is replaced, nor starts in it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lock: int | None = None

    def __enter__(self) -> None:
        path = self._place.database.with_name(self._place.database.name + ".lock")
        if not path.exists():
            return
        self._lock = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise StoreError(f"a management plane runs on {self._place.root}; end it first: capstan down") from None

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            os.close(self._lock)


def _change_places(fresh: Path, root: Path, now: datetime) -> Path | None:
    """The new directory takes the name of the old one, which keeps its content under another."""
    sync_directory(fresh)
    if not root.exists() or not any(root.iterdir()):
        os.rename(fresh, root)  # also over an empty directory
        sync_directory(root.parent)
        return None
    aside = root.with_name(f"{root.name}.before-restore-{now:%Y%m%dT%H%M%SZ}")
    if aside.exists():
        raise StoreError(f"{aside} is in the way; move it elsewhere")
    _exchange(fresh, root)
    os.rename(fresh, aside)
    sync_directory(root.parent)
    return aside


def _exchange(one: Path, other: Path) -> None:
    """Two directories swap names in one step (renameat2 of Linux)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_AT_FDCWD, bytes(one), _AT_FDCWD, bytes(other), _RENAME_EXCHANGE) != 0:
        number = ctypes.get_errno()
        if number in (errno.EINVAL, errno.ENOSYS):
            raise StoreError(f"the file system of {other} cannot exchange directories: move {other} away first")
        raise OSError(number, os.strerror(number), str(other))
