"""Short ways to write objects with managers, and to say who owns what."""

from __future__ import annotations

from typing import Any

from capstan.api.objects import Obj
from capstan.api.verbs import WriteOptions

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class Maps:
    """Short ways to write ConfigMaps, and other kinds."""

    def __init__(self, world: Any, kind: str = "ConfigMap", version: str = "") -> None:
        self.world = world
        self.resource = world.resource(kind, version)

    async def apply(self, data: Any, by: str = "me", name: str = "a", sub: str = "", **options: Any) -> Any:
        body = {"apiVersion": self.resource.api_version, "kind": self.resource.kind, **data}
        chosen = WriteOptions(field_manager=by, **options)
        return await self.world.verbs.patch(self.resource, "default", name, "apply", body, chosen, sub)

    async def put(self, obj: Obj, by: str = "me", **options: Any) -> Obj:
        chosen = WriteOptions(field_manager=by, **options)
        answer = await self.world.verbs.update(self.resource, "default", obj["metadata"]["name"], obj, chosen)
        written: Obj = answer.object
        return written

    async def patch(self, patch: Any, how: str = "merge", by: str = "me", name: str = "a", sub: str = "") -> Obj:
        chosen = WriteOptions(field_manager=by)
        answer = await self.world.verbs.patch(self.resource, "default", name, how, patch, chosen, sub)
        written: Obj = answer.object
        return written


def owners(obj: Obj) -> dict[str, Any]:
    """Sets by manager, operation and subresource."""
    found = {}
    for entry in obj["metadata"].get("managedFields", []):
        parts = [entry["manager"], entry["operation"], entry.get("subresource", "")]
        found["/".join(part for part in parts if part)] = entry["fieldsV1"]
    return found
