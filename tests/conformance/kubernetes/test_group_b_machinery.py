"""Group B: discovery, chunks, field validation, quotas, garbage, namespaces. Each test says its upstream name."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conformance.kubernetes.harness import MERGE, Kube, Obj, Refused

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
#: What every Kubernetes serves, as the upstream test lists it.
EXPECTED = (
    ("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations"),
    ("apiextensions.k8s.io", "v1", "customresourcedefinitions"),
    ("apiregistration.k8s.io", "v1", "apiservices"),
    ("apps", "v1", "deployments"),
    ("authentication.k8s.io", "v1", "tokenreviews"),
    ("authorization.k8s.io", "v1", "selfsubjectaccessreviews"),
    ("autoscaling", "v1", "horizontalpodautoscalers"),
    ("autoscaling", "v2", "horizontalpodautoscalers"),
    ("batch", "v1", "jobs"),
    ("certificates.k8s.io", "v1", "certificatesigningrequests"),
    ("coordination.k8s.io", "v1", "leases"),
    ("discovery.k8s.io", "v1", "endpointslices"),
    ("events.k8s.io", "v1", "events"),
    ("networking.k8s.io", "v1", "ingresses"),
    ("node.k8s.io", "v1", "runtimeclasses"),
    ("policy", "v1", "poddisruptionbudgets"),
    ("scheduling.k8s.io", "v1", "priorityclasses"),
    ("storage.k8s.io", "v1", "csinodes"),
)


async def aggregated(kube: Kube, path: str) -> set[tuple[str, str, str]]:
    answer = await kube.raw("GET", path, headers={"Accept": AGGREGATED})
    assert answer.headers["Content-Type"] == AGGREGATED
    return {
        (group["metadata"].get("name", ""), version["version"], resource["resource"])
        for group in answer.body["items"]
        for version in group["versions"]
        for resource in version["resources"]
    }


def test_aggregated_discovery_raw(against: Any) -> None:
    """[sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery endpoint Accept headers"""

    async def body(kube: Kube) -> None:
        assert set(EXPECTED) <= await aggregated(kube, "/apis")
        assert ("", "v1", "namespaces") in await aggregated(kube, "/api")

    against(body)


def test_aggregated_discovery_interface(against: Any) -> None:
    """[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface"""

    async def body(kube: Kube) -> None:
        # The client takes groups and resources of both documents together; each group version has its own list too.
        found = await aggregated(kube, "/apis") | await aggregated(kube, "/api")
        for group, version, resource in (*EXPECTED, ("", "v1", "namespaces")):
            assert (group, version, resource) in found
            listed = await kube.get(f"/apis/{group}/{version}" if group else f"/api/{version}")
            assert resource in [one["name"] for one in listed["resources"]]

    against(body)


def _template(number: int) -> Obj:
    return {
        "metadata": {"name": f"template-{number:04}"},
        "template": {"spec": {"containers": [{"name": "test", "image": "test2"}]}},
    }


async def _templates(kube: Kube, count: int) -> str:
    path = kube.path("v1", "podtemplates")
    for start in range(0, count, 40):
        await asyncio.gather(*(kube.create(path, _template(n)) for n in range(start, min(start + 40, count))))
    return path


def test_chunks(against: Any) -> None:
    """[sig-api-machinery] Servers with support for API chunking should return chunks of results for list calls"""

    async def body(kube: Kube) -> None:
        path = await _templates(kube, 400)
        for limit in (37, 120, 400, 500):
            seen: list[str] = []
            revision, token = "", ""
            while True:
                page = await kube.get(path, limit=str(limit), **({"continue": token} if token else {}))
                items, metadata = page["items"], page["metadata"]
                assert len(items) <= limit
                revision = revision or metadata["resourceVersion"]
                assert metadata["resourceVersion"] == revision
                seen += [item["metadata"]["name"] for item in items]
                assert metadata.get("remainingItemCount", 0) == 400 - len(seen)
                token = metadata.get("continue", "")
                if not token:
                    break
            assert seen == [f"template-{number:04}" for number in range(400)]
        assert len((await kube.get(path, limit="0"))["items"]) == 400

    against(body)


@pytest.mark.full
def test_chunks_after_compaction(against: Any) -> None:
    """[sig-api-machinery] Servers with support for API chunking should support continue listing from the last key if
    the original version has been compacted away, though the list is inconsistent [Slow]"""

    async def body(kube: Kube) -> None:
        path = await _templates(kube, 120)
        first = await kube.get(path, limit="40")
        token = first["metadata"]["continue"]
        for number in range(120):
            # A server to which nobody writes has nothing to forget: the list is still as it is now.
            await kube.create(kube.path("v1", "configmaps"), {"metadata": {"name": f"written-{number}"}})
            answer = await kube.raw("GET", path, limit="40", **{"continue": token})
            if answer.status == 410:
                break
            await asyncio.sleep(5)
        assert (answer.status, answer.body["reason"]) == (410, "Expired")
        again = await kube.get(path, limit="40", **{"continue": answer.body["metadata"]["continue"]})
        assert [i["metadata"]["name"] for i in again["items"]] == [f"template-{n:04}" for n in range(40, 80)]
        assert int(again["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])

    against(body)


_DEPLOYMENT = """{{
  "apiVersion": "apps/v1", "kind": "Deployment",
  "metadata": {{"name": "my-dep", {metadata} "labels": {{"app": "nginx"}}}},
  "spec": {{
    {spec}
    "selector": {{"matchLabels": {{"app": "nginx"}}}},
    "template": {{
      "metadata": {{"labels": {{"app": "nginx"}}}},
      "spec": {{"containers": [{{"name": "nginx", "image": "nginx:latest"}}]}}
    }}
  }}
}}"""


async def _strict(kube: Kube, text: str) -> str:
    answer = await kube.raw("POST", kube.path("apps/v1", "deployments"), text, fieldValidation="Strict")
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
    return str(answer.body["message"])


def test_field_validation_typed(against: Any) -> None:
    """[sig-api-machinery] FieldValidation should detect unknown and duplicate fields of a typed object"""

    async def body(kube: Kube) -> None:
        text = _DEPLOYMENT.format(metadata="", spec='"unknownField": "foo", "replicas": 2, "replicas": 3,')
        wanted = 'strict decoding error: unknown field "spec.unknownField", duplicate field "spec.replicas"'
        assert wanted in await _strict(kube, text)

    against(body)


def test_field_validation_typed_metadata(against: Any) -> None:
    """[sig-api-machinery] FieldValidation should detect unknown metadata fields of a typed object"""

    async def body(kube: Kube) -> None:
        text = _DEPLOYMENT.format(metadata='"unknownMeta": "foo",', spec="")
        assert 'strict decoding error: unknown field "metadata.unknownMeta"' in await _strict(kube, text)

    against(body)


def test_services_go_with_their_namespace(against: Any) -> None:
    """[sig-api-machinery] Namespaces [Serial] should ensure that all services are removed when a namespace is
    deleted"""

    async def body(kube: Kube) -> None:
        other = await kube.make_namespace("services")
        path = kube.path("v1", "services", namespace=other)
        spec = {"selector": {"foo": "bar"}, "ports": [{"port": 80, "targetPort": 80}]}
        await kube.create(path, {"metadata": {"name": "test-service"}, "spec": spec})
        await kube.delete(f"/api/v1/namespaces/{other}")
        await kube.until_gone(f"/api/v1/namespaces/{other}")
        await kube.create("/api/v1/namespaces", {"metadata": {"name": other}})
        assert await kube.is_gone(f"{path}/test-service")

    against(body)


def test_quota_update_and_delete(against: Any) -> None:
    """[sig-api-machinery] ResourceQuota should be able to update and delete ResourceQuota."""

    async def body(kube: Kube) -> None:
        path = kube.path("v1", "resourcequotas")
        quota = await kube.create(path, {"metadata": {"name": "q"}, "spec": {"hard": {"cpu": "1", "memory": "500Mi"}}})
        assert (await kube.get(f"{path}/q"))["spec"]["hard"] == {"cpu": "1", "memory": "500Mi"}
        quota["spec"]["hard"] = {"cpu": "2", "memory": "1Gi"}
        assert (await kube.replace(f"{path}/q", quota))["spec"]["hard"] == {"cpu": "2", "memory": "1Gi"}
        assert (await kube.get(f"{path}/q"))["spec"]["hard"] == {"cpu": "2", "memory": "1Gi"}
        await kube.delete(f"{path}/q")
        assert await kube.is_gone(f"{path}/q")

    against(body)


def test_quota_lifecycle(against: Any) -> None:
    """[sig-api-machinery] ResourceQuota should manage the lifecycle of a ResourceQuota"""

    async def body(kube: Kube) -> None:
        path = kube.path("v1", "resourcequotas")
        labels = {"e2e-rq-label": kube.namespace}
        quota = {"metadata": {"name": "q", "labels": labels}, "spec": {"hard": {"secrets": "1"}}}
        await kube.create(path, quota)
        everywhere = kube.path("v1", "resourcequotas", namespace="")
        listed = await kube.get(everywhere, labelSelector=f"e2e-rq-label={kube.namespace}")
        assert len(listed["items"]) == 1
        patch = {"metadata": {"labels": {"patched": "yes"}}, "spec": {"hard": {"memory": "750Mi"}}}
        patched = await kube.patch(f"{path}/q", patch, MERGE)
        assert (patched["spec"]["hard"]["memory"], patched["metadata"]["labels"]["patched"]) == ("750Mi", "yes")
        await kube.delete(path, labelSelector=f"e2e-rq-label={kube.namespace}")
        assert await kube.is_gone(f"{path}/q")

    against(body)


def test_quota_status(against: Any) -> None:
    """[sig-api-machinery] ResourceQuota should apply changes to a resourcequota status"""

    async def body(kube: Kube) -> None:
        path = kube.path("v1", "resourcequotas")
        hard = {"cpu": "500m", "memory": "500Mi"}
        await kube.create(path, {"metadata": {"name": "q"}, "spec": {"hard": hard}})
        patched = await kube.patch(f"{path}/q/status", {"status": {"hard": {"cpu": "1", "memory": "1Gi"}}}, MERGE)
        assert patched["status"]["hard"] == {"cpu": "1", "memory": "1Gi"}
        read = await kube.get(f"{path}/q/status")
        assert (read["spec"]["hard"], read["status"]["hard"]) == (hard, {"cpu": "1", "memory": "1Gi"})
        # The object's own endpoint leaves the status alone.
        changed = await kube.patch(f"{path}/q", {"spec": {"hard": {"cpu": "3"}}, "status": {"hard": {}}}, MERGE)
        assert changed["status"]["hard"] == {"cpu": "1", "memory": "1Gi"}

    against(body)


def test_dependency_circle(against: Any) -> None:
    """[sig-api-machinery] Garbage collector should not be blocked by dependency circle"""

    async def body(kube: Kube) -> None:
        path = kube.path("v1", "pods")
        spec = {"containers": [{"name": "nginx", "image": "nginx"}]}
        pods = [await kube.create(path, {"metadata": {"name": f"pod{n}"}, "spec": spec}) for n in (1, 2, 3)]
        for pod, owner in zip(pods, (pods[2], pods[0], pods[1]), strict=True):
            reference = {
                "apiVersion": "v1",
                "kind": "Pod",
                "name": owner["metadata"]["name"],
                "uid": owner["metadata"]["uid"],
                "controller": True,
                "blockOwnerDeletion": True,
            }
            await kube.patch(f"{path}/{pod['metadata']['name']}", {"metadata": {"ownerReferences": [reference]}}, MERGE)
        await kube.delete(f"{path}/pod1", {"propagationPolicy": "Foreground"})
        await kube.until_gone(path)

    against(body)


def test_wrong_types_are_refused_in_words(against: Any) -> None:
    """Not upstream: a value of the wrong type is a bad request for a typed kind."""

    async def body(kube: Kube) -> None:
        path = kube.path("v1", "configmaps")
        with pytest.raises(Refused) as caught:
            await kube.create(path, {"metadata": {"name": "x"}, "data": ["no"]})
        assert caught.value.answer.status == 400
        assert "ConfigMap in version" in caught.value.answer.body["message"]

    against(body)
