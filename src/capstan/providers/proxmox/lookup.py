"""Finds the credentials of a ProxmoxCluster: its Secret, else those of the process."""

from __future__ import annotations

from capstan.api.core.secret import Secret
from capstan.api.errors import TransientError
from capstan.api.infrastructure.proxmoxcluster import ProxmoxCluster
from capstan.providers.proxmox.credentials import CredentialsError, endpoint_of
from capstan.providers.proxmox.transport import Endpoint
from capstan.runtime.reader import Reader


class NoCredentials(TransientError):
    """There is no way to Proxmox VE yet. The message says what to give."""

    def __init__(self, message: str, reason: str = "CredentialsNotFound") -> None:
        super().__init__(message, 30.0, reason)


def secret_data(secret: Secret) -> dict[str, bytes]:
    """The values of a Secret, also those that were written as text and not stored yet."""
    return {**secret.data, **{name: text.encode() for name, text in secret.string_data.items()}}


async def find_endpoint(reader: Reader, infra: ProxmoxCluster | None, default: Endpoint | None) -> Endpoint:
    """The endpoint for a cluster. Raises NoCredentials."""
    ref = infra.spec.credentials_ref if infra is not None else None
    if infra is None or ref is None or not ref.name:
        if default is not None:
            return default
        raise NoCredentials(
            "there are no credentials for Proxmox VE: set spec.credentialsRef of the ProxmoxCluster to a Secret with "
            "url, token and secret, or start Capstan with PROXMOX_URL, PROXMOX_TOKEN and PROXMOX_SECRET"
        )
    namespace = ref.namespace or infra.metadata.namespace
    secret = reader.get(Secret, namespace, ref.name) or await reader.get_live(Secret, namespace, ref.name)
    if secret is None:
        raise NoCredentials(
            f"Secret {namespace}/{ref.name} (spec.credentialsRef) does not exist: create it with url, token and secret"
        )
    try:
        return endpoint_of(secret_data(secret))
    except CredentialsError as error:
        raise NoCredentials(
            f"Secret {namespace}/{ref.name} (spec.credentialsRef): {error}", "InvalidCredentials"
        ) from None
