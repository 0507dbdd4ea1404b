"""Templates are made from images, once, and an interrupted run is gone on with."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from capstan.api.errors import TerminalError
from capstan.api.rules.schematics import FactoryImage
from capstan.providers.proxmox.client import ProxmoxClient
from capstan.providers.proxmox.errors import PveError
from capstan.providers.proxmox.image import TemplateReady, TemplateWish, ensure_template
from capstan.providers.proxmox.image.ensure import image_filename
from capstan.providers.proxmox.transport import Endpoint
from capstan.sim import loop
from capstan.sim.clock import VirtualClock
from capstan.sim.keys import SeededKeys
from capstan.sim.proxmox.access import Token
from capstan.sim.proxmox.api import PveApi
from capstan.sim.proxmox.cluster import Host, PveCluster
from capstan.sim.proxmox.delays import PveDelays
from capstan.sim.proxmox.images import find_image
from capstan.sim.proxmox.storage import Storage
from capstan.sim.proxmox.transport import SimulatedTransports

URL = FactoryImage(version="v1.11.6").url
WISH = TemplateWish(node="pve1", name="talos-v1.11.6", url=URL, disk_gib=12, tags=("talos", "v1.11.6"))


def _host(*storages: Storage) -> tuple[PveApi, ProxmoxClient]:
    clock = VirtualClock(asyncio.get_running_loop())
    default = (Storage("local", content=("iso", "import")), Storage("disks", type="lvmthin", content=("images",)))
    cluster = PveCluster(
        "pve",
        hosts=(Host("pve1"),),
        storages=storages or default,
        tokens=(Token("a@pve!b", "c"),),
        random_bytes=SeededKeys(5).token,
        now=clock.now,
        delays=PveDelays(download=20.0, create=5.0),
    )
    api = PveApi(cluster)
    factory = SimulatedTransports({"pve": api})
    return api, ProxmoxClient(factory.connect(Endpoint(("https://pve",), "a@pve!b", "c")), clock)


def test_a_template_is_made_once() -> None:
    async def story() -> None:
        api, client = _host()
        lines: list[str] = []
        made = await ensure_template(client, WISH, lines.append)
        assert made == TemplateReady("pve1", 100, created=True)
        vm = api.cluster.vms[100]
        assert vm.template
        assert "size=12G" in vm.config["scsi0"]
        assert vm.config["tags"] == "talos;v1.11.6"
        assert [line.split()[0] for line in lines] == ["downloading", "making", "growing", "converting", "template"]
        calls = len(api.calls)
        again = await ensure_template(client, WISH)
        assert again == TemplateReady("pve1", 100, created=False)
        assert {op.split()[0] for op, _ in api.calls[calls:]} == {"GET"}

    loop.run(story())


@pytest.mark.parametrize("seconds", [1, 10, 21, 24, 26])
def test_an_interrupted_run_is_gone_on_with(seconds: float) -> None:
    async def story() -> None:
        api, client = _host()
        first = asyncio.create_task(ensure_template(client, WISH))
        await asyncio.sleep(seconds)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await client.aclose()
        for _ in range(3):
            try:
                await ensure_template(client, WISH)
            except PveError:
                await asyncio.sleep(10)  # The task of the first run still holds its lock.
        assert [vm.vmid for vm in api.cluster.vms.values() if vm.template] == [100]
        assert len(api.cluster.vms) == 1

    loop.run(story())


def test_a_checksum_is_checked() -> None:
    async def story() -> None:
        _api, client = _host()
        image = find_image(URL)
        assert image is not None
        right = hashlib.sha256(image.content).hexdigest()
        wrong = TemplateWish(node="pve1", name="t", url=URL, checksum="0" * 64)
        with pytest.raises(PveError, match="checksum"):
            await ensure_template(client, wrong)
        made = await ensure_template(client, TemplateWish(node="pve1", name="t", url=URL, checksum=right))
        assert made.created

    loop.run(story())


def test_what_only_the_user_can_change_is_said() -> None:
    async def story() -> None:
        _api, client = _host(Storage("local", content=("iso", "images")))
        with pytest.raises(TerminalError, match="takes content `import`"):
            await ensure_template(client, WISH)

    loop.run(story())


def test_image_filenames_tell_images_apart() -> None:
    one, two = WISH, TemplateWish(node="pve1", name="x", url=URL.replace("1.11.6", "1.11.7"))
    assert image_filename(one) != image_filename(two)
    assert image_filename(one).endswith("-v1.11.6-nocloud-amd64.qcow2")
    with pytest.raises(TerminalError, match="without compression"):
        image_filename(TemplateWish(node="n", name="x", url=URL + ".xz"))
