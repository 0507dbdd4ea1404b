"""No way of writing goes around admission: every path against every sort of rule."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from capstan.api.errors import ApiError
from capstan.api.objects import Obj, Resource
from capstan.api.verbs import DeleteOptions, ListOptions, WriteOptions
from tests.unit.apiserver.policies.conftest import ADMIN
from tests.unit.apiserver.webhooks.gate import Gate, denied, run

GROUP = "example.com"


def _schema() -> Obj:
    anything: Obj = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {"openAPIV3Schema": {"type": "object", "properties": {"spec": anything, "status": anything}}}


def _definition() -> Obj:
    scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    version = {"served": True, "schema": _schema(), "subresources": {"status": {}, "scale": scale}}
    versions = [{"name": "v1", "storage": True, **version}, {"name": "v2", "storage": False, **version}]
    names = {"plural": "things", "kind": "Thing", "singular": "thing", "listKind": "ThingList"}
    spec = {"group": GROUP, "scope": "Namespaced", "names": names, "versions": versions}
    return {"metadata": {"name": f"things.{GROUP}"}, "spec": spec}


def _thing(version: str, **metadata: Any) -> Obj:
    return {"apiVersion": f"{GROUP}/{version}", "kind": "Thing", "metadata": metadata, "spec": {"replicas": 2}}


def _at(version: str) -> Resource:
    return Resource(GROUP, version, "things", "Thing", True)


Path = Callable[[Gate, str], Awaitable[Any]]


async def _post(gate: Gate, version: str) -> Any:
    verbs = gate.server.verbs(ADMIN)
    return await verbs.create(_at(version), "default", _thing(version, name="new"), WriteOptions())


async def _generated(gate: Gate, version: str) -> Any:
    verbs = gate.server.verbs(ADMIN)
    return await verbs.create(_at(version), "default", _thing(version, generateName="new-"), WriteOptions())


async def _dry_run(gate: Gate, version: str) -> Any:
    verbs = gate.server.verbs(ADMIN)
    return await verbs.create(_at(version), "default", _thing(version, name="new"), WriteOptions(dry_run=True))


async def _apply_create(gate: Gate, version: str) -> Any:
    options = WriteOptions(field_manager="ann")
    verbs = gate.server.verbs(ADMIN)
    return await verbs.patch(_at(version), "default", "new", "apply", _thing(version, name="new"), options)


async def _put(gate: Gate, version: str) -> Any:
    verbs = gate.server.verbs(ADMIN)
    present = await verbs.get(_at(version), "default", "old")
    return await verbs.update(_at(version), "default", "old", {**present, "spec": {"replicas": 3}}, WriteOptions())


def _patched(patch_type: Any, patch: Any, subresource: str = "", **options: Any) -> Path:
    async def path(gate: Gate, version: str) -> Any:
        body = patch(version) if callable(patch) else patch
        verbs = gate.server.verbs(ADMIN)
        return await verbs.patch(_at(version), "default", "old", patch_type, body, WriteOptions(**options), subresource)

    return path


def _applied(version: str) -> Obj:
    return {**_thing(version, name="old"), "spec": {"more": "x"}}


async def _delete(gate: Gate, version: str) -> Any:
    return await gate.server.verbs(ADMIN).delete(_at(version), "default", "old", DeleteOptions())


async def _dry_delete(gate: Gate, version: str) -> Any:
    return await gate.server.verbs(ADMIN).delete(_at(version), "default", "old", DeleteOptions(dry_run=True))


async def _delete_all(gate: Gate, version: str) -> Any:
    verbs = gate.server.verbs(ADMIN)
    return await verbs.delete_collection(_at(version), "default", ListOptions(), DeleteOptions())


async def _commit(gate: Gate, version: str) -> Any:
    verbs = gate.server.verbs(ADMIN)
    patch = {"spec": {"replicas": 4}}
    return await verbs.commit(_at(version), "default", "old", patch, {"status": {"replicas": 1}}, WriteOptions())


_REPLICAS = {"spec": {"replicas": 3}}
_OPERATION = [{"op": "replace", "path": "/spec/replicas", "value": 3}]
_STATUS = {"status": {"replicas": 3}}

#: name -> the path, its operation and its subresource.
PATHS: dict[str, tuple[Path, str, str]] = {
    "POST": (_post, "CREATE", ""),
    "generateName": (_generated, "CREATE", ""),
    "dry run": (_dry_run, "CREATE", ""),
    "apply of what is missing": (_apply_create, "CREATE", ""),
    "PUT": (_put, "UPDATE", ""),
    "JSON patch": (_patched("json", _OPERATION), "UPDATE", ""),
    "merge patch": (_patched("merge", _REPLICAS), "UPDATE", ""),
    "apply": (_patched("apply", _applied, field_manager="ann"), "UPDATE", ""),
    "dry run of a patch": (_patched("merge", _REPLICAS, dry_run=True), "UPDATE", ""),
    "labels only": (_patched("merge", {"metadata": {"labels": {"a": "b"}}}), "UPDATE", ""),
    "status": (_patched("merge", _STATUS, "status"), "UPDATE", "status"),
    "scale": (_patched("merge", _REPLICAS, "scale"), "UPDATE", "scale"),
    "commit": (_commit, "UPDATE", ""),
    "commit of a status": (_commit, "UPDATE", "status"),
    "DELETE": (_delete, "DELETE", ""),
    "DELETE dry run": (_dry_delete, "DELETE", ""),
    "deletecollection": (_delete_all, "DELETE", ""),
}


def _rules(operation: str, subresource: str) -> list[Obj]:
    resource = f"things/{subresource}" if subresource else "things"
    return [{"apiGroups": [GROUP], "apiVersions": ["v1"], "operations": [operation], "resources": [resource]}]


async def _policy(gate: Gate, rules: list[Obj], kind: str) -> None:
    if kind == "validating":
        await gate.policy("p", {"validations": [{"expression": "false", "message": "never"}]}, rules=rules)
        return
    expression = {"expression": "[JSONPatch{op: 'test', path: '/nothing', value: 1}]"}
    mutation = {"patchType": "JSONPatch", "jsonPatch": expression}
    await gate.policy("p", {"mutations": [mutation], "reinvocationPolicy": "Never"}, rules=rules, kind="mutating")


async def _webhook(gate: Gate, rules: list[Obj], kind: str) -> None:
    gate.decide = lambda _: denied("never")
    await gate.configure_hooks(kind, gate.webhook(rules=rules))


GUARDS = ("webhook-validating", "webhook-mutating", "policy-validating", "policy-mutating")


def _table() -> Iterator[Any]:
    """All combinations; those in the other version, but for one, only in long runs. A mutating policy is not asked
    about deletes: there is nothing to change."""
    for way, (_, operation, _) in PATHS.items():
        for guard in GUARDS:
            if guard == "policy-mutating" and operation == "DELETE":
                continue
            yield pytest.param(way, guard, "v1", id=f"{way}-{guard}-v1")
            marks = () if guard == "webhook-validating" else pytest.mark.full
            yield pytest.param(way, guard, "v2", id=f"{way}-{guard}-v2", marks=marks)


@pytest.mark.parametrize(("way", "guard", "version"), list(_table()))
def test_no_path_goes_around(way: str, guard: str, version: str) -> None:
    """The rules name v1; a request in v2 is the same kind, converted."""
    path, operation, subresource = PATHS[way]

    async def body(gate: Gate) -> None:
        await gate.create("apiextensions.k8s.io", "customresourcedefinitions", _definition())
        await gate.settle()
        verbs = gate.server.verbs(ADMIN)
        await verbs.create(_at("v1"), "default", _thing("v1", name="old"), WriteOptions())
        sort, kind = guard.split("-")
        before = await _everything(gate)
        make = _webhook if sort == "webhook" else _policy
        await make(gate, _rules(operation, subresource), kind)
        with pytest.raises(ApiError) as refused:
            await path(gate, version)
        assert ("never" if guard != "policy-mutating" else "there is no 'nothing'") in refused.value.message
        assert await _everything(gate) == before
        if sort == "webhook":
            assert {request["resource"]["version"] for request in gate.asked} == {"v1"}
            assert {request["requestResource"]["version"] for request in gate.asked} == {version}

    run(body)


async def _everything(gate: Gate) -> list[Obj]:
    return (await gate.server.verbs(ADMIN).list(_at("v1"), "default", ListOptions())).items


@pytest.mark.parametrize("subresource", ["status", "scale", ""])
def test_a_rule_for_one_path_is_not_asked_about_the_others(subresource: str) -> None:
    async def body(gate: Gate) -> None:
        await gate.create("apiextensions.k8s.io", "customresourcedefinitions", _definition())
        await gate.settle()
        verbs = gate.server.verbs(ADMIN)
        await verbs.create(_at("v1"), "default", _thing("v1", name="old"), WriteOptions())
        await _webhook(gate, _rules("UPDATE", subresource), "validating")
        for other in {"status", "scale", ""} - {subresource}:
            await _patched("merge", _STATUS if other == "status" else _REPLICAS, other)(gate, "v1")
        assert gate.asked == []

    run(body)
