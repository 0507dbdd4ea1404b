"""Where an etcd cluster is and how to get in: `etcd://host:2379,host2:2379/prefix?ca=..&cert=..&key=..`."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

PORT = 2379
ROOT = "/capstan"
_FILES = ("ca", "cert", "key")


@dataclass(frozen=True, slots=True)
class EtcdAddress:
    """Members, the prefix of all keys, and the files of mutual TLS; without them the connection is plain, which is
    taken for loopback addresses only."""

    members: tuple[tuple[str, int], ...]
    root: str = ROOT
    ca: str = ""
    cert: str = ""
    key: str = ""

    @staticmethod
    def parse(text: str) -> EtcdAddress:
        """Raises ValueError that says what is wrong with it."""
        parts = urlsplit(text)
        if parts.scheme != "etcd":
            raise ValueError(f"{text}: an etcd address begins with etcd://")
        if "@" in parts.netloc:
            raise ValueError("an etcd address takes client certificates, no user and password")
        members = tuple(_member(member) for member in parts.netloc.split(",") if member)
        if not members:
            raise ValueError(f"{text}: at least one member is needed, as in etcd://127.0.0.1:{PORT}")
        query = parse_qs(parts.query, strict_parsing=bool(parts.query))
        if unknown := sorted(set(query) - set(_FILES)):
            raise ValueError(f"{text}: unknown option {unknown[0]}; there are ca, cert and key")
        files = {name: query[name][-1] if name in query else "" for name in _FILES}
        if any(files.values()) and not all(files.values()):
            missing = next(name for name in _FILES if not files[name])
            raise ValueError(f"{text}: {missing} is missing; ca, cert and key are given together")
        address = EtcdAddress(members, "/" + unquote(parts.path).strip("/") if parts.path.strip("/") else ROOT, **files)
        if not address.ca and (far := next((host for host, _ in members if not _is_loopback(host)), "")):
            raise ValueError(f"{far} is another machine: it takes ca, cert and key; plain connections are for loopback")
        return address

    def context(self) -> ssl.SSLContext | None:
        """Raises OSError (ssl.SSLError too) for files that cannot be used."""
        if not self.ca:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(cafile=self.ca)
        context.load_cert_chain(self.cert, self.key)
        context.set_alpn_protocols(["h2"])
        return context

    def __str__(self) -> str:
        return "etcd://" + ",".join(f"{host}:{port}" for host, port in self.members) + self.root


def _member(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    try:
        port = parts.port or PORT
    except ValueError:
        raise ValueError(f"{text}: that is no port") from None
    if not parts.hostname:
        raise ValueError(f"{text}: a member is host:port")
    return parts.hostname, port


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
