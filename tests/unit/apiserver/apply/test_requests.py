"""What an apply may ask for: dry runs, unknown fields, refusals, rights, and what kubectl did before."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.api.errors import ApiError
from capstan.api.verbs import User, WriteOptions
from tests.unit.apiserver.apply.maps import LAST_APPLIED, Maps, owners
from tests.unit.apiserver.test_verbs import CLUSTER, refused


def test_a_dry_run_shows_everything_and_writes_nothing(run: Any) -> None:
    async def body(world: Any) -> None:
        maps = Maps(world)
        revision = world.store.revision
        shown = await maps.apply({"data": {"x": "1"}}, dry_run=True)
        assert shown.created and owners(shown.object) == {"me/Apply": {"f:data": {"f:x": {}}}}
        assert world.store.revision == revision
        await maps.apply({"data": {"x": "1"}})
        revision = world.store.revision
        shown = await maps.apply({"data": {"x": "2"}}, dry_run=True)
        assert shown.object["data"] == {"x": "2"}
        error = await refused(maps.apply({"data": {"x": "2"}}, by="other", dry_run=True))
        assert error.reason == "Conflict"
        assert world.store.revision == revision

    run(body)


def test_unknown_fields_are_refused_or_warned_of(run: Any) -> None:
    async def body(world: Any) -> None:
        clusters = Maps(world, "Cluster")
        config = {"spec": {**CLUSTER["spec"], "wheels": 4}}
        error = await refused(clusters.apply(config, field_validation="Strict"))
        assert error.code == 400 and 'unknown field "spec.wheels"' in str(error)
        answer = await clusters.apply(config, field_validation="Warn")
        assert any("spec.wheels" in warning for warning in answer.warnings)
        assert "f:wheels" not in owners(answer.object)["me/Apply"]["f:spec"]

    run(body)


BAD: tuple[tuple[Any, str], ...] = (
    ({"kind": ""}, "Object 'Kind' is missing"),
    ({"apiVersion": "v2"}, "Incorrect version specified in apply patch. Specified patch version: v2, expected: v1"),
    ({"kind": "Secret"}, "invalid object type: v1, Kind=Secret"),
    ({"metadata": {"managedFields": []}}, "metadata.managedFields must be nil"),
    ({"metadata": {"name": "other"}}, "does not match the name on the URL"),
    ({"metadata": {"namespace": "other"}}, "does not match the namespace"),
    ({"metadata": "x"}, "metadata must be an object"),
)


@pytest.mark.parametrize(("config", "message"), BAD)
def test_what_cannot_be_applied_is_refused(run: Any, config: Any, message: str) -> None:
    async def body(world: Any) -> None:
        for _ in range(2):
            error = await refused(Maps(world).apply(config))
            assert error.code == 400 and message in str(error)
            if "a" not in await world.names("ConfigMap"):
                await world.create("ConfigMap", "a")

    run(body)


def test_an_apply_names_its_manager_and_nothing_else_is_forced(run: Any) -> None:
    async def body(world: Any) -> None:
        maps = Maps(world)
        error = await refused(maps.apply({}, by=""))
        assert (error.code, error.reason) == (422, "Invalid")
        assert "fieldManager: Required value: is required for apply patch" in str(error)
        forced = world.verbs.patch(maps.resource, "default", "a", "merge", {}, WriteOptions(force=True))
        assert "force: Forbidden: may not be specified for non-apply patch" in str(await refused(forced))

    run(body)


def test_an_apply_that_creates_needs_the_right_to(run: Any) -> None:
    async def body(world: Any) -> None:
        nobody = world.server.verbs(User("eve", ("system:authenticated",)))
        config = {"apiVersion": "v1", "kind": "ConfigMap"}
        resource = world.resource("ConfigMap")
        options = WriteOptions(field_manager="eve")
        error = await refused(nobody.patch(resource, "default", "a", "apply", config, options))
        assert isinstance(error, ApiError) and error.code == 403

    run(body)


def test_kubectl_takes_over_what_its_annotation_says(run: Any) -> None:
    async def body(world: Any) -> None:
        maps = Maps(world)
        said = '{"apiVersion":"v1","data":{"x":"1","y":"1"},"kind":"ConfigMap","metadata":{"name":"a"}}\n'
        data = {"metadata": {"name": "a", "annotations": {LAST_APPLIED: said}}, "data": {"x": "1", "y": "1"}}
        options = WriteOptions(field_manager="kubectl-client-side-apply")
        await world.verbs.create(maps.resource, "default", data, options)
        await maps.patch({"data": {"y": "edited"}}, by="kubectl-edit")
        error = await refused(maps.apply({"data": {"x": "2", "y": "2"}}, by="kubectl"))
        assert str(error) == 'Apply failed with 1 conflict: conflict with "kubectl-edit" using v1: .data.y'
        assert (await refused(maps.apply({"data": {"x": "2"}}, by="someone"))).code == 409
        taken = (await maps.apply({"data": {"x": "2"}}, by="kubectl")).object
        assert taken["data"] == {"x": "2", "y": "edited"}
        now = taken["metadata"]["annotations"][LAST_APPLIED]
        assert '"x":"2"' in now and '"y"' not in now

    run(body)
