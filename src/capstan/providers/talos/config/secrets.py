"""The secrets of a cluster: what is in the bundle, how it is written down, how it is made (talos.md 5.2, 2.6)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from capstan.api.rules.certificates import (
    Authority,
    PrivateKey,
    Subject,
    Validity,
    key_to_pem,
    self_signed_ca,
    serial_number,
)
from capstan.providers.talos.config.contract import Contract
from capstan.providers.talos.config.errors import ConfigError
from capstan.providers.talos.config.yamltext import dump_documents, load_document

CA_LIFETIME = timedelta(hours=87600)
RSA_BITS = 4096

#: How the key that signs service account tokens is made. `contract`: RSA-4096 from 1.7 on, as upstream.
ServiceAccountAlgorithm = Literal["contract", "rsa-4096", "ecdsa-p256"]

_TOKEN_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


class Keys(Protocol):
    """The part of the runtime's key source that is used here."""

    def token(self, size_bytes: int) -> bytes: ...

    def ed25519(self) -> PrivateKey: ...

    def ecdsa_p256(self) -> PrivateKey: ...

    async def rsa(self, bits: int) -> PrivateKey: ...


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SecretsBundle:
    """All secrets that machine configurations of one cluster share. Encryption secrets may be empty."""

    cluster_id: str
    cluster_secret: str
    bootstrap_token: str
    trustd_token: str
    secretbox_secret: str = ""
    aescbc_secret: str = ""
    os: Authority
    kubernetes: Authority
    aggregator: Authority
    etcd: Authority
    service_account_key_pem: bytes = field(repr=False)

    def __repr__(self) -> str:
        return "SecretsBundle(...)"


async def generate_bundle(
    keys: Keys, now: datetime, contract: Contract, service_account: ServiceAccountAlgorithm = "contract"
) -> SecretsBundle:
    """A new bundle. The contract decides over the encryption secret and the service account key."""
    validity = Validity(now, now + CA_LIFETIME)

    def authority(key: PrivateKey, organization: str) -> Authority:
        subject = Subject(organizations=(organization,) if organization else ())
        return self_signed_ca(key, subject, validity, serial_number(keys.token(16)))

    encryption = _base64(keys.token(32))
    return SecretsBundle(
        cluster_id=base64.b64encode(keys.token(32)).decode()
        if contract.is_in_documents
        else base64.urlsafe_b64encode(keys.token(32)).decode(),
        cluster_secret=_base64(keys.token(32)),
        bootstrap_token=_token(keys),
        trustd_token=_token(keys),
        secretbox_secret=encryption if contract.has_secretbox else "",
        aescbc_secret="" if contract.has_secretbox else encryption,
        os=authority(keys.ed25519(), "talos"),
        kubernetes=authority(keys.ecdsa_p256(), "kubernetes"),
        aggregator=authority(keys.ecdsa_p256(), ""),
        etcd=authority(keys.ecdsa_p256(), "etcd"),
        service_account_key_pem=key_to_pem(await _service_account_key(keys, contract, service_account)),
    )


async def _service_account_key(keys: Keys, contract: Contract, algorithm: ServiceAccountAlgorithm) -> PrivateKey:
    wants_rsa = contract.has_rsa_service_account if algorithm == "contract" else algorithm == "rsa-4096"
    return await keys.rsa(RSA_BITS) if wants_rsa else keys.ecdsa_p256()


def encode_bundle(bundle: SecretsBundle) -> bytes:
    """The YAML that `talosctl gen secrets` and the Talos bootstrap provider write; either reads the other's."""
    secrets: dict[str, str] = {"bootstraptoken": bundle.bootstrap_token}
    if bundle.aescbc_secret:
        secrets["aescbcencryptionsecret"] = bundle.aescbc_secret
    if bundle.secretbox_secret:
        secrets["secretboxencryptionsecret"] = bundle.secretbox_secret
    document = {
        "cluster": {"id": bundle.cluster_id, "secret": bundle.cluster_secret},
        "secrets": secrets,
        "trustdinfo": {"token": bundle.trustd_token},
        "certs": {
            "etcd": _encode_authority(bundle.etcd),
            "k8s": _encode_authority(bundle.kubernetes),
            "k8saggregator": _encode_authority(bundle.aggregator),
            "k8sserviceaccount": {"key": _base64(bundle.service_account_key_pem)},
            "os": _encode_authority(bundle.os),
        },
    }
    return dump_documents([document]).encode()


def decode_bundle(secret: Mapping[str, bytes]) -> SecretsBundle:
    """From the entries of the Secret `<cluster>-talos`: `bundle`, or upstream's old `certs`, `kubeSecrets`,
    `trustdInfo`. Raises ConfigError that names what is missing: nothing is made up in its place."""
    if "bundle" in secret:
        document = _mapping(load_document(secret["bundle"]), "bundle")
    elif "certs" in secret:
        document = {
            "certs": load_document(secret["certs"]),
            "secrets": load_document(secret.get("kubeSecrets", b"")),
            "trustdinfo": load_document(secret.get("trustdInfo", b"")),
            "cluster": load_document(secret.get("cluster", b"")) or {"id": "", "secret": ""},
        }
    else:
        raise ConfigError("the Secret has neither the key bundle nor the older key certs")
    lowered = _lower_keys(document)
    return SecretsBundle(
        cluster_id=_text(lowered, "cluster.id", required=False),
        cluster_secret=_text(lowered, "cluster.secret", required=False),
        bootstrap_token=_text(lowered, "secrets.bootstraptoken"),
        secretbox_secret=_text(lowered, "secrets.secretboxencryptionsecret", required=False),
        aescbc_secret=_text(lowered, "secrets.aescbcencryptionsecret", required=False),
        trustd_token=_text(lowered, "trustdinfo.token"),
        etcd=_decode_authority(lowered, "certs.etcd"),
        kubernetes=_decode_authority(lowered, "certs.k8s"),
        aggregator=_decode_authority(lowered, "certs.k8saggregator"),
        os=_decode_authority(lowered, "certs.os"),
        service_account_key_pem=_decode_base64(lowered, "certs.k8sserviceaccount.key"),
    )


def encoded_authority(authority: Authority, *, with_key: bool) -> dict[str, str]:
    """As the v1alpha1 document holds it: base64 of PEM; workers get an empty key."""
    encoded = _encode_authority(authority)
    return encoded if with_key else {**encoded, "key": ""}


def decoded_authority(encoded: Mapping[str, Any], path: str) -> Authority | None:
    """The reverse of `encoded_authority`; None when there is no key. Raises ConfigError."""
    if not encoded.get("crt") or not encoded.get("key"):
        return None
    return Authority(_decode_base64(encoded, "crt", under=path), _decode_base64(encoded, "key", under=path))


def _token(keys: Keys) -> str:
    """`abcdef.0123456789abcdef`. Bytes beyond a multiple of the alphabet are drawn again: no letter is likelier."""
    letters = ""
    while len(letters) < 22:
        limit = 256 - 256 % len(_TOKEN_CHARACTERS)
        letters += "".join(_TOKEN_CHARACTERS[b % len(_TOKEN_CHARACTERS)] for b in keys.token(32) if b < limit)
    return f"{letters[:6]}.{letters[6:22]}"


def _encode_authority(authority: Authority) -> dict[str, str]:
    return {"crt": _base64(authority.certificate_pem), "key": _base64(authority.key_pem)}


def _decode_authority(document: Mapping[str, Any], path: str) -> Authority:
    return Authority(_decode_base64(document, f"{path}.crt"), _decode_base64(document, f"{path}.key"))


def _decode_base64(document: Mapping[str, Any], path: str, under: str = "") -> bytes:
    text = _text(document, path)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise ConfigError("not base64", f"{under}.{path}" if under else path) from None


def _text(document: Mapping[str, Any], path: str, *, required: bool = True) -> str:
    value: Any = document
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if value is None and not required:
        return ""
    if not isinstance(value, str) or (required and not value):
        raise ConfigError("is missing from the secrets bundle", path)
    return value


def _lower_keys(value: Any) -> dict[str, Any]:
    """Old bundles were written with other capitals; Go's YAML reader wants them all lower."""
    if not isinstance(value, Mapping):
        return {}
    return {str(k).lower(): _lower_keys(v) if isinstance(v, Mapping) else v for k, v in value.items()}


def _mapping(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError("is not a mapping", path)
    return value


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
