"""Group A: ServiceAccounts and their tokens, the CA of every namespace, reviews of rights."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.conformance.kubernetes.harness import MERGE, STRATEGIC, Kube

TOKENS = "/apis/authentication.k8s.io/v1/tokenreviews"


def test_token_request_and_review(against: Any) -> None:
    """[sig-auth] ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview"""

    async def body(kube: Kube) -> None:
        accounts = kube.path("v1", "serviceaccounts")
        made = await kube.create(accounts, {"metadata": {"name": "e2e-sa"}})
        request = {"spec": {"expirationSeconds": 3600}}
        answer = await kube.call("POST", f"{accounts}/e2e-sa/token", request)
        assert answer["kind"] == "TokenRequest" and answer["status"]["expirationTimestamp"]
        review = {"spec": {"token": answer["status"]["token"]}}
        reviewed = await kube.call("POST", TOKENS, review)
        status = reviewed["status"]
        assert status["authenticated"] is True and not status.get("error")
        assert status["user"]["username"] == f"system:serviceaccount:{kube.namespace}:e2e-sa"
        assert status["user"]["uid"] == made["metadata"]["uid"]
        groups = {"system:serviceaccounts", f"system:serviceaccounts:{kube.namespace}", "system:authenticated"}
        assert set(status["user"]["groups"]) == groups
        await kube.delete(f"{accounts}/e2e-sa")
        again = await kube.call("POST", TOKENS, review)
        assert not again["status"].get("authenticated") and again["status"]["error"]

    against(body)


def test_root_ca_in_every_namespace(against: Any) -> None:
    """[sig-auth] ServiceAccounts should guarantee kube-root-ca.crt exist in any namespace"""

    async def body(kube: Kube) -> None:
        maps, name = kube.path("v1", "configmaps"), "kube-root-ca.crt"
        first = await kube.until(maps, name, lambda found: bool(found["data"].get("ca.crt")))
        assert "BEGIN CERTIFICATE" in first["data"]["ca.crt"]
        await kube.delete(f"{maps}/{name}")
        uid = first["metadata"]["uid"]
        second = await kube.until(maps, name, lambda found: found["metadata"]["uid"] != uid)
        assert second["data"] == first["data"]
        await kube.patch(f"{maps}/{name}", {"data": {"ca.crt": ""}}, MERGE)
        await kube.until(maps, name, lambda found: found["data"] == first["data"])
        await kube.patch(f"{maps}/{name}", {"data": {"more": "x"}}, MERGE)
        await kube.until(maps, name, lambda found: found["data"] == first["data"])

    against(body)


def test_life_of_an_account(against: Any) -> None:
    """[sig-auth] ServiceAccounts should run through the lifecycle of a ServiceAccount"""

    async def body(kube: Kube) -> None:
        accounts, labels = kube.path("v1", "serviceaccounts"), {"test-serviceaccount-static": "true"}
        selector = "test-serviceaccount-static=true"
        start = (await kube.get(accounts))["metadata"]["resourceVersion"]
        async with kube.watch(accounts, labelSelector=selector, resourceVersion=start) as watch:
            made = await kube.create(accounts, {"metadata": {"name": "testserviceaccount", "labels": labels}})
            await watch.until_named("ADDED", "testserviceaccount")
            patch = {"automountServiceAccountToken": False}
            await kube.patch(f"{accounts}/testserviceaccount", patch, STRATEGIC)
            changed = await watch.until_named("MODIFIED", "testserviceaccount")
            assert changed["automountServiceAccountToken"] is False
            everywhere = await kube.get("/api/v1/serviceaccounts", labelSelector=selector)
            mine = [one for one in everywhere["items"] if one["metadata"]["namespace"] == kube.namespace]
            assert [one["metadata"]["uid"] for one in mine] == [made["metadata"]["uid"]]
            await kube.delete(accounts, labelSelector=selector)
            await watch.until_named("DELETED", "testserviceaccount")

    against(body)


def test_update_of_an_account(against: Any) -> None:
    """[sig-auth] ServiceAccounts should update a ServiceAccount"""

    async def body(kube: Kube) -> None:
        accounts = kube.path("v1", "serviceaccounts")
        made = await kube.create(accounts, {"metadata": {"name": "e2e-sa-update"}})
        made["automountServiceAccountToken"] = False
        made["metadata"]["labels"] = {"updated": "true"}
        await kube.replace(f"{accounts}/e2e-sa-update", made)
        found = await kube.get(f"{accounts}/e2e-sa-update")
        assert found["automountServiceAccountToken"] is False and found["metadata"]["labels"] == {"updated": "true"}
        assert found["metadata"]["uid"] == made["metadata"]["uid"]

    against(body)


def test_reviews_of_rights(against: Any) -> None:
    """[sig-auth] SubjectReview should support SubjectReview API operations"""

    async def body(kube: Kube) -> None:
        name = "e2e"
        await kube.create(kube.path("v1", "serviceaccounts"), {"metadata": {"name": name}})
        user = f"system:serviceaccount:{kube.namespace}:{name}"
        rights = "/apis/authorization.k8s.io/v1"
        attributes = {"namespace": kube.namespace, "verb": "list", "resource": "configmaps", "version": "v1"}
        spec = {"user": user, "resourceAttributes": attributes}
        as_account = {"Impersonate-User": user}

        async def all_say(allowed: bool) -> None:
            about = await kube.call("POST", f"{rights}/subjectaccessreviews", {"spec": spec})
            local = await kube.call(
                "POST", f"{rights}/namespaces/{kube.namespace}/localsubjectaccessreviews", {"spec": spec}
            )
            own = await kube.call(
                "POST",
                f"{rights}/selfsubjectaccessreviews",
                {"spec": {"resourceAttributes": attributes}},
                as_account,
            )
            assert [one["status"]["allowed"] for one in (about, local, own)] == [allowed] * 3
            listed = await kube.raw("GET", kube.path("v1", "configmaps"), headers=as_account)
            assert listed.status == (200 if allowed else 403), listed.body

        await all_say(False)
        group = "rbac.authorization.k8s.io"
        rule = {"verbs": ["list"], "apiGroups": [""], "resources": ["configmaps"]}
        await kube.create(kube.path(f"{group}/v1", "roles"), {"metadata": {"name": name}, "rules": [rule]})
        binding = {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": kube.namespace}],
        }
        await kube.create(kube.path(f"{group}/v1", "rolebindings"), binding)
        for _ in range(100):
            # Rights become known a moment after they were written.
            answer = await kube.call("POST", f"{rights}/subjectaccessreviews", {"spec": spec})
            if answer["status"]["allowed"]:
                break
            await asyncio.sleep(0.1)
        await all_say(True)

    against(body)


def test_tables_of_what_has_none(against: Any) -> None:
    """[sig-api-machinery] Servers with support for Table transformation should return a 406 for a backend which does
    not implement metadata"""

    async def body(kube: Kube) -> None:
        review = {"spec": {"resourceAttributes": {"namespace": kube.namespace, "verb": "get", "resource": "pods"}}}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        table = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
        refused = await kube.raw("POST", path, review, table)
        assert (refused.status, refused.body["reason"]) == (406, "NotAcceptable")

    against(body)
