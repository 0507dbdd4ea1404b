"""Tells, in an Event, that an owner reference leads into another namespace: such an owner does not count."""

from __future__ import annotations

import hashlib

from capstan.api.errors import ApiError
from capstan.api.objects import Obj
from capstan.api.verbs import User, WriteOptions
from capstan.apiserver.backend import Backend
from capstan.apiserver.namespaces import PREFIX as NAMESPACES
from capstan.apiserver.resources import Served
from capstan.apiserver.writing import Writer
from capstan.store.entry import Entry

_COMPONENT = "garbage-collector-controller"
_REASON = "OwnerRefInvalidNamespace"
_LONGEST_NAME = 200


class OwnerEvents:
    """One Event for each pair of dependent and owner, however often they are looked at."""

    def __init__(self, backend: Backend, writer: Writer, user: User) -> None:
        self._backend = backend
        self._writer = writer
        self._user = user

    async def tell(self, served: Served, entry: Entry, ref: Obj) -> None:
        """About a dependent and one of its references."""
        events = self._backend.registry.by_kind("", "Event")
        if events is None:
            return
        namespace = entry.namespace or "default"
        metadata, now = entry.object["metadata"], self._backend.timestamp()
        name = f"{entry.name[:_LONGEST_NAME]}.{_digest(metadata['uid'], ref)}"
        if await self._backend.store.get(events.prefix, namespace, name) is not None:
            return
        identity = f"{ref.get('apiVersion')}/{ref.get('kind')}, namespace: {entry.namespace}"
        identity = f"[{identity}, name: {ref.get('name')}, uid: {ref.get('uid')}]"
        body: Obj = {
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {
                "apiVersion": entry.object["apiVersion"],
                "kind": served.kind,
                "name": entry.name,
                "uid": metadata["uid"],
                **({"namespace": entry.namespace} if entry.namespace else {}),
            },
            "reason": _REASON,
            "message": f'ownerRef {identity} does not exist in namespace "{entry.namespace}"',
            "type": "Warning",
            "source": {"component": _COMPONENT},
            "reportingComponent": _COMPONENT,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            await self._writer.create(events.stored(namespace), body, WriteOptions(), self._user)
        except ApiError as error:
            # The namespace is on its way out, or another replica was first: there is nobody to tell.
            if error.code not in (403, 404, 409):
                raise

    async def is_elsewhere(self, owner_kind: Served, ref: Obj) -> bool:
        """Whether the object that a reference names exists, in whatever namespace."""
        name = str(ref.get("name", ""))
        for namespace in (await self._backend.store.list(NAMESPACES)).entries:
            found = await self._backend.store.get(owner_kind.prefix, namespace.name, name)
            if found is not None and found.object["metadata"].get("uid") == ref.get("uid"):
                return True
        return False


def _digest(uid: str, ref: Obj) -> str:
    return hashlib.sha256(f"{uid}/{ref.get('uid')}".encode()).hexdigest()[:16]
