"""Group C: admission webhooks that deny and change what is written."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.conformance.kubernetes.harness import JSON_PATCH, MERGE, Kube, Obj, Refused
from tests.conformance.kubernetes.webhooks import GROUP, MUTATING, VALIDATING, configure, entry, rule, webhook

UNWANTED = {"webhook-e2e-test": "webhook-disallow"}
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


async def _denied(request: Any, message: str) -> None:
    """The request is refused, and the message says why."""
    with pytest.raises(Refused) as refused:
        await request
    assert message in refused.value.answer.body["message"], refused.value


def _pod(name: str, container: str, **labels: str) -> Obj:
    spec = {"containers": [{"name": container, "image": "registry.example/pause:1"}]}
    return {"metadata": {"name": name, "labels": labels}, "spec": spec}


def test_discovery(against: Any) -> None:
    """[sig-api-machinery] AdmissionWebhook should include webhook resources in discovery documents"""

    async def body(kube: Kube) -> None:
        group = next(g for g in (await kube.get("/apis"))["groups"] if g["name"] == "admissionregistration.k8s.io")
        assert "admissionregistration.k8s.io/v1" in [v["groupVersion"] for v in group["versions"]]
        own = await kube.get("/apis/admissionregistration.k8s.io")
        assert "v1" in [v["version"] for v in own["versions"]]
        names = {r["name"] for r in (await kube.get(GROUP))["resources"]}
        assert {"mutatingwebhookconfigurations", "validatingwebhookconfigurations"} <= names

    against(body)


def test_deny_pods_and_config_maps(against: Any) -> None:
    """[sig-api-machinery] AdmissionWebhook should be able to deny pod and configmap creation"""

    async def body(kube: Kube) -> None:
        async with webhook() as hook:
            pods, maps = kube.path("v1", "pods"), kube.path("v1", "configmaps")
            await configure(
                kube,
                hook,
                VALIDATING,
                entry(kube, hook, "/pods", rule("pods", "CREATE")),
                entry(kube, hook, "/configmaps", rule("configmaps", "CREATE", "UPDATE", "DELETE")),
            )
            await _denied(kube.create(pods, _pod("bad", "webhook-disallow")), "the pod contains unwanted container")
            labelled = _pod("labelled", "c", **{"webhook-e2e-test": "x"})
            await _denied(kube.create(pods, labelled), "the pod contains unwanted label")
            bad = {"metadata": {"name": "bad"}, "data": UNWANTED}
            await _denied(kube.create(maps, bad), "the configmap contains unwanted key and value")
            good = await kube.create(maps, {"metadata": {"name": "good"}, "data": {"admit": "this"}})
            await _denied(kube.replace(f"{maps}/good", {**good, "data": UNWANTED}), "unwanted key and value")
            await _denied(kube.patch(f"{maps}/good", {"data": UNWANTED}, MERGE), "unwanted key and value")
            other = await kube.make_namespace()
            await kube.create(kube.path("v1", "configmaps", namespace=other), bad)

    against(body)


def test_deny_custom_resources(against: Any) -> None:
    """[sig-api-machinery] AdmissionWebhook should be able to deny custom resource creation, update and deletion"""

    async def body(kube: Kube) -> None:
        async with webhook() as hook:
            group, path = await _definition(kube)
            rules = rule("widgets", "CREATE", "UPDATE", "DELETE", group=group)
            made = await configure(kube, hook, VALIDATING, entry(kube, hook, "/custom-resource", rules))
            message = "the custom resource contains unwanted data"
            await _denied(kube.create(path, {**_widget(group, "bad"), "data": UNWANTED}), message)
            await kube.delete(made)
            allowed = await kube.create(path, {**_widget(group, "w"), "data": UNWANTED})
            await configure(kube, hook, VALIDATING, entry(kube, hook, "/custom-resource", rules), name="again")
            await _denied(kube.delete(f"{path}/w"), message)
            await _denied(kube.patch(f"{path}/w", {"data": {"more": "x"}}, MERGE), message)
            await kube.patch(f"{path}/w", {"data": {"webhook-e2e-test": "webhook-allow"}}, MERGE)
            await kube.delete(f"{path}/w")
            assert allowed["data"] == UNWANTED and await kube.is_gone(f"{path}/w")

    against(body)


def test_fail_closed(against: Any) -> None:
    """[sig-api-machinery] AdmissionWebhook should unconditionally reject operations on fail closed webhook"""

    async def body(kube: Kube) -> None:
        async with webhook() as hook:
            # Nobody vouches for the certificate: the webhook cannot be called.
            nowhere = entry(kube, hook, "/configmaps", rule("configmaps", "CREATE"), failurePolicy="Fail")
            nowhere["objectSelector"] = {"matchLabels": {"closed": "yes"}}
            del nowhere["clientConfig"]["caBundle"]
            await kube.create(VALIDATING, {"metadata": {"name": f"{kube.namespace}-nowhere"}, "webhooks": [nowhere]})
            await configure(kube, hook, VALIDATING, name="z")
            maps = kube.path("v1", "configmaps")
            answer = await kube.raw("POST", maps, {"metadata": {"name": "foo", "labels": {"closed": "yes"}}})
            assert (answer.status, answer.body["reason"]) == (500, "InternalError")
            assert 'failed calling webhook "configmaps.k8s.io"' in answer.body["message"]

    against(body)


def test_mutate_config_map(against: Any) -> None:
    """[sig-api-machinery] AdmissionWebhook should mutate configmap"""

    async def body(kube: Kube) -> None:
        async with webhook() as hook:
            rules = rule("configmaps", "CREATE")
            first = entry(kube, hook, "/mutating", rules, name="adding-configmap-data-stage-1.k8s.io")
            second = entry(kube, hook, "/mutating", rules, name="adding-configmap-data-stage-2.k8s.io")
            await configure(kube, hook, MUTATING, first, second)
            made = await kube.create(
                kube.path("v1", "configmaps"), {"metadata": {"name": "m"}, "data": {"mutation-start": "yes"}}
            )
            assert made["data"] == {"mutation-start": "yes", "mutation-stage-1": "yes", "mutation-stage-2": "yes"}

    against(body)


def test_mutate_pod_and_default(against: Any) -> None:
    """[sig-api-machinery] AdmissionWebhook should mutate pod and apply defaults after mutation"""

    async def body(kube: Kube) -> None:
        async with webhook() as hook:
            await configure(kube, hook, MUTATING, entry(kube, hook, "/mutating-pods", rule("pods", "CREATE")))
            made = await kube.create(kube.path("v1", "pods"), _pod("p", "example"))
            added = made["spec"]["initContainers"][0]
            assert added["name"] == "webhook-added-init-container"
            assert added["terminationMessagePolicy"] == "File"

    against(body)


def test_configurations_are_safe(against: Any) -> None:
    """[sig-api-machinery] AdmissionWebhook should not be able to mutate or prevent deletion of webhook configuration
    objects"""

    async def body(kube: Kube) -> None:
        async with webhook() as hook:
            every = {
                **rule("*configurations", "*", group="admissionregistration.k8s.io", version="*"),
                "resources": ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"],
            }
            deny = entry(kube, hook, "/always-deny", every, namespaceSelector={})
            await configure(kube, hook, VALIDATING, deny, name="deny")
            label = entry(kube, hook, "/add-label", every, namespaceSelector={})
            await configure(kube, hook, MUTATING, label, name="label")
            for collection in (VALIDATING, MUTATING):
                dummy = entry(kube, hook, "/always-allow", rule("configmaps", group="nothing"))
                configuration = {"metadata": {"name": f"{kube.namespace}-dummy"}, "webhooks": [dummy]}
                made = await kube.create(collection, configuration)
                assert "labels" not in made["metadata"]
                await kube.patch(f"{collection}/{kube.namespace}-dummy", {"metadata": {"annotations": {"a": "b"}}})
                await kube.delete(f"{collection}/{kube.namespace}-dummy")
                assert await kube.is_gone(f"{collection}/{kube.namespace}-dummy")

    against(body)


async def _definition(kube: Kube, **schema: Any) -> tuple[str, str]:
    """A kind of the test's own, in versions v1 and v2 of which v1 is kept: its group and the path of its objects."""
    group = f"{kube.namespace}.example.com"
    fields = {"data": {"type": "object", "additionalProperties": {"type": "string"}}}
    whole = schema or {"type": "object", "properties": fields}
    versions = [
        {"name": name, "served": True, "storage": name == "v1", "schema": {"openAPIV3Schema": whole}}
        for name in ("v1", "v2")
    ]
    names = {"plural": "widgets", "kind": "Widget"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": versions}
    name = f"widgets.{group}"
    await kube.create(CRDS, {"metadata": {"name": name}, "spec": spec})
    await kube.until(CRDS, name, _established)
    path = kube.path(f"{group}/v1", "widgets")
    await kube.get(path)
    return group, path


def _established(crd: Obj) -> bool:
    found = (crd.get("status") or {}).get("conditions") or ()
    return any((c["type"], c["status"]) == ("Established", "True") for c in found)


def _widget(group: str, name: str, version: str = "v1") -> Obj:
    return {"apiVersion": f"{group}/{version}", "kind": "Widget", "metadata": {"name": name}}


def _both_stages(kube: Kube, hook: Any, rules: Obj) -> list[Obj]:
    return [entry(kube, hook, "/mutating", rules, name=f"mutate-stage-{n}.k8s.io") for n in (1, 2)]


def test_mutate_custom_resource(against: Any) -> None:
    """[sig-api-machinery] AdmissionWebhook should mutate custom resource"""

    async def body(kube: Kube) -> None:
        async with webhook() as hook:
            group, path = await _definition(kube)
            await configure(kube, hook, MUTATING, *_both_stages(kube, hook, rule("widgets", "CREATE", group=group)))
            made = await kube.create(path, {**_widget(group, "w"), "data": {"mutation-start": "yes"}})
            assert made["data"] == {"mutation-start": "yes", "mutation-stage-1": "yes", "mutation-stage-2": "yes"}

    against(body)


def test_mutate_custom_resource_of_another_version(against: Any) -> None:
    """[sig-api-machinery] AdmissionWebhook should mutate custom resource with different stored version"""

    async def body(kube: Kube) -> None:
        async with webhook() as hook:
            group, path = await _definition(kube)
            rules = rule("widgets", "CREATE", "UPDATE", group=group, version="*")
            await configure(kube, hook, MUTATING, *_both_stages(kube, hook, rules))
            await kube.create(path, {**_widget(group, "w"), "data": {"mutation-start": "no"}})
            crd = f"{CRDS}/widgets.{group}"
            switch = [
                {"op": "replace", "path": "/spec/versions/0/storage", "value": False},
                {"op": "replace", "path": "/spec/versions/1/storage", "value": True},
            ]
            await kube.patch(crd, switch, JSON_PATCH)
            patched = await kube.patch(f"{path}/w", {"data": {"mutation-start": "yes"}}, MERGE)
            assert patched["apiVersion"] == f"{group}/v1"
            assert patched["data"] == {"mutation-start": "yes", "mutation-stage-1": "yes", "mutation-stage-2": "yes"}

    against(body)


def test_mutate_custom_resource_and_prune(against: Any) -> None:
    """[sig-api-machinery] AdmissionWebhook should mutate custom resource with pruning"""

    async def body(kube: Kube) -> None:
        async with webhook() as hook:
            text = {"type": "string"}
            fields = {"mutation-start": text, "mutation-stage-1": text}
            data = {"type": "object", "properties": fields}
            group, path = await _definition(kube, type="object", properties={"data": data})
            await configure(kube, hook, MUTATING, *_both_stages(kube, hook, rule("widgets", "CREATE", group=group)))
            made = await kube.create(path, {**_widget(group, "w"), "data": {"mutation-start": "yes"}})
            assert made["data"] == {"mutation-start": "yes", "mutation-stage-1": "yes"}

    against(body)


def test_deny_definitions(against: Any) -> None:
    """[sig-api-machinery] AdmissionWebhook should deny crd creation"""

    async def body(kube: Kube) -> None:
        async with webhook() as hook:
            rules = rule("customresourcedefinitions", "CREATE", group="apiextensions.k8s.io", version="*")
            unwanted = {"matchLabels": {"webhook-e2e-test": kube.namespace}}
            deny = entry(kube, hook, "/crd", rules, namespaceSelector={}, objectSelector=unwanted)
            await configure(kube, hook, VALIDATING, deny)
            group, names = f"{kube.namespace}.example.com", {"plural": "widgets", "kind": "Widget"}
            schema = {"openAPIV3Schema": {"type": "object"}}
            version = {"name": "v1", "served": True, "storage": True, "schema": schema}
            spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
            metadata = {"name": f"widgets.{group}", "labels": {"webhook-e2e-test": kube.namespace}}
            crd = {"metadata": metadata, "spec": spec}
            await _denied(kube.create(CRDS, crd), "the crd contains unwanted label")

    against(body)


def test_timeouts(against: Any) -> None:
    """[sig-api-machinery] AdmissionWebhook should honor timeout"""

    async def body(kube: Kube) -> None:
        async with webhook() as hook:
            maps = kube.path("v1", "configmaps")

            async def under(number: int, seconds: int, policy: str) -> Any:
                slow = entry(kube, hook, "/always-allow-delay-2s", rule("configmaps", "CREATE"))
                chosen = {"matchLabels": {"slow": "yes"}}
                slow |= {"timeoutSeconds": seconds, "failurePolicy": policy, "objectSelector": chosen}
                path = await configure(kube, hook, VALIDATING, slow, name=f"slow-{number}")
                began = time.monotonic()
                metadata = {"name": f"m{number}", "labels": {"slow": "yes"}}
                answer = await kube.raw("POST", maps, {"metadata": metadata})
                await kube.delete(path)
                return answer, time.monotonic() - began

            failed, took = await under(1, 1, "Fail")
            assert failed.status >= 500 and took < 2
            assert "deadline" in failed.body["message"] or "timeout" in failed.body["message"].lower()
            ignored, took = await under(2, 1, "Ignore")
            assert ignored.status == 201 and took < 2
            waited, took = await under(3, 10, "Fail")
            assert waited.status == 201 and took >= 2

    against(body)


@pytest.mark.parametrize("collection", [VALIDATING, MUTATING], ids=["validating", "mutating"])
def test_patch_and_update(against: Any, collection: str) -> None:
    """[sig-api-machinery] AdmissionWebhook patching/updating a validating (mutating) webhook should work"""

    async def body(kube: Kube) -> None:
        async with webhook() as hook:
            maps, path = kube.path("v1", "configmaps"), "/configmaps" if collection == VALIDATING else "/mutating"
            sent = {"data": UNWANTED if collection == VALIDATING else {"mutation-start": "yes"}}
            works = entry(kube, hook, path, rule("configmaps", "CREATE"))
            configuration = await configure(kube, hook, collection, works)
            assert await _touched(kube, maps, "a", sent)
            found = await kube.get(configuration)
            found["webhooks"][0]["rules"][0]["operations"] = ["UPDATE"]
            await kube.replace(configuration, found)
            await _until(kube, maps, "b", sent, touched=False)
            create = [{"op": "replace", "path": "/webhooks/0/rules/0/operations", "value": ["CREATE"]}]
            await kube.patch(configuration, create, JSON_PATCH)
            await _until(kube, maps, "c", sent, touched=True)

    against(body)


async def _touched(kube: Kube, path: str, name: str, sent: Obj) -> bool:
    """Whether a webhook denies or changes an object."""
    answer = await kube.raw("POST", path, {"metadata": {"name": name}, **sent}, dryRun="All")
    return answer.status == 403 or bool(answer.body.get("data") != sent["data"])


async def _until(kube: Kube, path: str, name: str, sent: Obj, *, touched: bool) -> None:
    for _ in range(1000):
        if await _touched(kube, path, name, sent) is touched:
            return
    raise AssertionError(f"the configuration did not change what happens to {name}")


@pytest.mark.parametrize("collection", [VALIDATING, MUTATING], ids=["validating", "mutating"])
def test_list_and_delete_collection(against: Any, collection: str) -> None:
    """[sig-api-machinery] AdmissionWebhook listing validating (mutating) webhooks should work"""

    async def body(kube: Kube) -> None:
        async with webhook() as hook:
            maps, path = kube.path("v1", "configmaps"), "/configmaps" if collection == VALIDATING else "/mutating"
            sent = {"data": UNWANTED if collection == VALIDATING else {"mutation-start": "yes"}}
            for number in range(10):
                one = entry(kube, hook, path, rule("configmaps", "CREATE"))
                labels = {"e2e-list-test-uuid": kube.namespace}
                await configure(kube, hook, collection, one, name=str(number), labels=labels)
            selector = f"e2e-list-test-uuid={kube.namespace}"
            assert len((await kube.get(collection, labelSelector=selector))["items"]) == 10
            assert await _touched(kube, maps, "a", sent)
            await kube.delete(collection, labelSelector=selector)
            assert (await kube.get(collection, labelSelector=selector))["items"] == []
            await _until(kube, maps, "b", sent, touched=False)

    against(body)


@pytest.mark.parametrize("collection", [VALIDATING, MUTATING], ids=["validating", "mutating"])
def test_match_conditions(against: Any, collection: str) -> None:
    """[sig-api-machinery] AdmissionWebhook should be able to create and update validating (mutating) webhook
    configurations with match conditions"""

    async def body(kube: Kube) -> None:
        async with webhook() as hook:
            conditions = [{"name": "expression-1", "expression": "object.metadata.namespace == 'production'"}]
            one = entry(kube, hook, "/always-allow", rule("configmaps", "CREATE"), matchConditions=conditions)
            path = await configure(kube, hook, collection, one)
            found = await kube.get(path)
            assert found["webhooks"][0]["matchConditions"] == conditions
            updated = [{"name": "expression-1", "expression": "object.metadata.namespace == 'staging'"}]
            found["webhooks"][0]["matchConditions"] = updated
            await kube.replace(path, found)
            assert (await kube.get(path))["webhooks"][0]["matchConditions"] == updated

    against(body)


@pytest.mark.parametrize("collection", [VALIDATING, MUTATING], ids=["validating", "mutating"])
def test_invalid_match_conditions(against: Any, collection: str) -> None:
    """[sig-api-machinery] AdmissionWebhook should reject validating (mutating) webhook configurations with invalid
    match conditions"""

    async def body(kube: Kube) -> None:
        async with webhook() as hook:
            conditions = [{"name": "invalid-expression-1", "expression": "... [] bad expression"}]
            one = entry(kube, hook, "/always-allow", rule("configmaps", "CREATE"), matchConditions=conditions)
            answer = await kube.raw(
                "POST", collection, {"metadata": {"name": f"{kube.namespace}-bad"}, "webhooks": [one]}
            )
            assert (answer.status, answer.body["reason"]) == (422, "Invalid")
            assert "compilation failed" in answer.body["message"]
            assert answer.body["details"]["causes"][0]["field"] == "webhooks[0].matchConditions[0].expression"

    against(body)


def test_mutate_all_but_skipped(against: Any) -> None:
    """[sig-api-machinery] AdmissionWebhook should mutate everything except 'skip-me' configmaps"""

    async def body(kube: Kube) -> None:
        async with webhook() as hook:
            condition = {"name": "skip-me", "expression": "object.metadata.name != 'skip-me'"}
            one = entry(kube, hook, "/add-label", rule("configmaps", "CREATE"), matchConditions=[condition])
            await configure(kube, hook, MUTATING, one)
            maps = kube.path("v1", "configmaps")
            made = await kube.create(maps, {"metadata": {"name": "mutate-me"}})
            assert made["metadata"]["labels"] == {"added-label": "yes"}
            skipped = await kube.create(maps, {"metadata": {"name": "skip-me"}})
            assert "labels" not in skipped["metadata"]

    against(body)
