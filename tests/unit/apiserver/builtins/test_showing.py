"""What clients are shown of built-in kinds: discovery, columns, API services, what every Kubernetes has."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from capstan.api.kubernetes.kinds import GROUP_ORDER, builtin_kinds
from capstan.api.verbs import User, WriteOptions
from capstan.apiserver.apiservices import local_services
from capstan.apiserver.discovery import AGGREGATED, Discovery
from capstan.apiserver.exchange import Request
from capstan.apiserver.table import to_table
from tests.unit.apiserver.builtins.examples import EXAMPLES
from tests.unit.apiserver.builtins.test_every_kind import Kinds, run

NOW = datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)
OPTIONS = WriteOptions()


def _document(world: Kinds, path: str, accept: str = "application/json") -> Any:
    request = Request("GET", path, {}, {"accept": accept}, b"", User("admin"))
    return orjson.loads(Discovery(world.server.registry).answer(request, "127.0.0.1:1").body)


def test_groups_come_in_the_order_of_their_priorities() -> None:
    async def body(world: Kinds) -> None:
        names = [group["name"] for group in _document(world, "/apis")["groups"]]
        assert names[: len(GROUP_ORDER)] == list(GROUP_ORDER)
        listed = _document(world, "/apis", AGGREGATED)["items"]
        assert [item["metadata"]["name"] for item in listed] == names
        scaling = next(item for item in listed if item["metadata"]["name"] == "autoscaling")
        assert [version["version"] for version in scaling["versions"]] == ["v2", "v1"]

    run(body)


def test_subresources_say_what_they_answer_with() -> None:
    async def body(world: Kinds) -> None:
        apps = {r["name"]: r for r in _document(world, "/apis/apps/v1")["resources"]}
        assert (apps["deployments"]["shortNames"], apps["deployments"]["categories"]) == (["deploy"], ["all"])
        scale = apps["deployments/scale"]
        assert (scale["group"], scale["version"], scale["kind"]) == ("autoscaling", "v1", "Scale")
        certificates = {r["name"] for r in _document(world, "/apis/certificates.k8s.io/v1")["resources"]}
        assert "certificatesigningrequests/approval" in certificates
        core = {r["name"]: r for r in _document(world, "/api/v1")["resources"]}
        assert "pods/eviction" not in core and "pods/binding" not in core
        assert core["serviceaccounts/token"]["kind"] == "TokenRequest"

    run(body)


ROWS: list[tuple[str, str, dict[str, str]]] = [
    ("apps", "Deployment", {"Ready": "0/1", "Age": "30s", "Images": "i", "Selector": "app=a"}),
    ("", "Service", {"Type": "ClusterIP", "External-IP": "<none>", "Port(s)": "80/TCP"}),
    ("", "Pod", {"Ready": "0/1", "Status": "Pending", "Restarts": "0"}),
    ("batch", "CronJob", {"Schedule": "@daily", "Suspend": "false", "Last Schedule": "<none>"}),
    ("networking.k8s.io", "Ingress", {"Class": "<none>", "Hosts": "*", "Ports": "80"}),
    ("autoscaling", "HorizontalPodAutoscaler", {"Reference": "Deployment/d", "Targets": "cpu: <unknown>/80%"}),
    ("certificates.k8s.io", "CertificateSigningRequest", {"Requestor": "admin", "Condition": "Pending"}),
    ("storage.k8s.io", "StorageClass", {"Provisioner": "p", "ReclaimPolicy": "Delete"}),
    ("apiregistration.k8s.io", "APIService", {"Service": "default/s", "Available": "Unknown"}),
    ("discovery.k8s.io", "EndpointSlice", {"AddressType": "IPv4", "Ports": "<unset>", "Endpoints": "10.0.0.1"}),
]


@pytest.mark.parametrize(("group", "kind", "wanted"), ROWS, ids=[k for _, k, _ in ROWS])
def test_columns(group: str, kind: str, wanted: dict[str, str]) -> None:
    async def body(world: Kinds) -> None:
        resource = world.builtin(group, kind)
        place = "default" if resource.namespaced else ""
        name = "v1.example.com" if kind == "APIService" else "x"
        fields = {"metadata": {"name": name}, **EXAMPLES[(group, kind)]}
        made = (await world.verbs.create(resource, place, fields, OPTIONS)).object
        table = to_table([made], (), NOW, group=group, kind=kind)
        titles = [definition["name"] for definition in table["columnDefinitions"]]
        row = dict(zip(titles, table["rows"][0]["cells"], strict=True))
        assert {title: str(row[title]) for title in wanted} == wanted

    run(body)


def test_every_kind_has_a_row_even_when_empty() -> None:
    for kind in builtin_kinds():
        obj = {"metadata": {"name": "x"}}
        table = to_table([obj], (), NOW, group=kind.group, kind=kind.kind)
        assert len(table["rows"][0]["cells"]) == len(table["columnDefinitions"]), kind


def test_api_services_follow_what_is_served() -> None:
    made = local_services({"": {"v1"}, "apps": {"v1"}, "example.com": {"v1", "v2beta1"}})
    assert set(made) == {"v1.", "v1.apps", "v1.example.com", "v2beta1.example.com"}
    specs = {name: body["spec"] for name, body in made.items()}
    assert specs["v1."]["groupPriorityMinimum"] > specs["v1.apps"]["groupPriorityMinimum"]
    assert specs["v1.example.com"]["versionPriority"] > specs["v2beta1.example.com"]["versionPriority"]

    async def body(world: Kinds) -> None:
        await world.settle()
        found = await world.verbs.get(world.builtin("apiregistration.k8s.io", "APIService"), "", "v1.apps")
        assert found["status"]["conditions"][0]["reason"] == "Local"
        world.server.registry.remove("storagemigration.k8s.io", "storageversionmigrations")
        await world.settle()
        page = await world.store.list("apiregistration.k8s.io/apiservices")
        assert "v1.storagemigration.k8s.io" not in [entry.name for entry in page.entries]

    run(body)


def test_what_every_kubernetes_has() -> None:
    async def body(world: Kinds) -> None:
        await world.server.announce("192.0.2.1", 6443)
        await world.server.announce("192.0.2.2", 7443)
        verbs = world.verbs
        endpoints = await verbs.get(world.builtin("", "Endpoints"), "default", "kubernetes")
        assert endpoints["subsets"][0]["addresses"] == [{"ip": "192.0.2.2"}]
        slices = world.builtin("discovery.k8s.io", "EndpointSlice")
        assert (await verbs.get(slices, "default", "kubernetes"))["ports"][0]["port"] == 7443
        service = await verbs.get(world.builtin("", "Service"), "default", "kubernetes")
        assert service["spec"]["clusterIP"] == "10.96.0.1"
        classes = world.builtin("scheduling.k8s.io", "PriorityClass")
        assert (await verbs.get(classes, "", "system-node-critical"))["value"] == 2000001000

    run(body)
