"""Which replica works: one at a time, by a Lease, in the manner and with the times of Kubernetes' controllers.

Nobody compares clocks: a candidate waits until a Lease was not renewed for its whole duration by its own clock, and
the leader stops when it could not renew for a shorter one, counted from before it asked. Every write of the Lease
names the resourceVersion that it follows, so of two that try one fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from capstan.api.errors import ApiError, TransientError, is_already_exists, is_conflict, is_not_found
from capstan.api.objects import Obj, Resource
from capstan.runtime.client.protocol import Client
from capstan.runtime.clock import Clock

log = logging.getLogger(__name__)

LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
_MICRO_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True, slots=True)
class Terms:
    """The Lease, and the three times: how long others wait, when the leader gives up, how often everybody tries."""

    name: str = "capstan-controllers"
    namespace: str = "kube-system"
    lease_seconds: float = 15.0
    renew_seconds: float = 10.0
    retry_seconds: float = 2.0

    @staticmethod
    def of(lease_seconds: float) -> Terms:
        """The times in the proportions of Kubernetes' 15, 10 and 2 seconds."""
        return Terms(
            lease_seconds=lease_seconds, renew_seconds=lease_seconds * 2 / 3, retry_seconds=lease_seconds * 2 / 15
        )


class Elector:
    """One candidate. `identity` must be another one in each process, also after a restart."""

    def __init__(self, client: Client, clock: Clock, identity: str, terms: Terms | None = None) -> None:
        self._client = client
        self._clock = clock
        self._identity = identity
        self._terms = terms or Terms()
        self._seen: tuple[str, float] = ("", 0.0)
        self._held: Obj | None = None
        self.leads = False

    async def run(self, lead: Callable[[], Awaitable[None]], rest: Callable[[], Awaitable[None]]) -> None:
        """Until cancelled: wait for the Lease, `lead`, keep it, and `rest` when it is lost. `rest` is called after
        `lead` was called, also when that has not come to its end. Cancelled, the Lease is given back."""
        try:
            while True:
                await self._acquire()
                await self._lead(lead, rest)
        finally:
            await self._release()

    async def _acquire(self) -> None:
        while self._held is None:
            self._held = await self._try_acquire()
            if self._held is None:
                await self._clock.sleep(self._terms.retry_seconds)
        log.info("%s leads: it holds the lease %s", self._identity, self._terms.name)

    async def _lead(self, lead: Callable[[], Awaitable[None]], rest: Callable[[], Awaitable[None]]) -> None:
        self.leads = True
        work = asyncio.ensure_future(lead())
        try:
            await self._keep(work)
            log.warning("%s leads no more", self._identity)
        finally:
            self.leads = False
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await rest()

    async def _keep(self, work: asyncio.Future[None]) -> None:
        """Renew until that does not succeed in time, or somebody else has the Lease."""
        renewed = self._clock.monotonic()
        while self._held is not None:
            await self._clock.sleep(self._terms.retry_seconds)
            if work.done():
                work.result()
            asked = self._clock.monotonic()
            left = renewed + self._terms.renew_seconds - asked
            if left <= 0:
                self._held = None
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    if await self._renew():
                        renewed = asked

    async def _renew(self) -> bool:
        assert self._held is not None
        try:
            self._held = await self._write(self._held, {**self._held["spec"], "renewTime": self._now()})
        except (ApiError, TransientError) as error:
            if is_conflict(error) or is_not_found(error):
                await self._look_again()
            return False
        return True

    async def _look_again(self) -> None:
        """Somebody wrote it, perhaps this one whose answer was lost. Another holder ends the lead at once."""
        with contextlib.suppress(ApiError, TransientError):
            found = await self._client.get(LEASES, self._terms.namespace, self._terms.name)
            self._held = found if _holder(found) == self._identity else None

    async def _try_acquire(self) -> Obj | None:
        try:
            found = await self._client.get(LEASES, self._terms.namespace, self._terms.name)
        except ApiError as error:
            return await self._create() if is_not_found(error) else None
        except TransientError:
            return None
        if not self._is_free(found):
            return None
        now = self._now()
        spec = {**(found.get("spec") or {}), "holderIdentity": self._identity, "acquireTime": now, "renewTime": now}
        spec["leaseDurationSeconds"] = int(self._terms.lease_seconds)
        spec["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + 1
        try:
            return await self._write(found, spec)
        except (ApiError, TransientError):
            return None

    def _is_free(self, found: Obj) -> bool:
        """Nobody holds it, or its holder was silent for the whole duration while this one watched."""
        version, now = found["metadata"]["resourceVersion"], self._clock.monotonic()
        if self._seen[0] != version:
            self._seen = (version, now)
        spec = found.get("spec") or {}
        seconds = float(spec.get("leaseDurationSeconds") or self._terms.lease_seconds)
        return not spec.get("holderIdentity") or now >= self._seen[1] + seconds

    async def _create(self) -> Obj | None:
        now, terms = self._now(), self._terms
        spec = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": int(terms.lease_seconds),
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": 0,
        }
        metadata = {"name": terms.name, "namespace": terms.namespace}
        try:
            return await self._client.create(LEASES, {**_KIND, "metadata": metadata, "spec": spec})
        except ApiError as error:
            if not is_already_exists(error):
                log.warning("the lease %s cannot be made: %s", terms.name, error)
            return None
        except TransientError:
            return None

    async def _write(self, found: Obj, spec: dict[str, Any]) -> Obj:
        """Fails with 409 when it is not the one that was looked at."""
        return await self._client.update(LEASES, {**_KIND, "metadata": found["metadata"], "spec": spec})

    async def _release(self) -> None:
        """The next one need not wait for the whole duration."""
        held, self._held = self._held, None
        if held is None:
            return
        spec = {**held["spec"], "holderIdentity": "", "renewTime": self._now(), "leaseDurationSeconds": 1}
        with contextlib.suppress(ApiError, TransientError, TimeoutError):
            async with asyncio.timeout(self._terms.retry_seconds):
                await self._write(held, spec)

    def _now(self) -> str:
        return self._clock.now().strftime(_MICRO_TIME)


_KIND = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}


def _holder(found: Obj) -> str:
    return str((found.get("spec") or {}).get("holderIdentity") or "")
