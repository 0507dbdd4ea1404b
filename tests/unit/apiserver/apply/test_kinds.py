"""Applies to built-in kinds and to those of users: the keys of lists, and defaults."""

from __future__ import annotations

from typing import Any

from capstan.api.objects import Obj, Resource
from capstan.api.verbs import User, WriteOptions
from capstan.apiserver.server import ApiServer
from tests.unit.apiserver.apply.maps import owners


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
