"""The effects of control planes: etcd's bootstrap, a member's leave or removal, the kubeconfig."""

from __future__ import annotations

from collections.abc import Mapping

from capstan.api.cluster.names import CLUSTER_SECRET_TYPE, KUBECONFIG_SUFFIX
from capstan.api.core.secret import Secret
from capstan.api.errors import TerminalError, TransientError
from capstan.api.meta import ObjectMeta
from capstan.api.rules.certificates import Authority, CertificateError, serial_number
from capstan.api.struct import decode
from capstan.providers.talos.channel import RpcError
from capstan.providers.talos.client import ALREADY_EXISTS, FAILED_PRECONDITION, NOT_FOUND, TalosClient, TalosClients
from capstan.providers.talos.kubeconfig_file import Door, Issuing, new_kubeconfig
from capstan.providers.talos.names import CA_SUFFIX, VALUE_KEY, secret_object, secret_values
from capstan.providers.talos.secrets_store import SecretsStore, is_ours_to_write
from capstan.providers.talos.taloscontrolplane.plan.actions import (
    BootstrapEtcd,
    LeaveEtcd,
    MachineAction,
    RemoveEtcdMember,
    WriteKubeconfig,
)
from capstan.runtime.controller import Handler
from capstan.runtime.plan import Action

#: Etcd may need minutes to agree that a member leaves; what became of it is observed, not waited for.
LEAVE_SECONDS = 30.0


class ControlPlaneActor:
    """Carries out the actions of control plane plans. All may be repeated on the same machine."""

    def __init__(self, secrets: SecretsStore, machines: TalosClients, proxy_url: str = "") -> None:
        self._secrets = secrets
        self._machines = machines
        self._proxy_url = proxy_url

    def handlers(self) -> Mapping[type[Action], Handler]:
        return {
            BootstrapEtcd: self.bootstrap_etcd,
            LeaveEtcd: self.leave_etcd,
            RemoveEtcdMember: self.remove_etcd_member,
            WriteKubeconfig: self.write_kubeconfig,
        }

    async def bootstrap_etcd(self, action: BootstrapEtcd) -> None:
        """Data that is there already means that this machine was asked before."""
        try:
            await (await self._client(action)).bootstrap_etcd()
        except RpcError as error:
            if error.code != ALREADY_EXISTS:
                raise _transient(action, error) from None

    async def leave_etcd(self, action: LeaveEtcd) -> None:
        try:
            client = await self._client(action)
            await _give_up_leadership(client)
            await client.leave_etcd(LEAVE_SECONDS)
        except RpcError as error:
            raise _transient(action, error) from None

    async def remove_etcd_member(self, action: RemoveEtcdMember) -> None:
        try:
            await (await self._client(action)).remove_etcd_member(action.member_id)
        except RpcError as error:
            if error.code != NOT_FOUND:
                raise _transient(action, error) from None

    async def write_kubeconfig(self, action: WriteKubeconfig) -> None:
        """One that a user made is never written over."""
        meta = action.cluster.metadata
        name = meta.name + KUBECONFIG_SUFFIX
        found = await self._secrets.find(meta.namespace, name)
        if found is not None and not is_ours_to_write(
            decode(found, Secret), ObjectMeta(name=action.owner.name, uid=action.owner.uid)
        ):
            return
        authority = await self._secrets.find(meta.namespace, meta.name + CA_SUFFIX)
        if authority is None:
            raise TransientError(f"Secret {meta.name}{CA_SUFFIX} is not there yet")
        values = secret_values(authority)
        keys = self._secrets.keys
        issuing = Issuing(keys.ecdsa_p256(), action.now, serial_number(keys.token(16)))
        try:
            ca = Authority(values.get("tls.crt", b""), values.get("tls.key", b""))
            content = new_kubeconfig(meta.name, Door(action.server, self._proxy_url), ca, issuing)
        except CertificateError as error:
            raise TerminalError(f"the CA in Secret {meta.name}{CA_SUFFIX}: {error}") from None
        await self._secrets.write(
            secret_object(
                meta.namespace,
                name,
                {VALUE_KEY: content},
                cluster_name=meta.name,
                owner=action.owner,
                type=CLUSTER_SECRET_TYPE,
            )
        )

    async def _client(self, action: MachineAction) -> TalosClient:
        return await self._machines.client(action.cluster, action.address, action.credentials)


async def _give_up_leadership(client: TalosClient) -> None:
    """Only polite: a leader that cannot hand over (the last member) or has left already goes all the same."""
    try:
        await client.forfeit_etcd_leadership()
    except RpcError as error:
        if error.code in (4, 14, 16):
            raise


def _transient(action: MachineAction, error: RpcError) -> TransientError:
    early = error.code == FAILED_PRECONDITION
    text = f"Machine {action.machine} at {action.address}: {error.message}"
    return TransientError(text, retry_after=1.0 if early else None, reason="TalosNotReady" if early else "TalosError")
