"""Group A: patches, updates, status and finalizers of Namespaces."""

from __future__ import annotations

from typing import Any

from tests.conformance.kubernetes.definitions import has_condition
from tests.conformance.kubernetes.harness import STRATEGIC, Kube

_CONDITION = {"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "Updated by an e2e test"}


def test_patch(against: Any) -> None:
    """[sig-api-machinery] Namespaces [Serial] should patch a Namespace"""

    async def body(kube: Kube) -> None:
        path = f"/api/v1/namespaces/{await kube.make_namespace('nspatchtest')}"
        await kube.patch(path, {"metadata": {"labels": {"testLabel": "testValue"}}}, STRATEGIC)
        assert (await kube.get(path))["metadata"]["labels"]["testLabel"] == "testValue"

    against(body)


def test_update(against: Any) -> None:
    """[sig-api-machinery] Namespaces [Serial] should apply an update to a Namespace"""

    async def body(kube: Kube) -> None:
        path = f"/api/v1/namespaces/{await kube.make_namespace('updated')}"
        found = await kube.get(path)
        found["metadata"]["labels"]["e2e"] = kube.namespace
        assert (await kube.replace(path, found))["metadata"]["labels"]["e2e"] == kube.namespace
        assert (await kube.get(path))["metadata"]["labels"]["e2e"] == kube.namespace

    against(body)


def test_status(against: Any) -> None:
    """[sig-api-machinery] Namespaces [Serial] should apply changes to a namespace status"""

    async def body(kube: Kube) -> None:
        path = f"/api/v1/namespaces/{await kube.make_namespace('status')}/status"
        assert (await kube.get(path))["status"]["phase"] == "Active"
        patch = {
            "metadata": {"annotations": {"e2e-patched": kube.namespace}},
            "status": {"conditions": [{**_CONDITION, "type": "StatusPatch"}]},
        }
        patched = await kube.patch(path, patch, "application/merge-patch+json")
        assert patched["metadata"]["annotations"]["e2e-patched"] == kube.namespace
        assert has_condition(patched, "StatusPatch")
        patched["status"]["conditions"].append(_CONDITION)
        updated = await kube.replace(path, patched)
        assert has_condition(updated, "StatusUpdate") and has_condition(updated, "StatusPatch")
        assert updated["status"]["phase"] == "Active"

    against(body)


def test_finalizer(against: Any) -> None:
    """[sig-api-machinery] Namespaces [Serial] should apply a finalizer to a Namespace"""

    async def body(kube: Kube) -> None:
        path = f"/api/v1/namespaces/{await kube.make_namespace('e2e-ns')}"
        finalizer = "e2e.example.com/fakeFinalizer"
        found = await kube.get(path)
        assert found["spec"]["finalizers"] == ["kubernetes"]
        found["spec"]["finalizers"].append(finalizer)
        assert finalizer in (await kube.replace(f"{path}/finalize", found))["spec"]["finalizers"]
        found = await kube.get(path)
        assert found["spec"]["finalizers"] == ["kubernetes", finalizer]
        found["spec"]["finalizers"].remove(finalizer)
        assert (await kube.replace(f"{path}/finalize", found))["spec"]["finalizers"] == ["kubernetes"]

    against(body)
