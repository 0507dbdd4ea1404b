"""Hosts to check: the independent fakepve over TLS, and Capstan's own simulated Proxmox VE in memory and over TLS."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import fakepve
from fakepve import certs

from capstan.providers.proxmox.transport import Endpoint, TransportFactory
from capstan.providers.proxmox.transport_http import HttpTransports
from capstan.runtime.clock import SystemClock
from capstan.sim.clock import VirtualClock
from capstan.sim.hypervisor import DiskImage
from capstan.sim.keys import SeededKeys
from capstan.sim.proxmox.access import Token
from capstan.sim.proxmox.api import PveApi
from capstan.sim.proxmox.cluster import Host as Node
from capstan.sim.proxmox.cluster import PveCluster
from capstan.sim.proxmox.server import PveServer
from capstan.sim.proxmox.storage import Storage
from capstan.sim.proxmox.transport import SimulatedTransports
from tests.conformance.proxmox import suite
from tests.conformance.proxmox.suite import Host

TOKEN, SECRET = "capi@pve!capi", "0b0b0b0b-1111-2222-3333-444444444444"
LIMITED, LIMITED_SECRET = "guest@pve!none", "0c0c0c0c-1111-2222-3333-444444444444"

#: What fakepve does not model (proxmox.md 7.2).
_FAKEPVE_LACKS = frozenset(
    check.__name__
    for check in (
        suite.nextid_tells_taken_ids_from_free_ones,
        suite.resize_grows,
        suite.a_clone_has_new_mac_and_uuid,
    )
)
_TEMPLATE = {
    "scsi0": "local-lvm:base-9000-disk-0,size=10G",
    "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0",
    "smbios1": "uuid=00000000-1111-2222-3333-444444444444",
    "memory": "2048",
    "cores": "2",
    "template": 1,
}


@asynccontextmanager
async def fakepve_host() -> AsyncIterator[Host]:
    """fakepve on loopback; its certificate is trusted as a CA."""
    pve = fakepve.FakePve(host="127.0.0.1", port=0)
    pve.add_node("pve2")
    pve.apitokens = {TOKEN: SECRET, LIMITED: LIMITED_SECRET}
    pve.add_vm(9000, "template", node="pve1", template=True, config=dict(_TEMPLATE))
    pve.grant(TOKEN.partition("!")[0], "/", *ALL_PRIVILEGES)
    with tempfile.TemporaryDirectory() as directory:
        certificate, key = certs.make_cert(directory, hosts=("127.0.0.1",))[:2]
        await pve.start(certificate, key)
        endpoint = Endpoint((pve.url,), TOKEN, SECRET, ca_pem=_read(certificate))
        yield Host(
            name="fakepve",
            factory=HttpTransports(),
            endpoint=endpoint,
            limited=replace(endpoint, token_id=LIMITED, secret=LIMITED_SECRET),
            clock=SystemClock(),
            lock=pve.snapshot_lock,
            offline=pve.set_node_offline,
            lacks=_FAKEPVE_LACKS,
        )
        await pve.stop()
        await fakepve.settle()


ALL_PRIVILEGES = (
    *(f"VM.Config.{part}" for part in ("Disk", "CDROM", "CPU", "Memory", "Network", "HWType", "Options", "Cloudinit")),
    *("VM.Allocate", "VM.Audit", "VM.Clone", "VM.PowerMgmt", "Sys.Audit", "Sys.Modify", "SDN.Use"),
    *("Datastore.Allocate", "Datastore.AllocateSpace", "Datastore.AllocateTemplate", "Datastore.Audit"),
)


def _simulated(clock: VirtualClock | SystemClock) -> PveApi:
    cluster = PveCluster(
        "pve",
        hosts=(Node("pve1"), Node("pve2")),
        storages=(Storage("local", content=("iso", "import")), Storage("disks", type="lvmthin", content=("images",))),
        tokens=(Token(TOKEN, SECRET), Token(LIMITED, LIMITED_SECRET, grants={})),
        random_bytes=SeededKeys(3).token,
        now=clock.now,
    )
    cluster.add_template(9000, "pve1", "disks", DiskImage(os="talos", version="v1.11.6"))
    return PveApi(cluster)


def _host(
    name: str, api: PveApi, factory: TransportFactory, endpoint: Endpoint, clock: VirtualClock | SystemClock
) -> Host:
    def lock(vmid: int, kind: str) -> None:
        api.cluster.vms[vmid].lock = kind

    return Host(
        name=name,
        factory=factory,
        endpoint=endpoint,
        limited=replace(endpoint, token_id=LIMITED, secret=LIMITED_SECRET),
        clock=clock,
        lock=lock,
        offline=api.cluster.fail_host,
    )


@asynccontextmanager
async def simulated_host() -> AsyncIterator[Host]:
    """The model in memory, on virtual time."""
    clock = VirtualClock(asyncio.get_running_loop())
    api = _simulated(clock)
    endpoint = Endpoint(("https://pve:8006",), TOKEN, SECRET)
    yield _host("simulated", api, SimulatedTransports({"pve": api}), endpoint, clock)


@asynccontextmanager
async def served_host() -> AsyncIterator[Host]:
    """The same model on a socket, its certificate pinned by its fingerprint."""
    api = _simulated(SystemClock())
    with tempfile.TemporaryDirectory() as directory:
        certificate, key = certs.make_cert(directory, hosts=("127.0.0.1",))[:2]
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        server = PveServer(api)
        await server.start("127.0.0.1", 0, context)
        url = f"https://127.0.0.1:{server.port}/api2/json"
        endpoint = Endpoint((url,), TOKEN, SECRET, fingerprint=fingerprint(certificate))
        yield _host("served", api, HttpTransports(), endpoint, SystemClock())
        await server.close()


def _read(path: str) -> str:
    return Path(path).read_text()


def fingerprint(certificate: str) -> str:
    """SHA-256 of a certificate file, as Proxmox VE shows it."""
    der = ssl.PEM_cert_to_DER_cert(_read(certificate))
    return hashlib.sha256(der).digest().hex(":").upper()
