"""The administrators' kubeconfig of a cluster, made from its Kubernetes CA (talos.md 3.6)."""

from __future__ import annotations

import base64
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
from capstan.providers.talos.config.errors import ConfigError
from capstan.providers.talos.config.yamltext import dump_documents, load_document

LIFETIME = timedelta(days=365)
#: A new certificate once less than this is left.
RENEW_BELOW = timedelta(days=182)
BACKDATED = timedelta(minutes=5)

ADMIN = Subject(common_name="kubernetes-admin", organizations=("system:masters",))


@dataclass(frozen=True, slots=True)
class Issuing:
    """What a new certificate needs from outside: a key, the time, a serial number."""

    key: PrivateKey
    now: datetime
    serial: int


@dataclass(frozen=True, slots=True)
class Door:
    """Where the API server is, and the proxy on the way to it, if any."""

    server: str
    proxy_url: str = ""


def new_kubeconfig(cluster_name: str, door: Door, authority: Authority, issuing: Issuing) -> bytes:
    """User `<cluster>-admin`, context `<cluster>-admin@<cluster>`. Raises CertificateError."""
    validity = Validity(issuing.now - BACKDATED, issuing.now + LIFETIME)
    certificate = issue(authority, issuing.key.public_key(), ADMIN, validity, issuing.serial)
    user = f"{cluster_name}-admin"
    context = f"{user}@{cluster_name}"
    cluster = {"certificate-authority-data": _base64(authority.certificate_pem), "server": door.server}
    if door.proxy_url:
        cluster["proxy-url"] = door.proxy_url
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster_name, "cluster": cluster}],
        "contexts": [{"name": context, "context": {"cluster": cluster_name, "user": user}}],
        "current-context": context,
        "preferences": {},
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": _base64(certificate),
                    "client-key-data": _base64(key_to_pem(issuing.key)),
                },
            }
        ],
    }
    return dump_documents([document]).encode()


def is_kubeconfig_due(kubeconfig: bytes, now: datetime, proxy_url: str = "", ca_pem: bytes = b"") -> bool:
    """Whether less than half a year of its certificate is left, or it names another proxy, or another CA than the
    cluster has (an earlier cluster of the same name left it). One without a certificate is its owner's care."""
    try:
        document = load_document(kubeconfig)
        encoded = document["users"][0]["user"]["client-certificate-data"]
        cluster = document["clusters"][0]["cluster"]
        if cluster.get("proxy-url", "") != proxy_url:
            return True
        if ca_pem and base64.b64decode(cluster["certificate-authority-data"]).strip() != ca_pem.strip():
            return True
        return validity_of(base64.b64decode(encoded)).not_after - now < RENEW_BELOW
    except (ConfigError, CertificateError, KeyError, IndexError, TypeError, ValueError):
        return False


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
