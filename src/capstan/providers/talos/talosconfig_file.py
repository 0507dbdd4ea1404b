"""The talosconfig: how `talosctl`, and Capstan itself, reach the machines of a cluster (talos.md 2.7)."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from capstan.api.rules.certificates import (
    Authority,
    CertificateError,
    PrivateKey,
    Subject,
    Validity,
    issue,
    key_to_pem,
    validity_of,
)
from capstan.providers.talos.channel import ClientCredentials
from capstan.providers.talos.config.errors import ConfigError
from capstan.providers.talos.config.yamltext import dump_documents, load_document

ADMIN_ROLE = "os:admin"
LIFETIME = timedelta(days=365)
#: A new certificate once less than this part of its life is left.
RENEW_BELOW = 0.5
#: Clocks of machines may be behind.
BACKDATED = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """One context of a talosconfig."""

    context: str
    endpoints: tuple[str, ...]
    credentials: ClientCredentials

    def is_due(self, now: datetime) -> bool:
        """Whether its certificate should be renewed; one that cannot be read should."""
        return self.seconds_until_due(now) <= 0

    def seconds_until_due(self, now: datetime) -> float:
        """How long its certificate is good enough; negative for how long it has not been."""
        try:
            validity = validity_of(self.credentials.certificate_pem)
        except CertificateError:
            return -1.0
        whole = (validity.not_after - validity.not_before).total_seconds()
        return (validity.not_after - now).total_seconds() - whole * RENEW_BELOW


def new_credentials(os_ca: Authority, key: PrivateKey, now: datetime, serial: int) -> ClientCredentials:
    """An administrator's certificate for a year."""
    validity = Validity(now - BACKDATED, now + LIFETIME)
    certificate = issue(os_ca, key.public_key(), Subject(organizations=(ADMIN_ROLE,)), validity, serial)
    return ClientCredentials(os_ca.certificate_pem, certificate, key_to_pem(key))


def encode_talosconfig(context: str, endpoints: Sequence[str], credentials: ClientCredentials) -> bytes:
    """A talosconfig with one context."""
    content = {
        "endpoints": list(endpoints),
        "ca": base64.b64encode(credentials.ca_pem).decode(),
        "crt": base64.b64encode(credentials.certificate_pem).decode(),
        "key": base64.b64encode(credentials.key_pem).decode(),
    }
    return dump_documents([{"context": context, "contexts": {context: content}}]).encode()


def decode_talosconfig(content: bytes) -> ClientConfig:
    """The current context. Raises ConfigError."""
    document = load_document(content)
    try:
        context = str(document["context"])
        found = document["contexts"][context]
        ca, certificate, key = (base64.b64decode(found[name], validate=True) for name in ("ca", "crt", "key"))
        endpoints = tuple(str(endpoint) for endpoint in found.get("endpoints") or ())
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ConfigError("not a talosconfig with a usable current context") from None
    return ClientConfig(context, endpoints, ClientCredentials(ca, certificate, key))
