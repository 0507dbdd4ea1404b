"""The sequences that end a boot: reboot, shutdown, reset, install, upgrade. Each gives True when the machine shall boot
again, False when it stays off (talos.md 7.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, Protocol

from capstan.sim.hypervisor import DiskImage, VirtualDisk
from capstan.sim.talos.delays import pause
from capstan.sim.talos.environment import Environment
from capstan.sim.talos.etcdservice import EtcdService

Stage = Literal[
    "off", "unknown", "booting", "installing", "maintenance", "running", "rebooting", "shutting down", "resetting"
]
#: Names under which the disk keeps what outlives a boot.
CONFIG, PLATFORM, ETCD = "config", "platform", "etcd"


class Subject(Protocol):
    """The part of a machine that a sequence works on."""

    environment: Environment
    image: DiskImage
    etcd: EtcdService | None

    @property
    def disk(self) -> VirtualDisk: ...

    def enter(self, stage: Stage) -> None: ...


async def reboot(machine: Subject) -> bool:
    machine.enter("rebooting")
    await pause(machine.environment.clock, machine.environment.delays.reboot)
    return True


async def shutdown(machine: Subject) -> bool:
    machine.enter("shutting down")
    await pause(machine.environment.clock, machine.environment.delays.shutdown)
    return False


async def reset(machine: Subject, *, graceful: bool, boots_again: bool, partitions: tuple[str, ...]) -> bool:
    """Leave etcd when graceful, then wipe the partitions; all of the disk, the system too, when none is named."""
    machine.enter("resetting")
    if graceful and machine.etcd is not None and machine.etcd.member is not None:
        await machine.etcd.leave()
    await pause(machine.environment.clock, machine.environment.delays.reboot)
    disk = machine.disk
    if not partitions:
        disk.contents.clear()
        disk.image = DiskImage()
    if "STATE" in partitions:
        disk.contents.pop(CONFIG, None)
        disk.contents.pop(PLATFORM, None)
    if "EPHEMERAL" in partitions:
        disk.contents.pop(ETCD, None)
    return boots_again


async def install(machine: Subject, config_text: bytes) -> bool:
    """Write Talos to the disk, with the configuration."""
    machine.enter("installing")
    await pause(machine.environment.clock, machine.environment.delays.install)
    machine.disk.image = replace(machine.image, medium="disk")
    machine.disk.contents[CONFIG] = config_text
    return await reboot(machine)


async def upgrade(machine: Subject, image: DiskImage) -> bool:
    """Write another Talos beside the running one, and boot it."""
    machine.disk.image = image
    await pause(machine.environment.clock, machine.environment.delays.install)
    return await reboot(machine)
