"""Ownership on every write of a server, and server-side apply as clients see it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from capstan.api.errors import ApiError
from capstan.api.objects import Obj, Resource
from capstan.api.verbs import User, WriteOptions
from capstan.apiserver.apply.ownership import Ownership, Write
from capstan.apiserver.resources import Served, ServedVersion, Target
from capstan.apiserver.server import ApiServer
from tests.unit.apiserver.test_verbs import CLUSTER, refused

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class Maps:
    """Short ways to write ConfigMaps, and other kinds."""

    def __init__(self, world: Any, kind: str = "ConfigMap", version: str = "") -> None:
        self.world = world
        self.resource = world.resource(kind, version)

    async def apply(self, data: Any, by: str = "me", name: str = "a", sub: str = "", **options: Any) -> Any:
        body = {"apiVersion": self.resource.api_version, "kind": self.resource.kind, **data}
        chosen = WriteOptions(field_manager=by, **options)
        return await self.world.verbs.patch(self.resource, "default", name, "apply", body, chosen, sub)

    async def put(self, obj: Obj, by: str = "me", **options: Any) -> Obj:
        chosen = WriteOptions(field_manager=by, **options)
        answer = await self.world.verbs.update(self.resource, "default", obj["metadata"]["name"], obj, chosen)
        written: Obj = answer.object
        return written

    async def patch(self, patch: Any, how: str = "merge", by: str = "me", name: str = "a", sub: str = "") -> Obj:
        chosen = WriteOptions(field_manager=by)
        answer = await self.world.verbs.patch(self.resource, "default", name, how, patch, chosen, sub)
        written: Obj = answer.object
        return written


def owners(obj: Obj) -> dict[str, Any]:
    """Sets by manager, operation and subresource."""
    found = {}
    for entry in obj["metadata"].get("managedFields", []):
        parts = [entry["manager"], entry["operation"], entry.get("subresource", "")]
        found["/".join(part for part in parts if part)] = entry["fieldsV1"]
    return found


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


def test_ownership_is_followed_through_versions(run: Any) -> None:
    async def body(world: Any) -> None:
        old, new = Maps(world, "Cluster", "v1beta1"), Maps(world, "Cluster", "v1beta2")
        await new.apply({"spec": {**CLUSTER["spec"], "paused": True}}, by="user")
        api_version = "infrastructure.cluster.x-k8s.io/v1beta1"
        other = {"apiVersion": api_version, "kind": "ProxmoxCluster", "name": "other"}
        error = await refused(old.apply({"spec": {"infrastructureRef": other}}, by="robot"))
        assert 'conflict with "user": .spec.infrastructureRef.name' in str(error)
        taken = await old.apply({"spec": {"paused": False}}, by="robot", force=True)
        versions = {e["manager"]: e["apiVersion"].rpartition("/")[2] for e in taken.object["metadata"]["managedFields"]}
        assert versions == {"robot": "v1beta1", "user": "v1beta2"}
        assert "f:paused" not in owners(taken.object)["user/Apply"]["f:spec"]

    run(body)


def test_an_entry_of_a_version_that_is_gone_is_dropped(run: Any) -> None:
    async def body(world: Any) -> None:
        clusters = Maps(world, "Cluster")
        made = (await clusters.apply(CLUSTER, by="user")).object
        group = clusters.resource.group
        gone = {**made["metadata"]["managedFields"][0], "manager": "old", "apiVersion": f"{group}/v1alpha3"}
        both = [*made["metadata"]["managedFields"], gone]
        await clusters.patch({"metadata": {"managedFields": both}}, by="editor")
        changed = (await clusters.apply({**CLUSTER, "metadata": {"labels": {"a": "1"}}}, by="user")).object
        assert set(owners(changed)) == {"user/Apply"}

    run(body)


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


def built_in(kind: str) -> Resource:
    groups = {"Deployment": "apps/v1/deployments", "Service": "/v1/services", "Wig": "example.com/v1/wigs"}
    group, version, plural = groups[kind].split("/")
    return Resource(group, version, plural, kind)


async def applied(verbs: Any, kind: str, config: Any, by: str) -> Obj:
    resource = built_in(kind)
    body = {"apiVersion": resource.api_version, "kind": kind, **config}
    answer = await verbs.patch(resource, "default", "a", "apply", body, WriteOptions(field_manager=by))
    made: Obj = answer.object
    return made


def containers(*found: Any, **more: Any) -> Obj:
    return {"spec": {"template": {"spec": {"containers": list(found), **more}}}}


def test_built_in_kinds_merge_by_the_keys_of_their_lists(run: Any) -> None:
    async def body(world: Any) -> None:
        # The same state as a server shows it that keeps all of Kubernetes' own kinds.
        server = ApiServer(
            world.store, scheme=world.scheme, clock=lambda: world.now, token=lambda size: b"1" * size, stored_kinds=True
        )
        verbs = server.verbs(User("admin", ("system:masters",)))
        web = containers({"name": "web", "image": "web:1", "ports": [{"containerPort": 80}]})
        labels = {"app": "web"}
        web["spec"]["selector"] = {"matchLabels": labels}
        web["spec"]["template"]["metadata"] = {"labels": labels}
        made = await applied(verbs, "Deployment", web, "me")
        pods = owners(made)["me/Apply"]["f:spec"]["f:template"]["f:spec"]
        port = 'k:{"containerPort":80,"protocol":"TCP"}'
        assert pods["f:containers"]['k:{"name":"web"}']["f:ports"] == {port: {".": {}, "f:containerPort": {}}}
        assert made["spec"]["template"]["spec"]["restartPolicy"] == "Always" and "f:restartPolicy" not in pods
        assert owners(made)["me/Apply"]["f:spec"]["f:selector"] == {}
        env = [{"name": "LEVEL", "value": "1"}]
        extended = await applied(
            verbs, "Deployment", containers({"name": "web", "env": env}, {"name": "log", "image": "l"}), "mesh"
        )
        shown = extended["spec"]["template"]["spec"]["containers"]
        assert [(c["name"], c["image"]) for c in shown] == [("web", "web:1"), ("log", "l")]
        assert shown[0]["env"] == env and len(shown[0]["ports"]) == 1
        again = await applied(verbs, "Deployment", web, "me")
        assert again["metadata"]["resourceVersion"] == extended["metadata"]["resourceVersion"]
        ports = [{"name": "tcp", "port": 53}, {"name": "udp", "port": 53, "protocol": "UDP"}]
        service = await applied(verbs, "Service", {"spec": {"ports": ports}}, "me")
        assert len(service["spec"]["ports"]) == 2
        assert set(owners(service)["me/Apply"]["f:spec"]["f:ports"]) == {
            'k:{"port":53,"protocol":"TCP"}',
            'k:{"port":53,"protocol":"UDP"}',
        }

    run(body)


WIGS: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "wigs.example.com"},
    "spec": {
        "group": "example.com",
        "names": {"plural": "wigs", "kind": "Wig"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "size": {"type": "integer", "default": 3},
                                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                                    "pins": {
                                        "type": "array",
                                        "x-kubernetes-list-type": "map",
                                        "x-kubernetes-list-map-keys": ["name", "side"],
                                        "items": {
                                            "type": "object",
                                            "required": ["name"],
                                            "properties": {
                                                "name": {"type": "string"},
                                                "side": {"type": "string", "default": "left"},
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    }
                },
            }
        ],
    },
}


def test_defaults_of_a_users_kind_are_nobodys(run: Any) -> None:
    async def body(world: Any) -> None:
        definitions = world.resource("CustomResourceDefinition")
        await world.verbs.create(definitions, "", WIGS, WriteOptions())
        await world.settle()
        wig = {"spec": {"pins": [{"name": "a"}], "free": {"x": {"y": [1]}}}}
        made = await applied(world.verbs, "Wig", wig, "me")
        assert made["spec"]["size"] == 3 and made["spec"]["pins"] == [{"name": "a", "side": "left"}]
        assert owners(made) == {
            "me/Apply": {
                "f:spec": {
                    "f:free": {"f:x": {".": {}, "f:y": {}}},
                    "f:pins": {'k:{"name":"a","side":"left"}': {".": {}, "f:name": {}}},
                }
            }
        }
        assert await applied(world.verbs, "Wig", wig, "me") == made
        both = await applied(
            world.verbs, "Wig", {"spec": {"size": 3, "pins": [{"name": "a", "side": "left"}]}}, "other"
        )
        assert both["spec"] == made["spec"]
        assert "f:size" in owners(both)["other/Apply"]["f:spec"]

    run(body)


class Webhook:
    """Converts by renaming one field, as a webhook outside of the process would."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def convert(self, objects: Sequence[Obj], api_version: str) -> list[Obj]:
        self.asked.append(api_version)
        names = ("size", "length") if api_version.endswith("v2") else ("length", "size")
        found = []
        for obj in objects:
            spec = {names[1] if name == names[0] else name: value for name, value in obj.get("spec", {}).items()}
            found.append({**obj, "apiVersion": api_version, "spec": spec})
        return found


def test_ownership_is_followed_through_a_webhook() -> None:
    async def main() -> None:
        webhook = Webhook()
        integers = {"size": {"type": "integer"}, "length": {"type": "integer"}}
        schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": integers}}}
        versions = tuple(ServedVersion(name, lambda: schema, lambda: None) for name in ("v1", "v2"))
        served = Served("example.com", "Wig", "wigs", versions, "v1", custom=True, converter=webhook)
        ownership = Ownership(lambda: "2026-01-01T00:00:00Z")
        targets = {version.name: Target(served, version, "default") for version in versions}
        config = {"apiVersion": "example.com/v1", "kind": "Wig", "metadata": {"name": "a"}, "spec": {"size": 1}}
        mine = Write(targets["v1"], WriteOptions(field_manager="me"), "")
        first = await ownership.applied(mine, None, config)
        entries = ownership.settled(first, None, changed=True)
        live = {**first.object, "metadata": {"name": "a", "managedFields": entries}}
        seen = (await webhook.convert([live], "example.com/v2"))[0]
        webhook.asked.clear()
        longer = {**config, "apiVersion": "example.com/v2", "spec": {"length": 2}}
        theirs = Write(targets["v2"], WriteOptions(field_manager="them"), "")
        error = await refused(ownership.applied(theirs, seen, longer))
        assert str(error) == 'Apply failed with 1 conflict: conflict with "me": .spec.size'
        assert webhook.asked == ["example.com/v1", "example.com/v1"]
        forced = Write(targets["v2"], WriteOptions(field_manager="them", force=True), "")
        taken = await ownership.applied(forced, seen, longer)
        assert taken.object["spec"] == {"length": 2}
        assert {m.manager for m in taken.managers.values()} == {"them"}

    asyncio.run(main())


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
