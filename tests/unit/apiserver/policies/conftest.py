"""A server with Kubernetes' own kinds, and short ways to configure policies."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from capstan.api.objects import Obj
from capstan.api.scheme import SCHEME
from capstan.api.verbs import Answer, DeleteOptions, User, WriteOptions
from capstan.apiserver.server import ApiServer
from capstan.store.memory import MemoryStore

ADMIN = User("admin", ("system:masters",))
RULES = [
    {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["deployments"]}
]
CONFIGMAPS = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}]


class Place:
    """One server."""

    def __init__(self) -> None:
        self._drawn = 0
        self.store = MemoryStore()
        self.server = ApiServer(
            self.store,
            scheme=SCHEME,
            clock=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            token=self._token,
            stored_kinds=True,
        )

    def _token(self, size: int) -> bytes:
        self._drawn += 1
        return (hashlib.sha256(str(self._drawn).encode()).digest() * (size // 32 + 1))[:size]

    async def create(
        self, group: str, plural: str, body: Obj, namespace: str = "", user: User = ADMIN, **options: Any
    ) -> Answer:
        served = self.server.registry.by_plural(group, plural)
        assert served is not None
        resource = served.resource()
        whole = {"apiVersion": served.api_version(resource.version), "kind": served.kind, **body}
        return await self.server.verbs(user).create(resource, namespace, whole, WriteOptions(**options))

    async def patch(self, group: str, plural: str, name: str, patch: Any, namespace: str = "", sub: str = "") -> Answer:
        served = self.server.registry.by_plural(group, plural)
        assert served is not None
        verbs = self.server.verbs(ADMIN)
        return await verbs.patch(served.resource(), namespace, name, "merge", patch, WriteOptions(), sub)

    async def get(self, group: str, plural: str, name: str, namespace: str = "") -> Obj:
        served = self.server.registry.by_plural(group, plural)
        assert served is not None
        return await self.server.verbs(ADMIN).get(served.resource(), namespace, name)

    async def delete(self, group: str, plural: str, name: str, namespace: str = "") -> None:
        served = self.server.registry.by_plural(group, plural)
        assert served is not None
        await self.server.verbs(ADMIN).delete(served.resource(), namespace, name, DeleteOptions())

    async def policy(
        self, name: str, spec: Obj, *, bind: Obj | None = None, rules: Any = RULES, kind: str = "validating"
    ) -> Answer:
        """Makes a policy and, unless `bind` is False, a binding of the same name."""
        constraints = {"resourceRules": rules, **spec.pop("matchConstraints", {})}
        body = {"metadata": {"name": name}, "spec": {"matchConstraints": constraints, **spec}}
        group = "admissionregistration.k8s.io"
        answer = await self.create(group, f"{kind}admissionpolicies", body)
        actions = {"validationActions": ["Deny"]} if kind == "validating" else {}
        binding = {"policyName": name, **actions, **(bind or {})}
        await self.create(group, f"{kind}admissionpolicybindings", {"metadata": {"name": name}, "spec": binding})
        await self.settle()
        return answer

    async def deploy(self, name: str, replicas: int = 1, **meta: Any) -> Answer:
        template = {
            "metadata": {"labels": {"app": "a"}},
            "spec": {"containers": [{"name": "c", "image": "registry.example/a:1"}]},
        }
        spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "a"}}, "template": template}
        return await self.create("apps", "deployments", {"metadata": {"name": name, **meta}, "spec": spec}, "default")

    async def configure(self, name: str, data: Obj, user: User = ADMIN, **meta: Any) -> Answer:
        body = {"metadata": {"name": name, **meta}, "data": data}
        return await self.create("", "configmaps", body, "default", user)

    async def settle(self) -> None:
        before = -1
        while before != self.store.revision:
            before = self.store.revision
            for _ in range(30):
                await asyncio.sleep(0)


Body = Callable[[Place], Awaitable[None]]


@pytest.fixture
def at() -> Callable[[Body], None]:
    """Runs a test body at a started server."""

    def runner(body: Body) -> None:
        async def main() -> None:
            place = Place()
            await place.server.start()
            await place.settle()
            try:
                await body(place)
            finally:
                await place.server.stop()

        asyncio.run(main())

    return runner
