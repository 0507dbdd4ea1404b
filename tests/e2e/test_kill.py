"""The real process is killed (SIGKILL) at random moments of making, scaling and deleting a cluster, and started again:
it finishes, with no second VM, no address twice, one etcd bootstrap, and nothing left behind."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

from capstan.api.objects import Obj, Resource
from capstan.runtime.client.http import HttpClient
from capstan.runtime.client.kubeconfig import parse_kubeconfig
from capstan.sim.datacenter import TEMPLATE_ID, DatacenterSettings
from capstan.sim.lab.lab import Lab
from capstan.sim.proxmox.delays import BRISK
from capstan.sim.talos.delays import MachineDelays
from tests.e2e.programs import CAPSTAN, CLEAN, HOMELAB, KUBECTL

CLUSTER = "cluster.x-k8s.io"
MACHINES = Resource(CLUSTER, "v1beta2", "machines", "Machine")
CLUSTERS = Resource(CLUSTER, "v1beta2", "clusters", "Cluster")
PROXMOX_MACHINES = Resource("infrastructure.cluster.x-k8s.io", "v1alpha2", "proxmoxmachines", "ProxmoxMachine")
ADDRESSES = Resource("ipam.cluster.x-k8s.io", "v1beta2", "ipaddresses", "IPAddress")
SECRETS = Resource("", "v1", "secrets", "Secret")

SEED = 20240607
#: Slow enough that each phase lasts longer than its kills.
SETTINGS = DatacenterSettings(seed=SEED, machine_delays=MachineDelays.scaled(0.06), pve_delays=BRISK)
#: Seconds from the start of a process to its end: some end before they are ready.
SHORTEST, LONGEST = 0.35, 1.5
SETTLED_SECONDS, LOOK_SECONDS = 60.0, 0.25


class Killed:
    """`capstan up` that does not live long."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self._directory = directory
        self._environment = {**CLEAN, **environment}
        self._process: asyncio.subprocess.Process | None = None
        self._port = 0
        self.kills = 0
        self.log = directory.parent / "capstan.log"

    async def start(self) -> None:
        command = ("up", "--data-dir", str(self._directory), "--port", str(self._port))
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                CAPSTAN, *command, env=self._environment, stdout=log, stderr=log
            )

    async def kill(self) -> None:
        assert self._process is not None
        assert self._process.returncode is None, f"it ended by itself:\n{self.log.read_text()[-4000:]}"
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()
        self.kills += 1

    async def end(self) -> int:
        """As a user ends it."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return await self._process.wait()

    async def client(self) -> HttpClient:
        """A client, once it answers."""
        async with asyncio.timeout(20):
            while True:
                try:
                    client = HttpClient(parse_kubeconfig((self._directory / "kubeconfig").read_bytes()))
                except FileNotFoundError:
                    await asyncio.sleep(0.05)
                    continue
                try:
                    await client.list(CLUSTERS, "default")
                    return client
                except Exception:
                    await client.aclose()
                    assert self._process is not None
                    assert self._process.returncode is None, self.log.read_text()[-4000:]
                    await asyncio.sleep(0.05)

    async def kubectl(self, *arguments: str) -> None:
        environment = {**CLEAN, "KUBECONFIG": str(self._directory / "kubeconfig"), "HOME": str(self._directory)}
        process = await asyncio.create_subprocess_exec(
            KUBECTL, *arguments, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()

    def keep_port(self, url: str) -> None:
        self._port = int(url.rpartition(":")[2])


def _is_ready(obj: Obj, condition: str) -> bool:
    conditions = obj.get("status", {}).get("conditions", ())
    return any(c["type"] == condition and c["status"] == "True" for c in conditions)


class Story:
    def __init__(self, lab: Lab, plane: Killed) -> None:
        self._lab = lab
        self._plane = plane
        self._random = Random(SEED)

    async def phase(self, kills: int, *commands: tuple[str, ...]) -> None:
        """Ask for something, then kill so many processes while it is done; the last one is left to finish it."""
        await (await self._plane.client()).aclose()
        for command in commands:
            await self._plane.kubectl(*command)
        for _ in range(kills):
            await asyncio.sleep(self._random.uniform(SHORTEST, LONGEST))
            await self._plane.kill()
            self.check_vms()
            await self._plane.start()

    def check_vms(self) -> None:
        """At any moment: no machine has two VMs, etcd was begun at most once, no address is used twice."""
        names = Counter(vm.config["name"] for vm in self._lab.datacenter.pve.vms.values() if "name" in vm.config)
        assert not [name for name, count in names.items() if count > 1]
        lines = self._lab.datacenter.trace.lines
        assert sum(line.endswith(" bootstraps") for line in lines) <= 1
        assert not [line for line in lines if "is in use by another machine" in line]

    async def settled(self, control_planes: int, workers: int) -> None:
        await self._until(lambda client: self._is_settled(client, control_planes, workers))
        self.check_vms()

    async def gone(self) -> None:
        async def is_gone(client: HttpClient) -> bool:
            return not self._lab.datacenter.leftovers() and not await self._left(client)

        await self._until(is_gone)

    async def _until(self, check: Callable[[HttpClient], Awaitable[bool]]) -> None:
        client = await self._plane.client()
        try:
            for _ in range(int(SETTLED_SECONDS / LOOK_SECONDS)):
                if await check(client):
                    return
                await asyncio.sleep(LOOK_SECONDS)
            raise AssertionError(f"not so after {SETTLED_SECONDS} s:\n{await self._shown(client)}")
        finally:
            await client.aclose()

    async def _shown(self, client: HttpClient) -> str:
        """What there is, and what it says of itself, when it goes wrong."""
        lines = [*self._lab.datacenter.trace.lines[-40:], *self._lab.datacenter.leftovers()]
        for resource in (CLUSTERS, MACHINES, PROXMOX_MACHINES, ADDRESSES, SECRETS):
            for found in (await client.list(resource, "default")).items:
                lines.append(f"{resource.kind} {found['metadata']['name']}")
                for condition in found.get("status", {}).get("conditions", ()):
                    lines.append(f"  {condition['type']} {condition['status']} {condition.get('message', '')}")
        return "\n".join(lines)

    async def _is_settled(self, client: HttpClient, control_planes: int, workers: int) -> bool:
        machines = (await client.list(MACHINES, "default")).items
        owned = [m for m in machines if f"{CLUSTER}/control-plane" in m["metadata"]["labels"]]
        if (len(owned), len(machines)) != (control_planes, control_planes + workers):
            return False
        if not all(_is_ready(m, "Ready") for m in machines):
            return False
        if not all(_is_ready(c, "Available") for c in (await client.list(CLUSTERS, "default")).items):
            return False
        hosts = (await client.list(PROXMOX_MACHINES, "default")).items
        vms = {vm.name: vm for vmid, vm in self._lab.datacenter.pve.vms.items() if vmid != TEMPLATE_ID}
        if sorted(vms) != sorted(h["metadata"]["name"] for h in hosts):
            return False
        assert all(h["spec"]["providerID"] == f"proxmox://{vms[h['metadata']['name']].uuid}" for h in hosts)
        return True

    async def check_addresses(self) -> None:
        """One for each machine and none besides, once those of deleted machines have been let go."""
        client = await self._plane.client()
        try:
            given = [a["spec"]["address"] for a in (await client.list(ADDRESSES, "default")).items]
            hosts = (await client.list(PROXMOX_MACHINES, "default")).items
        finally:
            await client.aclose()
        used = [a["address"] for h in hosts for a in h["status"]["addresses"] if a["type"] == "InternalIP"]
        assert len(set(given)) == len(given)
        assert len(set(used)) == len(used) == len(hosts)
        assert set(used) <= set(given)

    async def _left(self, client: HttpClient) -> list[str]:
        found: list[str] = []
        for resource in (CLUSTERS, MACHINES, PROXMOX_MACHINES, ADDRESSES, SECRETS):
            found += [
                f"{resource.kind} {o['metadata']['name']}" for o in (await client.list(resource, "default")).items
            ]
        return found


async def _main(directory: Path) -> None:
    lab = Lab(SETTINGS)
    access = await lab.start()
    plane = Killed(directory / "data", access.environment)
    story = Story(lab, plane)
    try:
        await plane.start()
        await (await plane.client()).aclose()
        plane.keep_port(parse_kubeconfig((directory / "data" / "kubeconfig").read_bytes()).server)
        await story.phase(14, ("apply", "-f", str(HOMELAB)))
        await story.settled(1, 2)
        await story.check_addresses()
        await story.phase(14, *_replicas(3, 4))
        await story.settled(3, 4)
        await story.check_addresses()
        await story.phase(12, *_replicas(1, 1))
        await story.settled(1, 1)
        await story.check_addresses()
        await story.phase(10, ("delete", "--wait=false", "-f", str(HOMELAB)))
        await story.gone()
        assert plane.kills >= 50
        story.check_vms()
        said = plane.log.read_text()
        assert access.secret not in said
        assert "Traceback" not in said
        assert await plane.end() == 0
    finally:
        await lab.stop()


def _replicas(control_planes: int, workers: int) -> tuple[tuple[str, ...], ...]:
    return (
        ("scale", "taloscontrolplane/homelab-control-plane", f"--replicas={control_planes}"),
        ("scale", "machinedeployment/homelab-workers", f"--replicas={workers}"),
    )


def test_fifty_kills(tmp_path: Path) -> None:
    asyncio.run(_main(tmp_path))
