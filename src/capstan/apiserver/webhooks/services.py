"""Where a stored Service of a webhook can be reached: by its external name, or at its endpoints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from capstan.api.objects import Obj
from capstan.apiserver.webhooks.clientconfig import ServiceReference
from capstan.store.protocol import Store

_OF_SERVICE = "kubernetes.io/service-name"


class StoredServices:
    """Looks Services up when a webhook is called. Their cluster addresses lead nowhere from here, endpoints may."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, service: ServiceReference) -> tuple[str, int] | None:
        """Host and port, the first of several; None when the Service or its port is not known."""
        entry = await self._store.get("/services", service.namespace, service.name)
        if entry is None:
            return None
        spec = entry.object.get("spec") or {}
        if spec.get("type") == "ExternalName":
            return str(spec.get("externalName", "")), service.port
        port = next((p for p in spec.get("ports") or () if p.get("port") == service.port), None)
        if port is None:
            return None
        slices = (await self._store.list("discovery.k8s.io/endpointslices", service.namespace)).entries
        mine = (e.object for e in slices if (e.object["metadata"].get("labels") or {}).get(_OF_SERVICE) == service.name)
        found = next(_of_slices(mine, port), None)
        if found is not None:
            return found
        endpoints = await self._store.get("/endpoints", service.namespace, service.name)
        return None if endpoints is None else next(_of_endpoints(endpoints.object, port), None)


def _of_slices(slices: Iterable[Obj], port: Obj) -> Iterator[tuple[str, int]]:
    for one in slices:
        to = _port(one.get("ports") or (), port)
        for endpoint in one.get("endpoints") or ():
            if to and (endpoint.get("conditions") or {}).get("ready") is not False:
                for address in endpoint.get("addresses") or ():
                    yield str(address), to


def _of_endpoints(endpoints: Obj, port: Obj) -> Iterator[tuple[str, int]]:
    for subset in endpoints.get("subsets") or ():
        to = _port(subset.get("ports") or (), port)
        for address in subset.get("addresses") or ():
            if to:
                yield str(address.get("ip")), to


def _port(ports: Iterable[Obj], wanted: Obj) -> int:
    """The port of endpoints that has the name of a Service's port."""
    return next((int(p.get("port") or 0) for p in ports if (p.get("name") or "") == (wanted.get("name") or "")), 0)
