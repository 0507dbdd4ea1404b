"""Certificates that simulated machines issue and show: what Talos would make of the CAs in its configuration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address

from cryptography.x509.oid import ExtendedKeyUsageOID

from capstan.api.rules.certificates import (
    Authority,
    PrivateKey,
    Subject,
    Validity,
    issue,
    key_to_pkcs8_pem,
    self_signed_ca,
    serial_number,
)
from capstan.runtime.clock import Clock
from capstan.runtime.keys import KeySource

SERVER_LIFETIME = timedelta(hours=24)
_SKEW = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate and its key as Python's ssl reads them."""

    certificate_pem: bytes
    key_pem: bytes = field(repr=False)


class Issuer:
    """Issues from authorities, with the world's keys and clock."""

    def __init__(self, keys: KeySource, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def server(self, authority: Authority, common_name: str, names: Iterable[str], *, ed25519: bool) -> Leaf:
        """A server's certificate for names and addresses, valid for a day as Talos' are."""
        key = self._key(ed25519)
        subject = _subject(common_name, (), names)
        usages = (ExtendedKeyUsageOID.SERVER_AUTH,)
        serial = serial_number(self._keys.token(16))
        validity = self._validity(SERVER_LIFETIME)
        pem = issue(authority, key.public_key(), subject, validity, serial, usages)
        return Leaf(pem, key_to_pkcs8_pem(key))

    def client(
        self,
        authority: Authority,
        common_name: str,
        organizations: Sequence[str],
        *,
        ed25519: bool,
        lifetime: timedelta,
    ) -> Leaf:
        """A client's certificate: organizations are Talos' roles or Kubernetes' groups."""
        key = self._key(ed25519)
        subject = _subject(common_name, organizations, ())
        validity, serial = self._validity(lifetime), serial_number(self._keys.token(16))
        pem = issue(authority, key.public_key(), subject, validity, serial)
        return Leaf(pem, key_to_pkcs8_pem(key))

    def authority(self, name: str, *, ed25519: bool = True) -> Authority:
        """An authority of its own: for a machine in maintenance, whose certificate nobody can verify."""
        subject = Subject(common_name=name)
        validity, serial = self._validity(SERVER_LIFETIME), serial_number(self._keys.token(16))
        return self_signed_ca(self._key(ed25519), subject, validity, serial)

    def _key(self, ed25519: bool) -> PrivateKey:
        return self._keys.ed25519() if ed25519 else self._keys.ecdsa_p256()

    def _validity(self, lifetime: timedelta) -> Validity:
        now = self._clock.now()
        return Validity(now - _SKEW, now + lifetime)


def _subject(common_name: str, organizations: Sequence[str], names: Iterable[str]) -> Subject:
    wanted = sorted({name for name in names if name})
    addresses = tuple(name for name in wanted if _is_address(name))
    return Subject(
        common_name=common_name,
        organizations=tuple(organizations),
        dns_names=tuple(name for name in wanted if name not in addresses),
        ip_addresses=addresses,
    )


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
