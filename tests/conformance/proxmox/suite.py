"""What every Proxmox VE, real or simulated, must answer to our client: functions over a host that a factory gives.

The host has a node `pve1` with a template 9000 (a disk scsi0 and a NIC net0), and a storage `local` for ISO images.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

import pytest

from capstan.providers.proxmox.client import ProxmoxClient
from capstan.providers.proxmox.config import Nic, parse_bool
from capstan.providers.proxmox.errors import (
    AlreadyExists,
    ChangedMeanwhile,
    InvalidParameters,
    Locked,
    NodeOffline,
    NotFound,
    NotImplementedByServer,
    PermissionDenied,
    PveError,
    TaskGone,
    Unauthorized,
)
from capstan.providers.proxmox.tasks import Upid
from capstan.providers.proxmox.transport import Endpoint, Scalar, TransportFactory, Upload
from capstan.runtime.clock import Clock

NODE, OTHER_NODE, TEMPLATE, ISO_STORAGE = "pve1", "pve2", 9000, "local"


@dataclass(frozen=True)
class Host:
    """One host to check. `limited` is a token that may read versions and nothing else; `lock` locks a VM, `offline`
    takes a node away. `lacks` names the checks that the host does not pass because it does not model the matter."""

    name: str
    factory: TransportFactory
    endpoint: Endpoint
    limited: Endpoint
    clock: Clock
    lock: Callable[[int, str], None]
    offline: Callable[[str], None]
    lacks: frozenset[str] = frozenset()

    def client(self, endpoint: Endpoint | None = None) -> ProxmoxClient:
        return ProxmoxClient(self.factory.connect(endpoint or self.endpoint), self.clock)


MakeHost = Callable[[], AbstractAsyncContextManager[Host]]
Check = Callable[[Host, ProxmoxClient], Awaitable[None]]


async def run_check(host: Host, check: Check) -> None:
    """One check with its own client."""
    client = host.client()
    try:
        await check(host, client)
    finally:
        await client.aclose()


async def version_and_nodes(host: Host, client: ProxmoxClient) -> None:
    version = await client.version()
    assert str(version["version"])[0] in "789"
    nodes = {row["node"]: row["status"] for row in await client.nodes()}
    assert nodes == {NODE: "online", OTHER_NODE: "online"}
    assert await client.local_node() in nodes


async def a_wrong_secret_is_unauthorized(host: Host, client: ProxmoxClient) -> None:
    stranger = host.client(replace(host.endpoint, secret="wrong"))
    with pytest.raises(Unauthorized) as error:
        await stranger.version()
    await stranger.aclose()
    assert "wrong" not in str(error.value)
    assert "token" in str(error.value)


async def a_missing_privilege_is_named(host: Host, client: ProxmoxClient) -> None:
    limited = host.client(host.limited)
    with pytest.raises(PermissionDenied) as error:
        await limited.clone(NODE, TEMPLATE, 300, {"name": "x"})
    await limited.aclose()
    assert error.value.acl_path == f"/vms/{TEMPLATE}"
    assert error.value.privileges == ("VM.Clone",)
    assert f"VM.Clone on /vms/{TEMPLATE}" in str(error.value)


async def an_unknown_path_is_not_implemented(host: Host, client: ProxmoxClient) -> None:
    with pytest.raises((NotImplementedByServer, NotFound)):
        await client.call("GET", "/no/such/path")


async def an_unknown_parameter_is_named(host: Host, client: ProxmoxClient) -> None:
    with pytest.raises(InvalidParameters) as error:
        await client.call("POST", f"/nodes/{NODE}/qemu/{TEMPLATE}/clone", {"newid": 301, "colour": "red"})
    assert "colour" in error.value.fields


async def a_missing_vm_is_not_found(host: Host, client: ProxmoxClient) -> None:
    for call in (client.config(NODE, 555), client.status(NODE, 555), client.power(NODE, 555, "start")):
        with pytest.raises(NotFound):
            await call


async def a_clone_has_new_identity_and_the_given_description(host: Host, client: ProxmoxClient) -> None:
    upid = await client.clone(NODE, TEMPLATE, 310, {"name": "copy", "description": "marker", "full": True})
    assert Upid.parse(upid).node == NODE
    assert Upid.parse(upid).type == "qmclone"
    end = await client.finish(upid)
    assert end is not None
    assert end.done
    template, copy = await client.config(NODE, TEMPLATE), await client.config(NODE, 310)
    assert copy["name"] == "copy"
    assert str(copy["description"]).strip() == "marker"
    assert copy["scsi0"] != template["scsi0"]
    assert not parse_bool(copy.get("template", 0))
    rows = {row["vmid"]: row for row in await client.resources()}
    assert rows[310]["node"] == NODE
    assert rows[310]["name"] == "copy"


async def a_clone_to_a_taken_vmid_already_exists(host: Host, client: ProxmoxClient) -> None:
    with pytest.raises(AlreadyExists):
        await client.finish(await client.clone(NODE, TEMPLATE, TEMPLATE, {"name": "again"}))


async def a_clone_has_new_mac_and_uuid(host: Host, client: ProxmoxClient) -> None:
    await client.finish(await client.clone(NODE, TEMPLATE, 311, {"name": "copy", "full": True}))
    template, copy = await client.config(NODE, TEMPLATE), await client.config(NODE, 311)
    assert Nic.parse(str(copy["net0"])).mac != Nic.parse(str(template["net0"])).mac
    assert copy["smbios1"] != template["smbios1"]


async def nextid_tells_taken_ids_from_free_ones(host: Host, client: ProxmoxClient) -> None:
    vmid = await client.next_id()
    assert vmid >= 100
    assert await client.is_free(vmid)
    assert not await client.is_free(TEMPLATE)


async def config_changes_by_form_and_digest(host: Host, client: ProxmoxClient) -> None:
    await client.finish(await client.clone(NODE, TEMPLATE, 312, {"name": "copy", "full": True}))
    before = await client.config(NODE, 312)
    params: dict[str, Scalar | None] = {"cores": 3, "memory": 4096, "onboot": True, "digest": str(before["digest"])}
    await client.finish(await client.configure(NODE, 312, params))
    after = await client.config(NODE, 312)
    assert int(after["cores"]) == 3
    assert int(after["memory"]) == 4096
    assert parse_bool(after["onboot"])
    with pytest.raises(ChangedMeanwhile):
        await client.finish(await client.configure(NODE, 312, {"cores": 4, "digest": str(before["digest"])}))
    await client.finish(await client.configure(NODE, 312, {"delete": "onboot"}))
    assert "onboot" not in await client.config(NODE, 312)


async def resize_grows(host: Host, client: ProxmoxClient) -> None:
    await client.finish(await client.clone(NODE, TEMPLATE, 313, {"name": "copy", "full": True}))
    await client.finish(await client.resize(NODE, 313, "scsi0", "33G"))
    assert "size=33G" in str((await client.config(NODE, 313))["scsi0"])


async def power_and_destroy(host: Host, client: ProxmoxClient) -> None:
    await client.finish(await client.clone(NODE, TEMPLATE, 314, {"name": "copy", "full": True}))
    assert (await client.status(NODE, 314))["status"] == "stopped"
    await client.finish(await client.power(NODE, 314, "start"))
    assert (await client.status(NODE, 314))["status"] == "running"
    with pytest.raises(PveError, match="running"):
        await client.finish(await client.destroy(NODE, 314))
    await client.finish(await client.power(NODE, 314, "stop"))
    await client.finish(await client.destroy(NODE, 314))
    with pytest.raises(NotFound):
        await client.config(NODE, 314)


async def a_locked_vm_is_locked(host: Host, client: ProxmoxClient) -> None:
    await client.finish(await client.clone(NODE, TEMPLATE, 315, {"name": "copy", "full": True}))
    host.lock(315, "backup")
    with pytest.raises(Locked):
        await client.finish(await client.configure(NODE, 315, {"cores": 2}))


async def an_iso_is_uploaded_attached_and_deleted(host: Host, client: ProxmoxClient) -> None:
    names = {row["storage"] for row in await client.storages(NODE, "iso")}
    assert ISO_STORAGE in names
    await client.finish(await client.upload(NODE, ISO_STORAGE, "iso", Upload("seed.iso", b"\0" * 4096, 4096)))
    volume = f"{ISO_STORAGE}:iso/seed.iso"
    assert volume in {row["volid"] for row in await client.content(NODE, ISO_STORAGE, "iso")}
    await client.finish(await client.clone(NODE, TEMPLATE, 316, {"name": "copy", "full": True}))
    await client.finish(await client.configure(NODE, 316, {"ide0": f"{volume},media=cdrom"}))
    assert str((await client.config(NODE, 316))["ide0"]).startswith(volume)
    await client.finish(await client.configure(NODE, 316, {"ide0": "none,media=cdrom"}))
    await client.delete_volume_if_present(NODE, volume)
    assert volume not in {row["volid"] for row in await client.content(NODE, ISO_STORAGE, "iso")}
    await client.delete_volume_if_present(NODE, volume)


async def a_streamed_upload_arrives_whole(host: Host, client: ProxmoxClient) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for number in range(4):
            yield bytes([number]) * 1024

    upload = Upload("stream.iso", parts(), 4096)
    await client.finish(await client.upload(NODE, ISO_STORAGE, "iso", upload))
    rows = {row["volid"]: row for row in await client.content(NODE, ISO_STORAGE, "iso")}
    assert int(rows[f"{ISO_STORAGE}:iso/stream.iso"]["size"]) == 4096


async def an_unknown_task_is_gone(host: Host, client: ProxmoxClient) -> None:
    with pytest.raises((TaskGone, NotFound)):
        await client.tasks.end(f"UPID:{NODE}:0000FFFF:00000001:65000000:qmstart:100:root@pam:")


async def a_task_is_followed_once_for_all(host: Host, client: ProxmoxClient) -> None:
    upid = await client.clone(NODE, TEMPLATE, 317, {"name": "copy", "full": True})
    ends = await asyncio.gather(*(client.tasks.end(upid) for _ in range(5)))
    assert {end.exit_status for end in ends} == {"OK"}
    assert len({id(end) for end in ends}) == 1
    assert isinstance(await client.task_log(upid), list)


async def an_offline_node_says_so(host: Host, client: ProxmoxClient) -> None:
    host.offline(OTHER_NODE)
    with pytest.raises(NodeOffline):
        await client.config(OTHER_NODE, 100)
    assert await client.version()


async def a_template_is_made(host: Host, client: ProxmoxClient) -> None:
    await client.finish(await client.clone(NODE, TEMPLATE, 318, {"name": "copy", "full": True}))
    await client.finish(await client.convert_to_template(NODE, 318))
    assert parse_bool((await client.config(NODE, 318))["template"])


CHECKS: tuple[Check, ...] = (
    version_and_nodes,
    a_wrong_secret_is_unauthorized,
    a_missing_privilege_is_named,
    an_unknown_path_is_not_implemented,
    an_unknown_parameter_is_named,
    a_missing_vm_is_not_found,
    a_clone_has_new_identity_and_the_given_description,
    a_clone_to_a_taken_vmid_already_exists,
    a_clone_has_new_mac_and_uuid,
    nextid_tells_taken_ids_from_free_ones,
    config_changes_by_form_and_digest,
    resize_grows,
    power_and_destroy,
    a_locked_vm_is_locked,
    an_iso_is_uploaded_attached_and_deleted,
    a_streamed_upload_arrives_whole,
    an_unknown_task_is_gone,
    a_task_is_followed_once_for_all,
    an_offline_node_says_so,
    a_template_is_made,
)
