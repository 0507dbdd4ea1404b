"""Where the Talos Image Factory keeps images, and what a schematic is (proxmox.md 4.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import yaml

from capstan.api.errors import TerminalError, TransientError

FACTORY = "https://factory.talos.dev"
#: The schematic without extensions or kernel arguments.
PLAIN_SCHEMATIC = "376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba"


@dataclass(frozen=True, slots=True)
class FactoryImage:
    """One image. The platform is `nocloud`, because no other one reads the data that the provider attaches; the
    format is qcow2 without compression, because Proxmox VE imports nothing else that the factory makes."""

    version: str
    schematic: str = PLAIN_SCHEMATIC
    arch: str = "amd64"
    secure_boot: bool = False
    factory: str = FACTORY

    @property
    def url(self) -> str:
        """The image's URL. Raises TerminalError when a part cannot be right."""
        version = self.version if self.version.startswith("v") else f"v{self.version}"
        if not re.fullmatch(r"v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?", version):
            raise TerminalError(f"{self.version!r} is no Talos version such as v1.11.6", "InvalidVersion")
        if not re.fullmatch(r"[0-9a-f]{64}", self.schematic):
            raise TerminalError("a schematic id has 64 hexadecimal digits", "InvalidSchematic")
        secure = "-secureboot" if self.secure_boot else ""
        return f"{self.factory.rstrip('/')}/image/{self.schematic}/{version}/nocloud-{self.arch}{secure}.qcow2"


def schematic_document(extensions: Sequence[str] = (), kernel_args: Sequence[str] = ()) -> dict[str, Any]:
    """The schematic that asks for these system extensions and kernel arguments."""
    customization: dict[str, Any] = {}
    if kernel_args:
        customization["extraKernelArgs"] = list(kernel_args)
    if extensions:
        customization["systemExtensions"] = {"officialExtensions": sorted(extensions)}
    return {"customization": customization} if customization else {}


async def register_schematic(document: dict[str, Any], factory: str = FACTORY) -> str:
    """The id of a schematic. The same document always has the same id, so asking again changes nothing."""
    url = f"{factory.rstrip('/')}/schematics"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session,
            session.post(url, data=yaml.safe_dump(document).encode()) as response,
        ):
            if response.status >= 400:
                raise TerminalError(f"{url} refused the schematic: {await response.text()}", "InvalidSchematic")
            answer = await response.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise TransientError(f"{url} cannot be reached: {error}", reason="FactoryUnreachable") from error
    return str(answer["id"])
