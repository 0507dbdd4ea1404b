"""Group A: discovery of groups, of users' kinds among them, and the server's version."""

from __future__ import annotations

import re
from typing import Any

from tests.conformance.kubernetes.definitions import OPEN, define, definition, soon
from tests.conformance.kubernetes.harness import Kube
from tests.conformance.kubernetes.test_group_b_machinery import AGGREGATED, aggregated


def test_aggregated_interface_of_definitions(against: Any) -> None:
    """[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface for CRDs"""

    async def body(kube: Kube) -> None:
        made = await define(kube, definition(kube, {"v1": OPEN}))
        wanted = (made["spec"]["group"], "v1", "foos")

        async def found() -> bool:
            return wanted in await aggregated(kube, "/apis")

        await soon(found, f"{wanted} is not in the aggregated document")
        listed = await kube.get(f"/apis/{wanted[0]}/v1")
        assert [one["name"] for one in listed["resources"]] == ["foos"]

    against(body)


def test_aggregated_request_for_definitions(against: Any) -> None:
    """[sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery request for CRDs"""

    async def body(kube: Kube) -> None:
        made = await define(kube, definition(kube, {"v1": OPEN, "v2alpha1": OPEN}))
        group = made["spec"]["group"]

        async def found() -> Any:
            answer = await kube.raw("GET", "/apis", headers={"Accept": AGGREGATED})
            assert answer.body["kind"] == "APIGroupDiscoveryList"
            return [one for one in answer.body["items"] if one["metadata"]["name"] == group]

        (item,) = await soon(found, f"{group} is not in the aggregated document")
        assert [one["version"] for one in item["versions"]] == ["v1", "v2alpha1"]
        (resource,) = item["versions"][0]["resources"]
        assert resource["responseKind"] == {"group": group, "version": "v1", "kind": "Foo"}
        assert (resource["scope"], resource["singularResource"]) == ("Namespaced", "foo")

    against(body)


def test_a_resource_of_each_group(against: Any) -> None:
    """[sig-api-machinery] Discovery should locate the groupVersion and a resource within each APIGroup"""

    async def body(kube: Kube) -> None:
        known = {
            "apiextensions.k8s.io/v1": "customresourcedefinitions",
            "authentication.k8s.io/v1": "tokenreviews",
            "authorization.k8s.io/v1": "subjectaccessreviews",
            "admissionregistration.k8s.io/v1": "validatingwebhookconfigurations",
            "certificates.k8s.io/v1": "certificatesigningrequests",
            "coordination.k8s.io/v1": "leases",
            "discovery.k8s.io/v1": "endpointslices",
            "events.k8s.io/v1": "events",
            "networking.k8s.io/v1": "ingresses",
            "rbac.authorization.k8s.io/v1": "clusterroles",
            "scheduling.k8s.io/v1": "priorityclasses",
            "storage.k8s.io/v1": "storageclasses",
        }
        groups = (await kube.get("/apis"))["groups"]
        assert set(known) <= {version["groupVersion"] for group in groups for version in group["versions"]}
        for group in groups:
            for version in group["versions"]:
                listed = await kube.get(f"/apis/{version['groupVersion']}")
                assert (listed["kind"], listed["groupVersion"]) == ("APIResourceList", version["groupVersion"])
                names = [one["name"] for one in listed["resources"]]
                assert names and known.get(version["groupVersion"], names[0]) in names

    against(body)


def test_preferred_versions(against: Any) -> None:
    """[sig-api-machinery] Discovery should validate PreferredVersion for each APIGroup"""

    async def body(kube: Kube) -> None:
        groups = (await kube.get("/apis"))["groups"]
        assert groups
        for listed in groups:
            group = await kube.get(f"/apis/{listed['name']}")
            assert group["preferredVersion"] in group["versions"]
            assert group["preferredVersion"] == listed["preferredVersion"]
            assert group["preferredVersion"]["groupVersion"].startswith(f"{group['name']}/")

    against(body)


def test_server_version(against: Any) -> None:
    """[sig-api-machinery] server version should find the server version"""

    async def body(kube: Kube) -> None:
        version = await kube.get("/version")
        assert re.fullmatch(r"\d+", version["major"]) and re.fullmatch(r"\d+", version["minor"])

    against(body)
