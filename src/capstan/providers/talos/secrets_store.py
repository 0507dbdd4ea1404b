"""The Secrets of a cluster, as effects read and write them: made once, found by whoever comes second."""

from __future__ import annotations

from datetime import datetime

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.names import CLUSTER_SECRET_TYPE
from capstan.api.core.secret import Secret
from capstan.api.errors import ApiError, TerminalError, TransientError, is_already_exists, is_not_found
from capstan.api.meta import ObjectMeta, controller_of
from capstan.api.objects import Obj
from capstan.api.rules.certificates import Authority
from capstan.providers.talos.config.contract import Contract
from capstan.providers.talos.config.errors import ConfigError
from capstan.providers.talos.config.secrets import (
    SecretsBundle,
    ServiceAccountAlgorithm,
    decode_bundle,
    encode_bundle,
    generate_bundle,
)
from capstan.providers.talos.names import (
    BUNDLE_KEY,
    BUNDLE_SUFFIX,
    CA_SUFFIX,
    SECRETS,
    cluster_owner,
    secret_object,
    secret_values,
)
from capstan.runtime.client.protocol import Client
from capstan.runtime.keys import KeySource


class SecretsStore:
    """`service_account`: RSA-4096 as upstream ("contract"), or ECDSA for worlds where that would take too long."""

    def __init__(self, client: Client, keys: KeySource, service_account: ServiceAccountAlgorithm = "contract") -> None:
        self._client = client
        self._keys = keys
        self._service_account = service_account

    @property
    def keys(self) -> KeySource:
        return self._keys

    async def find(self, namespace: str, name: str) -> Obj | None:
        """The Secret as it is now."""
        try:
            return await self._client.get(SECRETS, namespace, name)
        except ApiError as error:
            if is_not_found(error):
                return None
            raise

    async def find_bundle(self, cluster: Cluster) -> SecretsBundle | None:
        """The cluster's bundle; None when there is none. Raises TerminalError for one that cannot be read."""
        name = cluster.metadata.name + BUNDLE_SUFFIX
        found = await self.find(cluster.metadata.namespace, name)
        if found is None:
            return None
        try:
            return decode_bundle(secret_values(found))
        except (ConfigError, ValueError) as error:
            raise TerminalError(f"Secret {name}: {error}; restore it from a backup", "InternalError") from None

    async def ensure_bundle(self, cluster: Cluster, contract: Contract, now: datetime) -> SecretsBundle:
        """Found, else made. Of two that make it at once, one wins and both use it."""
        found = await self.find_bundle(cluster)
        if found is None:
            made = await generate_bundle(self._keys, now, contract, self._service_account)
            won = await self.create_for_cluster(cluster, BUNDLE_SUFFIX, {BUNDLE_KEY: encode_bundle(made)})
            found = made if won else await self.find_bundle(cluster)
        if found is None:
            raise TransientError(f"Secret {cluster.metadata.name}{BUNDLE_SUFFIX} vanished as it was written")
        await self.ensure_authority(cluster, found.kubernetes)
        return found

    async def ensure_authority(self, cluster: Cluster, authority: Authority) -> None:
        """`<cluster>-ca`, from which kubeconfigs are made; never changed once it is there."""
        values = {"tls.crt": authority.certificate_pem, "tls.key": authority.key_pem}
        await self.create_for_cluster(cluster, CA_SUFFIX, values)

    async def create_for_cluster(self, cluster: Cluster, suffix: str, values: dict[str, bytes]) -> bool:
        """Whether it was created: False when it is there already."""
        meta = cluster.metadata
        obj = secret_object(
            meta.namespace, meta.name + suffix, values, cluster_name=meta.name, owner=cluster_owner(cluster)
        )
        return await self.create(obj)

    async def create(self, obj: Obj) -> bool:
        """Whether it was created: False when the name is taken."""
        try:
            await self._client.create(SECRETS, obj)
        except ApiError as error:
            if is_already_exists(error):
                return False
            raise
        return True

    async def write(self, obj: Obj) -> None:
        """Create the Secret, or replace the values of the one that is there."""
        metadata = obj["metadata"]
        found = await self.find(metadata["namespace"], metadata["name"])
        if found is None:
            if await self.create(obj):
                return
            raise TransientError(f"Secret {metadata['name']} was just created by somebody else", 1.0)
        owners = [*_other_owners(found, metadata), *(metadata.get("ownerReferences") or ())]
        after = {**found, "metadata": {**found["metadata"], "ownerReferences": owners}, "data": obj["data"]}
        await self._client.commit(SECRETS, found, after)


def _other_owners(found: Obj, metadata: Obj) -> list[Obj]:
    """Owners that stay beside ours. A controller of before is none any more: there is only one."""
    mine = {ref["uid"] for ref in metadata.get("ownerReferences") or ()}
    refs = found["metadata"].get("ownerReferences") or ()
    return [ref for ref in refs if ref["uid"] not in mine and not ref.get("controller")]


def is_ours_to_write(secret: Secret | None, owner: ObjectMeta) -> bool:
    """Whether a Secret of the cluster is one that we made, or that nobody controls since a restore; what a user
    made is neither (its type is another one)."""
    if secret is None:
        return False
    if any(ref.uid == owner.uid for ref in secret.metadata.owner_references):
        return True
    ref = controller_of(secret.metadata)
    is_free = ref is None or (ref.kind == "TalosControlPlane" and ref.name == owner.name)
    return is_free and secret.type == CLUSTER_SECRET_TYPE
