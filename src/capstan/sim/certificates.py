"""Certificates of simulated servers: read the CAs that configurations carry, and issue what Talos would issue.

Signatures of Ed25519 follow from the key alone; those of ECDSA are made deterministic, so that runs repeat.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_ODD_LABEL, _LABEL = b"ED25519 PRIVATE KEY", b"PRIVATE KEY"


def load_key(pem: bytes) -> CertificateIssuerPrivateKeyTypes:
    """A private key in PEM, Talos' label for Ed25519 included (talos.md 4.5). Raises ValueError."""
    return cast(
        CertificateIssuerPrivateKeyTypes,
        serialization.load_pem_private_key(pem.replace(_ODD_LABEL, _LABEL), password=None),
    )


def dump_key(key: CertificateIssuerPrivateKeyTypes) -> bytes:
    """PKCS#8 in PEM, as Python's ssl reads it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def issue(
    authority_pem: bytes,
    authority_key: CertificateIssuerPrivateKeyTypes,
    public_key: Any,
    *,
    now: datetime,
    serial: int,
    common_name: str = "",
    organizations: Sequence[str] = (),
    names: Iterable[str] = (),
    client: bool = False,
    lifetime: timedelta = timedelta(hours=24),
) -> bytes:
    """A leaf certificate in PEM: for a server that answers to `names`, or for a client."""
    subject = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, value) for value in organizations]
    if common_name:
        subject.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(x509.load_pem_x509_certificate(authority_pem).subject)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(now - timedelta(seconds=10))
        .not_valid_after(now + lifetime)
    )
    usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(cast(Any, authority_key).public_key()), critical=False
    )
    alternatives = [_general_name(name) for name in sorted(set(names)) if name]
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return _sign(builder, authority_key).public_bytes(serialization.Encoding.PEM)


def self_signed(
    key: CertificateIssuerPrivateKeyTypes, common_name: str, *, now: datetime, serial: int, names: Iterable[str]
) -> bytes:
    """The certificate of a machine in maintenance mode, which nobody can verify."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    alternatives = [_general_name(each) for each in sorted(set(names)) if each]
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(cast(Any, key).public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(seconds=10))
        .not_valid_after(now + timedelta(hours=24))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    )
    return _sign(builder, key).public_bytes(serialization.Encoding.PEM)


def _sign(builder: x509.CertificateBuilder, key: CertificateIssuerPrivateKeyTypes) -> x509.Certificate:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return builder.sign(key, None)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    return builder.sign(key, hashes.SHA256())


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
