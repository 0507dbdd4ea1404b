"""A disk in memory that loses its power: what was not synced is dropped, torn or reordered, sector by sector.

It is a file system for SQLite (an apsw VFS). It promises SQLite nothing but that what was synced stays: no atomic
sectors, no order of writes, no safe append.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import apsw

SECTOR = 512


class PowerCut(apsw.IOError):
    """The machine is off."""


@dataclass
class File:
    """`live` is what programs see, `synced` what is safe, `pending` what happened between the two."""

    live: bytearray = field(default_factory=bytearray)
    synced: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)
    kept: bool = False

    def sync(self) -> None:
        self.synced, self.pending, self.kept = bytes(self.live), [], True

    def after_cut(self, random: Random) -> bytes:
        """What the platter has: every unsynced sector by itself made it, did not, made it in part, or is noise."""
        image = bytearray(self.synced)
        likely = random.choice((0.0, 0.5, 0.5, 0.9, 1.0))
        for offset, written in self.pending:
            if written is None:
                if random.random() < likely:
                    del image[offset:]
                continue
            for at in range(offset, offset + len(written), SECTOR):
                part = written[at - offset : at - offset + SECTOR]
                if random.random() >= likely:
                    continue
                fate = random.random() if likely < 1.0 else 1.0
                if fate < 0.05:
                    part = part[: random.randrange(len(part))]
                elif fate < 0.08:
                    part = random.randbytes(len(part))
                if len(image) < at + len(part):
                    image.extend(bytes(at + len(part) - len(image)))
                image[at : at + len(part)] = part
        return bytes(image)


class Disk(apsw.VFS):
    """Registered under `name`. `cut_after(n)` turns the power off at the n-th operation from now."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.files: dict[str, File] = {}
        self.left = -1
        self.off = False
        self.syncs = 0
        #: Asked before each operation (its name, the file); may raise what the operation is to fail with.
        self.fault: Callable[[str, str], None] = lambda operation, name: None
        super().__init__(name, "")

    def cut_after(self, operations: int) -> None:
        self.left = operations

    def power_on(self, random: Random) -> None:
        """What is left of the files is there again."""
        for name, file in list(self.files.items()):
            if not file.kept and random.random() < 0.5:
                del self.files[name]
                continue
            image = file.after_cut(random)
            self.files[name] = File(bytearray(image), image, [], True)
        self.left, self.off = -1, False

    def tick(self, operation: str, name: str) -> None:
        if self.left == 0:
            self.off = True
        if self.off:
            raise PowerCut("the power is off")
        self.left -= 1
        self.fault(operation, name)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> Handle:  # type: ignore[override]
        path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        if self.off:
            raise PowerCut("the power is off")
        self.fault("open", path)
        if path not in self.files:
            if not flags[0] & apsw.SQLITE_OPEN_CREATE:
                raise apsw.CantOpenError(path)
            self.files[path] = File()
        flags[1] = flags[0]
        return Handle(self, path)

    def xDelete(self, name: str, syncdir: bool) -> None:
        self.tick("delete", name)
        self.files.pop(name, None)

    def xAccess(self, pathname: str, flags: int) -> bool:
        return pathname in self.files

    def xFullPathname(self, name: str) -> str:
        return name


class Handle:
    """One open file."""

    def __init__(self, disk: Disk, name: str) -> None:
        self._disk = disk
        self._name = name
        self._file = disk.files[name]

    def xRead(self, amount: int, offset: int) -> bytes:
        self._disk.fault("read", self._name)
        return bytes(self._file.live[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:
        # The operation that the cut falls into may still have reached the disk in part.
        last = self._disk.left == 0
        if last:
            self._file.pending.append((offset, bytes(data)))
        self._disk.tick("write", self._name)
        live = self._file.live
        if len(live) < offset:
            live.extend(bytes(offset - len(live)))
        live[offset : offset + len(data)] = data
        self._file.pending.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        self._disk.tick("truncate", self._name)
        del self._file.live[newsize:]
        self._file.pending.append((newsize, None))

    def xSync(self, flags: int) -> None:
        self._disk.tick("sync", self._name)
        self._disk.syncs += 1
        self._file.sync()

    def xFileSize(self) -> int:
        return len(self._file.live)

    def xSectorSize(self) -> int:
        return SECTOR

    def xDeviceCharacteristics(self) -> int:
        return 0

    def xFileControl(self, op: int, ptr: int) -> bool:
        return False

    def xLock(self, level: int) -> None:
        pass

    def xUnlock(self, level: int) -> None:
        pass

    def xCheckReservedLock(self) -> bool:
        return False

    def xClose(self) -> None:
        pass
