"""What the two ends of a TLS handshake with apid check of each other, without the handshake (talos.md 4.1, 4.5)."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from capstan.providers.talos.channel import ClientCredentials, RpcError
from capstan.sim.talos.api.replies import UNAVAILABLE
from capstan.sim.talos.api.roles import ANYBODY, KNOWN_ROLES, Caller
from capstan.sim.talos.machine import Machine

_HANDSHAKE = 'connection error: desc = "transport: authentication handshake failed: {}"'


def identify(machine: Machine, address: str, credentials: ClientCredentials | None) -> Caller:
    """Who calls. Raises RpcError UNAVAILABLE where the handshake would fail, as gRPC clients report it."""
    if machine.apid == "maintenance":
        if credentials is not None:
            raise _failed("tls: failed to verify certificate: x509: certificate signed by unknown authority")
        return ANYBODY
    if credentials is None:
        raise _failed("remote error: tls: certificate required")
    config = machine.config
    assert config is not None
    trusted = x509.load_pem_x509_certificates(credentials.ca_pem)
    authorities = x509.load_pem_x509_certificates(config.os_ca.certificate_pem)
    if authorities[0].public_key() not in [certificate.public_key() for certificate in trusted]:
        raise _failed("tls: failed to verify certificate: x509: certificate signed by unknown authority")
    if address not in machine.names:
        raise _failed(f"tls: failed to verify certificate: x509: certificate is not valid for {address}")
    for accepted in config.accepted_os_cas:
        authorities += x509.load_pem_x509_certificates(accepted)
    certificate = x509.load_pem_x509_certificate(credentials.certificate_pem)
    if not any(_is_issued_by(certificate, authority) for authority in authorities):
        raise _failed("remote error: tls: unknown certificate authority")
    now = machine.environment.clock.now()
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise _failed("remote error: tls: expired certificate")
    return caller_of(certificate)


def caller_of(certificate: x509.Certificate) -> Caller:
    """The roles of a verified client certificate, whose extended key usage must be exactly clientAuth."""
    try:
        usages = list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        usages = []
    if usages != [ExtendedKeyUsageOID.CLIENT_AUTH]:
        raise _failed("remote error: tls: bad certificate")
    organizations = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return Caller(frozenset(str(attribute.value) for attribute in organizations) & KNOWN_ROLES)


def _is_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _failed(why: str) -> RpcError:
    return RpcError(UNAVAILABLE, _HANDSHAKE.format(why))
