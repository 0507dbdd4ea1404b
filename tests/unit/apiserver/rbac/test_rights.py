"""Rights as the server grants and refuses them: bindings, escalation, binding, owners, reviews, default roles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from capstan.api.errors import ApiError
from capstan.api.objects import Obj, Resource
from capstan.api.verbs import DeleteOptions, ListOptions, User, WriteOptions
from capstan.apiserver.authorization import Attributes, Impersonated, selected_name
from capstan.apiserver.server import ApiServer

Run = Callable[[Callable[[Any], Awaitable[None]]], None]
RBAC = "rbac.authorization.k8s.io"
JANE = User("jane", ("devs", "system:authenticated"))


def rule(verbs: str, groups: str, resources: str, **more: Any) -> Obj:
    named = ["" if group == "core" else group for group in groups.split()]
    return {"verbs": verbs.split(), "apiGroups": named, "resources": resources.split(), **more}


async def role(world: Any, name: str, *rules: Obj, kind: str = "Role", **metadata: Any) -> None:
    await world.create(kind, name, {"rules": list(rules)}, **metadata)


async def bind(world: Any, name: str, role_kind: str = "Role", kind: str = "RoleBinding", subject: Any = None) -> None:
    body = {
        "roleRef": {"apiGroup": RBAC, "kind": role_kind, "name": name},
        "subjects": [subject or {"kind": "User", "apiGroup": RBAC, "name": "jane"}],
    }
    await world.create(kind, name, body)
    await world.settle()


def may(world: Any, user: User, *asked: Any, **more: Any) -> bool:
    return bool(world.server.authorizer.decide(user, Attributes(*asked, **more)).allowed)


async def refused(call: Awaitable[Any]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await call
    return caught.value


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


WRITE_ROLES = rule("create update patch", RBAC, "roles rolebindings clusterroles clusterrolebindings")
PODS = rule("get", "core", "pods")


async def writer_of_roles(world: Any, *more: Obj) -> Any:
    """Jane may write roles and bindings everywhere, and has what is given."""
    await role(world, "w", WRITE_ROLES, *more, kind="ClusterRole")
    await bind(world, "w", "ClusterRole", "ClusterRoleBinding")
    return world.server.verbs(JANE)


def made(name: str, *rules: Obj, **more: Any) -> Obj:
    return {"metadata": {"name": name}, "rules": list(rules), **more}


@pytest.mark.parametrize("kind", ["Role", "ClusterRole"])
def test_nobody_makes_a_role_with_more_than_they_have(run: Run, kind: str) -> None:
    async def body(world: Any) -> None:
        verbs, resource = await writer_of_roles(world, PODS), world.resource(kind)
        place = "default" if kind == "Role" else ""
        error = await refused(
            verbs.create(resource, place, made("x", rule("get delete", "core", "pods secrets")), WriteOptions())
        )
        assert (error.code, error.details["name"]) == (403, "x")
        assert error.message == (
            f'{kind.lower()}s.{RBAC} "x" is forbidden: user "jane" (groups=["devs" "system:authenticated"]) is '
            "attempting to grant RBAC permissions not currently held:\n"
            '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}\n'
            '{APIGroups:[""], Resources:["secrets"], Verbs:["delete" "get"]}'
        )
        await verbs.create(resource, place, made("x", PODS), WriteOptions())
        wider = {"rules": [rule("*", "core", "pods")]}
        for patch_type, patch in (
            ("merge", wider),
            ("strategic", wider),
            ("json", [{"op": "add", "path": "/rules/0/verbs/-", "value": "delete"}]),
        ):
            error = await refused(verbs.patch(resource, place, "x", patch_type, patch, WriteOptions()))
            assert "not currently held" in error.message, patch_type
        body = made("x", rule("get", "core", "secrets"))
        assert "not currently held" in (await refused(verbs.update(resource, place, "x", body, WriteOptions()))).message
        body = {**body, "apiVersion": f"{RBAC}/v1", "kind": kind}
        options = WriteOptions(field_manager="jane", force=True)
        assert (
            "not currently held" in (await refused(verbs.patch(resource, place, "x", "apply", body, options))).message
        )
        body["metadata"] = {"name": "applied"}
        assert (
            "not currently held"
            in (await refused(verbs.patch(resource, place, "applied", "apply", body, options))).message
        )
        await verbs.patch(resource, place, "x", "merge", {"metadata": {"labels": {"a": "b"}}}, WriteOptions())
        assert (await world.get(kind, "x"))["rules"] == [PODS]

    run(body)


def test_dry_runs_and_generated_names_are_checked_too(run: Run) -> None:
    async def body(world: Any) -> None:
        verbs = await writer_of_roles(world)
        dry = verbs.create(world.resource("Role"), "default", made("x", PODS), WriteOptions(dry_run=True))
        assert (await refused(dry)).code == 403
        generated = {"metadata": {"generateName": "x-"}, "rules": [PODS]}
        assert (await refused(verbs.create(world.resource("Role"), "default", generated, WriteOptions()))).code == 403

    run(body)


def test_escalate_allows_it(run: Run) -> None:
    async def body(world: Any) -> None:
        verbs = await writer_of_roles(world, rule("escalate", RBAC, "roles"))
        await verbs.create(world.resource("Role"), "default", made("x", PODS), WriteOptions())
        assert (
            await refused(verbs.create(world.resource("ClusterRole"), "", made("x", PODS), WriteOptions()))
        ).code == 403

    run(body)


def test_rights_in_one_namespace_are_not_given_in_another(run: Run) -> None:
    async def body(world: Any) -> None:
        verbs = await writer_of_roles(world)
        await role(world, "pods", PODS)
        await bind(world, "pods")
        await verbs.create(world.resource("Role"), "default", made("x", PODS), WriteOptions())
        assert (
            await refused(verbs.create(world.resource("Role"), "kube-system", made("x", PODS), WriteOptions()))
        ).code == 403
        assert (
            await refused(verbs.create(world.resource("ClusterRole"), "", made("x", PODS), WriteOptions()))
        ).code == 403

    run(body)


def test_aggregation_is_for_those_who_have_everything(run: Run) -> None:
    async def body(world: Any) -> None:
        verbs = await writer_of_roles(world, PODS)
        selector = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}
        error = await refused(
            verbs.create(world.resource("ClusterRole"), "", made("x", aggregationRule=selector), WriteOptions())
        )
        assert error.message.endswith("must have cluster-admin privileges to use the aggregationRule")

    run(body)


def binding(name: str, role_name: str, kind: str = "Role") -> Obj:
    return {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": role_name},
        "subjects": [{"kind": "User", "apiGroup": RBAC, "name": "eve"}],
    }


def test_nobody_binds_a_role_that_gives_more_than_they_have(run: Run) -> None:
    async def body(world: Any) -> None:
        verbs = await writer_of_roles(world, PODS)
        await role(world, "secrets", rule("get", "core", "secrets"))
        await role(world, "pods", PODS)
        resource = world.resource("RoleBinding")
        error = await refused(verbs.create(resource, "default", binding("x", "secrets"), WriteOptions()))
        assert f'rolebindings.{RBAC} "x" is forbidden: user "jane"' in error.message
        assert '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}' in error.message
        admin = binding("x", "cluster-admin", "ClusterRole")
        assert (await refused(verbs.create(resource, "default", admin, WriteOptions()))).code == 403
        everywhere = world.resource("ClusterRoleBinding")
        assert (await refused(verbs.create(everywhere, "", admin, WriteOptions()))).code == 403
        missing = await refused(verbs.create(resource, "default", binding("x", "none"), WriteOptions()))
        assert (missing.code, missing.message) == (404, f'roles.{RBAC} "none" not found')
        await verbs.create(resource, "default", binding("x", "pods"), WriteOptions())

    run(body)


def test_bind_allows_it(run: Run) -> None:
    async def body(world: Any) -> None:
        verbs = await writer_of_roles(world, rule("bind", RBAC, "roles", resourceNames=["secrets"]))
        await role(world, "secrets", rule("get", "core", "secrets"))
        await role(world, "others", rule("get", "core", "secrets"))
        resource = world.resource("RoleBinding")
        await verbs.create(resource, "default", binding("x", "secrets"), WriteOptions())
        assert (await refused(verbs.create(resource, "default", binding("y", "others"), WriteOptions()))).code == 403

    run(body)


def test_more_subjects_for_a_role_that_one_does_not_have(run: Run) -> None:
    async def body(world: Any) -> None:
        verbs = await writer_of_roles(world)
        await role(world, "secrets", rule("get", "core", "secrets"))
        await bind(world, "secrets", subject={"kind": "User", "name": "root"})
        more = {"subjects": [{"kind": "User", "apiGroup": RBAC, "name": "jane"}]}
        error = await refused(
            verbs.patch(world.resource("RoleBinding"), "default", "secrets", "merge", more, WriteOptions())
        )
        assert "not currently held" in error.message

    run(body)


@pytest.mark.parametrize(
    ("kind", "body", "field", "message"),
    [
        ("Role", {"rules": [{"verbs": [], "apiGroups": [""], "resources": ["pods"]}]}, "rules[0].verbs",
         "Required value: verbs must contain at least one value"),
        ("Role", {"rules": [{"verbs": ["get"], "resources": ["pods"]}]}, "rules[0].apiGroups",
         "Required value: resource rules must supply at least one api group"),
        ("Role", {"rules": [{"verbs": ["get"], "apiGroups": [""]}]}, "rules[0].resources",
         "Required value: resource rules must supply at least one resource"),
        ("Role", {"rules": [{"verbs": ["get"], "nonResourceURLs": ["/x"]}]}, "rules[0].nonResourceURLs",
         'Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs'),
        ("ClusterRole", {"rules": [{"verbs": ["get"], "nonResourceURLs": ["/x"], "resources": ["a"]}]},
         "rules[0].nonResourceURLs",
         'Invalid value: ["/x"]: rules cannot apply to both regular resources and non-resource URLs'),
        ("ClusterRole", {"aggregationRule": {"clusterRoleSelectors": []}}, "aggregationRule.clusterRoleSelectors",
         "Required value: at least one clusterRoleSelector required if aggregationRule is non-nil"),
        ("RoleBinding", {"roleRef": {"apiGroup": "x", "kind": "Role", "name": "a"}}, "roleRef.apiGroup",
         f'Unsupported value: "x": supported values: "{RBAC}"'),
        ("RoleBinding", {"roleRef": {"kind": "Pod", "name": "a"}}, "roleRef.kind",
         'Unsupported value: "Pod": supported values: "ClusterRole", "Role"'),
        ("ClusterRoleBinding", {"roleRef": {"kind": "Role", "name": "a"}}, "roleRef.kind",
         'Unsupported value: "Role": supported values: "ClusterRole"'),
        ("RoleBinding", {"roleRef": {"kind": "Role", "name": "a/b"}}, "roleRef.name",
         "Invalid value: \"a/b\": may not contain '/'"),
        ("RoleBinding", {"roleRef": {"kind": "Role", "name": "a"}, "subjects": [{"kind": "Robot", "name": "r"}]},
         "subjects[0].kind", 'Unsupported value: "Robot": supported values: "Group", "ServiceAccount", "User"'),
        ("ClusterRoleBinding",
         {"roleRef": {"kind": "ClusterRole", "name": "a"}, "subjects": [{"kind": "ServiceAccount", "name": "r"}]},
         "subjects[0].namespace", "Required value"),
        ("RoleBinding",
         {"roleRef": {"kind": "Role", "name": "a"}, "subjects": [{"kind": "ServiceAccount", "name": "R"}]},
         "subjects[0].name", 'Invalid value: "R": a lowercase RFC 1123 subdomain is expected'),
        ("RoleBinding",
         {"roleRef": {"kind": "Role", "name": "a"}, "subjects": [{"kind": "User", "apiGroup": "x", "name": "r"}]},
         "subjects[0].apiGroup", f'Unsupported value: "x": supported values: "{RBAC}"'),
    ],
)  # fmt: skip
def test_what_roles_and_bindings_must_say(run: Run, kind: str, body: Obj, field: str, message: str) -> None:
    async def test(world: Any) -> None:
        error = await refused(world.create(kind, "x", body))
        assert (error.code, error.reason) == (422, "Invalid")
        assert (field, message) in [(cause.field, cause.message) for cause in error.causes]

    run(test)


def test_the_role_of_a_binding_cannot_be_changed(run: Run) -> None:
    async def body(world: Any) -> None:
        await bind(world, "one")
        error = await refused(world.patch("RoleBinding", "one", {"roleRef": {"name": "two"}}))
        assert error.code == 422 and "cannot change roleRef" in error.message

    run(body)


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


ACCESS = "authorization.k8s.io"


def review(kind: str, *, namespaced: bool = False) -> Resource:
    group = "authentication.k8s.io" if kind in ("TokenReview", "SelfSubjectReview") else ACCESS
    return Resource(group, "v1", f"{kind.lower()}s", kind, namespaced)


def test_reviews_of_rights(run: Run) -> None:
    async def body(world: Any) -> None:
        await role(world, "pods", PODS)
        await bind(world, "pods")
        attributes = {"verb": "get", "resource": "pods", "namespace": "default"}

        async def ask(user: User, kind: str, spec: Obj, namespace: str = "") -> Any:
            verbs = world.server.verbs(user)
            resource = review(kind, namespaced=bool(namespace))
            return (await verbs.create(resource, namespace, {"spec": spec}, WriteOptions())).object["status"]

        admin = User("admin", ("system:masters",))
        assert (await ask(JANE, "SelfSubjectAccessReview", {"resourceAttributes": attributes}))["allowed"] is True
        other = {"resourceAttributes": {**attributes, "verb": "list"}}
        assert (await ask(JANE, "SelfSubjectAccessReview", other))["allowed"] is False
        path = {"nonResourceAttributes": {"path": "/apis", "verb": "get"}}
        assert (await ask(JANE, "SelfSubjectAccessReview", path))["allowed"] is True
        about = {"user": "jane", "resourceAttributes": attributes}
        assert (await ask(admin, "SubjectAccessReview", about))["allowed"] is True
        assert (await ask(admin, "SubjectAccessReview", {**about, "user": "joe"}))["allowed"] is False
        assert (await ask(admin, "LocalSubjectAccessReview", about, "default"))["allowed"] is True
        rules = await ask(JANE, "SelfSubjectRulesReview", {"namespace": "default"})
        assert PODS in rules["resourceRules"] and rules["incomplete"] is False
        assert any("/api/*" in one["nonResourceURLs"] for one in rules["nonResourceRules"])
        all_rules = await ask(admin, "SelfSubjectRulesReview", {"namespace": "default"})
        assert all_rules["resourceRules"] == [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
        who = (await ask(JANE, "SelfSubjectReview", {}))["userInfo"]
        assert who == {"username": "jane", "groups": ["devs", "system:authenticated"]}
        assert world.store.revision == (await world.store.list("")).revision

    run(body)


@pytest.mark.parametrize(
    ("kind", "spec", "field"),
    [
        ("SelfSubjectAccessReview", {}, "spec.resourceAttributes"),
        ("SelfSubjectAccessReview", {"resourceAttributes": {}, "nonResourceAttributes": {}},
         "spec.nonResourceAttributes"),
        ("SubjectAccessReview", {"resourceAttributes": {"verb": "get"}}, "spec.user"),
        ("LocalSubjectAccessReview", {"user": "u", "resourceAttributes": {"namespace": "other"}},
         "spec.resourceAttributes.namespace"),
        ("LocalSubjectAccessReview", {"user": "u", "nonResourceAttributes": {"path": "/", "verb": "get"}},
         "spec.nonResourceAttributes"),
        ("SelfSubjectRulesReview", {}, "spec.namespace"),
        ("TokenReview", {}, "spec.token"),
    ],
)  # fmt: skip
def test_reviews_that_ask_nothing(run: Run, kind: str, spec: Obj, field: str) -> None:
    async def body(world: Any) -> None:
        local = kind.startswith("Local")
        made = world.verbs.create(
            review(kind, namespaced=local), "default" if local else "", {"spec": spec}, WriteOptions()
        )
        error = await refused(made)
        assert error.code == 422 and field in [cause.field for cause in error.causes]

    run(body)


def test_reviews_are_only_created(run: Run) -> None:
    async def body(world: Any) -> None:
        resource = review("SelfSubjectAccessReview")
        for call in (
            world.verbs.get(resource, "", "x"),
            world.verbs.list(resource, "", ListOptions()),
            world.verbs.delete(resource, "", "x", DeleteOptions()),
            world.verbs.update(resource, "", "x", {}, WriteOptions()),
        ):
            assert (await refused(call)).code == 405

    run(body)
