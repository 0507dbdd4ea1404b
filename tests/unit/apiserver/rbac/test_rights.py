"""Rights as the server grants and refuses them: bindings, names, owners, impersonation."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.api.objects import Obj
from capstan.api.verbs import DeleteOptions, ListOptions, User, WriteOptions
from capstan.apiserver.authorization import Impersonated, selected_name
from tests.unit.apiserver.rbac.rights import JANE, RBAC, Run, bind, may, refused, role, rule


def test_a_binding_gives_a_role_in_its_namespace_and_its_end_takes_it_back(run: Run) -> None:
    async def body(world: Any) -> None:
        await world.create("Namespace", "other")
        await role(world, "reader", rule("get list", "core", "pods"))
        asked = ("list", "", "pods", "default")
        assert not may(world, JANE, *asked)
        await bind(world, "reader")
        assert may(world, JANE, *asked)
        assert not may(world, JANE, "list", "", "pods", "other") and not may(world, JANE, "list", "", "pods")
        assert not may(world, User("joe", ("devs",)), *asked)
        await world.patch("Role", "reader", {"rules": [rule("get", "core", "pods")]})
        await world.settle()
        assert not may(world, JANE, *asked) and may(world, JANE, "get", "", "pods", "default", "x")
        await world.delete("RoleBinding", "reader")
        await world.settle()
        assert not may(world, JANE, "get", "", "pods", "default", "x")

    run(body)


def test_who_is_taken_out_of_a_binding_has_its_rights_no_more(run: Run) -> None:
    async def body(world: Any) -> None:
        await role(world, "reader", rule("get", "core", "pods"))
        await bind(world, "reader")
        joe = User("joe", ())
        await world.patch("RoleBinding", "reader", {"subjects": [{"kind": "User", "name": "joe"}]})
        await world.settle()
        asked = ("get", "", "pods", "default", "x")
        assert may(world, joe, *asked) and not may(world, JANE, *asked)
        await world.patch("RoleBinding", "reader", {"subjects": None})
        await world.settle()
        assert not may(world, joe, *asked)

    run(body)


@pytest.mark.parametrize(
    ("subject", "user"),
    [
        ({"kind": "Group", "apiGroup": RBAC, "name": "devs"}, JANE),
        ({"kind": "User", "name": "jane"}, JANE),
        ({"kind": "ServiceAccount", "name": "bot"}, User("system:serviceaccount:default:bot")),
        ({"kind": "ServiceAccount", "name": "bot", "namespace": "o"}, User("system:serviceaccount:o:bot")),
    ],
)
def test_every_kind_of_subject(run: Run, subject: Obj, user: User) -> None:
    async def body(world: Any) -> None:
        await role(world, "reader", rule("get", "core", "pods"))
        await bind(world, "reader", subject=subject)
        assert may(world, user, "get", "", "pods", "default", "x")
        assert not may(world, User("someone", ("else",)), "get", "", "pods", "default", "x")

    run(body)


def test_a_cluster_role_in_a_namespace_and_everywhere(run: Run) -> None:
    async def body(world: Any) -> None:
        await role(world, "wide", rule("get", "core", "nodes pods"), kind="ClusterRole")
        await bind(world, "wide", "ClusterRole")
        assert may(world, JANE, "get", "", "pods", "default", "x")
        assert not may(world, JANE, "get", "", "nodes", "", "x")
        await bind(world, "wide", "ClusterRole", "ClusterRoleBinding")
        assert may(world, JANE, "get", "", "nodes", "", "x") and may(world, JANE, "get", "", "pods", "kube-system", "x")

    run(body)


def test_refusals_say_who_what_and_where(run: Run) -> None:
    async def body(world: Any) -> None:
        verbs = world.server.verbs(JANE)
        listing = await refused(verbs.list(world.resource("Secret"), "default", ListOptions()))
        assert (listing.code, listing.reason, listing.details) == (403, "Forbidden", {"kind": "secrets"})
        assert listing.message == (
            'secrets is forbidden: User "jane" cannot list resource "secrets" in API group "" '
            'in the namespace "default"'
        )
        getting = await refused(verbs.get(world.resource("ClusterRole"), "", "admin"))
        assert getting.message == (
            f'clusterroles.{RBAC} "admin" is forbidden: User "jane" cannot get resource "clusterroles" '
            f'in API group "{RBAC}" at the cluster scope'
        )
        status = await refused(
            verbs.patch(world.resource("Cluster"), "default", "c", "merge", {}, WriteOptions(), "status")
        )
        assert 'cannot patch resource "clusters/status"' in status.message
        await bind(world, "nowhere")
        missing = await refused(verbs.list(world.resource("Secret"), "default", ListOptions()))
        assert missing.message.endswith(f'in the namespace "default": RBAC: role.{RBAC} "nowhere" not found')

    run(body)


def test_names_allow_lists_and_watches_of_that_name_only(run: Run) -> None:
    async def body(world: Any) -> None:
        await world.create("ConfigMap", "mine")
        await role(world, "one", rule("*", "core", "configmaps", resourceNames=["mine"]))
        await bind(world, "one")
        verbs, maps = world.server.verbs(JANE), world.resource("ConfigMap")
        found = await verbs.list(maps, "default", ListOptions(field_selector="metadata.name=mine"))
        assert [item["metadata"]["name"] for item in found.items] == ["mine"]
        for selector in ("", "metadata.name=other", "metadata.name!=mine", "metadata.namespace=mine"):
            assert (await refused(verbs.list(maps, "default", ListOptions(field_selector=selector)))).code == 403
        assert (
            await refused(verbs.create(maps, "default", {"metadata": {"name": "mine"}}, WriteOptions()))
        ).code == 403
        assert (await refused(verbs.delete_collection(maps, "default", ListOptions(), DeleteOptions()))).code == 403
        assert (await verbs.delete(maps, "default", "mine", DeleteOptions())).object["status"] == "Success"

    run(body)


@pytest.mark.parametrize(
    ("selector", "name"),
    [
        ("metadata.name=a", "a"),
        ("metadata.name==a", "a"),
        ("spec.x=y, metadata.name=a", "a"),
        ("metadata.name!=a", ""),
        ("metadata.namespace=a", ""),
        ("metadata.name=", ""),
        ("", ""),
    ],
)
def test_the_name_that_a_selector_selects(selector: str, name: str) -> None:
    assert selected_name(selector) == name


def test_a_namespace_is_in_itself(run: Run) -> None:
    async def body(world: Any) -> None:
        await role(world, "own", rule("get", "core", "namespaces"))
        await bind(world, "own")
        verbs, namespaces = world.server.verbs(JANE), world.resource("Namespace")
        assert (await verbs.get(namespaces, "", "default"))["metadata"]["name"] == "default"
        assert 'in the namespace "kube-system"' in (await refused(verbs.get(namespaces, "", "kube-system"))).message

    run(body)


def test_a_put_that_creates_is_a_create(run: Run) -> None:
    async def body(world: Any) -> None:
        leases, lease = world.resource("Lease"), {"metadata": {"name": "l"}, "spec": {}}
        await role(world, "put", rule("update", "coordination.k8s.io", "leases"))
        await bind(world, "put")
        verbs = world.server.verbs(JANE)
        error = await refused(verbs.update(leases, "default", "l", lease, WriteOptions()))
        assert error.code == 403 and "cannot create" in error.message
        await world.patch("Role", "put", {"rules": [rule("update create", "coordination.k8s.io", "leases")]})
        await world.settle()
        assert (await verbs.update(leases, "default", "l", lease, WriteOptions())).created

    run(body)


def test_an_apply_that_creates_is_a_create(run: Run) -> None:
    async def body(world: Any) -> None:
        maps = world.resource("ConfigMap")
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}}
        await role(world, "patch", rule("patch", "core", "configmaps"))
        await bind(world, "patch")
        verbs, options = world.server.verbs(JANE), WriteOptions(field_manager="jane")
        error = await refused(verbs.patch(maps, "default", "m", "apply", config, options))
        assert error.code == 403 and "cannot create" in error.message
        await world.create("ConfigMap", "m")
        await verbs.patch(maps, "default", "m", "apply", config, options)

    run(body)


def owned(name: str, owner: Obj, **ref: Any) -> Obj:
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": owner["metadata"]["uid"], **ref}
    return {"metadata": {"name": name, "ownerReferences": [reference]}}


def test_owners_are_held_back_only_by_those_who_may_put_a_finalizer_on_them(run: Run) -> None:
    async def body(world: Any) -> None:
        owner = await world.create("ConfigMap", "o")
        await role(world, "maps", rule("create patch", "core", "configmaps"))
        await bind(world, "maps")
        verbs, maps = world.server.verbs(JANE), world.resource("ConfigMap")
        blocking = owned("a", owner, blockOwnerDeletion=True)
        error = await refused(verbs.create(maps, "default", blocking, WriteOptions()))
        assert error.code == 403 and "cannot set blockOwnerDeletion" in error.message
        await verbs.create(maps, "default", owned("a", owner), WriteOptions())
        error = await refused(verbs.patch(maps, "default", "a", "merge", blocking, WriteOptions()))
        assert "cannot set an ownerRef on a resource you can't delete" in error.message
        wider = [rule("create patch delete", "core", "configmaps"), rule("update", "core", "configmaps/finalizers")]
        await world.patch("Role", "maps", {"rules": wider})
        await world.settle()
        await verbs.patch(maps, "default", "a", "merge", blocking, WriteOptions())
        unknown = owned("b", owner, blockOwnerDeletion=True, kind="Nothing")
        assert (
            "cannot find RESTMapping" in (await refused(verbs.create(maps, "default", unknown, WriteOptions()))).message
        )

    run(body)


def test_an_impersonated_master_has_what_the_binding_gives_and_no_more(run: Run) -> None:
    async def body(world: Any) -> None:
        real, spoken_for = User("a", ("system:masters",)), Impersonated("a", ("system:masters",), by=JANE)
        assert may(world, real, "get", "", "secrets", "default") and may(
            world, spoken_for, "get", "", "secrets", "default"
        )
        await world.delete("ClusterRoleBinding", "cluster-admin")
        await world.settle()
        assert may(world, real, "get", "", "secrets", "default")
        assert not may(world, spoken_for, "get", "", "secrets", "default")

    run(body)
