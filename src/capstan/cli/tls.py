"""The plane's TLS: its certificate, and the CAs whose client certificates are users. Files that change are read again
with the next connection."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

log = logging.getLogger(__name__)

#: For TLS 1.2: forward secrecy and authenticated encryption only. Those of TLS 1.3 are all of that kind.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"

_Stamp = tuple[tuple[int, int, int] | None, ...]


class ServerTls:
    """`context` is for the listener and stays the same; each handshake takes what the files say by then. Files that
    cannot be read or used leave things as they are, and are said in the log once.

    `client_ca` may be missing: then the plane's own CA alone is trusted, which otherwise is too.
    """

    def __init__(self, certificate: Path, key: Path, ca_pem: bytes, client_ca: Path) -> None:
        self._certificate = certificate
        self._key = key
        self._ca = ca_pem.decode()
        self._client_ca = client_ca
        self._stamp = self._stamps()
        self._current = self._made()
        self.context = self._made()
        # Called in every handshake, also in those without a name.
        self.context.sni_callback = self._choose

    def _choose(self, connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        stamp = self._stamps()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._current = self._made()
            except (OSError, ValueError) as error:
                log.error("the certificates have changed and cannot be used, the old ones stay: %s", error)
        connection.context = self._current

    def _made(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(CIPHERS)
        context.load_cert_chain(self._certificate, self._key)
        context.load_verify_locations(cadata=self._ca)
        if self._client_ca.exists():
            context.load_verify_locations(cafile=self._client_ca)
        # Optional: the probes come without; every other request is refused without one by authentication.
        context.verify_mode = ssl.CERT_OPTIONAL
        # A session that is resumed would bring the user of an earlier certificate with it.
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
        return context

    def _stamps(self) -> _Stamp:
        return tuple(_stamp(path) for path in (self._certificate, self._key, self._client_ca))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)
