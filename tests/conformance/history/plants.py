"""What traffic runs against: a server over SQLite that is thrown away at writes, and started again from its file."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import aiohttp

from capstan.api.scheme import SCHEME
from capstan.api.verbs import User
from capstan.apiserver.listener import Listener, serve
from capstan.apiserver.server import ApiServer
from capstan.store.entry import Change
from capstan.store.etcd import EtcdStore
from capstan.store.protocol import CompactedError, Put, Store, StoreError
from capstan.store.sqlite import SqliteStore
from tests.conformance.etcd import Cluster
from tests.conformance.history.doors import PREFIX, Door, HttpDoor, VerbsDoor, key_of, value_of
from tests.conformance.history.record import Revision
from tests.conformance.store.disk import Disk

CONFIG_MAPS = "/configmaps"
ADMIN = User("system:admin", ("system:masters",))
#: Nothing that the histories are judged by depends on the time of day.
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Tail:
    """Writes the log down as it grows, and goes on where it was after a restart."""

    def __init__(self) -> None:
        self.log: list[Revision] = []
        self.last = 0
        self._task: asyncio.Task[None] | None = None

    def follow(self, store: Store) -> None:
        self._task = asyncio.get_running_loop().create_task(self._follow(store, self.last or store.revision))

    async def end(self, store: Store) -> None:
        """Take in what there is, and stop."""
        following = self._task
        while self.last < store.revision and following is not None and not following.done():  # noqa: ASYNC110
            await asyncio.sleep(0)
        await self.stop()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            results = await asyncio.gather(self._task, return_exceptions=True)
            if isinstance(results[0], Exception):
                raise results[0]
            self._task = None

    async def _follow(self, store: Store, after: int) -> None:
        subscription = await store.watch("", after)
        while True:
            try:
                changes = await subscription.next()
            except CompactedError:
                raise
            except StoreError:
                return
            for change in changes:
                self._take(change)

    def _take(self, change: Change) -> None:
        self.last = change.revision
        if change.entry.prefix == CONFIG_MAPS and change.entry.name.startswith(PREFIX):
            obj = change.entry.object
            self.log.append(Revision(change.revision, key_of(obj), value_of(obj), change.deleted))


class Tokens:
    """Random bytes by seed."""

    def __init__(self, seed: object) -> None:
        self._seed, self._drawn = str(seed), 0

    def __call__(self, size: int) -> bytes:
        self._drawn += 1
        return hashlib.sha256(f"{self._seed}/{self._drawn}".encode()).digest()[:size]


class SqlitePlant:
    """One server over a SQLite file on a simulated disk. A fault is a power cut at some operation of the disk: every
    request in flight is cut off, and a new server opens what is left."""

    def __init__(self, path: Path, seed: int, *, http: bool = False) -> None:
        self._path = path
        self._token = Tokens(seed)
        self._http = http
        self._disk = Disk(f"history-{seed}-{path.parent.name}")
        self.tail = Tail()
        self.crashes = 0
        self._compacted = 0
        self._session: aiohttp.ClientSession | None = None
        self._listener: Listener | None = None
        self._store: SqliteStore
        self._server: ApiServer

    async def __aenter__(self) -> SqlitePlant:
        await self._open()
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.tail.end(self._store)
        await self._close()
        self._disk.unregister()

    @property
    def compacted(self) -> int:
        return max(self._compacted, self._store.compacted)

    def door(self, number: int) -> Door:
        if self._session is not None and self._listener is not None:
            return HttpDoor(self._session, f"http://127.0.0.1:{self._listener.port}")
        return VerbsDoor(self._server.verbs(ADMIN))

    async def compact(self, keep: int) -> None:
        """Never what the log has not written down yet."""
        revision = min(self._store.revision - keep, self.tail.last)
        try:
            if revision > 0:
                self._compacted = max(self._compacted, revision)
                await self._store.compact(revision)
        except StoreError:
            return

    async def fail(self, random: Random) -> None:
        self._disk.cut_after(random.randrange(40))
        await self._write_until_it_breaks()
        await self.tail.stop()
        await self._close()
        self._disk.power_on(random)
        self.crashes += 1
        await self._open()

    async def _write_until_it_breaks(self) -> None:
        """Should the traffic bring no write just now."""
        for number in itertools.count():
            name = f"crash-{self.crashes}-{number}"
            value = b'{"kind":"Crash","metadata":{"name":"%s"}}' % name.encode()
            try:
                await self._store.commit([Put("history/crashes", "", name, value, 0)])
            except StoreError:
                return
            await asyncio.sleep(0.001)

    async def _open(self) -> None:
        self._store = await SqliteStore.open(self._path, vfs=self._disk.name)
        if not self.tail.last:
            self.tail.last = self._store.revision
        self.tail.follow(self._store)
        self._server = ApiServer(self._store, scheme=SCHEME, clock=lambda: NOW, token=self._token)
        await self._server.start()
        if self._http:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
            self._listener = await serve(self._server, "127.0.0.1", 0, None, trusted=ADMIN)

    async def _close(self) -> None:
        if self._listener is not None:
            await self._listener.close()
        if self._session is not None:
            await self._session.close()
        await self._server.stop()
        await self._store.close()


class EtcdPlant:
    """Several servers over a cluster of three members, of which one at a time is killed and started again. Clients
    change from one server to another all the time."""

    def __init__(self, cluster: Cluster, root: str, seed: int, replicas: int = 2) -> None:
        self._cluster = cluster
        self._root = root
        self._replicas = replicas
        self._token = Tokens(seed)
        self._turn = itertools.count()
        self.tail = Tail()
        self.kills = 0
        self._compacted = 0
        self._stores: list[EtcdStore] = []
        self._servers: list[ApiServer] = []

    async def __aenter__(self) -> EtcdPlant:
        for _ in range(self._replicas):
            self._stores.append(await EtcdStore.open(self._cluster.address(self._root)))
            server = ApiServer(self._stores[-1], scheme=SCHEME, clock=lambda: NOW, token=self._token)
            await server.start()
            self._servers.append(server)
        self.tail.follow(self._stores[0])
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self._stores[0].prefixes()
        await self.tail.end(self._stores[0])
        for server in self._servers:
            await server.stop()
        for store in self._stores:
            await store.close()

    @property
    def compacted(self) -> int:
        return max(self._compacted, *(store.compacted for store in self._stores))

    def door(self, number: int) -> Door:
        return VerbsDoor(self._servers[next(self._turn) % self._replicas].verbs(ADMIN))

    async def compact(self, keep: int) -> None:
        store = self._stores[next(self._turn) % self._replicas]
        revision = min(store.revision - keep * 100, self.tail.last)
        if revision > 0:
            self._compacted = max(self._compacted, revision)
            try:
                await store.compact(revision)
            except StoreError:
                return

    async def fail(self, random: Random) -> None:
        """One member goes as by kill -9; the traffic goes on over the others before it comes back."""
        number = random.randrange(3)
        loop = asyncio.get_running_loop()
        self._cluster.kill(number)
        self.kills += 1
        await asyncio.sleep(random.random() * 2)
        await loop.run_in_executor(None, self._cluster.start, number)
