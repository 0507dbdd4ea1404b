"""Storages: volumes of VMs and files (ISO images, import images), with room that runs out."""

from __future__ import annotations

from dataclasses import dataclass, field

from capstan.sim.hypervisor import DiskImage, VirtualDisk
from capstan.sim.proxmox.errors import PveError, failed

#: Types that keep files, so that images can be uploaded and volumes have formats; the rest are block storages.
FILE_TYPES = ("dir", "nfs", "cifs", "cephfs", "btrfs")
SHARED_TYPES = ("nfs", "cifs", "cephfs", "rbd")
#: Types whose volumes can be linked clones of a base volume (proxmox.md 3.5).
LINKABLE_TYPES = ("dir", "nfs", "lvmthin", "rbd", "zfspool", "btrfs")


@dataclass(slots=True)
class Volume:
    """A disk of a VM. `base` is the volume that it is a linked clone of."""

    volid: str
    disk: VirtualDisk
    format: str
    vmid: int
    base: str = ""


@dataclass(slots=True)
class File:
    """A file in the `iso` or `import` directory. `content` is what a VM reads from it."""

    volid: str
    content: bytes
    size_bytes: int
    image: DiskImage | None = None


@dataclass(slots=True)
class Storage:
    """One storage. A local one has its own content on each node; `place` tells the copies apart."""

    name: str
    type: str = "dir"
    content: tuple[str, ...] = ("images", "iso", "import")
    total_bytes: int = 500 * 2**30
    nodes: tuple[str, ...] = ()
    enabled: bool = True
    volumes: dict[tuple[str, str], Volume] = field(default_factory=dict)
    files: dict[tuple[str, str], File] = field(default_factory=dict)
    #: Until when clones hold the storage's lock, by place.
    locked_until: dict[str, float] = field(default_factory=dict)

    @property
    def shared(self) -> bool:
        return self.type in SHARED_TYPES

    def place(self, node: str) -> str:
        return "" if self.shared else node

    def on(self, node: str) -> bool:
        return self.enabled and (not self.nodes or node in self.nodes)

    def used_bytes(self, node: str) -> int:
        place = self.place(node)
        volumes = sum(v.disk.size_bytes for (where, _), v in self.volumes.items() if where == place and not v.base)
        return volumes + sum(f.size_bytes for (where, _), f in self.files.items() if where == place)

    def require(self, content: str) -> None:
        if content not in self.content:
            raise failed(f"storage '{self.name}' does not support content-type '{content}'")

    def require_room(self, node: str, size: int) -> None:
        """Thick as far as it counts: what is promised must fit."""
        if self.used_bytes(node) + size > self.total_bytes:
            raise failed(f"storage '{self.name}': no space left on device")

    def allocate(
        self, node: str, vmid: int, disk: VirtualDisk, *, format_: str = "", base: str = "", stem: str = "vm"
    ) -> Volume:
        """A new volume under the next free name of this VM."""
        self.require("images")
        self.require_room(node, 0 if base else disk.size_bytes)
        format_ = format_ or ("qcow2" if self.type in FILE_TYPES else "raw")
        if self.type not in FILE_TYPES and format_ != "raw":
            raise failed(f"unsupported format '{format_}' at storage '{self.name}'")
        place, number = self.place(node), 0
        while (place, self._volid(vmid, f"{stem}-{vmid}-disk-{number}", format_, base)) in self.volumes:
            number += 1
        volume = Volume(self._volid(vmid, f"{stem}-{vmid}-disk-{number}", format_, base), disk, format_, vmid, base)
        self.volumes[place, volume.volid] = volume
        return volume

    def _volid(self, vmid: int, name: str, format_: str, base: str) -> str:
        origin = base.partition(":")[2] + "/" if base else ""
        if self.type in FILE_TYPES:
            return f"{self.name}:{origin}{vmid}/{name}.{format_}"
        return f"{self.name}:{origin}{name}"

    def free(self, node: str, volid: str) -> None:
        place = self.place(node)
        if any(v.base == volid and where == place for (where, _), v in self.volumes.items()):
            raise failed(f"base volume '{volid}' is still in use by linked clones")
        self.volumes.pop((place, volid), None)

    def to_base(self, node: str, volume: Volume) -> str:
        """Rename a volume into a base image, as converting to a template does."""
        place = self.place(node)
        del self.volumes[place, volume.volid]
        volume.volid = volume.volid.replace(f"vm-{volume.vmid}-", f"base-{volume.vmid}-")
        self.volumes[place, volume.volid] = volume
        return volume.volid

    def volume(self, node: str, volid: str) -> Volume | None:
        return self.volumes.get((self.place(node), volid))

    def file(self, node: str, volid: str) -> File | None:
        return self.files.get((self.place(node), volid))

    def put_file(self, node: str, directory: str, name: str, file: File) -> str:
        self.require(directory)
        self.require_room(node, file.size_bytes)
        file.volid = f"{self.name}:{directory}/{name}"
        self.files[self.place(node), file.volid] = file
        return file.volid

    def rows(self, node: str, content: str, vmid: int | None) -> list[dict[str, object]]:
        place = self.place(node)
        found: list[dict[str, object]] = []
        for (where, volid), volume in sorted(self.volumes.items()):
            if where == place and content in ("", "images") and vmid in (None, volume.vmid):
                found.append(
                    {
                        "volid": volid,
                        "content": "images",
                        "format": volume.format,
                        "size": volume.disk.size_bytes,
                        "vmid": volume.vmid,
                    }
                )
        for (where, volid), file in sorted(self.files.items()):
            directory = volid.partition(":")[2].partition("/")[0]
            if where == place and content in ("", directory) and vmid is None:
                suffix = volid.rpartition(".")[2]
                found.append({"volid": volid, "content": directory, "format": suffix, "size": file.size_bytes})
        return found


class Storages:
    """The storages of a cluster by name."""

    def __init__(self, storages: tuple[Storage, ...]) -> None:
        self._storages = {storage.name: storage for storage in storages}

    def all(self) -> list[Storage]:
        return list(self._storages.values())

    def get(self, name: str, node: str = "") -> Storage:
        storage = self._storages.get(name)
        if storage is None:
            raise PveError(500, f"storage '{name}' does not exist")
        if node and not storage.on(node):
            raise failed(f"storage '{name}' is not available on node '{node}'")
        return storage

    def of_volume(self, volid: str) -> Storage:
        return self.get(volid.partition(":")[0])
