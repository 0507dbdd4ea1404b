"""The machine configuration of one TalosConfig as text: generated or given, patched, checked (talos.md 2.2 to 2.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from capstan.api.rules.certificates import Authority
from capstan.providers.talos.config.checks import check_config
from capstan.providers.talos.config.contract import NEWEST, Contract
from capstan.providers.talos.config.errors import ConfigError
from capstan.providers.talos.config.generate import generate_config
from capstan.providers.talos.config.inputs import GenerateInput
from capstan.providers.talos.config.patches import apply_config_patches, apply_hostname, apply_strategic_patches
from capstan.providers.talos.config.secrets import SecretsBundle, decoded_authority
from capstan.providers.talos.config.yamltext import Document, dump_documents, load_documents

_SOMETHING = Authority(b"certificate", b"key")

#: In the place of secrets, when only the form matters.
_STAND_IN = SecretsBundle(
    cluster_id="id",
    cluster_secret="secret",
    bootstrap_token="token",
    trustd_token="token",
    secretbox_secret="secret",
    os=_SOMETHING,
    kubernetes=_SOMETHING,
    aggregator=_SOMETHING,
    etcd=_SOMETHING,
    service_account_key_pem=b"key",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderInput:
    """`generate` is None for generateType none, then `given` is the user's whole configuration."""

    generate: GenerateInput | None = None
    given: str = field(default="", repr=False)
    contract: Contract = NEWEST
    config_patches: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    strategic_patches: tuple[str, ...] = field(default=(), repr=False)
    hostname: str = ""
    prefix_line: str = ""


def render(inputs: RenderInput, secrets: SecretsBundle | None) -> str:
    """Raises ConfigError that names the field to correct."""
    documents = _documents(inputs, secrets)
    documents = apply_config_patches(documents, inputs.config_patches)
    documents = apply_strategic_patches(documents, inputs.strategic_patches)
    documents = apply_hostname(documents, inputs.hostname, inputs.contract)
    check_config(documents)
    return inputs.prefix_line + dump_documents(documents)


def find_problem(inputs: RenderInput) -> ConfigError | None:
    """What is wrong with the inputs, whatever the secrets; None when they render."""
    try:
        render(inputs, _STAND_IN)
    except ConfigError as error:
        return error
    return None


def find_kubernetes_authority(given: str) -> Authority | None:
    """The Kubernetes CA of a configuration that a user gave, when its key is there too. Raises ConfigError."""
    for document in _load(given):
        cluster = document.get("cluster")
        if isinstance(cluster, Mapping) and isinstance(cluster.get("ca"), Mapping):
            return decoded_authority(cluster["ca"], "cluster.ca")
        issuer = document.get("issuingCA") if document.get("kind") == "KubeAPIServerCAConfig" else None
        if isinstance(issuer, Mapping) and issuer.get("cert") and issuer.get("key"):
            return Authority(str(issuer["cert"]).encode(), str(issuer["key"]).encode())
    return None


def _documents(inputs: RenderInput, secrets: SecretsBundle | None) -> list[Document]:
    if inputs.generate is None:
        documents = _load(inputs.given)
        check_config(documents)
        return documents
    if secrets is None:
        raise ConfigError("a generated configuration needs the cluster's secrets")
    return generate_config(inputs.generate, secrets)


def _load(given: str) -> list[Document]:
    documents = load_documents(given)
    if not documents:
        raise ConfigError("is required when generateType is none", "data")
    if not all(isinstance(document, dict) for document in documents):
        raise ConfigError("a machine configuration is a mapping, or several of them", "data")
    return documents
