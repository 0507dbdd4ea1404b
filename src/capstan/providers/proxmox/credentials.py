"""How to reach Proxmox VE, from a Secret or from the process: the same keys, the same checks (proxmox.md 1.9)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from capstan.providers.proxmox.config import parse_bool
from capstan.providers.proxmox.transport import Endpoint


class CredentialsError(ValueError):
    """What is missing or malformed, in plain words and without the secret."""


def endpoint_of(values: Mapping[str, bytes | str]) -> Endpoint:
    """The endpoint of a Secret's `url` (several separated by commas), `token`, `secret`, `insecure`, `root_ca`, and
    Capstan's own `fingerprint`. As in CAPMOX a missing `insecure` means insecure, unless a CA or fingerprint is given.

    Raises CredentialsError.
    """
    text = {name: _text(name, value) for name, value in values.items()}
    urls = tuple(url.strip() for url in text.get("url", "").split(",") if url.strip())
    token, secret = text.get("token", ""), text.get("secret", "")
    if "=" in token and not secret:  # `id=secret` in one, as Proxmox VE's own header has it
        token, _, secret = token.partition("=")
    missing = [name for name, value in (("url", urls), ("token", token), ("secret", secret)) if not value]
    if missing:
        raise CredentialsError(f"{' and '.join(missing)} missing; url, token (user@realm!name) and secret are needed")
    if "!" not in token or "@" not in token:
        raise CredentialsError("token must be a token id of the form user@realm!name")
    fingerprint, ca_pem = text.get("fingerprint", ""), text.get("root_ca", "")
    insecure = parse_bool(text["insecure"]) or text["insecure"].lower() == "y" if "insecure" in text else True
    return Endpoint(
        urls,
        token,
        secret,
        fingerprint=fingerprint,
        ca_pem="" if fingerprint else ca_pem,
        insecure=insecure and not fingerprint and not ca_pem,
    )


def _text(name: str, value: bytes | str) -> str:
    try:
        return (value.decode() if isinstance(value, bytes) else value).strip()
    except UnicodeDecodeError as error:
        raise CredentialsError(f"{name} is not text") from error


def pve_name(endpoint: Endpoint) -> str:
    """A short name for the Proxmox VE cluster behind an endpoint, to keep the VMIDs of several apart."""
    return hashlib.sha256("\n".join(endpoint.urls).encode()).hexdigest()[:8]
