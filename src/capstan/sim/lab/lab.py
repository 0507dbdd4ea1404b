"""The datacenter on real sockets: Proxmox VE on a port of loopback, and everything else behind one proxy there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from capstan.runtime.clock import Clock, SystemClock
from capstan.sim.certificates import Leaf
from capstan.sim.datacenter import Datacenter, DatacenterSettings
from capstan.sim.lab.endpoints import Endpoints
from capstan.sim.lab.proxy import ConnectProxy
from capstan.sim.lab.tls import server_context
from capstan.sim.proxmox.delays import BRISK
from capstan.sim.proxmox.server import PveServer
from capstan.sim.talos.delays import MachineDelays

#: Quick enough to watch, slow enough to see: about a fiftieth of what real machines take.
LAB_SETTINGS = DatacenterSettings(machine_delays=MachineDelays.scaled(0.02), pve_delays=BRISK)
#: Nothing takes time but the work itself.
INSTANT_SETTINGS = DatacenterSettings(machine_delays=MachineDelays.zero())
_PVE_PORT = 8006


@dataclass(frozen=True, slots=True)
class LabAccess:
    """What clients need: `pve_url` on loopback, its token, the SHA-256 fingerprint and CA of its certificate, and
    the proxy behind which the machines (and `https://<pve_host>:8006`) are."""

    pve_url: str
    pve_name_url: str
    token_id: str
    secret: str = field(repr=False)
    fingerprint: str
    ca_pem: str
    proxy_url: str

    @property
    def environment(self) -> dict[str, str]:
        """Variables for `capstan up` and other clients."""
        return {
            "PROXMOX_URL": self.pve_url,
            "PROXMOX_TOKEN": self.token_id,
            "PROXMOX_SECRET": self.secret,
            "HTTPS_PROXY": self.proxy_url,
            "NO_PROXY": "127.0.0.1,localhost",
        }


class Lab:
    """`access = await lab.start()`, and `await lab.stop()` at the end. All of it listens on 127.0.0.1 only."""

    def __init__(self, settings: DatacenterSettings = LAB_SETTINGS, *, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._datacenter: Datacenter | None = None
        self._endpoints: Endpoints | None = None
        self._proxy: ConnectProxy | None = None
        self._pve: PveServer | None = None

    @property
    def datacenter(self) -> Datacenter:
        """The model behind the sockets. Only once started."""
        if self._datacenter is None:
            raise RuntimeError("the lab is not started")
        return self._datacenter

    async def start(self, *, pve_port: int = 0, proxy_port: int = 0) -> LabAccess:
        """Listen; port 0 takes a free one."""
        datacenter = self._datacenter = Datacenter(self._clock, self._settings)
        issuer = datacenter.environment.issuer
        settings = datacenter.settings
        authority = issuer.authority("Proxmox Virtual Environment (simulated)", ed25519=False)
        names = [settings.pve_host, "127.0.0.1", "localhost", *settings.hosts]
        leaf = issuer.server(authority, settings.pve_host, names, ed25519=False)
        self._pve = PveServer(datacenter.pve_api)
        await self._pve.start("127.0.0.1", pve_port, server_context(leaf, alpn=["http/1.1"]))
        self._endpoints = Endpoints(datacenter.network, issuer)
        for name in (settings.pve_host, *settings.hosts):
            self._endpoints.add(name, _PVE_PORT, self._pve.port)
        self._proxy = ConnectProxy(self._endpoints.route)
        return LabAccess(
            pve_url=f"https://127.0.0.1:{self._pve.port}",
            pve_name_url=f"https://{settings.pve_host}:{_PVE_PORT}",
            token_id=settings.token_id,
            secret=settings.token_secret,
            fingerprint=_fingerprint(leaf),
            ca_pem=authority.certificate_pem.decode(),
            proxy_url=await self._proxy.start(proxy_port),
        )

    async def stop(self) -> None:
        """Close every connection, pull every plug."""
        if self._proxy is not None:
            await self._proxy.stop()
        if self._datacenter is not None:
            await self._datacenter.stop()
        if self._endpoints is not None:
            await self._endpoints.stop()
        if self._pve is not None:
            await self._pve.close()


def with_seed(seed: int, settings: DatacenterSettings = LAB_SETTINGS) -> DatacenterSettings:
    """The same lab with other keys and addresses."""
    return replace(settings, seed=seed)


def _fingerprint(leaf: Leaf) -> str:
    """As PVE shows it: SHA-256 in hex, bytes separated by colons."""
    der = x509.load_pem_x509_certificate(leaf.certificate_pem).public_bytes(Encoding.DER)
    digest = sha256(der).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))
