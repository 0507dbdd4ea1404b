"""The processes that are measured: the simulated lab and the management plane, as users run them."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import ssl
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from capstan.runtime.client.kubeconfig import Kubeconfig, parse_kubeconfig

#: The installed command beside this interpreter.
CAPSTAN = str(Path(sys.executable).with_name("capstan"))
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def process(command: Sequence[str], environment: Mapping[str, str], log: Path) -> AsyncIterator[Any]:
    """A child whose standard output is read line by line; it is told to end at the end."""
    with log.open("wb") as errors:
        child = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, **environment}, stdout=asyncio.subprocess.PIPE, stderr=errors
        )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.terminate()
            try:
                await asyncio.wait_for(child.wait(), 60)
            except TimeoutError:
                child.kill()
                await child.wait()


async def until_line(child: Any, text: str, log: Path) -> list[str]:
    """The lines up to the one that holds `text`."""
    lines: list[str] = []
    while True:
        line = (await asyncio.wait_for(child.stdout.readline(), 60)).decode()
        if not line:
            raise SystemExit(f"the process ended early: {tail(log)}")
        lines.append(line)
        if text in line:
            return lines


def tail(log: Path) -> str:
    return log.read_text()[-4000:]


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def memory_mb(pid: int, name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


@dataclass
class Plane:
    """The running plane as the scripts see it. `start` and `working`: seconds until it answered, until it worked."""

    pid: int
    config: Kubeconfig
    session: aiohttp.ClientSession
    context: ssl.SSLContext
    start: float
    working: float

    async def metrics(self) -> tuple[int, dict[str, int]]:
        """The store's revision, and reconciles by controller."""
        async with self.session.get(self.config.server + "/metrics", ssl=self.context) as answer:
            text = await answer.text()
        revision = re.search(r"^capstan_store_revision (\d+)", text, re.M)
        counts: dict[str, int] = {}
        for name, count in re.findall(
            r'^controller_runtime_reconcile_total\{controller="([^"]+)".*?\} (\S+)', text, re.M
        ):
            counts[name] = counts.get(name, 0) + int(float(count))
        return int(revision[1]) if revision else 0, counts

    async def settle(self, quiet: float = 2.0, longest: float = 60.0) -> None:
        """Wait until nothing has been written for `quiet` seconds."""
        end = time.monotonic() + longest
        revision, since = (await self.metrics())[0], time.monotonic()
        while time.monotonic() - since < quiet and time.monotonic() < end:
            await asyncio.sleep(0.2)
            now = (await self.metrics())[0]
            if now != revision:
                revision, since = now, time.monotonic()


async def readyz(port: int, began: float) -> float:
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"https://127.0.0.1:{port}/readyz", ssl=False) as answer:
                    if answer.status == 200:
                        return time.monotonic() - began
            except aiohttp.ClientError:
                await asyncio.sleep(0.005)


def free_port() -> int:
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def plane_command(directory: Path, port: int, key: str, profile: str) -> list[str]:
    python = [sys.executable, *(["-m", "cProfile", "-o", profile] if profile else [])]
    return [*python, CAPSTAN, "up", "--data-dir", str(directory), "--port", str(port),
            "--service-account-key", key]  # fmt: skip


@asynccontextmanager
async def running(
    directory: Path, key: str, *, profile: str = "", profile_lab: str = ""
) -> AsyncIterator[tuple[Plane, int]]:
    """One lab and one plane with nothing in it, and the lab's process. What the plane logged is shown with what went
    wrong."""
    lab_command = [sys.executable, *(["-m", "cProfile", "-o", profile_lab] if profile_lab else []),
                   CAPSTAN, "lab", "up", "--instant", "--pve-port", "0", "--proxy-port", "0",
                   "--host-memory", "4096"]  # fmt: skip
    async with process(lab_command, {}, directory / "lab.log") as lab:
        lines = await until_line(lab, "export NO_PROXY", directory / "lab.log")
        exports = dict(shlex.split(line)[1].split("=", 1) for line in lines if line.startswith("export "))
        exports["PROXMOX_INSECURE"] = "true"
        port, log, began = free_port(), directory / "plane.log", time.monotonic()
        async with process(plane_command(directory, port, key, profile), exports, log) as child:
            start = await readyz(port, began)
            await until_line(child, "Capstan is ready", log)
            working = time.monotonic() - began
            config = parse_kubeconfig((directory / "kubeconfig").read_bytes())
            async with aiohttp.ClientSession() as session:
                try:
                    yield Plane(child.pid, config, session, config.ssl_context(), start, working), lab.pid
                except SystemExit as error:
                    raise SystemExit(f"{error}\nthe plane's log ends with:\n{tail(log)}") from None
