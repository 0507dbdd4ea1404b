"""The webhook of the Conformance tests: a real server with TLS that decides by the path it is asked under, and
configurations that name it.

A cluster somewhere else reaches it when CAPSTAN_CONFORMANCE_HOOK_HOST names an address of this machine.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.conformance.kubernetes.harness import PATIENCE, Kube, Obj
from tests.unit.apiserver.webhooks.hook import Hook

GROUP = "/apis/admissionregistration.k8s.io/v1"
VALIDATING, MUTATING = f"{GROUP}/validatingwebhookconfigurations", f"{GROUP}/mutatingwebhookconfigurations"
_HOST = os.environ.get("CAPSTAN_CONFORMANCE_HOOK_HOST", "127.0.0.1")


def _denied(message: str) -> Obj:
    return {"allowed": False, "status": {"message": message, "code": 403, "reason": "Forbidden"}}


def _patch(*operations: Obj) -> Obj:
    text = base64.b64encode(json.dumps(operations).encode()).decode()
    return {"allowed": True, "patchType": "JSONPatch", "patch": text}


def _refuses(key: str, value: str, message: str) -> Callable[[Obj], Obj]:
    """Denies what has this in its data; a delete by what was there."""

    def decide(request: Obj) -> Obj:
        obj = request.get("object") or request.get("oldObject") or {}
        return _denied(message) if (obj.get("data") or {}).get(key) == value else {"allowed": True}

    return decide


def _pods(request: Obj) -> Obj:
    containers = request["object"]["spec"]["containers"]
    if any("webhook-disallow" in container["name"] for container in containers):
        return _denied("the pod contains unwanted container name")
    if "webhook-e2e-test" in (request["object"]["metadata"].get("labels") or {}):
        return _denied("the pod contains unwanted label")
    return {"allowed": True}


def _stages(request: Obj) -> Obj:
    data = (request.get("object") or {}).get("data") or {}
    if data.get("mutation-start") == "yes" and "mutation-stage-1" not in data:
        return _patch({"op": "add", "path": "/data/mutation-stage-1", "value": "yes"})
    if data.get("mutation-stage-1") == "yes" and "mutation-stage-2" not in data:
        return _patch({"op": "add", "path": "/data/mutation-stage-2", "value": "yes"})
    return {"allowed": True}


def _init_container(_: Obj) -> Obj:
    container = {"image": "webhook-added-image", "name": "webhook-added-init-container", "resources": {}}
    return _patch({"op": "add", "path": "/spec/initContainers", "value": [container]})


def _label(request: Obj) -> Obj:
    labels = request["object"]["metadata"].get("labels")
    if labels is None:
        return _patch({"op": "add", "path": "/metadata/labels", "value": {"added-label": "yes"}})
    return _patch({"op": "add", "path": "/metadata/labels/added-label", "value": "yes"})


ANSWERS: dict[str, Callable[[Obj], Obj]] = {
    "/always-deny": lambda _: _denied("this webhook denies all requests"),
    "/always-allow": lambda _: {"allowed": True},
    "/always-allow-delay-2s": lambda _: {"allowed": True},
    "/pods": _pods,
    "/configmaps": _refuses("webhook-e2e-test", "webhook-disallow", "the configmap contains unwanted key and value"),
    "/mutating": _stages,
    "/mutating-pods": _init_container,
    "/custom-resource": _refuses("webhook-e2e-test", "webhook-disallow", "the custom resource contains unwanted data"),
    "/crd": lambda _: _denied("the crd contains unwanted label"),
    "/add-label": _label,
}


async def _answer(request: web.Request, review: Any) -> web.Response:
    asked = review["request"]
    if request.path.endswith("2s"):
        await asyncio.sleep(2)
    response = {"uid": asked["uid"], **ANSWERS[request.path](asked)}
    return web.json_response({"apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": response})


@asynccontextmanager
async def webhook() -> AsyncIterator[Hook]:
    """The server while a test runs."""
    async with Hook(_answer, host=_HOST) as hook:
        yield hook


def rule(resource: str, *operations: str, group: str = "", version: str = "v1", **more: Any) -> Obj:
    return {
        "apiGroups": [group],
        "apiVersions": [version],
        "resources": [resource],
        "operations": list(operations or ("*",)),
        **more,
    }


def entry(kube: Kube, hook: Hook, path: str, *rules: Obj, **more: Any) -> Obj:
    """One webhook, for the objects in the test's namespace only."""
    chosen = {"matchLabels": {"kubernetes.io/metadata.name": kube.namespace}}
    return {
        "name": f"{path.strip('/')}.k8s.io",
        "rules": list(rules),
        "clientConfig": {"url": f"https://{_HOST}:{hook.port}{path}", "caBundle": hook.ca_bundle},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1", "v1beta1"],
        "timeoutSeconds": 10,
        "namespaceSelector": chosen,
        **more,
    }


async def configure(kube: Kube, hook: Hook, collection: str, *webhooks: Obj, name: str = "", **metadata: Any) -> str:
    """A configuration that is in force; its path. Whether it is, a marker tells that only it denies."""
    name = f"{kube.namespace}-{name or 'hook'}"
    marked = {"matchLabels": {"marker": name}}
    marker = entry(kube, hook, "/always-deny", rule("configmaps"), name="marker.k8s.io", objectSelector=marked)
    body = {"metadata": {"name": name, **metadata}, "webhooks": [*webhooks, marker]}
    await kube.create(collection, body)
    await until_in_force(kube, name)
    return f"{collection}/{name}"


async def until_in_force(kube: Kube, marker: str, *, denied: bool = True) -> None:
    """Until the marker of a configuration is denied, or no longer is."""
    body = {"metadata": {"name": "marker", "labels": {"marker": marker}}}
    for _ in range(PATIENCE * 20):
        answer = await kube.raw("POST", kube.path("v1", "configmaps"), body, dryRun="All")
        if (answer.status == 403) is denied:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"the webhooks of {marker} did not come into force: {answer.body}")
