"""Where the state of a management plane lies: one directory, by the XDG rules unless another is named."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from capstan.store.directory import sync_directory


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one data directory. `shared` is a directory that replicas have in common, or copies of: the CA, the
    key that signs tokens and the one that encrypts; without it they lie in the data directory."""

    root: Path
    shared: Path | None = None

    @property
    def database(self) -> Path:
        return self.root / "state.db"

    @property
    def pki(self) -> Path:
        return self.root / "pki"

    @property
    def authority(self) -> Path:
        """The directory of the keys that all replicas have."""
        return self.shared or self.pki

    @property
    def encryption_key(self) -> Path:
        return (self.shared or self.root) / "encryption.key"

    @property
    def control(self) -> Path:
        """The socket by which commands reach the plane that runs here."""
        return self.root / "control.sock"

    @property
    def client_ca(self) -> Path:
        """Further CAs (PEM) whose client certificates are users; read again when it changes."""
        return self.pki / "client-ca.crt"

    @property
    def service_account_key(self) -> Path:
        return self.authority / "sa.key"

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @property
    def audit_log(self) -> Path:
        return self.root / "audit" / "audit.log"

    @property
    def pid_file(self) -> Path:
        return self.root / "capstan.pid"

    def make(self) -> None:
        """Create the directory for its owner alone; one of ours that others may enter is closed to them."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self.root.stat()
        if found.st_uid == os.geteuid() and found.st_mode & 0o077:
            self.root.chmod(0o700)


def default_place() -> Place:
    """$XDG_DATA_HOME/capstan, or ~/.local/share/capstan."""
    home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Place(Path(home) / "capstan")


def place_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """--data-dir; the command gets it as `place`."""

    def place(_: click.Context, __: click.Parameter, directory: str | None) -> Place:
        return Place(Path(directory)) if directory else default_place()

    path, text = click.Path(file_okay=False), "Directory of the state; by default XDG's."
    return click.option("--data-dir", "place", type=path, callback=place, help=text)(command)


def write_private(path: Path, content: bytes) -> None:
    """Replace a file at once; only its owner may read it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_directory(path.parent)
