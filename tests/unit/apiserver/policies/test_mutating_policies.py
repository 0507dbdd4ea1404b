"""MutatingAdmissionPolicy: configurations that are merged, JSON patches, and what cannot be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from capstan.api.errors import ApiError
from tests.unit.apiserver.policies.conftest import CONFIGMAPS, Body, Place

At = Callable[[Body], None]


def apply(text: str) -> dict[str, Any]:
    return {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": text}}


def patch(text: str) -> dict[str, Any]:
    return {"patchType": "JSONPatch", "jsonPatch": {"expression": text}}


def test_a_configuration_is_merged(at: At) -> None:
    async def body(place: Place) -> None:
        text = (
            "Object{metadata: Object.metadata{labels: {'team': variables.team}}, spec: Object.spec{replicas: 3, "
            "template: Object.spec.template{spec: Object.spec.template.spec{containers: "
            "[Object.spec.template.spec.containers{name: 'side', image: 'registry.example/side:1'}]}}}}"
        )
        spec = {
            "variables": [{"name": "team", "expression": "'t-' + object.metadata.name"}],
            "mutations": [apply(text)],
        }
        await place.policy("side", {**spec, "reinvocationPolicy": "Never"}, kind="mutating")
        made = (await place.deploy("web", 1)).object
        assert made["metadata"]["labels"] == {"team": "t-web"}
        assert made["spec"]["replicas"] == 3
        assert sorted(c["name"] for c in made["spec"]["template"]["spec"]["containers"]) == ["c", "side"]

    at(body)


def test_a_json_patch_is_applied_in_order(at: At) -> None:
    async def body(place: Place) -> None:
        mutations = [
            patch("[JSONPatch{op: 'add', path: '/metadata/annotations/' + jsonpatch.escapeKey('a/b'), value: 'x'}]"),
            patch(
                "object.metadata.annotations['a/b'] == 'x' "
                "? [JSONPatch{op: 'add', path: '/data/seen', value: 'yes'}] : []"
            ),
            patch("[JSONPatch{op: 'add', path: '/metadata/labels', value: {'k': object.data.seen}}]"),
        ]
        spec = {"mutations": mutations, "reinvocationPolicy": "IfNeeded"}
        await place.policy("patch", spec, kind="mutating", rules=CONFIGMAPS)
        made = (await place.configure("c", {"own": "1"}, annotations={"own": "2"})).object
        assert made["metadata"]["annotations"] == {"own": "2", "a/b": "x"}
        assert made["data"] == {"own": "1", "seen": "yes"}
        assert made["metadata"]["labels"] == {"k": "yes"}

    at(body)


def test_validating_policies_see_what_mutating_ones_have_made(at: At) -> None:
    async def body(place: Place) -> None:
        spec = {"mutations": [apply("Object{data: {'added': 'yes'}}")], "reinvocationPolicy": "Never"}
        await place.policy("add", spec, kind="mutating", rules=CONFIGMAPS)
        await place.policy(
            "need",
            {"validations": [{"expression": "object.data.added == 'yes'"}]},
            rules=[{**CONFIGMAPS[0], "operations": ["CREATE"]}],
        )
        assert (await place.configure("c", {})).object["data"] == {"added": "yes"}

    at(body)


def test_a_condition_and_an_equal_result_change_nothing(at: At) -> None:
    async def body(place: Place) -> None:
        spec = {
            "matchConditions": [{"name": "once", "expression": "!has(object.metadata.labels)"}],
            "mutations": [apply("Object{metadata: Object.metadata{labels: {'k': 'v'}}}")],
            "reinvocationPolicy": "IfNeeded",
        }
        await place.policy("label", spec, kind="mutating", rules=CONFIGMAPS)
        assert (await place.configure("c", {}, labels={"own": "1"})).object["metadata"]["labels"] == {"own": "1"}
        assert (await place.configure("d", {})).object["metadata"]["labels"] == {"k": "v"}

    at(body)


@pytest.mark.parametrize(
    ("mutation", "why"),
    [
        (patch("[JSONPatch{op: 'remove', path: '/data/none'}]"), "JSON Patch: "),
        (patch("[JSONPatch{op: 'add', path: '/data/x', value: object.none}]"), "no such key: none"),
        (apply("Object{kind: 'Secret'}"), "not of the same gvk"),
    ],
)
def test_what_cannot_be_done_is_refused_or_ignored(at: At, mutation: dict[str, Any], why: str) -> None:
    async def body(place: Place) -> None:
        spec = {"mutations": [mutation], "reinvocationPolicy": "Never"}
        await place.policy("bad", dict(spec), kind="mutating", rules=CONFIGMAPS)
        with pytest.raises(ApiError) as refused:
            await place.configure("c", {"a": "b"})
        assert refused.value.code == 422
        assert "policy 'bad' with binding 'bad' denied request: " in refused.value.message
        assert why in refused.value.message
        await place.patch(
            "admissionregistration.k8s.io", "mutatingadmissionpolicies", "bad", {"spec": {"failurePolicy": "Ignore"}}
        )
        await place.settle()
        assert (await place.configure("c", {"a": "b"})).object["data"] == {"a": "b"}

    at(body)


def test_names_and_uids_stay_what_they_are(at: At) -> None:
    async def body(place: Place) -> None:
        text = "[JSONPatch{op: 'replace', path: '/metadata/name', value: 'other'}]"
        await place.policy(
            "rename", {"mutations": [patch(text)], "reinvocationPolicy": "Never"}, kind="mutating", rules=CONFIGMAPS
        )
        assert (await place.configure("c", {})).object["metadata"]["name"] == "c"

    at(body)


def test_a_mutation_that_does_not_compile_is_refused(at: At) -> None:
    async def body(place: Place) -> None:
        for mutation, field in ((apply("Objekt{}"), "applyConfiguration"), (patch("'text'"), "jsonPatch")):
            with pytest.raises(ApiError) as refused:
                await place.policy("bad", {"mutations": [mutation], "reinvocationPolicy": "Never"}, kind="mutating")
            assert [cause.field for cause in refused.value.causes] == [f"spec.mutations[0].{field}.expression"]

    at(body)
