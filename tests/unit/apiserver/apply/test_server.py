"""Ownership on every write of a server, and server-side apply as clients see it."""

from __future__ import annotations

from typing import Any

from capstan.api.verbs import WriteOptions
from tests.unit.apiserver.apply.maps import Maps, owners
from tests.unit.apiserver.test_verbs import CLUSTER, refused


def test_an_apply_makes_what_is_missing_and_owns_what_it_says(run: Any) -> None:
    async def body(world: Any) -> None:
        maps = Maps(world)
        answer = await maps.apply({"metadata": {"labels": {"l": "1"}}, "data": {"x": "1"}})
        assert answer.created
        fields = {"f:data": {"f:x": {}}, "f:metadata": {"f:labels": {"f:l": {}}}}
        assert answer.object["metadata"]["managedFields"] == [
            {
                "manager": "me",
                "operation": "Apply",
                "apiVersion": "v1",
                "time": "2026-01-01T00:00:00Z",
                "fieldsType": "FieldsV1",
                "fieldsV1": fields,
            }
        ]
        revision = world.store.revision
        world.later(60)
        again = await maps.apply({"metadata": {"labels": {"l": "1"}}, "data": {"x": "1"}})
        assert not again.created
        assert again.object == answer.object
        assert world.store.revision == revision

    run(body)


def test_what_is_made_by_an_apply_must_not_be_bound_to_an_identity(run: Any) -> None:
    async def body(world: Any) -> None:
        maps = Maps(world)
        error = await refused(maps.apply({"metadata": {"uid": "some"}}))
        assert (error.code, error.reason) == (409, "Conflict")
        assert "UID in precondition: some" in str(error)
        assert (await refused(maps.apply({"metadata": {"resourceVersion": "7"}}))).code == 409
        made = (await maps.apply({"data": {"x": "1"}})).object
        stale = {"metadata": {"resourceVersion": "1"}, "data": {"x": "2"}}
        assert (await refused(maps.apply(stale))).code == 409
        fresh = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "data": {"x": "2"}}
        assert (await maps.apply(fresh)).object["data"] == {"x": "2"}

    run(body)


def test_a_conflict_names_who_and_what_and_force_takes_it(run: Any) -> None:
    async def body(world: Any) -> None:
        maps = Maps(world)
        await maps.apply({"data": {"x": "1", "y": "1"}}, by="first")
        await maps.patch({"data": {"y": "2"}}, by="kubectl-edit")
        error = await refused(maps.apply({"data": {"x": "2"}}, by="second"))
        assert str(error) == 'Apply failed with 1 conflict: conflict with "first": .data.x'
        assert (error.code, error.reason) == (409, "Conflict")
        assert error.status()["details"]["causes"] == [
            {"reason": "FieldManagerConflict", "message": 'conflict with "first"', "field": ".data.x"}
        ]
        error = await refused(maps.apply({"data": {"x": "2", "y": "3"}}, by="second"))
        assert str(error) == (
            'Apply failed with 2 conflicts: conflicts with "first":\n- .data.x\n'
            'conflicts with "kubectl-edit" using v1:\n- .data.y'
        )
        taken = (await maps.apply({"data": {"x": "2"}}, by="second", force=True)).object
        assert owners(taken) == {
            "second/Apply": {"f:data": {"f:x": {}}},
            "kubectl-edit/Update": {"f:data": {"f:y": {}}},
        }

    run(body)


def test_equal_values_are_shared_and_go_with_their_last_owner(run: Any) -> None:
    async def body(world: Any) -> None:
        maps = Maps(world)
        await maps.apply({"data": {"x": "1", "mine": "1"}}, by="first")
        await maps.apply({"data": {"x": "1"}}, by="second")
        left = (await maps.apply({}, by="first")).object
        assert left["data"] == {"x": "1"}
        assert owners(left) == {"second/Apply": {"f:data": {"f:x": {}}}}
        assert "data" not in (await maps.apply({}, by="second")).object

    run(body)


def test_the_same_name_is_another_manager_when_it_updates(run: Any) -> None:
    async def body(world: Any) -> None:
        maps = Maps(world)
        await maps.apply({"data": {"x": "1"}})
        await maps.patch({"data": {"x": "2"}})
        error = await refused(maps.apply({"data": {"x": "1"}}))
        assert str(error) == 'Apply failed with 1 conflict: conflict with "me" using v1: .data.x'

    run(body)


def test_plain_writes_record_what_they_change(run: Any) -> None:
    async def body(world: Any) -> None:
        maps = Maps(world)
        made = await world.create("ConfigMap", "a", {"data": {"x": "1"}}, labels={"l": "1"})
        assert owners(made) == {
            "capstan/Update": {
                "f:data": {".": {}, "f:x": {}},
                "f:metadata": {"f:labels": {".": {}, "f:l": {}}},
            }
        }
        world.later(5)
        changed = await maps.put({"metadata": {"name": "a"}, "data": {"x": "2", "y": "1"}}, by="other")
        assert owners(changed) == {
            "capstan/Update": {"f:data": {}},
            "other/Update": {"f:data": {"f:x": {}, "f:y": {}}},
        }
        times = {e["manager"]: e["time"] for e in changed["metadata"]["managedFields"]}
        assert times == {"capstan": "2026-01-01T00:00:00Z", "other": "2026-01-01T00:00:05Z"}
        world.later(5)
        revision = world.store.revision
        assert await maps.put({"metadata": {"name": "a"}, "data": {"x": "2", "y": "1"}}, by="third") == changed
        assert world.store.revision == revision

    run(body)


def test_the_manager_is_named_by_the_user_agent_if_nothing_else_does(run: Any) -> None:
    async def body(world: Any) -> None:
        maps = Maps(world)
        for agent, wanted in (
            ("kubectl/v1.37.0 (linux)", "kubectl"),
            ("a\x00b/1", "ab"),
            ("\u00e9" * 100, "\u00e9" * 64),
        ):
            options = WriteOptions(user_agent=agent)
            made = await world.verbs.create(maps.resource, "default", {"metadata": {"generateName": "m-"}}, options)
            patch = {"data": {"x": "1"}}
            name = made.object["metadata"]["name"]
            changed = await world.verbs.patch(maps.resource, "default", name, "merge", patch, options)
            assert [e["manager"] for e in changed.object["metadata"]["managedFields"]] == [wanted]

    run(body)


def test_the_eleventh_updater_makes_ancient_changes_of_the_oldest(run: Any) -> None:
    async def body(world: Any) -> None:
        maps = Maps(world)
        await maps.apply({"data": {"applied": "1"}})
        for number in range(12):
            world.later(1)
            last = await maps.patch({"data": {f"x{number:02}": "1"}}, by=f"writer-{number:02}")
        found = owners(last)
        assert found["ancient-changes/Update"] == {"f:data": {"f:x00": {}, "f:x01": {}, "f:x02": {}}}
        assert sum(name.endswith("/Update") for name in found) == 10
        assert "me/Apply" in found and "writer-11/Update" in found and "writer-02/Update" not in found

    run(body)


def test_what_was_there_before_ownership_belongs_to_before_first_apply(run: Any) -> None:
    async def body(world: Any) -> None:
        maps = Maps(world)
        await world.create("ConfigMap", "a", {"data": {"x": "1"}})
        await maps.patch({"metadata": {"managedFields": [{}]}})
        plain = await maps.patch({"data": {"y": "1"}})
        assert "managedFields" not in plain["metadata"]
        error = await refused(maps.apply({"data": {"x": "2"}}))
        assert 'conflict with "before-first-apply" using v1: .data.x' in str(error)
        merged = (await maps.apply({"data": {"x": "1"}})).object
        assert owners(merged) == {
            "me/Apply": {"f:data": {"f:x": {}}},
            "before-first-apply/Update": {"f:data": {".": {}, "f:x": {}, "f:y": {}}},
        }

    run(body)


def test_managed_fields_can_be_edited(run: Any) -> None:
    async def body(world: Any) -> None:
        maps = Maps(world)
        made = (await maps.apply({"data": {"x": "1"}}, by="kubectl")).object
        saved = made["metadata"]["managedFields"]
        # As Flux does: take entries out, if nothing has changed since.
        version = made["metadata"]["resourceVersion"]
        renamed = [{**saved[0], "manager": "flux"}]
        replaced = await maps.patch(
            [
                {"op": "test", "path": "/metadata/resourceVersion", "value": version},
                {"op": "replace", "path": "/metadata/managedFields", "value": renamed},
            ],
            "json",
        )
        assert replaced["metadata"]["managedFields"] == renamed
        # As clusterctl does after a move: write back what it saved.
        assert (await maps.patch({"metadata": {"managedFields": saved}}))["metadata"]["managedFields"] == saved
        # What cannot be read, and what says nothing, changes nothing.
        for bad in ([{**saved[0], "operation": "Steal"}], [{**saved[0], "fieldsV1": {"x:y": {}}}], None):
            kept = await maps.patch({"metadata": {"managedFields": bad}})
            assert kept["metadata"]["managedFields"] == saved
        resets: tuple[Any, ...] = ([], [{}])
        for reset in resets:
            assert "managedFields" not in (await maps.patch({"metadata": {"managedFields": reset}}))["metadata"]
            await maps.apply({"data": {"x": "1"}}, by="kubectl")

    run(body)


def test_status_is_owned_by_itself(run: Any) -> None:
    async def body(world: Any) -> None:
        clusters = Maps(world, "Cluster")
        await clusters.apply({**CLUSTER, "status": {"phase": "Mine"}}, by="user")
        seen = await clusters.patch({"status": {"phase": "Provisioning"}}, by="robot", sub="status")
        assert owners(seen)["robot/Update/status"] == {"f:status": {".": {}, "f:phase": {}}}
        assert "f:status" not in owners(seen)["user/Apply"]
        applied = await clusters.apply(
            {"metadata": {"labels": {"ignored": "1"}}, "spec": {"paused": True}, "status": {"phase": "Failed"}},
            by="reporter",
            sub="status",
            force=True,
        )
        assert owners(applied.object)["reporter/Apply/status"] == {"f:status": {"f:phase": {}}}
        assert applied.object["status"]["phase"] == "Failed"
        assert "labels" not in applied.object["metadata"] and "paused" not in applied.object["spec"]
        assert applied.object["metadata"]["generation"] == 1
        error = await refused(clusters.apply({"status": {"phase": "Deleting"}}, by="robot", sub="status"))
        assert 'conflict with "reporter" with subresource "status": .status.phase' in str(error)

    run(body)


def test_one_write_in_the_process_is_recorded_for_object_and_status(run: Any) -> None:
    async def body(world: Any) -> None:
        clusters = Maps(world, "Cluster")
        await clusters.apply(CLUSTER, by="user")
        options = WriteOptions(field_manager="controller")
        patch, status = {"metadata": {"finalizers": ["example.com/x"]}}, {"status": {"phase": "Pending"}}
        answer = await world.verbs.commit(clusters.resource, "default", "a", patch, status, options)
        found = owners(answer.object)
        assert found["controller/Update"] == {"f:metadata": {"f:finalizers": {".": {}, 'v:"example.com/x"': {}}}}
        assert "f:phase" in found["controller/Update/status"]["f:status"]

    run(body)


def test_scale_is_owned_where_the_replicas_are(run: Any) -> None:
    async def body(world: Any) -> None:
        deployments = Maps(world, "MachineDeployment")
        template = {"metadata": {"labels": {"a": "b"}}, "spec": {**MACHINE, "clusterName": "web"}}
        selector = {"matchLabels": {"a": "b"}}
        spec = {"clusterName": "web", "replicas": 1, "selector": selector, "template": template}
        await deployments.apply({"spec": spec}, by="user")
        await deployments.patch({"spec": {"replicas": 3}}, by="kubectl-scale", sub="scale")
        found = owners(await world.get("MachineDeployment", "a"))
        assert found["kubectl-scale/Update/scale"] == {"f:spec": {"f:replicas": {}}}
        assert "f:replicas" not in found["user/Apply"]["f:spec"]
        scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 5}}
        error = await refused(deployments.apply(scale, by="hpa", sub="scale"))
        assert 'conflict with "kubectl-scale" with subresource "scale" using' in str(error)
        assert str(error).endswith(": .spec.replicas")
        answer = await deployments.apply(scale, by="hpa", sub="scale", force=True)
        assert answer.object["kind"] == "Scale" and answer.object["spec"]["replicas"] == 5
        found = owners(await world.get("MachineDeployment", "a"))
        assert found["hpa/Apply/scale"] == {"f:spec": {"f:replicas": {}}}
        assert "kubectl-scale/Update/scale" not in found

    run(body)


MACHINE = {
    "bootstrap": {"dataSecretName": "x"},
    "infrastructureRef": {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "ProxmoxMachineTemplate", "name": "t"},
}


def test_items_of_lists_are_owned_by_their_keys(run: Any) -> None:
    async def body(world: Any) -> None:
        clusters = Maps(world, "Cluster")
        gates = [{"conditionType": "A"}]
        await clusters.apply({"spec": {**CLUSTER["spec"], "availabilityGates": gates}}, by="user")
        joined = await clusters.apply({"spec": {"availabilityGates": [{"conditionType": "B"}]}}, by="addon")
        assert [g["conditionType"] for g in joined.object["spec"]["availabilityGates"]] == ["A", "B"]
        assert owners(joined.object)["addon/Apply"] == {
            "f:spec": {"f:availabilityGates": {'k:{"conditionType":"B"}': {".": {}, "f:conditionType": {}}}}
        }
        twice = {"spec": {"availabilityGates": [{"conditionType": "B"}, {"conditionType": "B"}]}}
        error = await refused(clusters.apply(twice, by="addon"))
        assert error.code == 400
        assert 'duplicate entries for key [conditionType="B"]' in str(error)

    run(body)
