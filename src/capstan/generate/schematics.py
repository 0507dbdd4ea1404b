"""Image Factory schematics: the id is the SHA-256 of the schematic's YAML, so it needs no network to know it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from capstan.generate.parameters import Talos


def schematic_text(extensions: Sequence[str], kernel_args: Sequence[str]) -> str:
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


def schematic_id(talos: Talos) -> str:
    """The given id, or the one of the wanted extensions and kernel arguments."""
    if talos.schematic:
        return talos.schematic
    return hashlib.sha256(schematic_text(talos.extensions, talos.kernel_args).encode()).hexdigest()


def installer_image(talos: Talos) -> str:
    """What `machine.install.image` names."""
    return f"{talos.factory}/nocloud-installer/{schematic_id(talos)}:{talos.version}"


def disk_image_url(talos: Talos, suffix: str = "qcow2", arch: str = "amd64") -> str:
    """Where the disk image of the template comes from."""
    return f"https://{talos.factory}/image/{schematic_id(talos)}/{talos.version}/nocloud-{arch}.{suffix}"
