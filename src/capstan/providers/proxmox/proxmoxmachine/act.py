"""Carries out the effects on Proxmox VE. Each handler first makes sure that the VM is the right one, and each may be
asked again after a crash: what has been done already counts as done.

The clone is the only effect whose repetition could make a second VM. Its UPID is given back at once, to be written
down before anyone waits for it; all other tasks are awaited here, because what became of them shows in the VM itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from capstan.api.errors import TransientError
from capstan.providers.proxmox.client import Clients, ProxmoxClient
from capstan.providers.proxmox.config import parse_bool, parse_int
from capstan.providers.proxmox.errors import AlreadyRunning, NotFound, NotRunning, PveError, TaskGone
from capstan.providers.proxmox.iso9660 import write_iso
from capstan.providers.proxmox.proxmoxmachine.actions import (
    AwaitTask,
    CheckCloudInit,
    CloneVm,
    ConfigureVm,
    DestroyVm,
    EjectSeed,
    FillProviderId,
    RemoveSeed,
    ResizeDisk,
    SeedVm,
    StartVm,
    StopVm,
    Target,
)
from capstan.providers.proxmox.proxmoxmachine.hardware import find_seed, seed_name
from capstan.providers.proxmox.proxmoxmachine.identity import is_same_vm
from capstan.providers.proxmox.proxmoxmachine.snapshot import is_half_made
from capstan.providers.proxmox.resources import NODES
from capstan.providers.proxmox.tasks import TaskEnd
from capstan.providers.proxmox.transport import Scalar, Upload
from capstan.runtime.controller import Handler
from capstan.runtime.plan import Action
from capstan.runtime.workload import WorkloadClients

#: The longest that one reconcile waits for a clone; then the machine is looked at and waited for again.
AWAIT_SECONDS = 30.0
CLOUD_INIT_LOOKS, CLOUD_INIT_PAUSE = 5, 1.0


class Effects:
    """The handlers of one process. Clients are shared, so tasks are followed once and clones queue per storage."""

    def __init__(self, clients: Clients, workloads: WorkloadClients | None) -> None:
        self._clients = clients
        self._workloads = workloads
        self._background: set[asyncio.Task[None]] = set()

    def handlers(self) -> Mapping[type[Action], Handler]:
        return {
            CloneVm: self.clone,
            AwaitTask: self.await_task,
            ConfigureVm: self.configure,
            ResizeDisk: self.resize,
            SeedVm: self.seed,
            EjectSeed: self.eject,
            StartVm: self.start,
            StopVm: self.stop,
            DestroyVm: self.destroy,
            RemoveSeed: self.remove_seed,
            CheckCloudInit: self.check_cloud_init,
            FillProviderId: self.fill_provider_id,
        }

    def _client(self, target: Target) -> ProxmoxClient:
        return self._clients.client(target.endpoint)

    async def _verified(self, target: Target) -> dict[str, Any]:
        """The config of the VM, if it is still the one that was meant."""
        config = await self._client(target).config(target.node, target.vmid)
        if not is_same_vm(config, target.nonce, target.provider_id):
            raise TransientError(f"{target} is not the VM that it was a moment ago; nothing was done", 1.0, "VMChanged")
        return config

    async def clone(self, action: CloneVm) -> str:
        """Starts the clone when its turn has come; gives the UPID."""
        client, holder = self._client(action.target), f"{action.target.vmid}/{action.target.nonce}"
        await client.gates.enter(action.gate, holder)
        try:
            upid = await client.clone(action.source_node, action.template_id, action.target.vmid, action.params)
        except BaseException:
            client.gates.leave(action.gate, holder)
            raise
        watcher = asyncio.create_task(_leave_when_done(client, upid, action.gate, holder), name=f"gate of {upid}")
        self._background.add(watcher)
        watcher.add_done_callback(self._background.discard)
        return upid

    async def await_task(self, action: AwaitTask) -> TaskEnd | None:
        client = self._clients.client(action.endpoint)
        try:
            return await asyncio.wait_for(client.tasks.end(action.upid), AWAIT_SECONDS)
        except TimeoutError:
            return None
        except NotFound as error:
            raise TaskGone(error.text, error.call, error.status) from error

    async def configure(self, action: ConfigureVm) -> None:
        target, client = action.target, self._client(action.target)
        digest = {"digest": action.digest} if action.digest else {}
        await client.finish_if_known(await client.configure(target.node, target.vmid, {**action.params, **digest}))

    async def resize(self, action: ResizeDisk) -> None:
        target, client = action.target, self._client(action.target)
        size = f"{action.size_gib}G"
        await client.finish_if_known(await client.resize(target.node, target.vmid, action.disk, size))

    async def seed(self, action: SeedVm) -> str:
        """Uploads the ISO and attaches it; gives the volume."""
        target, client = action.target, self._client(action.target)
        config = await self._verified(target)
        image = write_iso(action.files)
        storage, node = await _iso_storage(client, target.node, len(image))
        name = seed_name(target.vmid)
        upid = await client.upload(node, storage, "iso", Upload(name, image, len(image)))
        await client.finish_if_known(upid)
        volume = f"{storage}:iso/{name}"
        params: dict[str, Scalar | None] = {action.drive: f"{volume},media=cdrom", "tags": action.tags}
        if "onboot" not in config:
            # The machine comes back with its node. Not before now: it must never boot without its configuration.
            params["onboot"] = True
        await client.finish_if_known(await client.configure(target.node, target.vmid, params))
        return volume

    async def eject(self, action: EjectSeed) -> None:
        """The tag goes last: as long as it is there a new process knows that there is something to delete."""
        target, client = action.target, self._client(action.target)
        await self._verified(target)
        if action.drive:
            params = {action.drive: "none,media=cdrom"}
            await client.finish_if_known(await client.configure(target.node, target.vmid, params))
            await client.delete_volume_if_present(target.node, action.volume)
        else:
            await self.remove_seed(RemoveSeed(reason=action.reason, target=target))
        await client.finish_if_known(await client.configure(target.node, target.vmid, {"tags": action.tags}))

    async def start(self, action: StartVm) -> None:
        target, client = action.target, self._client(action.target)
        await self._verified(target)
        try:
            await client.finish_if_known(await client.power(target.node, target.vmid, action.verb))
        except AlreadyRunning:
            return

    async def stop(self, action: StopVm) -> None:
        target, client = action.target, self._client(action.target)
        await self._verified(target)
        try:
            await client.finish_if_known(await client.power(target.node, target.vmid, "stop"))
        except (NotRunning, NotFound):
            return

    async def destroy(self, action: DestroyVm) -> None:
        """The ISO goes first: as long as the VM is there its VMID, which names the ISO, cannot go to anyone else."""
        target, client = action.target, self._client(action.target)
        try:
            config = await client.config(target.node, target.vmid)
        except NotFound:
            return
        if target.provider_id or not is_half_made(config):
            await self._verified(target)
            await self._delete_seed(client, target, config)
        try:
            await client.finish_if_known(await client.destroy(target.node, target.vmid))
        except NotFound:
            return

    async def _delete_seed(self, client: ProxmoxClient, target: Target, config: dict[str, Any]) -> None:
        attached = find_seed(config, target.vmid)
        if attached is not None:
            params = {"delete": attached[0]}
            await client.finish_if_known(await client.configure(target.node, target.vmid, params))
        await self.remove_seed(RemoveSeed(reason="its VM goes", target=target))

    async def remove_seed(self, action: RemoveSeed) -> None:
        """Deletes the ISO wherever it is among the storages of the node, and nothing if there is none."""
        target, client = action.target, self._client(action.target)
        await _uploads_end(client, target.node)
        for storage in await client.storages(target.node, "iso"):
            volume = f"{storage['storage']}:iso/{seed_name(target.vmid)}"
            found = await client.content(target.node, str(storage["storage"]), "iso")
            if any(row.get("volid") == volume for row in found):
                await client.delete_volume_if_present(target.node, volume)

    async def check_cloud_init(self, action: CheckCloudInit) -> str:
        """`done`, `running` or `error`, as `cloud-init status` says."""
        target, client = action.target, self._client(action.target)
        pid = await client.agent_shell(target.node, target.vmid, "cloud-init status\n")
        for _ in range(CLOUD_INIT_LOOKS):
            answer = await client.agent_exec_status(target.node, target.vmid, pid)
            if parse_bool(answer.get("exited", 0)):
                text = str(answer.get("out-data", ""))
                return next((word for word in ("done", "error", "running") if word in text), "running")
            await self._clients.clock.sleep(CLOUD_INIT_PAUSE)
        return "running"

    async def fill_provider_id(self, action: FillProviderId) -> None:
        if self._workloads is None:
            raise TransientError("workload clusters cannot be reached from this process", 30.0, "NoWorkloadClients")
        client = await self._workloads.client(action.cluster, action.kubeconfig)
        patch = {"metadata": {"uid": action.node_uid}, "spec": {"providerID": action.provider_id}}
        await client.patch(NODES, "", action.node, patch)


async def _leave_when_done(client: ProxmoxClient, upid: str, gate: str, holder: str) -> None:
    try:
        await client.tasks.end(upid)
    except PveError:
        pass  # Nobody knows when it ends; the gate only keeps the number of clones reasonable.
    finally:
        client.gates.leave(gate, holder)


async def _uploads_end(client: ProxmoxClient, node: str) -> None:
    """An upload that a process which died had begun would put its file there after it was looked for."""
    for place in dict.fromkeys((node, await client.local_node() or node)):
        for upid in await client.active_tasks(place, "imgcopy"):
            try:
                await asyncio.wait_for(client.tasks.end(upid), AWAIT_SECONDS)
            except (TimeoutError, TaskGone):
                continue


async def _iso_storage(client: ProxmoxClient, node: str, size_bytes: int) -> tuple[str, str]:
    """The storage that takes the ISO, and the node to upload it to.

    Local storages first: with them the copy ends where the VM is. On shared storage the upload goes to the node that
    answers, because Proxmox VE would copy it there over ssh otherwise, although every node sees the storage.
    """
    rows = [row for row in await client.storages(node, "iso") if parse_bool(row.get("active", 1))]
    if not rows:
        raise TransientError(
            f"node {node} has no active storage with content `iso` that the token may use: add that content to a "
            "storage (Datacenter, Storage), and give the token Datastore.AllocateTemplate on it",
            15.0,
            "NoIsoStorage",
        )
    roomy = [row for row in rows if parse_int(row.get("avail"), size_bytes) >= size_bytes]
    if not roomy:
        names = ", ".join(sorted(str(row["storage"]) for row in rows))
        raise TransientError(f"no storage for ISOs on {node} has room ({names}): free space", 30.0, "StorageFull")
    chosen = min(roomy, key=lambda row: (parse_bool(row.get("shared", 0)), str(row["storage"])))
    if not parse_bool(chosen.get("shared", 0)):
        return str(chosen["storage"]), node
    return str(chosen["storage"]), await client.local_node() or node
