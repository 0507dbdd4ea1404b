"""The composition root: store, API server, controllers and providers put together in one process."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from capstan.api.kinds import Scheme
from capstan.api.scheme import SCHEME
from capstan.api.verbs import User
from capstan.apiserver.limits import Limits
from capstan.apiserver.listener import Listener, serve
from capstan.apiserver.server import ApiServer
from capstan.apiserver.webhooks.clientconfig import ServiceReference
from capstan.cli.administration import Administration
from capstan.cli.auditing import Auditing, AuditOptions
from capstan.cli.control import ControlError
from capstan.cli.gates import MACHINE_POOL, TAINT_PROPAGATION, gated
from capstan.cli.identity import Identity, IdentityStore
from capstan.cli.keyfile import KeyFile
from capstan.cli.place import Place
from capstan.cli.posture import Posture
from capstan.cli.services import Table, looked_up
from capstan.cli.tuning import Tuning
from capstan.controllers import core_controllers
from capstan.controllers.machine.snapshot import Synced
from capstan.insight.metrics.exposition import cached, state_text
from capstan.providers.ipam import ipam_controllers
from capstan.providers.proxmox import proxmox_controllers
from capstan.providers.proxmox.client import Clients
from capstan.providers.proxmox.transport import Endpoint
from capstan.providers.proxmox.transport_http import HttpTransports
from capstan.providers.talos import talos_controllers
from capstan.providers.talos.channels import GrpcChannels
from capstan.providers.talos.config.secrets import ServiceAccountAlgorithm
from capstan.runtime.client.local import LocalClient
from capstan.runtime.clock import SystemClock
from capstan.runtime.dialer import Dialer
from capstan.runtime.election import Elector, Terms
from capstan.runtime.keys import SystemKeys
from capstan.runtime.manager import Manager
from capstan.runtime.nodes import Graces, WorkloadNodes
from capstan.runtime.workload import HttpWorkloadClients
from capstan.store.sealing import SECRETS, Encryption
from capstan.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from capstan.store.etcd import EtcdAddress, EtcdStore

#: Who the controllers are to the API server.
CONTROLLERS = User("system:capstan:controllers", ("system:masters",))


@dataclass(frozen=True, slots=True)
class PlaneOptions:
    """How a plane is run. `proxmox` are the credentials for clusters that name none; `proxy_url` goes into the
    kubeconfigs of workload clusters when they are only reachable that way; `encrypted` are the store's prefixes
    whose values are encrypted on the disk. `services` says where the Services of webhooks are. `api_only` leaves out
    Capstan's own kinds and all controllers: what runs then is an API server for others' kinds. With `etcd` the state is
    there and not in the data directory, and of several planes over it the controllers of one work, by `election`.
    `synced` says what goes from Machines to their Nodes besides the usual, `graces` how long workload clusters may be
    silent, `tuning` on what the controllers work, and how much at a time."""

    place: Place
    address: str = "127.0.0.1"
    port: int = 7443
    dialer: Dialer = field(default_factory=Dialer)
    proxmox: Endpoint | None = None
    proxy_url: str = ""
    service_account_key: ServiceAccountAlgorithm = "contract"
    encrypted: Sequence[str] = SECRETS
    audit: AuditOptions = field(default_factory=AuditOptions)
    services: Table = field(default_factory=dict)
    api_only: bool = False
    etcd: EtcdAddress | None = None
    election: Terms = field(default_factory=Terms)
    synced: Synced = field(default_factory=Synced)
    graces: Graces = field(default_factory=Graces)
    tuning: Tuning = field(default_factory=Tuning)


class Plane:
    """A running management plane. `start` returns when it serves and its controllers work."""

    def __init__(self, options: PlaneOptions) -> None:
        self._options = options
        self._clock = SystemClock()
        self._keys = SystemKeys()
        self._workloads = HttpWorkloadClients(options.dialer, qps=options.tuning.qps, burst=options.tuning.burst)
        self._proxmox = Clients(HttpTransports(options.dialer.proxy_for), self._clock)
        self._channels = GrpcChannels(options.dialer.connect)
        self._store: SqliteStore | EtcdStore | None = None
        self._administration: Administration | None = None
        self._server: ApiServer | None = None
        self._listener: Listener | None = None
        self._auditing: Auditing | None = None
        self._limits = Limits()
        self.manager: Manager | None = None
        self.kubeconfig_is_new = False
        self._starting: asyncio.Task[None] | None = None

    @property
    def trouble(self) -> str:
        """Why the plane serves without its controllers, if so."""
        failure = self._store.failure if self._store is not None else None
        return "" if failure is None else str(failure)

    @property
    def url(self) -> str:
        port = self._listener.port if self._listener else self._options.port
        host = self._host
        return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"

    @property
    def _host(self) -> str:
        """Clients cannot connect to "all addresses"; the certificate always holds for loopback."""
        return "127.0.0.1" if self._options.address in ("0.0.0.0", "::", "") else self._options.address

    async def start(self) -> None:
        options = self._options
        options.place.make()
        key_file = KeyFile(options.place, self._keys.token, os.environ)
        encryption = Encryption(key_file.find, options.encrypted, self._keys.token)
        self._store = await self._open(encryption)
        self._administration = Administration(
            self._store, options.place, key_file, self._clock.now, self._keys.token, self._settings
        )
        await self._administration.start()
        identities = IdentityStore(options.place, self._keys, self._clock.now())
        identity = identities.load(options.address)
        await self._serve(identity)
        self.kubeconfig_is_new = identities.write_kubeconfig(identity.authority, self.url)
        if options.api_only:
            return
        if options.etcd is None:
            await self._work()
        else:
            self._elect()

    async def _open(self, encryption: Encryption) -> SqliteStore | EtcdStore:
        options = self._options
        if options.etcd is None:
            return await SqliteStore.open(options.place.database, encryption=encryption)
        # Only here: most planes have no etcd, and its protocol buffers take a tenth of a start.
        from capstan.store.etcd import EtcdStore

        return await EtcdStore.open(options.etcd, encryption=encryption)

    def _elect(self) -> None:
        """Controllers work while this replica leads."""
        assert self._server is not None
        client = LocalClient(self._server.verbs(CONTROLLERS))
        identity = f"{socket.gethostname()}_{os.getpid()}_{self._keys.token(8).hex()}"
        elector = Elector(client, self._clock, identity, self._options.election)
        running = elector.run(self._work, self._rest)
        self._starting = asyncio.get_running_loop().create_task(running, name="election")

    async def _rest(self) -> None:
        manager, self.manager = self.manager, None
        if manager is not None:
            await manager.stop()

    async def _serve(self, identity: Identity) -> None:
        assert self._store is not None
        self._server = ApiServer(
            self._store,
            scheme=self._scheme(),
            clock=self._clock.now,
            token=self._keys.token,
            root_ca=identity.ca_pem.decode(),
            metrics=self._metrics,
            stored_kinds=True,
            service_account_key=identity.service_account_key,
            services=self._service,
        )
        await self._server.start()
        options = self._options
        self._auditing = Auditing(options.audit, options.place, self._clock.now)
        self._listener = await serve(
            self._server,
            options.address,
            options.port,
            identity.server_context,
            limits=self._limits,
            auditor=self._auditing.auditor,
            own_ca=identity.ca_pem,
        )
        with suppress(ValueError):
            # Endpoints are addresses: one who listens on a name has none to tell.
            await self._server.announce(self._host, self._listener.port)

    def _scheme(self) -> Scheme:
        if self._options.api_only:
            return Scheme([k for k in SCHEME.kinds if k.builtin])
        return gated(SCHEME, self._options.tuning.gates)

    async def _work(self) -> None:
        assert self._server is not None
        options, tuning = self._options, self._options.tuning
        client = LocalClient(self._server.verbs(CONTROLLERS))
        self.manager = Manager(
            client,
            SCHEME,
            self._clock,
            workload_nodes=self._nodes(),
            namespace=tuning.namespace,
            watch_filter=tuning.watch_filter,
            sync_seconds=tuning.sync_seconds,
        )
        self.manager.metrics.watch_process()
        for controller in (
            *core_controllers(
                self._workloads,
                client,
                self._keys,
                synced=replace(options.synced, taints=tuning.gates[TAINT_PROPAGATION]),
                unchecked=tuning.unchecked,
                with_pools=tuning.gates[MACHINE_POOL],
            ),
            *ipam_controllers(),
            *proxmox_controllers(self._proxmox, self._keys, self._workloads, options.proxmox),
            *talos_controllers(
                client,
                self._keys,
                self._channels,
                service_account=options.service_account_key,
                proxy_url=options.proxy_url,
            ),
        ):
            self.manager.add(controller, tuning.workers_of(controller.name))
        if options.etcd is not None:
            await self.manager.start()
            return
        starting = asyncio.get_running_loop().create_task(self.manager.start(), name="manager-start")
        if self.trouble:
            # What cannot be read cannot be worked on: controllers wait for it, clients need not.
            self._starting = starting
        else:
            await starting

    def _nodes(self) -> WorkloadNodes:
        return WorkloadNodes(self._workloads, self._clock, self._options.graces)

    def _service(self, service: ServiceReference) -> tuple[str, int] | None:
        return looked_up(self._options.services)(service.namespace, service.name, service.port)

    async def _settings(self) -> Mapping[str, Any]:
        """What the self-audit asks."""
        if self._server is None or self._auditing is None or self._listener is None:
            raise ControlError("the management plane is still starting")
        options = self._options
        etcd = options.etcd
        store = {
            "store": "sqlite" if etcd is None else "etcd",
            "store_mutual_tls": etcd is not None and bool(etcd.ca and etcd.cert and etcd.key),
            "encrypted": list(options.encrypted),
        }
        auditor = self._auditing.auditor
        return await Posture(
            options.place, self._server, self._limits, options.audit, auditor, self.url, store
        ).settings()

    def _metrics(self) -> bytes:
        """What `/metrics` says: the engine's counters, the state of what is cached, and the store's revision, which
        counts all writes."""
        revision = self._store.revision if self._store is not None else 0
        own = (
            "# HELP capstan_store_revision Writes since the store was made\n"
            f"# TYPE capstan_store_revision counter\ncapstan_store_revision {revision}\n"
        )
        if self.manager is None:
            return own.encode()
        state = state_text(cached(self.manager.cache, SCHEME))
        return self.manager.metrics.text() + (state + own).encode()

    async def stop(self) -> None:
        """End cleanly: no new requests, the work stops where it is, what was answered is on disk."""
        if self._listener is not None:
            await self._listener.close()
        if self._auditing is not None:
            await self._auditing.close()
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        if self.manager is not None:
            await self.manager.stop()
        if self._server is not None:
            await self._server.stop()
        await self._workloads.aclose()
        await self._proxmox.aclose()
        if self._administration is not None:
            await self._administration.stop()
        if self._store is not None:
            await self._store.close()
        self._keys.close()
