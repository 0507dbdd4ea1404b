"""APIServices: one object for each group version that this server serves itself, kept as kinds come and go."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from capstan.api.kubernetes.kinds import GROUP_ORDER
from capstan.api.objects import Obj
from capstan.apiserver.backend import Backend, encode_value
from capstan.apiserver.discovery import version_priority
from capstan.store.protocol import MismatchError, Put, Remove, Write

GROUP: Final = "apiregistration.k8s.io"
PREFIX: Final = f"{GROUP}/apiservices"
_MANAGED: Final = "kube-aggregator.kubernetes.io/automanaged"
_HIGHEST: Final = 18000
_CUSTOM: Final = 1000


class ApiServices:
    """Writes what is missing and takes away what is served no more. Services that somebody else registered stay:
    nothing is proxied to them, and they are not touched."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        self._backend.registry.on_change(self._changed.set)
        while True:
            self._changed.clear()
            try:
                await self._write()
            except MismatchError:
                # Somebody wrote one of them at the same moment: look again.
                self._changed.set()
            await self._changed.wait()

    async def _write(self) -> None:
        wanted = local_services(self._versions())
        page = await self._backend.store.list(PREFIX)
        present = {entry.name: entry for entry in page.entries}
        batch: list[Write] = []
        for name, body in wanted.items():
            if name not in present:
                batch.append(Put(PREFIX, "", name, encode_value(self._born(body)), 0))
        for name, entry in present.items():
            own = (entry.object["metadata"].get("labels") or {}).get(_MANAGED)
            if own and name not in wanted:
                batch.append(Remove(PREFIX, "", name, entry.revision))
        if batch:
            await self._backend.commit(batch)

    def _versions(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {}
        for served in self._backend.registry.all():
            found.setdefault(served.group, set()).update(version.name for version in served.versions)
        return found

    def _born(self, body: Obj) -> Obj:
        now = self._backend.timestamp()
        metadata = {**body["metadata"], "uid": self._backend.new_uid(), "creationTimestamp": now}
        condition = {**body["status"]["conditions"][0], "lastTransitionTime": now}
        return {**body, "metadata": metadata, "status": {"conditions": [condition]}}


def local_services(versions: Mapping[str, set[str]]) -> dict[str, Obj]:
    """The objects of all group versions, by name. The priorities order groups as discovery does."""
    found = {}
    for group, names in versions.items():
        builtin = group == "" or group in GROUP_ORDER
        rank = _HIGHEST - 100 * (GROUP_ORDER.index(group) + 1) if group in GROUP_ORDER else _CUSTOM
        ordered = sorted(names, key=version_priority, reverse=True)
        for index, version in enumerate(ordered):
            name = f"{version}.{group}"
            found[name] = {
                "apiVersion": f"{GROUP}/v1",
                "kind": "APIService",
                "metadata": {"name": name, "labels": {_MANAGED: "onstart" if builtin else "true"}},
                "spec": {
                    **({"group": group} if group else {}),
                    "version": version,
                    "groupPriorityMinimum": rank if group else _HIGHEST,
                    "versionPriority": 1 + index if not builtin else 15 + index,
                },
                "status": {"conditions": [_LOCAL]},
            }
    return found


_LOCAL: Final[Obj] = {
    "type": "Available",
    "status": "True",
    "reason": "Local",
    "message": "Local APIServices are always available",
}
