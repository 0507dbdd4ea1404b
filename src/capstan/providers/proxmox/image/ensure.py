"""Makes a template on a Proxmox VE node from an image: download, import, convert. Says what it does as it goes.

Guarantees: asked again it finds what is there and does the rest; a template that is complete is left alone. What it
made is known by a marker in the description, which holds a digest of the image and its settings.
Assumptions: one caller at a time for each node and name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from capstan.api.errors import TerminalError
from capstan.providers.proxmox.client import ProxmoxClient
from capstan.providers.proxmox.config import (
    drives,
    format_tags,
    marker_of,
    parse_bool,
    parse_size,
    with_marker,
)
from capstan.providers.proxmox.errors import AlreadyExists, NotFound, TaskGone
from capstan.providers.proxmox.transport import Scalar

Progress = Callable[[str], None]
#: How many VMIDs are tried when others take them at the same time.
ATTEMPTS = 10
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class TemplateWish:
    """The template that is wanted. `vmid` 0 takes a free one; storages that are empty are chosen: for the image one
    that takes content `import`, for the disk one that takes `images`. `checksum` is in hexadecimal digits."""

    node: str
    name: str
    url: str
    vmid: int = 0
    checksum: str = ""
    checksum_algorithm: str = "sha256"
    image_storage: str = ""
    disk_storage: str = ""
    disk_gib: int = 0
    memory_mib: int = 2048
    cores: int = 2
    cpu: str = "x86-64-v2-AES"
    bridge: str = "vmbr0"
    agent: bool = False
    tags: tuple[str, ...] = ()
    pool: str = ""
    verify_certificates: bool = True

    @property
    def marker(self) -> str:
        """What tells this template from another of the same name: the image and where its disk goes."""
        parts = (self.url, self.checksum, self.disk_storage, self.name)
        return "template-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class TemplateReady:
    """The template, and whether this call made it."""

    node: str
    vmid: int
    created: bool


async def ensure_template(
    client: ProxmoxClient, wish: TemplateWish, progress: Progress = lambda _line: None
) -> TemplateReady:
    """The template on its node. Raises PveError, or TerminalError for what only the user can change."""
    await _earlier_runs_end(client, wish, progress)
    found = await _find(client, wish)
    if found is not None:
        vmid, config = found
        if parse_bool(config.get("template", 0)):
            progress(f"template {vmid} ({wish.name}) is on {wish.node} already")
            return TemplateReady(wish.node, vmid, created=False)
        if await _is_complete(wish, config):
            progress(f"VM {vmid} was made by an earlier run; going on with it")
            await _finish(client, wish, vmid, config, progress)
            return TemplateReady(wish.node, vmid, created=True)
        progress(f"VM {vmid} is left of an earlier run that did not finish; removing it")
        await client.finish(await client.destroy(wish.node, vmid))
    volume = await _download(client, wish, progress)
    vmid = await _create(client, wish, volume, progress)
    await _finish(client, wish, vmid, await client.config(wish.node, vmid), progress)
    return TemplateReady(wish.node, vmid, created=True)


async def _earlier_runs_end(client: ProxmoxClient, wish: TemplateWish, progress: Progress) -> None:
    """What an interrupted run had begun goes on in Proxmox VE, and a VM shows whose it is only when it is made."""
    for kind in ("download", "qmcreate"):
        for upid in await client.active_tasks(wish.node, kind):
            progress(f"waiting for {upid}, which runs on {wish.node}")
            try:
                await client.tasks.end(upid)
            except TaskGone:
                continue


async def _find(client: ProxmoxClient, wish: TemplateWish) -> tuple[int, dict[str, Any]] | None:
    """The VM that carries the marker: by its name, or by the VMID that was asked for."""
    for vmid, row in sorted((await client.inventory.rows(0)).items()):
        if row.get("node") != wish.node or (row.get("name") != wish.name and vmid != wish.vmid):
            continue
        try:
            config = await client.config(wish.node, vmid)
        except NotFound:
            continue
        if marker_of(config.get("description")) == wish.marker:
            return vmid, config
        if vmid == wish.vmid:
            raise TerminalError(
                f"VM {vmid} on {wish.node} exists and is not this template: choose another VMID, or remove it",
                "VMIDTaken",
            )
    return None


async def _is_complete(wish: TemplateWish, config: dict[str, Any]) -> bool:
    """The import has ended: the lock is gone and the disk has its size."""
    disk = drives(config).get("scsi0")
    return not config.get("lock") and disk is not None and disk.size_bytes > 0


async def _download(client: ProxmoxClient, wish: TemplateWish, progress: Progress) -> str:
    """The image on a storage of the node. With a checksum Proxmox VE itself decides whether it is there already."""
    storage = wish.image_storage or await _storage(client, wish.node, "import")
    filename = image_filename(wish)
    volume = f"{storage}:import/{filename}"
    rows = await client.content(wish.node, storage, "import")
    if not wish.checksum and any(row.get("volid") == volume for row in rows):
        progress(f"{volume} is there already (without a checksum it is taken as it is)")
        return volume
    progress(f"downloading {wish.url} to {volume}")
    upid = await client.download_url(
        wish.node,
        storage,
        {
            "url": wish.url,
            "content": "import",
            "filename": filename,
            "checksum": wish.checksum or None,
            "checksum-algorithm": wish.checksum_algorithm if wish.checksum else None,
            "verify-certificates": None if wish.verify_certificates else False,
        },
    )
    await client.finish(upid)
    return volume


def image_filename(wish: TemplateWish) -> str:
    """A name that says which image it is: the last parts of its URL, and its format, which must be importable."""
    path = wish.url.split("?")[0].split("#")[0]
    parts = [part for part in path.split("/")[3:] if part]
    last = parts[-1] if parts else ""
    if not last.endswith((".qcow2", ".raw", ".vmdk")):
        raise TerminalError(
            f"{wish.url} ends in none of .qcow2, .raw and .vmdk: Proxmox VE imports only these, without compression",
            "InvalidImage",
        )
    digest = hashlib.sha256(wish.url.encode()).hexdigest()[:12]
    version = next((part for part in reversed(parts[:-1]) if re.fullmatch(r"v?\d+\.\d+.*", part)), "")
    stem = re.sub(r"[^A-Za-z0-9._-]", "-", "-".join(part for part in (version, last) if part))
    return f"{digest}-{stem}"


async def _storage(client: ProxmoxClient, node: str, content: str) -> str:
    """The roomiest active storage of the node that takes this content."""
    rows = [row for row in await client.storages(node, content) if parse_bool(row.get("active", 1))]
    if not rows:
        raise TerminalError(
            f"no storage of node {node} takes content `{content}`: allow it on one (Datacenter, Storage, Edit, "
            "Content), or name one",
            "NoStorage",
        )
    return str(max(rows, key=lambda row: (int(row.get("avail") or 0), str(row["storage"])))["storage"])


async def _create(client: ProxmoxClient, wish: TemplateWish, volume: str, progress: Progress) -> int:
    disks = wish.disk_storage or await _storage(client, wish.node, "images")
    params: dict[str, Scalar | None] = {
        "name": wish.name,
        "description": with_marker(f"{wish.name}: made by Capstan from {wish.url}", wish.marker),
        "ostype": "l26",
        "memory": wish.memory_mib,
        "balloon": 0,
        "cores": wish.cores,
        "cpu": wish.cpu,
        "scsihw": "virtio-scsi-single",
        "scsi0": f"{disks}:0,import-from={volume},discard=on,iothread=1,ssd=1",
        "boot": "order=scsi0",
        "net0": f"virtio,bridge={wish.bridge}",
        "serial0": "socket",
        "agent": 1 if wish.agent else 0,
        "tags": format_tags(wish.tags) or None,
        "pool": wish.pool or None,
    }
    for _ in range(ATTEMPTS):
        vmid = wish.vmid or await client.next_id()
        progress(f"making VM {vmid} on {wish.node} with a disk on {disks}")
        try:
            await client.finish(await client.create(wish.node, vmid, params))
        except AlreadyExists:
            if wish.vmid:
                raise
            continue
        return vmid
    raise TerminalError(
        "every VMID that Proxmox VE offered was taken by somebody else at once; try again", "NoFreeVMID"
    )


async def _finish(
    client: ProxmoxClient, wish: TemplateWish, vmid: int, config: dict[str, Any], progress: Progress
) -> None:
    disk = drives(config).get("scsi0")
    if wish.disk_gib and disk is not None and parse_size(dict(disk.options).get("size", "0")) < wish.disk_gib * GIB:
        progress(f"growing its disk to {wish.disk_gib} GiB")
        await client.finish(await client.resize(wish.node, vmid, "scsi0", f"{wish.disk_gib}G"))
    progress(f"converting VM {vmid} to a template")
    await client.finish(await client.convert_to_template(wish.node, vmid))
    progress(f"template {vmid} ({wish.name}) is ready on {wish.node}")
