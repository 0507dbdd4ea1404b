"""A server with one admission webhook on a real socket, whose verdicts a test decides."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from capstan.api.objects import Obj
from tests.unit.apiserver.policies.conftest import Place
from tests.unit.apiserver.webhooks.hook import Hook

GROUP = "admissionregistration.k8s.io"
CONFIGMAPS: Obj = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}

#: The response to a request, without its uid.
Decide = Callable[[Obj], Obj]


def patch(*operations: Obj) -> Obj:
    text = base64.b64encode(json.dumps(operations).encode()).decode()
    return {"allowed": True, "patchType": "JSONPatch", "patch": text}


def denied(message: str = "no", **status: Any) -> Obj:
    return {"allowed": False, "status": {"message": message, **status}}


class Gate(Place):
    """`decide` answers; `asked` are the requests that came."""

    def __init__(self, hook: Hook) -> None:
        super().__init__()
        self.hook = hook
        self.decide: Decide = lambda _: {"allowed": True}
        self.answer: Callable[[web.Request, Any], Awaitable[web.StreamResponse]] = self.reviewed

    @property
    def asked(self) -> list[Obj]:
        return [call["request"] for call in self.hook.calls]

    async def reviewed(self, _: web.Request, review: Any) -> web.Response:
        response = {"uid": review["request"]["uid"], **self.decide(review["request"])}
        return web.json_response({"apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": response})

    def webhook(self, name: str = "w.example.com", rules: Any = (CONFIGMAPS,), **more: Any) -> Obj:
        client = {"url": self.hook.url, "caBundle": self.hook.ca_bundle}
        return {
            "name": name,
            "rules": list(rules),
            "clientConfig": client,
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            **more,
        }

    async def configure_hooks(self, kind: str, *webhooks: Obj, name: str = "c") -> None:
        """`kind` is validating or mutating."""
        body = {"metadata": {"name": name}, "webhooks": list(webhooks)}
        await self.create(GROUP, f"{kind}webhookconfigurations", body)
        await self.settle()


def run(body: Callable[[Gate], Awaitable[None]]) -> None:
    """Runs a test body at a started server with a webhook."""

    async def main() -> None:
        gates: list[Gate] = []

        async def answer(request: web.Request, review: Any) -> web.StreamResponse:
            return await gates[0].answer(request, review)

        async with Hook(answer) as hook:
            gates.append(Gate(hook))
            await gates[0].server.start()
            await gates[0].settle()
            try:
                await body(gates[0])
            finally:
                await gates[0].server.stop()

    asyncio.run(main())
