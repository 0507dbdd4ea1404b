"""One simulated Talos machine, from power-on to power-off (talos.md 5.9, 7.1 to 7.4).

Every power cycle runs the boot anew from what is on the disk. All that runs belongs to the boot and is cancelled
with it: pulling the plug leaves nothing behind but the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from ipaddress import ip_interface
from typing import Any, Literal

from capstan.api.rules.certificates import Authority
from capstan.sim.cidata import CloudInitData, find_cidata
from capstan.sim.hypervisor import DiskImage, GuestInterface, VirtualDisk, VmHost, VmView
from capstan.sim.signal import Signal
from capstan.sim.talos import sequences
from capstan.sim.talos.addressing import Link, compute_guest_interfaces, compute_hostname, compute_links
from capstan.sim.talos.apiserverservice import ApiServerService
from capstan.sim.talos.config import MachineConfig, parse_config
from capstan.sim.talos.delays import pause
from capstan.sim.talos.environment import Environment
from capstan.sim.talos.etcd import EtcdCluster, EtcdMember
from capstan.sim.talos.etcdservice import EtcdService
from capstan.sim.talos.eventlog import EventLog
from capstan.sim.talos.kubeletservice import KubeletService, compute_taints
from capstan.sim.talos.sequences import CONFIG, PLATFORM, Stage
from capstan.sim.talos.services import Services
from capstan.sim.talos.site import Site
from capstan.sim.talos.sites import Sites
from capstan.sim.talos.strictness import ConfigError
from capstan.sim.workload.cluster import Door
from capstan.sim.workload.kubelet import NodeFacts

#: Who may talk to apid: nobody, anybody (maintenance), or who has a certificate of the OS CA.
ApidMode = Literal["", "maintenance", "secure"]

_BOOT_SERVICES = ("machined", "udevd", "auditd", "syslogd", "containerd")


class Machine:
    """A VM with Talos on it. `environment` is the world's, `vm` as it was powered on."""

    def __init__(self, environment: Environment, sites: Sites, vm: VmView, host: VmHost) -> None:
        self.environment = environment
        self._sites = sites
        self.vm = vm
        self._host = host
        self.stage: Stage = "off"
        self.boots = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._sequence: asyncio.Task[None] | None = None
        self.config_applied = Signal()
        #: Told when apid stops or changes its certificate: connections to it break.
        self.disconnected = Signal()
        self._forget_boot()

    def _forget_boot(self) -> None:
        self.apid: ApidMode = ""
        self.image = DiskImage()
        self._config: MachineConfig | None = None
        self.config_error = ""
        self.hostname = ""
        self.links: tuple[Link, ...] = ()
        self.site: Site | None = None
        self.services = Services(self.environment.clock)
        self.events = EventLog()
        self.etcd: EtcdService | None = None
        self.kubelet: KubeletService | None = None
        self.api_server: ApiServerService | None = None
        self._platform = CloudInitData()

    # -- what others see of it

    @property
    def label(self) -> str:
        return self.vm.name

    @property
    def config(self) -> MachineConfig | None:
        return self._config

    @property
    def etcd_cluster(self) -> EtcdCluster | None:
        return self.etcd.cluster if self.etcd is not None else None

    @property
    def etcd_member(self) -> EtcdMember | None:
        return self.etcd.member if self.etcd is not None else None

    @property
    def door(self) -> Door | None:
        return self.api_server.door if self.api_server is not None else None

    @property
    def addresses(self) -> tuple[str, ...]:
        """Without prefixes, in the order of the links."""
        return tuple(str(ip_interface(a).ip) for link in self.links for a in link.addresses)

    @property
    def names(self) -> frozenset[str]:
        """What the certificates of this machine are valid for."""
        config = self._config
        vips = self.site.vips_of(self) if self.site is not None else ()
        configured = (*config.cert_sans, *config.vips, config.endpoint_host) if config else ()
        return frozenset((*self.addresses, *vips, *configured, self.hostname, "127.0.0.1", "localhost"))

    def service(self, port: int) -> Any:
        """apid on 50000, kube-apiserver on its port."""
        if port == 50000:
            return self if self.apid else None
        if self._config is not None and port == self._config.api_port:
            return self.door
        return None

    def trustd_for(self, config: MachineConfig) -> bool:
        own = self._config
        return (
            own is not None
            and self.services.is_healthy("trustd")
            and own.token == config.token
            and own.os_ca.certificate_pem == config.os_ca.certificate_pem
        )

    def os_authority(self) -> Authority:
        """The OS CA with its key: a worker's certificate is signed by a control-plane machine's trustd."""
        config = self._config
        assert config is not None
        if config.os_ca.key_pem or self.site is None:
            return config.os_ca.authority
        signers = (peer.config for peer in self.site.peers if peer.trustd_for(config))
        return next((signer.os_ca.authority for signer in signers if signer is not None), config.os_ca.authority)

    def guest_interfaces(self) -> tuple[GuestInterface, ...] | None:
        """The guest agent is an extension service: it runs once the machine has its configuration."""
        if not (self.image.has_guest_agent and self.vm.agent_enabled and self.services.is_healthy("containerd")):
            return None
        if self._config is None:
            return None
        vips = self.site.vips_of(self) if self.site is not None else ()
        return compute_guest_interfaces(self.links, vips)

    # -- power

    def power_on(self) -> None:
        self._stop()
        self._forget_boot()
        self.boots += 1
        self._spawn(self._boot(), f"{self.label} boot")

    def power_off(self) -> None:
        if self.stage != "off":
            self._stop()
            if self._sequence is not None and self._sequence is not _current_task():
                self._sequence.cancel()
            self.enter("off")

    def _stop(self) -> None:
        """Everything of this boot ends now."""
        current = _current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()
        self._tasks.clear()
        self.apid = ""
        self.disconnected.notify()
        if self.etcd is not None:
            self.etcd.stop()
            self.etcd.settle()
        if self.api_server is not None:
            self.api_server.stop()
        for address in self.addresses:
            self.environment.network.detach(address, self)
        if self.site is not None:
            self.site.leave(self)
        if self.kubelet is not None:
            self.kubelet.stop()

    def _spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks.append(task)
        return task

    def enter(self, stage: Stage) -> None:
        if stage != self.stage:
            self.stage = stage
            self.environment.trace.add("talos", f"{self.label} {stage}")
            if stage != "off":
                self.events.add("MachineStatusEvent", stage=stage)

    # -- boot

    async def _boot(self) -> None:
        delays, clock = self.environment.delays, self.environment.clock
        self.enter("booting")
        await pause(clock, delays.firmware)
        self.image = self._find_image()
        if self.image.os != "talos" or self.environment.faults.strike("boot", self.label):
            self.enter("unknown")
            return
        self.events.sequence("initialize", "START")
        for name in _BOOT_SERVICES:
            self.services.run(name)
        await pause(clock, delays.services)
        config = await self._acquire_config()
        self.events.sequence("initialize", "STOP")
        if self.image.medium == "iso" and config.has_install:
            self.request("reboot", sequences.install(self, config.text))
            return
        self.events.sequence("boot", "START")
        self._start(config)

    def _find_image(self) -> DiskImage:
        disk = self.vm.boot_disk
        if disk is not None and disk.image.os:
            return disk.image
        return self.vm.boot_iso or DiskImage()

    @property
    def disk(self) -> VirtualDisk:
        """Where this machine keeps what must outlive a boot; without a disk that is nowhere."""
        return self.vm.boot_disk or VirtualDisk(DiskImage())

    async def _acquire_config(self) -> MachineConfig:
        """STATE, then the platform's user data, then maintenance. A bad one ends here, as it does in reality: the
        machine goes on trying, and answers nobody."""
        text = self.disk.contents.get(CONFIG)
        if self.image.platform == "nocloud":
            found = find_cidata(self._host.current_cdroms(self.vm.key))
            if found is not None:
                self.disk.contents[PLATFORM] = replace(found, user_data=None)
                self._platform = found
            else:
                self._platform = self.disk.contents.get(PLATFORM, CloudInitData())
            if text is None:
                text = self._platform.user_data
        if text is not None and not text.startswith(b"#cloud-config") and text.strip():
            return await self._load(text)
        return await self._maintenance()

    async def _load(self, text: bytes) -> MachineConfig:
        try:
            return parse_config(text, self.image.version)
        except ConfigError as error:
            self.config_error = str(error)
            self.environment.trace.add("talos", f"{self.label} cannot load its configuration")
            self.events.add("ConfigLoadErrorEvent", error=str(error))
            while True:
                await asyncio.get_running_loop().create_future()

    async def _maintenance(self) -> MachineConfig:
        self._set_addresses(None)
        self.enter("maintenance")
        self.services.run("apid")
        self.apid = "maintenance"
        await self.config_applied.until(lambda: self._config is not None)
        assert self._config is not None
        self.apid = ""
        self.disconnected.notify()
        self.enter("booting")
        return self._config

    def apply_config(self, config: MachineConfig) -> None:
        """A new configuration, validated before. It is kept on the disk; in maintenance the boot goes on with it."""
        self.disk.contents[CONFIG] = config.text
        self._config = config
        self.config_applied.notify()

    def _set_addresses(self, config: MachineConfig | None) -> None:
        network = self.environment.network
        for address in self.addresses:
            network.detach(address, self)
        configured = config.links if config is not None else ()
        self.links = compute_links(self.vm.nics, configured, self._platform.links, network.lease)
        for address in self.addresses:
            if not network.attach(address, self):
                self.environment.trace.add("network", f"{self.label}: {address} is in use by another machine")
        name = config.hostname if config is not None else ""
        self.hostname = compute_hostname(name, self._platform.hostname, self.vm.uuid)

    def _start(self, config: MachineConfig) -> None:
        """startEverything: all services at once, each waits for what it needs."""
        self._config = config
        self.disk.contents[CONFIG] = config.text
        self._set_addresses(config)
        self.site = self._sites.of(config)
        self.services.run("cri")
        for extension in self.image.extensions:
            self.services.run(f"ext-{extension.rpartition('/')[2]}")
        if config.is_control_plane:
            self.services.run("trustd")
            self.etcd = EtcdService(
                self.environment,
                self,
                self.site,
                self.services,
                self.disk,
                hostname=self.hostname,
                address=next(iter(self.addresses), ""),
            )
            self.etcd.start(self._spawn)
            self.api_server = ApiServerService(
                self.environment, self.site, self.etcd, config, self.label, lambda: self.names
            )
            self._spawn(self.api_server.run(), f"{self.label} kube-apiserver")
        self._spawn(self._run_apid(config), f"{self.label} apid")
        self.kubelet = KubeletService(
            self.environment,
            self._sites,
            self.site,
            self.services,
            config,
            self._node_facts(config),
            lambda: self.door,
        )
        self._spawn(self.kubelet.run(), f"{self.label} kubelet")
        self._spawn(self._finish_boot(config), f"{self.label} boot")
        self.site.join(self)

    async def _run_apid(self, config: MachineConfig) -> None:
        """A worker's certificate comes from the trustd of a control-plane machine; until then apid is deaf."""
        site = self.site
        assert site is not None
        if not config.is_control_plane:
            self.services.enter("apid", "Waiting", "Waiting for api certificates")
            await site.changed.until(lambda: any(peer.trustd_for(config) for peer in site.peers))
            await pause(self.environment.clock, self.environment.delays.trustd)
        self.services.run("apid")
        self.apid = "secure"
        site.update()

    def settle(self) -> None:
        """What depends on the other machines opens and closes."""
        if self.etcd is not None:
            self.etcd.settle()
        if self.api_server is not None:
            self.api_server.settle()

    def _node_facts(self, config: MachineConfig) -> NodeFacts:
        return NodeFacts(
            name=self.hostname,
            addresses=self.addresses,
            system_uuid=self.vm.uuid,
            kubelet_version=config.kubelet_version,
            os_image=f"Talos ({self.image.version})",
            labels=config.node_labels,
            annotations=config.node_annotations,
            taints=compute_taints(config),
            provider_id=str(config.kubelet_args.get("provider-id", "")),
            cores=self.vm.cores,
            memory_mib=self.vm.memory_mib,
            boot=self.boots,
        )

    async def _finish_boot(self, config: MachineConfig) -> None:
        """The boot sequence ends when every service that it started is healthy."""
        site = self.site
        assert site is not None
        needed = ["apid", "kubelet", *(["trustd", "etcd"] if config.is_control_plane else [])]
        await site.changed.until(lambda: all(self.services.is_healthy(name) for name in needed))
        self.events.sequence("boot", "STOP")
        self.enter("running")

    # -- sequences that end a boot

    def request(self, sequence: Literal["reboot", "shutdown", "reset"], steps: Coroutine[Any, Any, bool]) -> bool:
        """Run the steps outside of the boot that they end; then power off when they give False, boot again when
        True. False when another sequence runs already (Talos: locked)."""
        if self._sequence is not None and not self._sequence.done():
            steps.close()
            return False
        self.events.sequence(sequence, "START")
        self._sequence = asyncio.get_running_loop().create_task(
            self._run_sequence(steps), name=f"{self.label} {sequence}"
        )
        return True

    async def _run_sequence(self, steps: Coroutine[Any, Any, bool]) -> None:
        boots_again = await steps
        self._sequence = None
        if boots_again:
            self._host.guest_rebooted(self.vm.key)
            self.power_on()
        else:
            self.power_off()
            self._host.guest_powered_off(self.vm.key)


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None
