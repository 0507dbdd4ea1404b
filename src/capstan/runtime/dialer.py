"""How connections leave this process: directly, or through one HTTP CONNECT proxy (the lab's, or the user's)."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from capstan.api.errors import TransientError

CONNECT_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Dialer:
    """`proxy_url` is empty or `http://host:port`; hosts in `no_proxy` (names, suffixes, CIDRs) are dialled directly."""

    proxy_url: str = ""
    no_proxy: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Dialer:
        """HTTPS_PROXY and NO_PROXY, in either case, as other clients read them."""
        proxy = environment.get("HTTPS_PROXY") or environment.get("https_proxy") or ""
        listed = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
        return cls(proxy, tuple(part.strip() for part in listed.split(",") if part.strip()))

    def proxy_for(self, url: str) -> str:
        """The proxy to use for a URL; empty for none. Loopback is never proxied."""
        host = urlsplit(url).hostname or ""
        return "" if not self.proxy_url or self._is_direct(host) else self.proxy_url

    async def connect(self, host: str, port: int) -> socket.socket:
        """A connected socket. Raises TransientError that says what did not answer."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                if not self.proxy_url or self._is_direct(host):
                    return await _open(host, port)
                proxy = urlsplit(self.proxy_url)
                sock = await _open(proxy.hostname or "", proxy.port or 80)
                try:
                    await _tunnel(sock, host, port)
                except BaseException:
                    sock.close()
                    raise
                return sock
        except (OSError, TimeoutError) as error:
            raise TransientError(f"{host}:{port} does not answer: {str(error) or 'timed out'}") from None

    def _is_direct(self, host: str) -> bool:
        if host == "localhost" or host in self.no_proxy or "*" in self.no_proxy:
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return any(host.endswith(suffix) for suffix in self.no_proxy if suffix.startswith("."))
        return address.is_loopback or any(_contains(part, address) for part in self.no_proxy if "/" in part)


def _contains(network: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


async def _open(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    family, kind, protocol, _name, address = (await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))[0]
    sock = socket.socket(family, kind, protocol)
    sock.setblocking(False)
    try:
        await loop.sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


async def _tunnel(sock: socket.socket, host: str, port: int) -> None:
    """RFC 9110 9.3.6: CONNECT, then everything after the blank line is the other end's."""
    loop = asyncio.get_running_loop()
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    await loop.sock_sendall(sock, f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        # One byte at a time past the first line is not needed: the other end speaks only after we do (TLS).
        part = await loop.sock_recv(sock, 4096)
        if not part or len(answer) > 65536:
            raise OSError("the proxy closed the connection")
        answer += part
    status = answer.split(b"\r\n", 1)[0].decode(errors="replace")
    if status.split(" ")[1:2] != ["200"]:
        raise OSError(f"the proxy answered {status!r}")
