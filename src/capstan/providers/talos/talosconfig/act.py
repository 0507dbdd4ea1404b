"""The effects of TalosConfigs: the cluster's secrets, the machine's data, the talosconfig."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capstan.api.errors import TerminalError, TransientError
from capstan.api.rules.certificates import CertificateError, serial_number
from capstan.providers.talos.config.errors import ConfigError
from capstan.providers.talos.config.render import find_kubernetes_authority, render
from capstan.providers.talos.config.secrets import SecretsBundle
from capstan.providers.talos.names import (
    BUNDLE_SUFFIX,
    TALOSCONFIG_KEY,
    TALOSCONFIG_SUFFIX,
    VALUE_KEY,
    cluster_owner,
    secret_object,
    secret_values,
)
from capstan.providers.talos.secrets_store import SecretsStore
from capstan.providers.talos.talosconfig.plan import EnsureClusterSecrets, WriteBootstrapData, WriteTalosconfig
from capstan.providers.talos.talosconfig_file import (
    ClientConfig,
    decode_talosconfig,
    encode_talosconfig,
    new_credentials,
)
from capstan.runtime.controller import Handler
from capstan.runtime.plan import Action


class TalosConfigActor:
    """Carries out the actions of TalosConfig plans. All may be repeated."""

    def __init__(self, secrets: SecretsStore) -> None:
        self._secrets = secrets

    def handlers(self) -> Mapping[type[Action], Handler]:
        return {
            EnsureClusterSecrets: self.ensure_cluster_secrets,
            WriteBootstrapData: self.write_bootstrap_data,
            WriteTalosconfig: self.write_talosconfig,
        }

    async def ensure_cluster_secrets(self, action: EnsureClusterSecrets) -> None:
        await self._secrets.ensure_bundle(action.cluster, action.contract, action.now)

    async def write_bootstrap_data(self, action: WriteBootstrapData) -> str:
        """The Secret's name."""
        meta = action.cluster.metadata
        bundle: SecretsBundle | None = None
        try:
            if action.inputs.generate is not None:
                bundle = await self._secrets.find_bundle(action.cluster)
                if bundle is None:
                    raise TransientError(f"Secret {meta.name}{BUNDLE_SUFFIX} is not there yet")
            elif authority := find_kubernetes_authority(action.inputs.given):
                await self._secrets.ensure_authority(action.cluster, authority)
            config = render(action.inputs, bundle)
        except ConfigError as error:
            raise TerminalError(str(error), "InternalError") from None
        values = {VALUE_KEY: config.encode()}
        obj = secret_object(meta.namespace, action.name, values, cluster_name=meta.name, owner=action.owner)
        if not await self._secrets.create(obj):
            await self._check_owner(action)
        return action.name

    async def _check_owner(self, action: WriteBootstrapData) -> None:
        """The Secret of an older TalosConfig of this name has to go first."""
        found: Any = await self._secrets.find(action.cluster.metadata.namespace, action.name)
        refs = found["metadata"].get("ownerReferences") or () if found else ()
        if not any(ref.get("uid") == action.owner.uid for ref in refs):
            raise TransientError(
                f"Secret {action.name} belongs to something else; delete it if nothing needs it", reason="NameTaken"
            )

    async def write_talosconfig(self, action: WriteTalosconfig) -> None:
        meta = action.cluster.metadata
        name = meta.name + TALOSCONFIG_SUFFIX
        bundle = await self._secrets.find_bundle(action.cluster)
        if bundle is None:
            raise TransientError(f"Secret {meta.name}{BUNDLE_SUFFIX} is missing: restore it from a backup", 30.0)
        kept = _readable(secret_values(await self._secrets.find(meta.namespace, name) or {}))
        usable = kept is not None and kept.credentials.ca_pem == bundle.os.certificate_pem
        if kept is not None and usable and not kept.is_due(action.now):
            credentials = kept.credentials
        else:
            keys = self._secrets.keys
            try:
                credentials = new_credentials(bundle.os, keys.ed25519(), action.now, serial_number(keys.token(16)))
            except CertificateError as error:
                raise TerminalError(f"the Talos CA in Secret {meta.name}{BUNDLE_SUFFIX}: {error}") from None
        values = {TALOSCONFIG_KEY: encode_talosconfig(meta.name, action.endpoints, credentials)}
        owner = cluster_owner(action.cluster)
        await self._secrets.write(secret_object(meta.namespace, name, values, cluster_name=meta.name, owner=owner))


def _readable(values: Mapping[str, bytes]) -> ClientConfig | None:
    try:
        return decode_talosconfig(values.get(TALOSCONFIG_KEY, b""))
    except ConfigError:
        return None
