"""Roles that are made of others, and those that are always there."""

from __future__ import annotations

from typing import Any

from capstan.api.verbs import User
from capstan.apiserver.server import ApiServer
from tests.unit.apiserver.rbac.rights import PODS, RBAC, Run, bind, may, role, rule


def test_roles_made_of_others_follow_them(run: Run) -> None:
    async def body(world: Any) -> None:
        rule_of = {"clusterRoleSelectors": [{"matchExpressions": [{"key": "part", "operator": "In", "values": ["a"]}]}]}
        await world.create("ClusterRole", "whole", {"aggregationRule": rule_of})
        await role(world, "b", rule("get", "core", "nodes"), kind="ClusterRole", labels={"part": "a"})
        await role(world, "a", PODS, kind="ClusterRole", labels={"part": "a"})
        await role(world, "c", rule("get", "core", "secrets"), kind="ClusterRole", labels={"part": "c"})
        await world.settle()
        assert (await world.get("ClusterRole", "whole"))["rules"] == [PODS, rule("get", "core", "nodes")]
        await world.patch("ClusterRole", "a", {"metadata": {"labels": {"part": "x"}}})
        await world.delete("ClusterRole", "b")
        await world.settle()
        assert (await world.get("ClusterRole", "whole"))["rules"] == []
        await world.patch("ClusterRole", "whole", {"rules": [rule("*", "*", "*")]})
        await world.settle()
        assert (await world.get("ClusterRole", "whole"))["rules"] == []

    run(body)


def test_default_roles_for_capstans_own_kinds(run: Run) -> None:
    async def body(world: Any) -> None:
        await role(world, "x", rule("get", "core", "pods"), kind="ClusterRole")
        for name in ("view", "edit", "admin"):
            await bind(world, name, "ClusterRole", subject={"kind": "User", "name": name})
        clusters = ("cluster.x-k8s.io", "clusters", "default", "c")
        assert may(world, User("view"), "get", *clusters) and not may(world, User("view"), "delete", *clusters)
        assert may(world, User("edit"), "delete", *clusters) and may(world, User("edit"), "get", *clusters)
        secret = ("", "secrets", "default", "c-kubeconfig")
        assert not may(world, User("view"), "get", *secret) and may(world, User("edit"), "get", *secret)
        roles = ("create", RBAC, "roles", "default")
        assert may(world, User("admin"), *roles) and not may(world, User("edit"), *roles)
        assert may(world, User("edit"), "create", "", "serviceaccounts", "default", "x", "token")
        nobody = User("nobody", ("system:authenticated",))
        assert may(world, nobody, "get", path="/apis/apps/v1") and not may(world, nobody, "get", path="/metrics")
        assert may(world, User("anyone", ("system:unauthenticated",)), "get", path="/version")

    run(body)


def test_default_roles_are_given_back_what_was_taken_and_left_alone_where_that_is_said(run: Run) -> None:
    async def body(world: Any) -> None:
        discovery = (await world.get("ClusterRole", "system:discovery"))["rules"]
        await world.patch("ClusterRole", "system:discovery", {"rules": [PODS]})
        await world.patch("ClusterRoleBinding", "system:discovery", {"subjects": None})
        await world.delete("ClusterRole", "view")
        off = {"annotations": {"rbac.authorization.kubernetes.io/autoupdate": "false"}}
        await world.patch("ClusterRole", "system:basic-user", {"rules": [], "metadata": off})
        await world.server.stop()
        world.server = ApiServer(world.store, scheme=world.scheme, clock=lambda: world.now, token=world._token)
        await world.server.start()
        await world.settle()
        restored = (await world.get("ClusterRole", "system:discovery"))["rules"]
        urls = {url for one in restored for url in one.get("nonResourceURLs", ())}
        assert PODS in restored and urls == set(discovery[0]["nonResourceURLs"])
        assert (await world.get("ClusterRoleBinding", "system:discovery"))["subjects"][0][
            "name"
        ] == "system:authenticated"
        assert (await world.get("ClusterRole", "view"))["rules"]
        assert not (await world.get("ClusterRole", "system:basic-user")).get("rules")

    run(body)
