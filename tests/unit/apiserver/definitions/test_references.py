"""References of older clients: shown with the version that the definition of a foreign kind names by its labels."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from capstan.api.objects import Obj, Resource
from capstan.api.verbs import WriteOptions
from capstan.apiserver.references import contract_version
from capstan.apiserver.resources import Served
from tests.unit.apiserver.conftest import World
from tests.unit.apiserver.definitions.crd import changed

CRDS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", False)
REF = {"apiGroup": "example.io", "kind": "Widget", "name": "w"}
FACTS = "capstan.dev/converted-from"

Run = Callable[[Callable[[World], Awaitable[None]]], None]


async def define(world: World, **labels: str) -> None:
    crd = changed({"metadata.labels": {f"cluster.x-k8s.io/{name}": value for name, value in labels.items()}})
    await world.verbs.create(CRDS, "", crd, WriteOptions())
    await world.settle()


async def shown(world: World, name: str = "lab") -> Any:
    old = await world.get("Cluster", name, version="v1beta1")
    return old["spec"]["infrastructureRef"]["apiVersion"]


def test_the_version_follows_the_contract(run: Run) -> None:
    async def body(world: World) -> None:
        await define(world, v1beta1="v2alpha1", v1beta2="v1beta1_v1")
        await world.create("Cluster", "lab", {"spec": {"infrastructureRef": REF}})
        assert await shown(world) == "example.io/v1"
        # What the definition says anyway leaves no trace in what is stored; another version is the client's own.
        old = await world.get("Cluster", "lab", version="v1beta1")
        resource = world.resource("Cluster", "v1beta1")
        paused: Obj = {**old, "spec": {**old["spec"], "paused": True}}
        await world.verbs.update(resource, "default", "lab", paused, WriteOptions())
        stored = await world.get("Cluster", "lab")
        assert stored["spec"] == {"infrastructureRef": REF, "paused": True}
        assert FACTS not in stored["metadata"].get("annotations", {})
        patch = {"metadata": {"labels": {"cluster.x-k8s.io/v1beta2": "v2alpha1"}}}
        await world.verbs.patch(CRDS, "", "widgets.example.io", "merge", patch, WriteOptions())
        await world.settle()
        await world.create("Cluster", "later", {"spec": {"infrastructureRef": REF}})
        assert await shown(world, "later") == "example.io/v2alpha1"
        own = {"apiVersion": "example.io/v1beta1", "kind": "Widget", "name": "w"}
        made = {"metadata": {"name": "own"}, "spec": {"infrastructureRef": own}}
        await world.verbs.create(resource, "default", made, WriteOptions())
        assert await shown(world, "own") == "example.io/v1beta1"

    run(body)


def test_without_a_definition_the_usual_version_is_shown(run: Run) -> None:
    async def body(world: World) -> None:
        await world.create("Cluster", "lab", {"spec": {"infrastructureRef": REF}})
        assert await shown(world) == "example.io/v1beta1"
        own = {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "ProxmoxCluster", "name": "p"}
        await world.create("Cluster", "ours", {"spec": {"infrastructureRef": own}})
        assert await shown(world, "ours") == "infrastructure.cluster.x-k8s.io/v1alpha2"

    run(body)


@pytest.mark.parametrize(
    ("labels", "version"),
    [
        ({}, ""),
        ({"v1beta1": "v1alpha3"}, "v1alpha3"),
        ({"v1beta1": "v1", "v1beta2": "v1alpha1"}, "v1alpha1"),
        ({"v1beta2": "v1alpha9_v1beta1_v1alpha10"}, "v1beta1"),
        ({"v1beta2": "v1beta2_v1beta10"}, "v1beta10"),
    ],
)
def test_which_version_follows_the_newest_contract(labels: dict[str, str], version: str) -> None:
    named = {f"cluster.x-k8s.io/{contract}": value for contract, value in labels.items()}
    assert contract_version(Served("g", "K", "ks", (), "v1", labels=named)) == version
    assert contract_version(None) == ""
