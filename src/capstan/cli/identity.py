"""The management plane's own certificates: its CA, its server certificate, its admin. Made at the first start,
renewed in time at later ones."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from capstan.api.rules.certificates import (
    Authority,
    Subject,
    Validity,
    is_issued_by,
    issue,
    key_to_pkcs8_pem,
    self_signed_ca,
    serial_number,
    subject_of,
    validity_of,
)
from capstan.cli.place import Place, write_private
from capstan.cli.tls import ServerTls
from capstan.runtime.client.kubeconfig import Kubeconfig, render_kubeconfig
from capstan.runtime.keys import KeySource

CA_LIFETIME = timedelta(days=3650)
LEAF_LIFETIME = timedelta(days=365)
#: Leaves are renewed at the start of the plane when less than this is left.
RENEW_BEFORE = timedelta(days=60)
ADMIN = Subject(common_name="capstan-admin", organizations=("system:masters",))
CONTEXT = "capstan"


@dataclass(frozen=True, slots=True)
class Identity:
    """What the server needs to serve."""

    authority: Authority
    server_context: ssl.SSLContext
    service_account_key: bytes = field(repr=False)

    @property
    def ca_pem(self) -> bytes:
        return self.authority.certificate_pem


class IdentityStore:
    """The certificates in a data directory."""

    def __init__(self, place: Place, keys: KeySource, now: datetime) -> None:
        self._place = place
        self._keys = keys
        self._now = now

    def load(self, address: str) -> Identity:
        """Read, or make, or renew. `address` is what the server listens on and must be certified for."""
        authority = self._authority()
        certificate, key = self._place.pki / "server.crt", self._place.pki / "server.key"
        wanted = _server_subject(address)
        if not self._usable(certificate, authority, wanted):
            self._issue(authority, wanted, certificate, key, ExtendedKeyUsageOID.SERVER_AUTH)
        tls = ServerTls(certificate, key, authority.certificate_pem, self._place.client_ca)
        return Identity(authority, tls.context, self._service_account_key())

    def write_kubeconfig(self, authority: Authority, server: str) -> bool:
        """The admin's kubeconfig, unless a good one is there. True when it was written."""
        certificate, key = self._place.pki / "admin.crt", self._place.pki / "admin.key"
        renewed = not self._usable(certificate, authority, ADMIN)
        if renewed:
            self._issue(authority, ADMIN, certificate, key, ExtendedKeyUsageOID.CLIENT_AUTH)
        config = Kubeconfig(server, authority.certificate_pem, certificate.read_bytes(), key.read_bytes())
        content = render_kubeconfig(config, cluster=CONTEXT, user="capstan-admin", context=CONTEXT)
        path = self._place.kubeconfig
        if path.exists() and path.read_bytes() == content:
            return False
        write_private(path, content)
        return True

    def _authority(self) -> Authority:
        certificate, key = self._place.authority / "ca.crt", self._place.authority / "ca.key"
        if certificate.exists() and key.exists():
            return Authority(certificate.read_bytes(), key.read_bytes())
        private = self._keys.ecdsa_p256()
        subject = Subject(common_name="capstan-ca")
        made = self_signed_ca(private, subject, self._validity(CA_LIFETIME), self._serial())
        # The key first: a certificate without its key would be taken for a whole authority.
        write_private(key, made.key_pem)
        write_private(certificate, made.certificate_pem)
        return made

    def _service_account_key(self) -> bytes:
        """The key that signs the tokens of ServiceAccounts; it has no other use. RSA keys may take its place."""
        path = self._place.service_account_key
        if not path.exists():
            write_private(path, key_to_pkcs8_pem(self._keys.ecdsa_p256()))
        return path.read_bytes()

    def _usable(self, certificate: Path, authority: Authority, wanted: Subject) -> bool:
        if not certificate.exists() or not certificate.with_suffix(".key").exists():
            return False
        pem = certificate.read_bytes()
        return (
            is_issued_by(pem, authority.certificate_pem)
            and validity_of(pem).not_after - self._now > RENEW_BEFORE
            and subject_of(pem) == wanted
        )

    def _issue(
        self, authority: Authority, subject: Subject, certificate: Path, key: Path, usage: ObjectIdentifier
    ) -> None:
        private = self._keys.ecdsa_p256()
        pem = issue(authority, private.public_key(), subject, self._validity(LEAF_LIFETIME), self._serial(), (usage,))
        write_private(key, key_to_pkcs8_pem(private))
        write_private(certificate, pem)

    def _validity(self, lifetime: timedelta) -> Validity:
        # A little in the past: clocks of clients may be behind.
        return Validity(self._now - timedelta(minutes=5), self._now + lifetime)

    def _serial(self) -> int:
        return serial_number(self._keys.token(16))


def _server_subject(address: str) -> Subject:
    ips = ["127.0.0.1", "::1"]
    names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"]
    try:
        parsed = ipaddress.ip_address(address)
        if not parsed.is_unspecified and address not in ips:
            ips.append(address)
    except ValueError:
        names.append(address)
    return Subject(common_name="capstan", dns_names=tuple(names), ip_addresses=tuple(ips))
