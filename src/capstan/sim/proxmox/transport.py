"""The simulated Proxmox VE in memory: transports that find their model by the endpoint's host name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

from capstan.api.errors import TransientError
from capstan.providers.proxmox.transport import Endpoint, Response, Scalar, Transport, Upload
from capstan.sim.proxmox.api import NoAnswer, PveApi


class SimulatedTransports:
    """Implements `TransportFactory`. Host names that no model has do not answer."""

    def __init__(self, apis: Mapping[str, PveApi]) -> None:
        self._apis = dict(apis)

    def add(self, host: str, api: PveApi) -> None:
        self._apis[host] = api

    def connect(self, endpoint: Endpoint) -> Transport:
        hosts = [urlsplit(url).hostname or "" for url in endpoint.urls]
        return _SimulatedTransport([(host, self._apis.get(host)) for host in hosts], endpoint)


class _SimulatedTransport:
    def __init__(self, apis: list[tuple[str, PveApi | None]], endpoint: Endpoint) -> None:
        self._apis = apis
        self._endpoint = endpoint

    async def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Scalar] | None = None,
        *,
        upload: Upload | None = None,
        timeout_seconds: float = 30.0,
    ) -> Response:
        for _host, api in self._apis:
            if api is None:
                continue
            try:
                async with asyncio.timeout(timeout_seconds):
                    return await api.request(
                        method,
                        path,
                        params,
                        token_id=self._endpoint.token_id,
                        secret=self._endpoint.secret,
                        upload=await _content(upload) if upload else None,
                        filename=upload.filename if upload else "",
                    )
            except NoAnswer as lost:
                raise TransientError(f"Proxmox VE did not answer: {lost}") from None
            except TimeoutError:
                raise TransientError(f"Proxmox VE did not answer within {timeout_seconds:g} seconds") from None
        names = ", ".join(host for host, _api in self._apis)
        raise TransientError(f"Proxmox VE does not answer at {names}")

    async def aclose(self) -> None:
        return None


async def _content(upload: Upload) -> bytes:
    if isinstance(upload.content, bytes):
        return upload.content
    return b"".join([part async for part in upload.content])
