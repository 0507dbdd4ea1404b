"""Nobody gives rights that they do not have, by a role or by a binding."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.api.objects import Obj
from capstan.api.verbs import WriteOptions
from tests.unit.apiserver.rbac.rights import JANE, PODS, RBAC, Run, bind, refused, role, rule

WRITE_ROLES = rule("create update patch", RBAC, "roles rolebindings clusterroles clusterrolebindings")


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
