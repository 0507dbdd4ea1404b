"""TLS contexts of the lab's servers."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Sequence

from capstan.sim.certificates import Leaf


def server_context(
    leaf: Leaf, *, client_ca_pem: bytes = b"", required: bool = False, alpn: Sequence[str] = ()
) -> ssl.SSLContext:
    """A server's context. With `client_ca_pem` it asks for a client certificate, and insists when `required`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # ssl reads key pairs from files only; this one is private to the process's user and gone at once.
    with tempfile.NamedTemporaryFile() as pair:
        pair.write(leaf.certificate_pem + b"\n" + leaf.key_pem)
        pair.flush()
        context.load_cert_chain(pair.name)
    if client_ca_pem:
        context.load_verify_locations(cadata=client_ca_pem.decode())
        context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context
