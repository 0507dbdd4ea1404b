"""Roles, bindings and whoever asks, in few words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from capstan.api.errors import ApiError
from capstan.api.objects import Obj
from capstan.api.verbs import User
from capstan.apiserver.authorization import Attributes

Run = Callable[[Callable[[Any], Awaitable[None]]], None]


RBAC = "rbac.authorization.k8s.io"


JANE = User("jane", ("devs", "system:authenticated"))


def rule(verbs: str, groups: str, resources: str, **more: Any) -> Obj:
    named = ["" if group == "core" else group for group in groups.split()]
    return {"verbs": verbs.split(), "apiGroups": named, "resources": resources.split(), **more}


PODS = rule("get", "core", "pods")


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
