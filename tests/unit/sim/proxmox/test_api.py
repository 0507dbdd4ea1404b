"""The simulated Proxmox VE: the behaviours that providers get wrong, request by request."""

from __future__ import annotations

import json
import re
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from capstan.sim import loop
from capstan.sim.hypervisor import DiskImage
from capstan.sim.proxmox.access import Token
from capstan.sim.proxmox.api import HANDLERS, PveApi
from capstan.sim.proxmox.cluster import Host, PveCluster
from capstan.sim.proxmox.delays import PveDelays
from capstan.sim.proxmox.images import find_image
from capstan.sim.proxmox.parameters import PARAMETERS
from capstan.sim.proxmox.storage import Storage

SCHEMA = Path(__file__).parents[4] / ".." / "shared" / "data" / "proxmox-api.json"
TALOS = DiskImage(os="talos", version="v1.11.6")
URL = "https://factory.example/image/376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba/v1.11.6/"


class Pve:
    """A small cluster with a template on shared storage, and a token that may do everything."""

    def __init__(self, delays: PveDelays | None = None) -> None:
        counter = iter(range(1, 10_000))
        self.cluster = PveCluster(
            "lab",
            hosts=(Host("pve1"), Host("pve2", memory_bytes=8 * 2**30)),
            storages=(Storage("tank", "nfs"), Storage("local-lvm", "lvmthin", ("images",), total_bytes=50 * 2**30)),
            tokens=(Token("capstan@pve!t", "s3cret"),),
            random_bytes=lambda size: next(counter).to_bytes(size, "big"),
            now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            delays=delays,
        )
        self.cluster.add_template(9000, "pve1", "tank", TALOS)
        self.api = PveApi(self.cluster)

    async def __call__(self, operation: str, **params: Any) -> Any:
        """The data of a call; AssertionError with the reason when it is refused."""
        status, reason, body = await self.refusal(operation, **params)
        assert status == 200, f"{status} {reason} {body}"
        return body["data"]

    async def refusal(self, operation: str, **params: Any) -> tuple[int, str, Any]:
        method, path = operation.split(" ")
        wire = {name.replace("_", "-"): value for name, value in params.items()}
        answer = await self.api.request(method, path, wire, token_id="capstan@pve!t", secret="s3cret")
        return answer.status, answer.reason, json.loads(answer.body)

    async def exit_status(self, upid: str) -> str:
        node = upid.split(":")[1]
        status = await self("GET /nodes/" + node + "/tasks/" + upid + "/status")
        return str(status.get("exitstatus", status["status"]))


def run(story: Coroutine[Any, Any, None]) -> None:
    loop.run(story)


def test_parameters_are_those_of_the_real_api() -> None:
    if not SCHEMA.exists():
        pytest.skip("the Proxmox VE schema is not beside the checkout")
    paths = json.loads(SCHEMA.read_text())["paths"]
    codes = {"string": "s", "integer": "i", "boolean": "b", "number": "n", "array": "a"}
    for operation in HANDLERS:
        method, path = operation.split(" ")
        real = paths[path][method]["parameters"].get("properties", {})
        words = {
            f"{name}:{codes[facts.get('type', 'string')]}{'' if facts.get('optional') else '!'}"
            for name, facts in real.items()
        }
        assert set(PARAMETERS[operation].split()) == words, operation


def test_every_answer_has_the_fields_that_the_schema_requires() -> None:
    if not SCHEMA.exists():
        pytest.skip("the Proxmox VE schema is not beside the checkout")
    paths = json.loads(SCHEMA.read_text())["paths"]

    async def story() -> None:
        pve = Pve()
        upid = await pve("POST /nodes/pve1/qemu/9000/clone", newid=100, name="a")
        for operation in (
            "GET /nodes",
            "GET /nodes/pve1/status",
            "GET /cluster/status",
            "GET /cluster/resources",
            "GET /nodes/pve1/qemu",
            "GET /nodes/pve1/qemu/100/status/current",
            "GET /nodes/pve1/storage",
            "GET /nodes/pve1/storage/tank/content",
            f"GET /nodes/pve1/tasks/{upid}/status",
        ):
            data = await pve(operation)
            returns = paths[_template(operation)]["GET"]["returns"]
            rows = data if isinstance(data, list) else [data]
            facts = returns.get("items", returns).get("properties", {})
            assert rows, operation
            for row in rows:
                missing = {n for n, f in facts.items() if not f.get("optional")} - row.keys()
                # The schema forgets that these are left out of an offline or unprivileged row.
                assert not missing - {"cpu", "boot-info", "current-kernel", "rootfs"}, (operation, missing)

    run(story())


def _template(operation: str) -> str:
    path = operation.split(" ")[1]
    path = re.sub(r"/nodes/pve1", "/nodes/{node}", path)
    path = re.sub(r"/qemu/\d+", "/qemu/{vmid}", path)
    path = re.sub(r"/storage/tank", "/storage/{storage}", path)
    return re.sub(r"/tasks/UPID[^/]+", "/tasks/{upid}", path)


def test_unknown_parameters_and_wrong_types_are_refused_by_name() -> None:
    async def story() -> None:
        pve = Pve()
        status, reason, body = await pve.refusal("POST /nodes/pve1/qemu/9000/clone", newid="x", colour="red")
        assert (status, reason) == (400, "Parameter verification failed.")
        assert body["errors"].keys() == {"newid", "colour"}

    run(story())


def test_nextid_is_a_string_without_reservation_and_the_second_clone_loses_the_race() -> None:
    async def story() -> None:
        pve = Pve(PveDelays(clone_full=5))
        first, second = await pve("GET /cluster/nextid"), await pve("GET /cluster/nextid")
        assert first == second == "100"
        await pve("POST /nodes/pve1/qemu/9000/clone", newid=100, full=1)
        status, reason, _ = await pve.refusal("POST /nodes/pve1/qemu/9000/clone", newid=100, full=1)
        assert status == 500
        assert "config file already exists" in reason
        status, _, body = await pve.refusal("GET /cluster/nextid", vmid=100)
        assert status == 400
        assert body["errors"]["vmid"] == "VM 100 already exists"

    run(story())


def test_a_clone_is_locked_and_nameless_until_its_task_ends_and_then_has_its_own_identity() -> None:
    async def story() -> None:
        pve = Pve(PveDelays(clone_full=5))
        upid = await pve("POST /nodes/pve1/qemu/9000/clone", newid=100, full=1, name="w-1", description="mine")
        assert await pve.exit_status(upid) == "running"
        config = await pve("GET /nodes/pve1/qemu/100/config")
        assert config["lock"] == "clone"
        assert "name" not in config
        status, reason, _ = await pve.refusal("PUT /nodes/pve1/qemu/100/config", cores=4)
        assert (status, reason) == (500, "VM is locked (clone)")
        await loop.asyncio.sleep(6)
        assert await pve.exit_status(upid) == "OK"
        source, config = await pve("GET /nodes/pve1/qemu/9000/config"), await pve("GET /nodes/pve1/qemu/100/config")
        assert config["name"] == "w-1"
        assert config["smbios1"] != source["smbios1"]
        assert config["net0"] != source["net0"]
        assert config["scsi0"].startswith("tank:100/vm-100-disk-0")

    run(story())


def test_clones_on_one_storage_queue_for_its_lock_and_time_out() -> None:
    async def story() -> None:
        pve = Pve(PveDelays(clone_full=5, lock_timeout=8))
        upids = [await pve("POST /nodes/pve1/qemu/9000/clone", newid=n, full=1) for n in (100, 101)]
        await loop.asyncio.sleep(6)
        assert [await pve.exit_status(u) for u in upids] == ["OK", "running"]
        await pve("POST /nodes/pve1/qemu/9000/clone", newid=102, full=1)
        status, reason, _ = await pve.refusal("POST /nodes/pve1/qemu/9000/clone", newid=103, full=1)
        assert status == 500
        assert "got timeout" in reason
        assert 103 not in pve.cluster.vms

    run(story())


def test_local_disks_stay_on_their_node_and_full_storages_refuse() -> None:
    async def story() -> None:
        pve = Pve()
        pve.cluster.add_template(9001, "pve1", "local-lvm", TALOS)
        status, reason, _ = await pve.refusal("POST /nodes/pve1/qemu/9001/clone", newid=100, full=1, target="pve2")
        assert status == 500
        assert "uses local storage" in reason
        upids = [
            await pve("POST /nodes/pve1/qemu/9001/clone", newid=100 + n, full=1, storage="local-lvm") for n in range(5)
        ]
        ended = [await pve.exit_status(upid) for upid in upids]
        assert ended[:4] == ["OK"] * 4
        assert "no space left" in ended[4]
        assert 104 not in pve.cluster.vms, "a failed clone leaves nothing"

    run(story())


def test_resize_grows_and_never_shrinks() -> None:
    async def story() -> None:
        pve = Pve()
        await pve("POST /nodes/pve1/qemu/9000/clone", newid=100, full=1)
        await pve("PUT /nodes/pve1/qemu/100/resize", disk="scsi0", size="20G")
        assert "size=20G" in (await pve("GET /nodes/pve1/qemu/100/config"))["scsi0"]
        status, reason, _ = await pve.refusal("PUT /nodes/pve1/qemu/100/resize", disk="scsi0", size="5G")
        assert (status, reason) == (500, "shrinking disks is not supported")

    run(story())


def test_a_nic_written_without_its_mac_gets_a_new_one_and_tags_are_normalised() -> None:
    async def story() -> None:
        pve = Pve()
        await pve("POST /nodes/pve1/qemu/9000/clone", newid=100, full=1)
        before = (await pve("GET /nodes/pve1/qemu/100/config"))["net0"]
        await pve("PUT /nodes/pve1/qemu/100/config", net0="virtio,bridge=vmbr0,tag=7", tags="B,a;b")
        after = await pve("GET /nodes/pve1/qemu/100/config")
        assert after["net0"].split(",")[0] != before.split(",")[0]
        assert after["net0"].endswith("bridge=vmbr0,tag=7")
        assert after["tags"] == "a;b"

    run(story())


def test_digest_guards_and_missing_iso_is_refused() -> None:
    async def story() -> None:
        pve = Pve()
        await pve("POST /nodes/pve1/qemu/9000/clone", newid=100, full=1)
        digest = (await pve("GET /nodes/pve1/qemu/100/config"))["digest"]
        await pve("PUT /nodes/pve1/qemu/100/config", cores=4, digest=digest)
        status, reason, _ = await pve.refusal("PUT /nodes/pve1/qemu/100/config", cores=2, digest=digest)
        assert status == 500
        assert "detected modified configuration" in reason
        status, reason, _ = await pve.refusal("PUT /nodes/pve1/qemu/100/config", ide0="tank:iso/x.iso,media=cdrom")
        assert status == 500
        assert "does not exist" in reason

    run(story())


def test_changes_of_a_running_vm_are_pending_until_it_starts_again() -> None:
    async def story() -> None:
        pve = Pve()
        await pve("POST /nodes/pve1/qemu/9000/clone", newid=100, full=1)
        await pve("POST /nodes/pve1/qemu/100/status/start")
        await pve("PUT /nodes/pve1/qemu/100/config", memory="4096")
        assert (await pve("GET /nodes/pve1/qemu/100/config"))["memory"] == "4096"
        assert (await pve("GET /nodes/pve1/qemu/100/config", current=1))["memory"] == "2048"
        await pve("POST /nodes/pve1/qemu/100/status/stop")
        await pve("POST /nodes/pve1/qemu/100/status/start")
        assert (await pve("GET /nodes/pve1/qemu/100/config", current=1))["memory"] == "4096"

    run(story())


def test_start_fails_in_its_task_where_memory_does_not_suffice() -> None:
    async def story() -> None:
        pve = Pve()
        await pve("POST /nodes/pve1/qemu/9000/clone", newid=100, full=1, target="pve2")
        await pve("PUT /nodes/pve2/qemu/100/config", memory="16384")
        upid = await pve("POST /nodes/pve2/qemu/100/status/start")
        assert "Cannot allocate memory" in await pve.exit_status(upid)

    run(story())


def test_a_running_vm_is_not_destroyed_and_a_destroyed_one_leaves_nothing() -> None:
    async def story() -> None:
        pve = Pve()
        await pve("POST /nodes/pve1/qemu/9000/clone", newid=100, full=1)
        await pve("POST /nodes/pve1/qemu/100/status/start")
        status, reason, _ = await pve.refusal("DELETE /nodes/pve1/qemu/100")
        assert status == 500
        assert "is running" in reason
        await pve("POST /nodes/pve1/qemu/100/status/stop")
        await pve("DELETE /nodes/pve1/qemu/100", purge=1, destroy_unreferenced_disks=1)
        assert await pve("GET /nodes/pve1/storage/tank/content", vmid=100) == []

    run(story())


def test_a_linked_clone_holds_its_base() -> None:
    async def story() -> None:
        pve = Pve()
        await pve("POST /nodes/pve1/qemu/9000/clone", newid=100, full=0)
        assert "base-9000-disk-0" in (await pve("GET /nodes/pve1/qemu/100/config"))["scsi0"]
        upid = await pve("DELETE /nodes/pve1/qemu/9000")
        assert "still in use by linked clones" in await pve.exit_status(upid)
        assert 9000 in pve.cluster.vms

    run(story())


def test_refusals_name_the_path_and_the_privilege() -> None:
    async def story() -> None:
        pve = Pve()
        pve.cluster.tokens.get("capstan@pve!t").grants = {"/": frozenset({"VM.Audit"})}
        status, reason, _ = await pve.refusal("POST /nodes/pve1/qemu/9000/clone", newid=100)
        assert (status, reason) == (403, "Permission check failed (/vms/9000, VM.Clone)")
        answer = await pve.api.request("GET", "/version", token_id="capstan@pve!t", secret="wrong")
        assert (answer.status, answer.reason) == (401, "invalid token value!")

    run(story())


def test_a_dead_node_answers_595_and_its_tasks_are_unknown_in_their_end() -> None:
    async def story() -> None:
        pve = Pve(PveDelays(clone_full=5))
        upid = await pve("POST /nodes/pve1/qemu/9000/clone", newid=100, full=1)
        pve.cluster.fail_host("pve1")
        status, _, _ = await pve.refusal("GET /nodes/pve1/qemu/9000/config")
        assert status == 595
        pve.cluster.recover_host("pve1")
        assert await pve.exit_status(upid) == "unexpected status"
        pve.cluster.tasks.forget()
        status, _, body = await pve.refusal(f"GET /nodes/pve1/tasks/{upid}/status")
        assert (status, body["errors"]) == (400, {"upid": "no such task"})

    run(story())


def test_an_image_is_downloaded_once_by_its_checksum_and_imported() -> None:
    async def story() -> None:
        pve = Pve()
        url = URL + "nocloud-amd64.qcow2"
        image = find_image(url)
        assert image is not None
        checked = {"checksum": image.checksum("sha256"), "checksum_algorithm": "sha256"}
        common = {"url": url, "filename": "talos.qcow2", "content": "import"}
        wrong = {"checksum": "0" * 64, "checksum_algorithm": "sha256"}
        call = "POST /nodes/pve1/storage/tank/download-url"
        assert "checksum mismatch" in await pve.exit_status(await pve(call, **common, **wrong))
        assert await pve.exit_status(await pve(call, **common, **checked)) == "OK"
        assert await pve.exit_status(await pve(call, **common, **checked)) == "OK"
        assert "refusing to override" in await pve.exit_status(await pve(call, **common))
        await pve("POST /nodes/pve1/qemu", vmid=9100, name="talos", scsi0="tank:0,import-from=tank:import/talos.qcow2")
        await pve("POST /nodes/pve1/qemu/9100/template")
        config = await pve("GET /nodes/pve1/qemu/9100/config")
        assert config["template"] == 1
        assert "base-9100-disk-0" in config["scsi0"]
        view = pve.cluster.view(pve.cluster.vms[9100])
        assert view.boot_disk is not None
        assert view.boot_disk.image.version == "v1.11.6"

    run(story())


def test_unknown_paths_are_501() -> None:
    async def story() -> None:
        status, reason, _ = await Pve().refusal("GET /api2/json/version")
        assert status == 501
        assert "not implemented" in reason

    run(story())
