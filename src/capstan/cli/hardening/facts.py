"""What the self-audit looks at, as one value: files, what the running plane says of itself, and what it answers."""

from __future__ import annotations

import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from capstan.cli.place import Place


@dataclass(frozen=True, slots=True)
class FileMode:
    """One file or directory: its permissions and its owner."""

    path: str
    mode: int
    owner: int
    is_directory: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    """What came back over the network. Statuses are those of requests without (`anonymous`) and with the admin's
    certificate; `protocols` and `ciphers` are the weak ones that were accepted."""

    anonymous: int = 0
    anonymous_health: int = 0
    unknown_token: int = 0
    profiling: Sequence[int] = ()
    protocols: Sequence[str] = ()
    ciphers: Sequence[str] = ()
    client_certificate: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """`settings` is the answer of the running plane on its control socket."""

    files: Sequence[FileMode]
    owner: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    answers: Answers = Answers()


def file_modes(place: Place, more: Sequence[Path] = ()) -> Sequence[FileMode]:
    """The data directory and everything in it, and further files that the plane uses."""
    shared = () if place.shared is None else (place.shared, *sorted(place.shared.rglob("*")))
    found = [place.root, *sorted(place.root.rglob("*")), *shared, *(path for path in more if path.exists())]
    return [_mode(path) for path in dict.fromkeys(found) if not path.is_symlink()]


def _mode(path: Path) -> FileMode:
    status = path.lstat()
    return FileMode(str(path), stat.S_IMODE(status.st_mode), status.st_uid, stat.S_ISDIR(status.st_mode))
