"""The model of a Proxmox VE cluster: hosts, storages, VMs, pools, tasks. State changes only; the calls are next door.

What takes time is a task on the event loop's clock. Guests are the firmware's: they are told of power, and tell of
their own reboots and shutdowns.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from capstan.sim.hypervisor import DiskImage, Firmware, VirtualDisk, VmKey, VmView
from capstan.sim.proxmox import properties
from capstan.sim.proxmox.access import Token, Tokens
from capstan.sim.proxmox.delays import PveDelays
from capstan.sim.proxmox.errors import PveError, bad_parameter, failed
from capstan.sim.proxmox.storage import Storage, Storages, Volume
from capstan.sim.proxmox.tasks import Tasks
from capstan.sim.proxmox.vm import Vm

FIRST_VMID = 100
LAST_VMID = 1_000_000


@dataclass(slots=True)
class Host:
    """One node. An offline one answers nothing; its VMs are stopped from the outside's point of view."""

    name: str
    memory_bytes: int = 64 * 2**30
    cpus: int = 16
    online: bool = True
    bridges: tuple[str, ...] = ("vmbr0",)


@dataclass(slots=True)
class Pool:
    name: str
    comment: str = ""
    storages: list[str] = field(default_factory=list)


class PveCluster:
    """`random_bytes` and `now` are passed in: equal seeds give equal UUIDs, MACs and UPIDs."""

    def __init__(
        self,
        name: str,
        *,
        hosts: tuple[Host, ...],
        storages: tuple[Storage, ...],
        tokens: tuple[Token, ...],
        random_bytes: Callable[[int], bytes],
        now: Callable[[], datetime],
        firmware: Firmware | None = None,
        delays: PveDelays | None = None,
    ) -> None:
        self.name = name
        self.hosts = {host.name: host for host in hosts}
        self.storages = Storages(storages)
        self.tokens = Tokens(tokens)
        self.delays = delays or PveDelays()
        self.firmware = firmware
        self.vms: dict[int, Vm] = {}
        self.pools: dict[str, Pool] = {}
        self.tasks = Tasks(lambda: now().timestamp())
        self._random = random_bytes
        self._now = now

    # -- looking up

    def host(self, name: str) -> Host:
        host = self.hosts.get(name)
        if host is None:
            raise failed(f"hostname lookup '{name}' failed - failed to get address info for: {name}")
        if not host.online:
            raise PveError(595, "No route to host")
        return host

    def vm(self, node: str, vmid: int) -> Vm:
        self.host(node)
        vm = self.vms.get(vmid)
        if vm is None or vm.node != node:
            raise failed(f"Configuration file 'nodes/{node}/qemu-server/{vmid}.conf' does not exist")
        return vm

    def unlocked(self, node: str, vmid: int) -> Vm:
        vm = self.vm(node, vmid)
        if vm.lock:
            raise failed(f"VM is locked ({vm.lock})")
        return vm

    def next_id(self, wanted: int | None) -> str:
        """The lowest free VMID as a string; there is no reservation."""
        if wanted is not None:
            if wanted in self.vms:
                raise bad_parameter("vmid", f"VM {wanted} already exists")
            return str(wanted)
        vmid = FIRST_VMID
        while vmid in self.vms:
            vmid += 1
        return str(vmid)

    def new_uuid(self) -> str:
        return str(uuid.UUID(bytes=self._random(16), version=4))

    def new_mac(self) -> str:
        """PVE's own prefix BC:24:11, then three random bytes."""
        return "BC:24:11:" + ":".join(f"{byte:02X}" for byte in self._random(3))

    def timestamp(self) -> float:
        return self._now().timestamp()

    def running_memory_bytes(self, node: str) -> int:
        return sum(vm.memory_mib * 2**20 for vm in self.vms.values() if vm.node == node and vm.running)

    # -- making and unmaking

    def reserve(self, node: str, vmid: int, lock: str, config: dict[str, str]) -> Vm:
        """A new, locked VM configuration. The VMID is taken from now on."""
        self.host(node)
        if vmid in self.vms:
            owner = self.vms[vmid].node
            raise failed(f"unable to create VM {vmid}: config file already exists (node {owner})")
        vm = self.vms[vmid] = Vm(vmid, node, config, lock=lock)
        return vm

    def discard(self, vmid: int) -> None:
        """A creation failed half-way: nothing of it stays."""
        vm = self.vms.pop(vmid, None)
        if vm is not None:
            self._free_volumes(vm)

    def destroy(self, vm: Vm, *, unreferenced: bool) -> None:
        if vm.running:
            raise failed(f"VM {vm.vmid} is running - destroy failed")
        if vm.config.get("protection") == "1":
            raise failed(f"can't remove VM {vm.vmid} - protection mode enabled")
        for volid in vm.volids():
            storage = self.storages.of_volume(volid)
            if storage.volume(vm.node, volid) is not None:
                storage.free(vm.node, volid)
        if unreferenced:
            self._free_volumes(vm)
        del self.vms[vm.vmid]
        if self.firmware is not None:
            self.firmware.forget(self.key(vm))

    def _free_volumes(self, vm: Vm) -> None:
        for storage in self.storages.all():
            for (_place, volid), volume in list(storage.volumes.items()):
                if volume.vmid == vm.vmid:
                    storage.free(vm.node, volid)

    def add_template(self, vmid: int, node: str, storage: str, image: DiskImage, **config: str) -> Vm:
        """A ready template, as a host has it before Capstan comes: for worlds and labs."""
        disk = VirtualDisk(image, 10 * 2**30)
        target = self.storages.get(storage, node)
        volume = target.allocate(node, vmid, disk, stem="base")
        text = f"{volume.volid},size={properties.size_text(disk.size_bytes)}"
        defaults = {
            "name": f"talos-{image.version}",
            "memory": "2048",
            "cores": "2",
            "cpu": "host",
            "ostype": "l26",
            "scsihw": "virtio-scsi-pci",
            "scsi0": text,
            "net0": f"virtio={self.new_mac()},bridge=vmbr0",
            "boot": "order=scsi0",
            "smbios1": f"uuid={self.new_uuid()}",
            "template": "1",
        }
        vm = self.vms[vmid] = Vm(vmid, node, {**defaults, **config})
        return vm

    # -- power

    def key(self, vm: Vm) -> VmKey:
        return VmKey(self.name, vm.vmid)

    def power_on(self, vm: Vm) -> None:
        """Start, with what was pending taken over. Fails where the memory does not suffice."""
        if vm.running:
            raise failed(f"VM {vm.vmid} already running")
        for name, value in vm.pending.items():
            if value is None:
                vm.config.pop(name, None)
            else:
                vm.config[name] = value
        vm.pending.clear()
        needed = self.running_memory_bytes(vm.node) + vm.memory_mib * 2**20
        if needed > self.hosts[vm.node].memory_bytes:
            raise failed("start failed: QEMU: cannot set up guest memory 'pc.ram': Cannot allocate memory")
        vm.running, vm.started_at = True, self.timestamp()
        if self.firmware is not None:
            self.firmware.power_on(self.view(vm), self)

    def power_off(self, vm: Vm) -> None:
        if vm.running:
            vm.running = False
            if self.firmware is not None:
                self.firmware.power_off(self.key(vm))

    def view(self, vm: Vm) -> VmView:
        boot_disk, boot_iso = None, None
        for device in vm.boot_order():
            disk, iso = self._bootable(vm, device)
            if disk is not None:
                boot_disk = boot_disk or disk
            if iso is not None and boot_iso is None:
                boot_iso = iso
        return VmView(
            key=self.key(vm),
            name=vm.name,
            node=vm.node,
            uuid=vm.uuid,
            nics=vm.nics(),
            boot_disk=boot_disk,
            memory_mib=vm.memory_mib,
            cores=vm.cores,
            cdroms=self.current_cdroms(self.key(vm)),
            boot_iso=boot_iso,
            agent_enabled=vm.agent_enabled,
            smbios=properties.parse(vm.config.get("smbios1", "")),
        )

    def _bootable(self, vm: Vm, device: str) -> tuple[VirtualDisk | None, DiskImage | None]:
        value = vm.config.get(device, "")
        volid = properties.parse(value, "file").get("file", "none")
        if not value or ":" not in volid:
            return None, None
        storage = self.storages.of_volume(volid)
        if "media=cdrom" in value:
            file = storage.file(vm.node, volid)
            return None, file.image if file else None
        volume = storage.volume(vm.node, volid)
        return (volume.disk if volume else None), None

    # -- what a guest can do (VmHost)

    def guest_powered_off(self, key: VmKey) -> None:
        vm = self.vms.get(key.vmid)
        if vm is not None:
            vm.running = False

    def guest_rebooted(self, key: VmKey) -> None:
        """QEMU goes on running; nothing changes here."""

    def current_cdroms(self, key: VmKey) -> tuple[bytes, ...]:
        vm = self.vms.get(key.vmid)
        if vm is None:
            return ()
        files = [self.storages.of_volume(volid).file(vm.node, volid) for volid in vm.cdroms()]
        return tuple(file.content for file in files if file is not None)

    # -- hosts

    def fail_host(self, name: str) -> None:
        """The host loses power: it answers nothing, its tasks vanish, its guests stop."""
        self.hosts[name].online = False
        self.tasks.interrupt_node(name)
        for vm in self.vms.values():
            if vm.node == name:
                self.power_off(vm)
                vm.lock = ""

    def recover_host(self, name: str) -> None:
        """The host is back, and starts the guests that have `onboot`."""
        self.hosts[name].online = True
        for vm in self.vms.values():
            if vm.node == name and not vm.running and not vm.template and vm.config.get("onboot") == "1":
                self.power_on(vm)

    # -- time

    def lock_storage(self, storage: Storage, node: str, duration: float) -> float:
        """When a clone that takes `duration` will be done: clones on one storage queue for its lock."""
        loop = asyncio.get_running_loop()
        place = storage.place(node)
        begin = max(loop.time(), storage.locked_until.get(place, 0.0))
        if begin - loop.time() > self.delays.lock_timeout:
            lock = f"/var/lock/pve-manager/pve-storage-{storage.name}"
            raise failed(f"can't lock file '{lock}' - got timeout")
        storage.locked_until[place] = begin + duration
        return begin + duration - loop.time()

    def volume_of(self, vm: Vm, key: str) -> Volume:
        volid = properties.parse(vm.config.get(key, ""), "file").get("file", "")
        volume = self.storages.of_volume(volid).volume(vm.node, volid) if ":" in volid else None
        if volume is None:
            raise failed(f"disk '{key}' does not exist")
        return volume
