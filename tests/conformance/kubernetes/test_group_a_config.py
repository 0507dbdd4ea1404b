"""Group A: ConfigMaps, Secrets and Leases: their life, what they refuse, what cannot change any more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.kubernetes.harness import MERGE, STRATEGIC, Kube, Refused, encoded


async def _empty_key(kube: Kube, plural: str, value: str) -> None:
    with pytest.raises(Refused) as caught:
        await kube.create(kube.path("v1", plural), {"metadata": {"name": "empty"}, "data": {"": value}})
    answer = caught.value.answer
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert "a valid config key must consist of" in answer.body["message"]


def test_config_map_empty_key(against: Any) -> None:
    """[sig-node] ConfigMap should fail to create ConfigMap with empty key"""
    against(lambda kube: _empty_key(kube, "configmaps", "value-1"))


def test_secret_empty_key(against: Any) -> None:
    """[sig-node] Secrets should fail to create secret due to empty secret key"""
    against(lambda kube: _empty_key(kube, "secrets", encoded(b"value-1")))


def test_config_map_lifecycle(against: Any) -> None:
    """[sig-node] ConfigMap should run through a ConfigMap lifecycle"""

    async def body(kube: Kube) -> None:
        maps, selector = kube.path("v1", "configmaps"), f"test-configmap-static={kube.namespace}"
        labels = {"test-configmap-static": kube.namespace}
        start = (await kube.get(maps))["metadata"]["resourceVersion"]
        async with kube.watch(maps, resourceVersion=start, labelSelector=selector) as watch:
            await kube.create(maps, {"metadata": {"name": "test", "labels": labels}, "data": {"valueName": "value"}})
            await watch.until_named("ADDED", "test")
            patch = {"metadata": {"labels": {"test-configmap": "patched"}}, "data": {"valueName": "value1"}}
            await kube.patch(f"{maps}/test", patch, STRATEGIC)
            changed = await watch.until_named("MODIFIED", "test")
            assert changed["metadata"]["labels"]["test-configmap"] == "patched"
            found = await kube.get(f"{maps}/test")
            assert found["data"] == {"valueName": "value1"}
            everywhere = await kube.get(kube.path("v1", "configmaps", namespace=""), labelSelector=selector)
            assert [one["metadata"]["uid"] for one in everywhere["items"]] == [found["metadata"]["uid"]]
            await kube.delete(maps, labelSelector=selector)
            await watch.until_named("DELETED", "test")
        assert (await kube.get(maps, labelSelector=selector))["items"] == []

    against(body)


def test_secret_patch(against: Any) -> None:
    """[sig-node] Secrets should patch a secret"""

    async def body(kube: Kube) -> None:
        secrets, selector = kube.path("v1", "secrets"), f"testsecret-constant={kube.namespace}"
        labels = {"testsecret-constant": kube.namespace}
        body = {"metadata": {"name": "test", "labels": labels}, "data": {"key": encoded(b"value")}, "type": "Opaque"}
        made = await kube.create(secrets, body)
        everywhere = await kube.get(kube.path("v1", "secrets", namespace=""), labelSelector=selector)
        assert [one["metadata"]["uid"] for one in everywhere["items"]] == [made["metadata"]["uid"]]
        patch = {"metadata": {"labels": {"testsecret": "true"}}, "data": {"key": encoded(b"value1")}}
        await kube.patch(f"{secrets}/test", patch, STRATEGIC)
        found = await kube.get(f"{secrets}/test")
        assert found["data"] == {"key": encoded(b"value1")} and found["metadata"]["labels"]["testsecret"] == "true"
        await kube.delete(secrets, labelSelector=selector)
        assert await kube.is_gone(f"{secrets}/test")

    against(body)


async def _immutable(kube: Kube, plural: str, one: str, two: str) -> None:
    path = f"{kube.path('v1', plural)}/immutable"
    found = await kube.create(kube.path("v1", plural), {"metadata": {"name": "immutable"}, "data": {"a": one}})
    found["data"] = {"a": two}
    found = await kube.replace(path, found)
    found["immutable"] = True
    found = await kube.replace(path, found)
    for patch in ({"data": {"a": one}}, {"immutable": None}, {"immutable": False}, {"data": {"b": one}}):
        answer = await kube.raw("PATCH", path, patch, {"Content-Type": MERGE})
        assert (answer.status, answer.body["reason"]) == (422, "Invalid")
        assert "field is immutable when `immutable` is set" in answer.body["message"]
    labelled = await kube.patch(path, {"metadata": {"labels": {"still": "changeable"}}}, MERGE)
    assert labelled["data"] == {"a": two} and labelled["immutable"] is True
    await kube.delete(path)
    assert await kube.is_gone(path)


def test_immutable_config_map(against: Any) -> None:
    """[sig-storage] ConfigMap should be immutable if `immutable` field is set"""
    against(lambda kube: _immutable(kube, "configmaps", "one", "two"))


def test_immutable_secret(against: Any) -> None:
    """[sig-storage] Secrets should be immutable if `immutable` field is set"""
    against(lambda kube: _immutable(kube, "secrets", encoded(b"one"), encoded(b"two")))


def test_lease(against: Any) -> None:
    """[sig-node] Lease lease API should be available"""

    async def body(kube: Kube) -> None:
        leases = kube.path("coordination.k8s.io/v1", "leases")
        spec = {
            "holderIdentity": "holder",
            "leaseDurationSeconds": 30,
            "acquireTime": "2026-01-01T00:00:00.000001Z",
            "renewTime": "2026-01-01T00:00:05.000000Z",
            "leaseTransitions": 0,
        }
        await kube.create(leases, {"metadata": {"name": "lease"}, "spec": spec})
        found = await kube.get(f"{leases}/lease")
        assert found["spec"] == spec
        spec = {**spec, "holderIdentity": "holder2", "leaseDurationSeconds": 60, "leaseTransitions": 2}
        found = await kube.replace(f"{leases}/lease", {**found, "spec": spec})
        assert (await kube.get(f"{leases}/lease"))["spec"] == spec
        patched = await kube.patch(f"{leases}/lease", {"spec": {"leaseDurationSeconds": 50}}, STRATEGIC)
        assert patched["spec"] == {**spec, "leaseDurationSeconds": 50}
        labels = {"deletecollection": "true"}
        await kube.create(leases, {"metadata": {"name": "lease2", "labels": labels}, "spec": spec})
        assert len((await kube.get(leases))["items"]) == 2
        await kube.delete(leases, labelSelector="deletecollection=true")
        assert [one["metadata"]["name"] for one in (await kube.get(leases))["items"]] == ["lease"]
        await kube.delete(f"{leases}/lease")
        assert await kube.is_gone(f"{leases}/lease")

    against(body)
