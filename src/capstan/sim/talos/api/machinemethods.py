"""The unary methods of a machine that are not etcd's: what it is, its services, its configuration, its power."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from capstan.providers.talos.channel import RpcError
from capstan.providers.talos.rpc import enum_value, message
from capstan.sim.talos import sequences
from capstan.sim.talos.api.replies import (
    INVALID_ARGUMENT,
    NOT_FOUND,
    UNKNOWN,
    failed_precondition,
    reply,
    stamp,
    unimplemented,
)
from capstan.sim.talos.config import parse_config
from capstan.sim.talos.machine import Machine
from capstan.sim.talos.services import Service
from capstan.sim.talos.strictness import ConfigError, minor_of

_MODES = {name: number for number, name in enumerate(("REBOOT", "AUTO", "NO_REBOOT", "STAGED", "TRY"))}


async def version(machine: Machine, _request: Any) -> Any:
    return reply(
        "Version",
        version={
            "tag": machine.image.version,
            "sha": "simulated",
            "os": "linux",
            "arch": "amd64",
            "go_version": "go1.25.1",
        },
        platform={"name": machine.image.platform, "mode": "cloud" if machine.image.platform == "nocloud" else "metal"},
        features={"rbac": True},
    )


async def hostname(machine: Machine, _request: Any) -> Any:
    return reply("Hostname", hostname=machine.hostname)


async def service_list(machine: Machine, _request: Any) -> Any:
    return reply("ServiceList", services=[_service(service) for service in machine.services])


def _service(service: Service) -> Any:
    health = message("machine.ServiceHealth")(
        unknown=service.healthy is None, healthy=bool(service.healthy), last_message=service.health_message
    )
    if service.health_changed is not None:
        health.last_change.CopyFrom(stamp(service.health_changed))
    events = [{"state": event.state, "msg": event.message, "ts": stamp(event.at)} for event in service.events]
    return message("machine.ServiceInfo")(id=service.id, state=service.state, events={"events": events}, health=health)


async def service_start(machine: Machine, request: Any) -> Any:
    return reply("ServiceStart", resp=_control(machine, request.id, "start"))


async def service_stop(machine: Machine, request: Any) -> Any:
    return reply("ServiceStop", resp=_control(machine, request.id, "stop"))


async def service_restart(machine: Machine, request: Any) -> Any:
    return reply("ServiceRestart", resp=_control(machine, request.id, "restart"))


def _control(machine: Machine, name: str, verb: str) -> str:
    """Extensions can be started, stopped and restarted, the kubelet not stopped, all others nothing at all."""
    if machine.services.get(name) is None:
        raise RpcError(NOT_FOUND, f'service "{name}" not found')
    if not name.startswith("ext-") and (name != "kubelet" or verb == "stop"):
        raise RpcError(UNKNOWN, f'service "{name}" doesn\'t support {verb} operation via API')
    if verb == "stop":
        machine.services.enter(name, "Finished")
    else:
        machine.services.run(name)
    past = {"start": "started", "stop": "stopped", "restart": "restarted"}[verb]
    return f'Service "{name}" {past}'


async def apply_configuration(machine: Machine, request: Any) -> Any:
    mode = request.mode
    in_maintenance = machine.apid == "maintenance"
    modern = minor_of(machine.image.version) >= 14
    if modern and mode == _MODES["REBOOT"] and not in_maintenance:
        raise unimplemented("reboot mode is not supported anymore")
    try:
        config = parse_config(request.data, machine.image.version)
    except ConfigError as error:
        raise RpcError(INVALID_ARGUMENT, f"error applying configuration: {error}") from None
    before = machine.config
    if mode in (_MODES["AUTO"], _MODES["TRY"]):
        needs_reboot = not modern and before is not None and before.machine_type != config.machine_type
        mode = _MODES["REBOOT"] if needs_reboot else _MODES["NO_REBOOT"]
    details = (
        "Applied configuration without a reboot" if mode != _MODES["REBOOT"] else "Applied configuration with a reboot"
    )
    if request.dry_run:
        return reply("ApplyConfiguration", mode=mode, mode_details="Dry run summary:\n" + details)
    machine.environment.trace.add("talos", f"{machine.label} takes a new configuration")
    machine.apply_config(config)
    if mode == _MODES["REBOOT"] and not in_maintenance:
        machine.request("reboot", sequences.reboot(machine))
    return reply("ApplyConfiguration", mode=mode, mode_details=details)


async def reboot(machine: Machine, _request: Any) -> Any:
    return reply("Reboot", actor_id=_begin(machine, "reboot", sequences.reboot(machine)))


async def shutdown(machine: Machine, _request: Any) -> Any:
    return reply("Shutdown", actor_id=_begin(machine, "shutdown", sequences.shutdown(machine)))


async def reset(machine: Machine, request: Any) -> Any:
    partitions = tuple(partition.label for partition in request.system_partitions_to_wipe if partition.wipe)
    steps = sequences.reset(machine, graceful=request.graceful, boots_again=request.reboot, partitions=partitions)
    return reply("Reset", actor_id=_begin(machine, "reset", steps))


async def upgrade(machine: Machine, request: Any) -> Any:
    """The legacy call: the new version is that of the installer image's tag, the schematic that of its name."""
    found = re.fullmatch(r"(?P<name>[^@]+?):(?P<tag>v\d+\.\d+\.\d+\S*)(@\S+)?", request.image)
    if found is None:
        raise RpcError(INVALID_ARGUMENT, f'invalid installer image "{request.image}"')
    schematic = found["name"].rpartition("/")[2]

    same = schematic == machine.image.schematic or not re.fullmatch(r"[0-9a-f]{64}", schematic)
    extensions = machine.image.extensions if same else ()
    image = replace(machine.image, version=found["tag"], schematic=schematic, extensions=extensions)
    actor = _begin(machine, "reboot", sequences.upgrade(machine, image))
    return reply("Upgrade", ack="Upgrade request received", actor_id=actor)


def _begin(machine: Machine, sequence: Any, steps: Any) -> str:
    if not machine.request(sequence, steps):
        raise failed_precondition("another sequence is running: locked")
    machine.environment.trace.add("talos", f"{machine.label} {sequence} requested")
    return f"{machine.label}-{machine.events.last}"


async def load_average(_machine: Machine, _request: Any) -> Any:
    return reply("LoadAvg", load1=0.2, load5=0.2, load15=0.2)


async def memory(machine: Machine, _request: Any) -> Any:
    total = machine.vm.memory_mib * 1024
    return reply("Memory", meminfo={"memtotal": total, "memfree": total // 2, "memavailable": total * 2 // 3})


async def time(machine: Machine, _request: Any) -> Any:
    now = machine.environment.clock.now()
    entry = {"server": "time.cloudflare.com", "localtime": stamp(now), "remotetime": stamp(now)}
    return message("time.TimeResponse")(messages=[entry])


async def disks(machine: Machine, _request: Any) -> Any:
    disk = machine.vm.boot_disk
    size = disk.size_bytes if disk is not None else 0
    entry = {
        "size": size,
        "model": "QEMU HARDDISK",
        "device_name": "/dev/sda",
        "type": enum_value("storage.Disk.DiskType.SSD"),
    }
    return message("storage.DisksResponse")(messages=[{"disks": [entry]}])
