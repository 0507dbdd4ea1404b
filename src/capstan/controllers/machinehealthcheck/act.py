"""Creates the objects that ask for the remediation of Machines, and tells the Machines when that fails."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from capstan.api.cluster.kinds import MACHINE
from capstan.api.cluster.machine import Machine
from capstan.api.errors import ApiError, is_already_exists, is_conflict, is_not_found
from capstan.api.meta import Condition
from capstan.api.struct import decode, encode
from capstan.controllers.machinehealthcheck.plan.actions import Request, RequestRemediations
from capstan.controllers.machinehealthcheck.plan.remediation import EXTERNAL, requested, with_conditions
from capstan.runtime.client.protocol import Client
from capstan.runtime.controller import Handler
from capstan.runtime.plan import Action

_MACHINE: Final = MACHINE.resource()


class Requester:
    """Speaks to our own API server."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def handlers(self) -> Mapping[type[Action], Handler]:
        return {RequestRemediations: self.request}

    async def request(self, action: RequestRemediations) -> None:
        """Raises the first error once all are tried."""
        failures = [error for r in action.requests if (error := await self._request(action, r)) is not None]
        if failures:
            raise failures[0]

    async def _request(self, action: RequestRemediations, request: Request) -> ApiError | None:
        try:
            await self._client.create(action.resource, request.object)
        except ApiError as error:
            if not is_already_exists(error):
                await self._tell(request, _failed(action, request, error), action.now)
                return error
        if request.failed_before:
            await self._tell(request, requested(), action.now)
        return None

    async def _tell(self, request: Request, condition: Condition, now: datetime) -> None:
        """A Machine that went meanwhile, or that somebody else has just written, is told in the next round."""
        try:
            found = await self._client.get(_MACHINE, request.machine.namespace, request.machine.name)
            machine = decode(found, Machine)
            after = with_conditions(machine, [condition], now)
            await self._client.commit(_MACHINE, encode(machine), encode(after))
        except ApiError as error:
            if not is_conflict(error) and not is_not_found(error):
                raise


def _failed(action: RequestRemediations, request: Request, error: ApiError) -> Condition:
    text = f"Could not create {action.resource.kind} {request.machine.name}: {error}"
    return Condition(type=EXTERNAL, status="False", reason="RemediationRequestCreationFailed", message=text)
