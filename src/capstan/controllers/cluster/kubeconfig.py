"""The administrators' kubeconfig of a Cluster without a control plane object, made from its CA (1.2)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import yaml

from capstan.api.cluster.kinds import CLUSTER
from capstan.api.cluster.names import CLUSTER_NAME_LABEL, CLUSTER_SECRET_TYPE, KUBECONFIG_SUFFIX
from capstan.api.objects import Obj
from capstan.api.rules.certificates import PrivateKey, Subject, Validity, issue, key_to_pem
from capstan.controllers.cluster.plan.kubeconfig import IssueKubeconfig

_LIFETIME: Final = timedelta(days=365)
_BACKDATED: Final = timedelta(minutes=5)
_ADMIN: Final = Subject(common_name="kubernetes-admin", organizations=("system:masters",))


@dataclass(frozen=True, slots=True)
class Issuing:
    """What a new certificate needs from outside: a key and a serial number."""

    key: PrivateKey
    serial: int


def kubeconfig_secret(action: IssueKubeconfig, issuing: Issuing) -> Obj:
    """The Secret, owned by the Cluster. Raises CertificateError."""
    validity = Validity(action.now - _BACKDATED, action.now + _LIFETIME)
    certificate = issue(action.authority, issuing.key.public_key(), _ADMIN, validity, issuing.serial)
    owner = {
        "apiVersion": CLUSTER.resource().api_version,
        "kind": "Cluster",
        "name": action.cluster.name,
        "uid": action.uid,
    }
    text = yaml.safe_dump(_document(action, certificate, key_to_pem(issuing.key)), sort_keys=False)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": f"{action.cluster.name}{KUBECONFIG_SUFFIX}",
            "namespace": action.cluster.namespace,
            "labels": {CLUSTER_NAME_LABEL: action.cluster.name},
            "ownerReferences": [owner],
        },
        "type": CLUSTER_SECRET_TYPE,
        "data": {"value": _base64(text.encode())},
    }


def _document(action: IssueKubeconfig, certificate: bytes, key: bytes) -> Obj:
    """User `<cluster>-admin`, context `<cluster>-admin@<cluster>`, as other providers name them."""
    cluster = action.cluster.name
    user = f"{cluster}-admin"
    trusted = {"certificate-authority-data": _base64(action.authority.certificate_pem), "server": action.server}
    identity = {"client-certificate-data": _base64(certificate), "client-key-data": _base64(key)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": trusted}],
        "contexts": [{"name": f"{user}@{cluster}", "context": {"cluster": cluster, "user": user}}],
        "current-context": f"{user}@{cluster}",
        "preferences": {},
        "users": [{"name": user, "user": identity}],
    }


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
