"""X.509 as pure functions: authorities, client and server certificates, CSR signing, PEM in and out.

Keys, times and serial numbers are passed in; nothing here is random but ECDSA's own nonce, which is made
deterministic (RFC 6979). The shapes are those that Talos and Kubernetes make (talos.md 4.5).
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificateIssuerPrivateKeyTypes,
    CertificateIssuerPublicKeyTypes,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = CertificateIssuerPrivateKeyTypes
PublicKey = CertificateIssuerPublicKeyTypes

SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH
CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH

#: The label that Talos writes and expects for Ed25519 keys; its DER is plain PKCS#8.
TALOS_ED25519_LABEL = "ED25519 PRIVATE KEY"

_PEM_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s(.*?)-----END \1-----", re.DOTALL)


class CertificateError(ValueError):
    """PEM text that holds no usable key, certificate or request. The message never quotes the text."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA certificate and its private key, in PEM."""

    certificate_pem: bytes
    key_pem: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Validity:
    """From when until when a certificate holds; both aware."""

    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom a certificate names: common name, organizations (Talos' roles, Kubernetes' groups) and SANs."""

    common_name: str = ""
    organizations: tuple[str, ...] = ()
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()


def serial_number(token: bytes) -> int:
    """A positive serial number of at most 127 bits from random bytes (16 of them are enough)."""
    return (int.from_bytes(token[:16], "big") >> 1) or 1


def self_signed_ca(key: PrivateKey, subject: Subject, validity: Validity, serial: int) -> Authority:
    """A certificate authority with the key usages of Talos' own: certSign and digitalSignature, critical."""
    name = _name(subject)
    builder = (
        _builder(name, name, key.public_key(), validity, serial)
        .add_extension(_key_usage(is_ca=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([SERVER_AUTH, CLIENT_AUTH]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Authority(_sign(builder, key), key_to_pem(key))


def issue(
    authority: Authority,
    public_key: PublicKey,
    subject: Subject,
    validity: Validity,
    serial: int,
    usages: Sequence[x509.ObjectIdentifier] = (CLIENT_AUTH,),
) -> bytes:
    """A leaf certificate in PEM. Raises CertificateError when the authority cannot be read."""
    issuer = load_certificate(authority.certificate_pem)
    builder = (
        _builder(_name(subject), issuer.subject, public_key, validity, serial)
        .add_extension(_key_usage(is_ca=False, rsa_key=isinstance(public_key, rsa.RSAPublicKey)), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(_authority_key_identifier(issuer), critical=False)
    )
    names = _alternative_names(subject)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return _sign(builder, load_private_key(authority.key_pem))


def make_csr(key: PrivateKey, subject: Subject) -> bytes:
    """A certificate request in PEM for `key`."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name(subject))
    names = _alternative_names(subject)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, _hash_for(key)).public_bytes(Encoding.PEM)


def sign_csr(
    authority: Authority,
    csr_pem: bytes,
    validity: Validity,
    serial: int,
    usages: Sequence[x509.ObjectIdentifier] = (SERVER_AUTH,),
    keep_organizations: bool = False,
) -> bytes:
    """The certificate for a request, with usages of the signer's choice. As trustd does, organizations are
    dropped unless told otherwise: they are roles. Raises CertificateError for a bad request."""
    try:
        csr = x509.load_pem_x509_csr(csr_pem)
    except ValueError:
        raise CertificateError("not a certificate request in PEM") from None
    if not csr.is_signature_valid:
        raise CertificateError("the certificate request is not signed by its own key")
    named = _subject_of(csr.subject, _csr_names(csr))
    if not keep_organizations:
        named = Subject(common_name=named.common_name, dns_names=named.dns_names, ip_addresses=named.ip_addresses)
    public_key = csr.public_key()
    if not isinstance(public_key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey)):
        raise CertificateError("the certificate request's key is neither RSA, ECDSA nor Ed25519")
    return issue(authority, public_key, named, validity, serial, usages)


def load_certificate(pem: bytes) -> x509.Certificate:
    """The first certificate in `pem`. Raises CertificateError."""
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise CertificateError("not a certificate in PEM") from None


def load_private_key(pem: bytes) -> PrivateKey:
    """A private key in PEM, Talos' `ED25519 PRIVATE KEY` label included. Raises CertificateError."""
    try:
        key = load_pem_private_key(relabel_for_openssl(pem), None)
    except (ValueError, TypeError):
        raise CertificateError("not a private key in PEM") from None
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)):
        raise CertificateError("the private key is neither RSA, ECDSA nor Ed25519")
    return key


def load_der_key(der: bytes) -> PrivateKey:
    """A private key in PKCS#8 DER. Raises CertificateError."""
    try:
        key = load_der_private_key(der, None)
    except (ValueError, TypeError):
        raise CertificateError("not a private key in DER") from None
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)):
        raise CertificateError("the private key is neither RSA, ECDSA nor Ed25519")
    return key


def key_to_pem(key: PrivateKey) -> bytes:
    """The key as Talos and Kubernetes write it: SEC1 for ECDSA, PKCS#1 for RSA, Talos' label for Ed25519."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return to_pem(TALOS_ED25519_LABEL, key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def key_to_pkcs8_pem(key: PrivateKey) -> bytes:
    """The key as OpenSSL and Python's ssl want it: PKCS#8 labelled `PRIVATE KEY`."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_key_to_pem(key: PrivateKey) -> bytes:
    """The public half, SubjectPublicKeyInfo labelled `PUBLIC KEY`."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def relabel_for_openssl(pem: bytes) -> bytes:
    """`ED25519 PRIVATE KEY` becomes `PRIVATE KEY`; everything else stays as it is."""
    return pem.replace(TALOS_ED25519_LABEL.encode(), b"PRIVATE KEY")


def to_pem(label: str, der: bytes) -> bytes:
    """A PEM block with 64 characters a line."""
    text = base64.b64encode(der).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()


def pem_blocks(pem: bytes) -> tuple[tuple[str, bytes], ...]:
    """Label and DER of each block, in order. Blocks that are not base64 are left out."""
    blocks = []
    for label, body in _PEM_BLOCK.findall(pem):
        try:
            blocks.append((label.decode(), base64.b64decode(b"".join(body.split()), validate=True)))
        except ValueError:
            continue
    return tuple(blocks)


def validity_of(certificate_pem: bytes) -> Validity:
    """From when until when the certificate holds. Raises CertificateError."""
    certificate = load_certificate(certificate_pem)
    return Validity(certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def subject_of(certificate_pem: bytes) -> Subject:
    """Whom the certificate names. Raises CertificateError."""
    certificate = load_certificate(certificate_pem)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = None
    return _subject_of(certificate.subject, names)


def is_issued_by(certificate_pem: bytes, authority_pem: bytes) -> bool:
    """Whether the authority's key signed the certificate and its name is the issuer's."""
    try:
        certificate, authority = load_certificate(certificate_pem), load_certificate(authority_pem)
        certificate.verify_directly_issued_by(authority)
    except Exception:  # cryptography raises ValueError, TypeError or InvalidSignature: all of them mean no
        return False
    return True


def is_key_of(certificate_pem: bytes, key_pem: bytes) -> bool:
    """Whether the private key belongs to the certificate."""
    der = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    try:
        public = load_certificate(certificate_pem).public_key()
        return public.public_bytes(*der) == load_private_key(key_pem).public_key().public_bytes(*der)
    except CertificateError:
        return False


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: PublicKey, validity: Validity, serial: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(validity.not_before.replace(microsecond=0))
        .not_valid_after(validity.not_after.replace(microsecond=0))
    )


def _sign(builder: x509.CertificateBuilder, key: PrivateKey) -> bytes:
    deterministic = True if isinstance(key, ec.EllipticCurvePrivateKey) else None
    certificate = builder.sign(key, _hash_for(key), ecdsa_deterministic=deterministic)
    return certificate.public_bytes(Encoding.PEM)


def _hash_for(key: PrivateKey) -> hashes.SHA256 | hashes.SHA512 | None:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return None
    return hashes.SHA512() if isinstance(key, rsa.RSAPrivateKey) else hashes.SHA256()


def _name(subject: Subject) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, o) for o in subject.organizations]
    if subject.common_name:
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, subject.common_name))
    return x509.Name(attributes)


def _alternative_names(subject: Subject) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in subject.dns_names]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in subject.ip_addresses]
    return names


def _csr_names(csr: x509.CertificateSigningRequest) -> x509.SubjectAlternativeName | None:
    try:
        return csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _subject_of(name: x509.Name, names: x509.SubjectAlternativeName | None) -> Subject:
    return Subject(
        common_name=next(iter(_values(name, NameOID.COMMON_NAME)), ""),
        organizations=tuple(_values(name, NameOID.ORGANIZATION_NAME)),
        dns_names=tuple(names.get_values_for_type(x509.DNSName)) if names else (),
        ip_addresses=tuple(str(ip) for ip in names.get_values_for_type(x509.IPAddress)) if names else (),
    )


def _values(name: x509.Name, oid: x509.ObjectIdentifier) -> Iterable[str]:
    return (str(attribute.value) for attribute in name.get_attributes_for_oid(oid))


def _key_usage(*, is_ca: bool, rsa_key: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=is_ca,
        key_encipherment=rsa_key,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    try:
        identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        public_key = issuer.public_key()
        if not isinstance(public_key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey)):
            raise CertificateError("the authority's key is neither RSA, ECDSA nor Ed25519") from None
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(public_key)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
