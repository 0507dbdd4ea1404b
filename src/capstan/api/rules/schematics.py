"""What the Talos Image Factory calls things: schematics, their ids, and the images made of them (proxmox.md 4.1).

The id of a schematic is the SHA-256 of its text, so it needs no network to know it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from capstan.api.errors import TerminalError

FACTORY = "factory.talos.dev"
#: The schematic without extensions or kernel arguments.
PLAIN_SCHEMATIC = "376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba"

_VERSION = re.compile(r"v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")
_SCHEMATIC = re.compile(r"[0-9a-f]{64}")


def schematic_text(extensions: Sequence[str] = (), kernel_args: Sequence[str] = ()) -> str:
    """The schematic as the factory writes it: four spaces, extensions sorted, nothing that is empty."""
    if not extensions and not kernel_args:
        return "customization: {}\n"
    lines = ["customization:"]
    if kernel_args:
        lines.append("    extraKernelArgs:")
        lines += [f"        - {argument}" for argument in kernel_args]
    if extensions:
        lines += ["    systemExtensions:", "        officialExtensions:"]
        lines += [f"            - {extension}" for extension in sorted(extensions)]
    return "\n".join(lines) + "\n"


def schematic_id(extensions: Sequence[str] = (), kernel_args: Sequence[str] = ()) -> str:
    """The id that the factory gives the schematic of these extensions and kernel arguments."""
    return hashlib.sha256(schematic_text(extensions, kernel_args).encode()).hexdigest()


def factory_url(factory: str, path: str) -> str:
    """A URL of a factory, which is a host (HTTPS) or a URL itself."""
    origin = factory if "://" in factory else f"https://{factory}"
    return f"{origin.rstrip('/')}/{path}"


@dataclass(frozen=True, slots=True)
class FactoryImage:
    """One image. The platform is `nocloud`, because no other one reads the data that the provider attaches; disks are
    qcow2 without compression, because Proxmox VE imports nothing else that the factory makes."""

    version: str
    schematic: str = PLAIN_SCHEMATIC
    arch: str = "amd64"
    secure_boot: bool = False
    factory: str = FACTORY

    @property
    def url(self) -> str:
        """Where the disk of a template comes from. Raises TerminalError when a part cannot be right."""
        version = self.version if self.version.startswith("v") else f"v{self.version}"
        if not _VERSION.fullmatch(version):
            raise TerminalError(f"{self.version!r} is no Talos version such as v1.11.6", "InvalidVersion")
        if not _SCHEMATIC.fullmatch(self.schematic):
            raise TerminalError("a schematic id has 64 hexadecimal digits", "InvalidSchematic")
        secure = "-secureboot" if self.secure_boot else ""
        return factory_url(self.factory, f"image/{self.schematic}/{version}/nocloud-{self.arch}{secure}.qcow2")

    @property
    def installer(self) -> str:
        """What `machine.install.image` names."""
        return f"{self.factory}/nocloud-installer/{self.schematic}:{self.version}"
