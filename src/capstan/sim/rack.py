"""Machines without a hypervisor: VMs that are there because somebody says so. For tests of the machines alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from capstan.providers.proxmox.iso9660 import write_iso
from capstan.providers.talos.channel import ClientCredentials
from capstan.providers.talos.config.contract import Contract
from capstan.providers.talos.config.inputs import GenerateInput, MachineType
from capstan.providers.talos.config.render import RenderInput, render
from capstan.providers.talos.config.secrets import SecretsBundle, generate_bundle
from capstan.runtime.client.kubeconfig import Kubeconfig, render_kubeconfig
from capstan.runtime.clock import Clock
from capstan.sim.clock import VirtualClock
from capstan.sim.faults import Faults
from capstan.sim.hypervisor import DiskImage, NicView, VirtualDisk, VmKey, VmView
from capstan.sim.keys import SeededKeys
from capstan.sim.network import Network
from capstan.sim.talos.channels import SimChannels
from capstan.sim.talos.delays import MachineDelays
from capstan.sim.talos.environment import Environment
from capstan.sim.talos.fleet import Fleet
from capstan.sim.talos.machine import Machine
from capstan.sim.trace import Trace
from capstan.sim.workload.clients import SimWorkloadClients
from capstan.sim.workload.kubernetes import embedded_kubernetes

TALOS_IMAGE = DiskImage("talos", "v1.11.6", "default", extensions=("siderolabs/qemu-guest-agent",))


class Rack:
    """Implements `VmHost`. VMIDs count from 100; `power` holds what each VM does."""

    def __init__(
        self,
        *,
        seed: int = 0,
        delays: MachineDelays | None = None,
        clock: Clock | None = None,
        image: DiskImage = TALOS_IMAGE,
    ) -> None:
        loop = asyncio.get_running_loop()
        clock = clock or VirtualClock(loop)
        begin = loop.time()
        self.keys = SeededKeys(seed)
        self.trace = Trace(lambda: loop.time() - begin)
        self.faults = Faults()
        self.network = Network()
        self.environment = Environment(
            self.network,
            clock,
            self.keys,
            self.trace,
            embedded_kubernetes(clock, self.keys),
            delays or MachineDelays(),
            self.faults,
        )
        self.fleet = Fleet(self.environment)
        self.channels = SimChannels(self.network, self.trace, self.faults)
        self.clients = SimWorkloadClients(self.network, clock, self.trace, self.faults)
        self.image = image
        self.vms: dict[VmKey, VmView] = {}
        self.power: dict[VmKey, str] = {}

    # -- VmHost

    def guest_powered_off(self, key: VmKey) -> None:
        self.power[key] = "stopped"

    def guest_rebooted(self, key: VmKey) -> None:
        self.power[key] = "running"

    def current_cdroms(self, key: VmKey) -> tuple[bytes, ...]:
        return self.vms[key].cdroms

    # -- VMs

    def add(
        self, name: str, address: str = "", user_data: bytes | None = None, *, image: DiskImage | None = None
    ) -> Machine:
        """Make a VM with a cidata drive and switch it on."""
        key = VmKey("rack", 100 + len(self.vms))
        mac = f"bc:24:11:00:00:{len(self.vms):02x}"
        iso: tuple[bytes, ...] = ()
        if user_data is not None or address:
            iso = (write_iso(_cidata(name, mac, address, user_data)),)
        chosen = image or self.image
        on_iso = chosen if chosen.medium == "iso" else None
        disk = VirtualDisk(DiskImage() if on_iso else chosen, 20 << 30)
        vm = VmView(
            key=key,
            name=name,
            node="rack",
            uuid=f"00000000-0000-4000-8000-{key.vmid:012d}",
            nics=(NicView("net0", mac),),
            boot_disk=disk,
            boot_iso=on_iso,
            cdroms=iso,
            agent_enabled=True,
            cores=2,
            memory_mib=4096,
        )
        self.vms[key] = vm
        self.power[key] = "running"
        self.fleet.power_on(vm, self)
        return self.fleet.machines[key]

    def eject(self, machine: Machine) -> None:
        """Take the cidata drive away."""
        key = machine.vm.key
        self.vms[key] = replace(self.vms[key], cdroms=())


class Declared:
    """What a cluster's machines are configured with, and what its users hold: secrets, configurations, credentials."""

    def __init__(self, rack: Rack, secrets: SecretsBundle, contract: Contract, name: str, endpoint: str) -> None:
        self._rack = rack
        self.secrets = secrets
        self.contract = contract
        self.name = name
        self.endpoint = endpoint

    @classmethod
    async def generate(
        cls, rack: Rack, *, name: str = "lab", endpoint: str = "192.168.0.30", contract: Contract = Contract(1, 11)
    ) -> Declared:
        secrets = await generate_bundle(rack.keys, rack.environment.clock.now(), contract, "ecdsa-p256")
        return cls(rack, secrets, contract, name, endpoint)

    def user_data(self, kind: MachineType, patches: Sequence[str] = (), *, vip: bool = True) -> bytes:
        """A machine configuration; control planes share the endpoint as a virtual IP."""
        inputs = GenerateInput(
            machine_type=kind,
            cluster_name=self.name,
            endpoint=f"https://{self.endpoint}:6443",
            kubernetes_version="1.33.4",
            contract=self.contract,
        )
        own: list[str] = list(patches)
        if vip and kind != "worker":
            own.append(_vip_patch(self.contract, self.endpoint))
        text = render(RenderInput(generate=inputs, contract=self.contract, strategic_patches=tuple(own)), self.secrets)
        return text.encode()

    def credentials(self, *roles: str) -> ClientCredentials:
        """What is in a talosconfig; os:admin unless told otherwise."""
        leaf = self._rack.environment.issuer.client(
            self.secrets.os, "", roles or ("os:admin",), ed25519=True, lifetime=timedelta(days=1)
        )
        return ClientCredentials(self.secrets.os.certificate_pem, leaf.certificate_pem, leaf.key_pem)

    def kubeconfig(self, *, proxy_url: str = "", group: str = "system:masters") -> bytes:
        leaf = self._rack.environment.issuer.client(
            self.secrets.kubernetes, "admin", [group], ed25519=False, lifetime=timedelta(days=1)
        )
        config = Kubeconfig(
            f"https://{self.endpoint}:6443",
            self.secrets.kubernetes.certificate_pem,
            leaf.certificate_pem,
            leaf.key_pem,
            proxy_url=proxy_url,
        )
        return render_kubeconfig(config, cluster=self.name, user="admin", context=self.name)


def _cidata(name: str, mac: str, address: str, user_data: bytes | None) -> dict[str, bytes]:
    files = {"meta-data": f"instance-id: {name}\nlocal-hostname: {name}\n".encode()}
    if address:
        files["network-config"] = (
            f"version: 2\nethernets:\n  eth0:\n    match: {{macaddress: '{mac}'}}\n    dhcp4: false\n"
            f"    addresses: [{address}/24]\n    routes: [{{to: default, via: 192.168.0.1}}]\n"
        ).encode()
    if user_data is not None:
        files["user-data"] = user_data
    return files


def _vip_patch(contract: Contract, address: str) -> str:
    if contract.has_network_documents:
        return f"apiVersion: v1alpha1\nkind: Layer2VIPConfig\nname: {address}\nlink: eth0\n"
    return f"machine:\n  network:\n    interfaces:\n      - interface: eth0\n        vip: {{ip: {address}}}\n"
