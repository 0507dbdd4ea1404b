"""Carries out what a Cluster does besides changing objects: issue its kubeconfig."""

from __future__ import annotations

from collections.abc import Mapping

from capstan.api.errors import TerminalError, is_already_exists
from capstan.api.objects import Obj, Resource
from capstan.api.rules.certificates import CertificateError, serial_number
from capstan.controllers.cluster.kubeconfig import Issuing, kubeconfig_secret
from capstan.controllers.cluster.plan.kubeconfig import CA_SUFFIX, IssueKubeconfig
from capstan.runtime.client.protocol import Client
from capstan.runtime.controller import Handler
from capstan.runtime.keys import KeySource
from capstan.runtime.plan import Action

SECRETS = Resource("", "v1", "secrets", "Secret")
_SERIAL_BYTES = 16


class KubeconfigActor:
    """Makes a key for each kubeconfig that it writes."""

    def __init__(self, client: Client, keys: KeySource) -> None:
        self._client = client
        self._keys = keys

    def handlers(self) -> Mapping[type[Action], Handler]:
        return {IssueKubeconfig: self.issue}

    async def issue(self, action: IssueKubeconfig) -> Obj | None:
        """None when somebody else was first: whose kubeconfig it is then, it stays."""
        serial = serial_number(self._keys.token(_SERIAL_BYTES))
        issuing = Issuing(self._keys.ecdsa_p256(), serial)
        try:
            return await self._client.create(SECRETS, kubeconfig_secret(action, issuing))
        except CertificateError as error:
            name = f"{action.cluster.name}{CA_SUFFIX}"
            raise TerminalError(f"Secret {name}: {error}; put a CA certificate and its key there") from None
        except Exception as error:
            if is_already_exists(error):
                return None
            raise
