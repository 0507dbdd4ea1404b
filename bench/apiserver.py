"""Figures of the management API: `capstan up` as it is installed, on loopback, over TLS with client certificates.

    python bench/apiserver.py                   # everything, two minutes and a half
    python bench/apiserver.py get put           # some of it
    python bench/apiserver.py --seconds 20 put  # for longer

What is measured: one real plane in a process of its own (its controllers run, RBAC decides, writes are audited and
durable), asked by one other process that does as little as it can (`load.py`). Objects are ConfigMaps of 2 KB. Every
figure stands beside the processor time of the plane (user and system, from /proc): `a core` is what one core alone
would do, whatever the other process took. `aiohttp` is the same load on a bare handler of aiohttp that answers the same
number of bytes over TLS: the ratio says what this API costs above a socket.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import uvloop

sys.path.insert(0, str(Path(__file__).parent))
from load import Door, Tally, press, question

MAPS = "/api/v1/namespaces/default/configmaps"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
TICK = os.sysconf("SC_CLK_TCK")
_BARE = """
import asyncio, ssl, sys, uvloop
from aiohttp import web
async def main():
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[1] + "/server.crt", sys.argv[1] + "/server.key")
    body = b"x" * int(sys.argv[2])
    async def handler(request):
        return web.Response(body=body, content_type="application/json")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(web.Server(handler, access_log=None), "127.0.0.1", 0, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
uvloop.run(main())
"""


class Plane:
    """A running `capstan up`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        began = time.perf_counter()
        command = [str(Path(sys.executable).with_name("capstan")), "up", "--data-dir", str(directory), "--port", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if "ready" not in line:
            raise SystemExit(f"the plane does not start: {line}")
        self.start_seconds = time.perf_counter() - began
        self.door = Door.of(directory / "kubeconfig")

    def cpu(self) -> float:
        return cpu_of(self.process.pid)

    def rss_mib(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024

    def settle(self) -> None:
        """Until the process has done nothing for a second, and half a minute at most: what a start begins is over."""
        used, still, end = self.cpu(), 0, time.perf_counter() + 30
        while still < 10 and time.perf_counter() < end:
            time.sleep(0.1)
            now = self.cpu()
            used, still = now, still + 1 if now == used else 0

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def config_map(name: str, stamp: str = "") -> bytes:
    data = {"payload": "x" * 1_600, "stamp": stamp}
    labels = {"app": "bench", "tier": "one"}
    return orjson.dumps({"metadata": {"name": name, "labels": labels}, "data": data})


def row(name: str, *figures: str) -> None:
    print(f"{name:34} " + "  ".join(figures), flush=True)


def rate(tally: Tally, seconds: float, cpu: float) -> tuple[str, ...]:
    good = sum(count for code, count in tally.codes.items() if 200 <= code < 300)
    bad = {code: count for code, count in tally.codes.items() if not 200 <= code < 300}
    return (
        f"{good / seconds:8.0f}/s",
        f"{good / cpu if cpu else 0:8.0f}/s a core",
        f"p50 {tally.percentile(0.5):6.2f} ms",
        f"p99 {tally.percentile(0.99):6.2f} ms",
        *([f"other answers: {bad}"] if bad else []),
    )


async def measured(plane: Plane, ask: Callable[[int, int], bytes], connections: int, seconds: float) -> tuple[str, ...]:
    before, began = plane.cpu(), time.perf_counter()
    tally = await press(plane.door, ask, connections=connections, seconds=seconds)
    return rate(tally, time.perf_counter() - began, plane.cpu() - before)


async def gets(plane: Plane, seconds: float) -> None:
    await press(plane.door, lambda n, i: question("POST", MAPS, config_map("one")), connections=1, count=1)
    ask = question("GET", f"{MAPS}/one")
    for connections in (1, 32):
        row(f"GET, {connections} connections", *await measured(plane, lambda n, i: ask, connections, seconds))
    size = (await press(plane.door, lambda n, i: ask, connections=1, count=1)).size
    process, port = bare(plane.directory / "pki", size)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    door = Door("127.0.0.1", port, tls)
    before, began = cpu_of(process.pid), time.perf_counter()
    tally = await press(door, lambda n, i: ask, connections=32, seconds=seconds)
    row("  aiohttp alone, 32 connections", *rate(tally, time.perf_counter() - began, cpu_of(process.pid) - before))
    process.terminate()
    process.wait()


def bare(pki: Path, size: int) -> tuple[subprocess.Popen[str], int]:
    """The handler that answers the same number of bytes and knows nothing, and its port."""
    process = subprocess.Popen([sys.executable, "-c", _BARE, str(pki), str(size)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


async def puts(plane: Plane, seconds: float) -> None:
    await press(plane.door, lambda n, i: question("POST", MAPS, config_map(f"put-{n}")), connections=128, count=1)
    for connections in (1, 32, 128):

        def ask(number: int, index: int) -> bytes:
            return question("PUT", f"{MAPS}/put-{number}", config_map(f"put-{number}", f"{time.time_ns()}"))

        row(f"durable PUT, {connections} connections", *await measured(plane, ask, connections, seconds))


async def posts(plane: Plane, seconds: float) -> None:
    run = time.time_ns()

    def ask(number: int, index: int) -> bytes:
        return question("POST", MAPS, config_map(f"post-{run}-{number}-{index}"))

    row("durable POST, 32 connections", *await measured(plane, ask, 32, seconds))


class Watcher(asyncio.Protocol):
    """Notes how long each event took since the time that it carries."""

    def __init__(self, path: str, delays: list[float]) -> None:
        self._path = path
        self._delays = delays
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(question("GET", self._path))  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter_ns()
        if not self.ready.done():
            self.ready.set_result(None)
        at = data.find(b'"stamp":"')
        while at >= 0:
            self._delays.append((now - int(data[at + 9 : data.index(b'"', at + 9)])) / 1e9)
            at = data.find(b'"stamp":"', at + 9)


class Writer(asyncio.Protocol):
    """A connection that is kept, and is free again when what it asked is answered."""

    def __init__(self, free: asyncio.Queue[Writer], answers: Tally) -> None:
        self._free = free
        self._answers = answers
        self._transport: asyncio.BaseTransport | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._free.put_nowait(self)

    def ask(self, asked: bytes) -> None:
        self._transport.write(asked)  # type: ignore[union-attr]

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if end and len(body) >= int(re.findall(rb"Content-Length: (\d+)", head)[0]):
            self._answers.codes[int(head[9:12])] += 1
            self._buffer = b""
            self._free.put_nowait(self)


async def watches(plane: Plane, seconds: float) -> None:
    """A hundred watchers of ten objects. Writers keep their connections, as clients do: a handshake takes the plane
    longer than a write."""
    loop = asyncio.get_running_loop()
    await press(plane.door, lambda n, i: question("POST", MAPS, config_map(f"watched-{n}")), connections=10, count=1)
    revision = (await listed(plane, 1))["metadata"]["resourceVersion"]
    delays: list[float] = []
    watchers = []
    for _ in range(100):
        watcher = Watcher(f"{MAPS}?watch=true&resourceVersion={revision}", delays)
        watchers.append(watcher)
        await loop.create_connection(lambda made=watcher: made, plane.door.host, plane.door.port, ssl=plane.door.tls)
    await asyncio.gather(*(watcher.ready for watcher in watchers))
    answers = Tally()
    free: asyncio.Queue[Writer] = asyncio.Queue()
    for _ in range(10):
        await loop.create_connection(
            lambda: Writer(free, answers), plane.door.host, plane.door.port, ssl=plane.door.tls
        )
    before, began = plane.cpu(), loop.time()
    for number in range(int(seconds * 100)):
        await asyncio.sleep(max(0.0, began + number / 100 - loop.time()))
        writer = await free.get()
        name = f"watched-{number % 10}"
        writer.ask(question("PUT", f"{MAPS}/{name}", config_map(name, str(time.perf_counter_ns()))))
    for _ in range(10):
        (await free.get()).close()
    # The last events are on their way when their writes are answered; the row says how many came.
    await asyncio.sleep(0.5)
    tally = Tally(seconds=delays)
    share = (plane.cpu() - before) / (loop.time() - began)
    row(
        "write to watcher, 100 x 100/s",
        f"{len(delays)} of {answers.codes[200] * 100} events",
        f"p50 {tally.percentile(0.5):6.2f} ms",
        f"p99 {tally.percentile(0.99):6.2f} ms",
        f"{share:.0%} of a core",
    )


async def listed(plane: Plane, limit: int) -> dict[str, dict[str, str]]:
    reader, writer = await asyncio.open_connection(plane.door.host, plane.door.port, ssl=plane.door.tls, limit=2**26)
    writer.write(question("GET", f"{MAPS}?limit={limit}"))
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(int(re.findall(rb"Content-Length: (\d+)", head)[0]))
    writer.close()
    found: dict[str, dict[str, str]] = orjson.loads(body)
    return found


async def lists(plane: Plane, seconds: float) -> None:
    run = time.time_ns()

    def ask(number: int, index: int) -> bytes:
        return question("POST", MAPS, config_map(f"list-{run}-{number}-{index}"))

    await press(plane.door, ask, connections=50, count=200)
    for coding in ("identity", "gzip"):
        reader, writer = await asyncio.open_connection(
            plane.door.host, plane.door.port, ssl=plane.door.tls, limit=2**26
        )
        times, token, before, items = [], "", plane.cpu(), 0
        while True:
            began = time.perf_counter()
            asked = question("GET", f"{MAPS}?limit=500&continue={token}")
            writer.write(asked.replace(b"\r\n\r\n", f"\r\nAccept-Encoding: {coding}\r\n\r\n".encode()))
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(int(re.findall(rb"Content-Length: (\d+)", head)[0]))
            times.append(time.perf_counter() - began)
            import gzip

            page = orjson.loads(gzip.decompress(body) if b"gzip" in head else body)
            items += len(page["items"])
            token = page["metadata"].get("continue", "")
            if not token:
                break
        writer.close()
        tally = Tally(seconds=times)
        row(
            f"{items} objects by 500, {coding}",
            f"{len(times)} pages",
            f"p50 {tally.percentile(0.5):6.2f} ms",
            f"max {max(times) * 1000:6.2f} ms",
            f"{(plane.cpu() - before) / len(times) * 1000:.1f} ms of CPU a page",
        )


async def overload(plane: Plane, seconds: float) -> None:
    """As many writers as there are seats, places to wait, and as many again; a lease is renewed beside them."""
    connections = 1_200
    await press(plane.door, lambda n, i: question("POST", MAPS, config_map(f"over-{n}")), connections=64, count=1)
    await press(plane.door, lambda n, i: question("POST", LEASES, lease("mine")), connections=1, count=1)

    def ask(number: int, index: int) -> bytes:
        name = f"over-{number % 64}"
        return question("PUT", f"{MAPS}/{name}", config_map(name, f"{time.time_ns()}"))

    async def renew() -> Tally:
        renewed = Tally()
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            one = await press(
                plane.door, lambda n, i: question("PUT", f"{LEASES}/mine", lease("mine")), connections=1, count=1
            )
            renewed.codes.update(one.codes)
            renewed.seconds += one.seconds
            await asyncio.sleep(0.1)
        return renewed

    before = plane.rss_mib()
    tally, renewed = await asyncio.gather(press(plane.door, ask, connections=connections, seconds=seconds), renew())
    row(f"overload, {connections} writers, {seconds:.0f} s", f"answers {dict(sorted(tally.codes.items()))}")
    row("  a lease meanwhile", f"answers {dict(renewed.codes)}", f"p99 {renewed.percentile(0.99):.0f} ms")
    row("  memory", f"{before:.0f} MiB before, {plane.rss_mib():.0f} MiB after")


def lease(name: str) -> bytes:
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
    return orjson.dumps({"metadata": {"name": name}, "spec": {"holderIdentity": "bench", "renewTime": now}})


async def fill(directory: Path, count: int) -> None:
    """Objects into the state of a plane that does not run."""
    from capstan.apiserver.backend import encode_value
    from capstan.cli.keyfile import KeyFile
    from capstan.cli.place import Place
    from capstan.store.protocol import Put
    from capstan.store.sealing import SECRETS, Encryption
    from capstan.store.sqlite import SqliteStore

    place = Place(directory)
    key_file = KeyFile(place, os.urandom, os.environ)
    store = await SqliteStore.open(place.database, encryption=Encryption(key_file.find, SECRETS, os.urandom))
    for start in range(0, count, 500):
        batch = []
        for number in range(start, start + 500):
            name = f"full-{number}"
            given = orjson.loads(config_map(name))
            given["metadata"] |= {
                "namespace": "default",
                "uid": f"uid-{number}",
                "creationTimestamp": "2026-01-01T00:00:00Z",
            }
            batch.append(
                Put("/configmaps", "default", name, encode_value({"apiVersion": "v1", "kind": "ConfigMap", **given}), 0)
            )
        await store.commit(batch)
    await store.close()


def starts(directory: Path, count: int) -> None:
    plane = Plane(directory)
    plane.settle()
    row("start, nothing stored", f"{plane.start_seconds:.2f} s to ready", f"{plane.rss_mib():.0f} MiB idle")
    plane.stop()
    asyncio.run(fill(directory, count))
    plane = Plane(directory)
    plane.settle()
    row(f"start, {count} objects of 2 KB", f"{plane.start_seconds:.2f} s to ready", f"{plane.rss_mib():.0f} MiB idle")
    plane.stop()


PARTS: dict[str, Callable[[Plane, float], Awaitable[None]]] = {
    "get": gets,
    "put": puts,
    "post": posts,
    "watch": watches,
    "list": lists,
    "overload": overload,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, "start", []], help="what to measure; all without any")
    parser.add_argument("--seconds", type=float, default=8.0, help="how long each load lasts")
    parser.add_argument("--overload-seconds", type=float, default=60.0)
    parser.add_argument("--objects", type=int, default=27_000, help="how many are stored for the start")
    given = parser.parse_args()
    wanted = given.parts or ["start", *PARTS]
    for part in wanted:
        directory = Path(tempfile.mkdtemp(prefix="capstan-bench-"))
        try:
            if part == "start":
                starts(directory, given.objects)
                continue
            plane = Plane(directory)
            try:
                seconds = given.overload_seconds if part == "overload" else given.seconds
                uvloop.run(PARTS[part](plane, seconds))
            finally:
                plane.stop()
        finally:
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
