"""Reviews: who may do what, and who somebody is."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.api.objects import Obj, Resource
from capstan.api.verbs import DeleteOptions, ListOptions, User, WriteOptions
from tests.unit.apiserver.rbac.rights import JANE, PODS, Run, bind, refused, role

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
