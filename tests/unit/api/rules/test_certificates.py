"""Authorities, leaf certificates and requests as Talos and Kubernetes make them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from capstan.api.rules import certificates as certs

VALIDITY = certs.Validity(datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC))
KEYS: list[certs.PrivateKey] = [
    ed25519.Ed25519PrivateKey.generate(),
    ec.generate_private_key(ec.SECP256R1()),
    rsa.generate_private_key(65537, 2048),
]


def authority(key: certs.PrivateKey) -> certs.Authority:
    return certs.self_signed_ca(key, certs.Subject(organizations=("talos",)), VALIDITY, 7)


@pytest.mark.parametrize("key", KEYS, ids=["ed25519", "ecdsa", "rsa"])
def test_an_authority_and_what_it_issues(key: certs.PrivateKey) -> None:
    ca = authority(key)
    subject = certs.Subject(common_name="n1", organizations=("os:admin",), dns_names=("n1",), ip_addresses=("fd00::1",))
    leaf = certs.issue(ca, key.public_key(), subject, VALIDITY, 8, (certs.SERVER_AUTH,))
    assert certs.is_issued_by(leaf, ca.certificate_pem)
    assert certs.is_issued_by(ca.certificate_pem, ca.certificate_pem)
    assert certs.subject_of(leaf) == subject
    assert certs.validity_of(leaf) == VALIDITY
    assert certs.is_key_of(leaf, ca.key_pem)
    parsed = certs.load_certificate(leaf)
    assert parsed.serial_number == 8
    with pytest.raises(x509.ExtensionNotFound):
        parsed.extensions.get_extension_for_class(x509.BasicConstraints)
    ca_extensions = certs.load_certificate(ca.certificate_pem).extensions
    usage = ca_extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert (usage.value.key_cert_sign, usage.value.digital_signature, usage.value.crl_sign) == (True, True, False)


@pytest.mark.parametrize(
    ("key", "label"),
    list(zip(KEYS, ["ED25519 PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"], strict=True)),
    ids=["ed25519", "ecdsa", "rsa"],
)
def test_keys_keep_taloss_labels_and_read_back(key: certs.PrivateKey, label: str) -> None:
    pem = certs.key_to_pem(key)
    assert [found for found, _der in certs.pem_blocks(pem)] == [label]
    assert certs.key_to_pem(certs.load_private_key(pem)) == pem
    assert certs.load_private_key(certs.key_to_pkcs8_pem(key)).public_key() == key.public_key()


def test_equal_inputs_give_equal_certificates() -> None:
    ca = authority(KEYS[1])
    subject = certs.Subject(common_name="admin", organizations=("system:masters",))
    first, second = (certs.issue(ca, KEYS[0].public_key(), subject, VALIDITY, 9) for _ in range(2))
    assert first == second


def test_a_request_loses_its_roles_unless_the_signer_keeps_them() -> None:
    ca = authority(KEYS[0])
    request = certs.make_csr(KEYS[0], certs.Subject(organizations=("os:admin",), ip_addresses=("10.0.0.9",)))
    assert certs.subject_of(certs.sign_csr(ca, request, VALIDITY, 3)) == certs.Subject(ip_addresses=("10.0.0.9",))
    kept = certs.sign_csr(ca, request, VALIDITY, 3, keep_organizations=True)
    assert certs.subject_of(kept).organizations == ("os:admin",)


def test_what_is_no_pem_is_refused_without_being_quoted() -> None:
    for read in (certs.load_certificate, certs.load_private_key):
        with pytest.raises(certs.CertificateError) as raised:
            read(b"secret-ish bytes")
        assert "secret-ish" not in str(raised.value)


def test_serial_numbers_are_positive_and_fit() -> None:
    assert certs.serial_number(bytes(16)) == 1
    assert certs.serial_number(b"\xff" * 16).bit_length() == 127
