"""All simulated machines of a world: what the hypervisor starts and stops."""

from __future__ import annotations

from capstan.sim.hypervisor import GuestInterface, VmHost, VmKey, VmView
from capstan.sim.talos import sequences
from capstan.sim.talos.environment import Environment
from capstan.sim.talos.machine import Machine
from capstan.sim.talos.sites import Sites


class Fleet:
    """Implements `capstan.sim.hypervisor.Firmware`. A VM without Talos on its disk starts too, and does nothing."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self._sites = Sites(environment)
        self.machines: dict[VmKey, Machine] = {}

    def power_on(self, vm: VmView, host: VmHost) -> None:
        machine = self.machines.get(vm.key)
        if machine is None or machine.vm.boot_disk is not vm.boot_disk:
            self.power_off(vm.key)
            machine = self.machines[vm.key] = Machine(self.environment, self._sites, vm, host)
        machine.vm = vm
        machine.power_on()

    def power_off(self, key: VmKey) -> None:
        machine = self.machines.get(key)
        if machine is not None:
            machine.power_off()

    def reset(self, key: VmKey) -> None:
        machine = self.machines.get(key)
        if machine is not None:
            machine.power_off()
            machine.power_on()

    def request_shutdown(self, key: VmKey) -> None:
        machine = self.machines.get(key)
        if machine is not None and machine.stage not in ("off", "unknown") and machine.image.os:
            machine.request("shutdown", sequences.shutdown(machine))

    def guest_interfaces(self, key: VmKey) -> tuple[GuestInterface, ...] | None:
        machine = self.machines.get(key)
        return machine.guest_interfaces() if machine is not None else None

    def forget(self, key: VmKey) -> None:
        self.power_off(key)
        self.machines.pop(key, None)

    def named(self, name: str) -> Machine:
        """The machine whose VM has this name. Raises KeyError."""
        for machine in self.machines.values():
            if machine.vm.name == name:
                return machine
        raise KeyError(name)
