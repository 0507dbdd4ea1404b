"""Looks at a running plane from outside: what it answers without credentials, and which weak TLS it accepts."""

from __future__ import annotations

import http.client
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from capstan.cli.hardening.facts import Answers
from capstan.cli.place import Place

_SECONDS = 10.0
_PROFILING = ("/debug/pprof/", "/debug/pprof/profile", "/debug/flags/v")
_OLD = {"TLS 1.0": ssl.TLSVersion.TLSv1, "TLS 1.1": ssl.TLSVersion.TLSv1_1}
#: Kinds of ciphers without forward secrecy or without authenticated encryption, as OpenSSL names them.
_WEAK = ("kRSA", "aNULL", "3DES", "RC4", "SHA1", "ECDHE+SHA256:!AESGCM", "ECDHE+SHA384:!AESGCM", "DHE+AES")


def probe(place: Place, url: str) -> Answers:
    """Raises OSError when nothing answers."""
    host, port = urlsplit(url).hostname or "", urlsplit(url).port or 443
    ca = place.authority / "ca.crt"
    stranger = _context(ca)
    admin = _context(ca)
    admin.load_cert_chain(place.pki / "admin.crt", place.pki / "admin.key")

    def status(context: ssl.SSLContext, path: str, token: str = "") -> int:
        connection = http.client.HTTPSConnection(host, port, context=context, timeout=_SECONDS)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
            return connection.getresponse().status
        finally:
            connection.close()

    return Answers(
        anonymous=status(stranger, "/api"),
        anonymous_health=status(stranger, "/livez"),
        unknown_token=status(stranger, "/api", "not-a-token-that-anybody-issued"),
        profiling=tuple(status(admin, path) for path in _PROFILING),
        protocols=tuple(_accepted_protocols(ca, host, port)),
        ciphers=tuple(_accepted_ciphers(ca, host, port)),
        client_certificate=status(admin, "/api") == 200,
    )


def _context(ca: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(ca))


def _accepted_protocols(ca: Path, host: str, port: int) -> Iterator[str]:
    for name, version in _OLD.items():
        context = _context(ca)
        with warnings.catch_warnings():
            # Only here: it is the point to try what is deprecated.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")
        if _shakes_hands(context, host, port):
            yield name


def _accepted_ciphers(ca: Path, host: str, port: int) -> Iterator[str]:
    for kind in _WEAK:
        context = _context(ca)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.set_ciphers(f"{kind}:@SECLEVEL=0")
        except ssl.SSLError:
            continue  # this OpenSSL does not know them either
        if cipher := _shakes_hands(context, host, port):
            yield cipher


def _shakes_hands(context: ssl.SSLContext, host: str, port: int) -> str:
    """The cipher that was agreed on, or the empty string."""
    import socket

    with socket.create_connection((host, port), timeout=_SECONDS) as raw:
        try:
            with context.wrap_socket(raw, server_hostname=host) as secured:
                return (secured.cipher() or ("",))[0]
        except (ssl.SSLError, ConnectionError):
            return ""
