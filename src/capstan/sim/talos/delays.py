"""How long a simulated machine takes for each step, in seconds. The defaults follow talos.md 7.4."""

from __future__ import annotations

from dataclasses import dataclass, fields

from capstan.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class MachineDelays:
    """Zero is allowed everywhere: then a step takes no time, and still happens in its order."""

    firmware: float = 8.0  # power on to machined
    services: float = 3.0  # machined to apid and containerd
    install: float = 35.0  # writing Talos to the disk, from an ISO
    reboot: float = 15.0  # the way down; the way up is `firmware` again
    shutdown: float = 5.0
    trustd: float = 2.0  # a worker's certificate
    image_pull: float = 12.0  # kubelet and etcd images
    etcd_start: float = 8.0
    etcd_join: float = 10.0  # discovery and learner
    etcd_promote: float = 15.0
    api_server: float = 25.0  # static pods, once etcd is healthy
    virtual_ip: float = 1.0  # election and gratuitous ARP
    node_register: float = 5.0
    node_ready: float = 20.0  # CNI
    node_grace: float = 50.0  # node-monitor-grace-period

    @classmethod
    def zero(cls) -> MachineDelays:
        return cls(**{field.name: 0.0 for field in fields(cls)})

    @classmethod
    def scaled(cls, factor: float) -> MachineDelays:
        """The defaults times a factor: 0.02 makes a lab that is brisk and still shows each step."""
        return cls(**{field.name: float(str(field.default)) * factor for field in fields(cls)})


async def pause(clock: Clock, seconds: float) -> None:
    """Wait, unless it is for nothing."""
    if seconds > 0:
        await clock.sleep(seconds)
