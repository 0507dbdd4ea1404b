"""Images that can be downloaded: what an Image Factory serves, known by the form of its addresses."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from capstan.sim.hypervisor import DiskImage

#: /image/<schematic>/<version>/<platform>-<arch>[-secureboot].<format>[.<compression>]
_FACTORY = re.compile(
    r"^/image/(?P<schematic>[0-9a-z]+)/(?P<version>v[0-9][^/]*)/"
    r"(?P<platform>[a-z]+)-(?P<arch>amd64|arm64)(?:-secureboot)?\.(?P<format>iso|raw|qcow2)(?P<packed>\.\w+)?$"
)

#: The schematic whose id the examples use: it has the guest agent.
AGENT_SCHEMATIC = "ce4c980550dd2ab1b17bbf2b08801c7eb59418eafe8f279833297925d67c7515"


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file as a URL gives it. `content` stands for the gigabytes; checksums are taken of it."""

    content: bytes
    image: DiskImage
    size_bytes: int

    def checksum(self, algorithm: str) -> str:
        return hashlib.new(algorithm, self.content).hexdigest()


def find_image(url: str) -> ImageFile | None:
    """The image behind a factory address; None where nothing is served."""
    match = _FACTORY.match(urlsplit(url).path)
    if match is None or match["packed"]:
        return None
    schematic, version = match["schematic"], match["version"]
    extensions = ("siderolabs/qemu-guest-agent",) if schematic == AGENT_SCHEMATIC else ()
    image = DiskImage(
        os="talos",
        version=version,
        schematic=schematic,
        platform=match["platform"],
        extensions=extensions,
        medium="iso" if match["format"] == "iso" else "disk",
    )
    content = f"simulated Talos image {schematic} {version} {match['platform']} {match['format']}\n".encode()
    return ImageFile(content, image, 1246 * 2**20)
