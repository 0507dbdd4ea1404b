"""Credentials from the environment, under the names that CAPMOX reads."""

from __future__ import annotations

from collections.abc import Mapping

from capstan.api.errors import TerminalError
from capstan.providers.proxmox.credentials import CredentialsError, endpoint_of
from capstan.providers.proxmox.transport import Endpoint

NAMES = {
    "url": "PROXMOX_URL",
    "token": "PROXMOX_TOKEN",
    "secret": "PROXMOX_SECRET",
    "insecure": "PROXMOX_INSECURE",
    "fingerprint": "PROXMOX_FINGERPRINT",
}


def proxmox_from_environment(environment: Mapping[str, str]) -> Endpoint | None:
    """The endpoint, or None when PROXMOX_URL is not set. Raises TerminalError that names what is missing."""
    values = {key: environment[name] for key, name in NAMES.items() if environment.get(name)}
    if "url" not in values:
        return None
    try:
        return endpoint_of(values)
    except CredentialsError as error:
        raise TerminalError(f"PROXMOX_URL is set, but: {error} (PROXMOX_TOKEN, PROXMOX_SECRET)") from None
