"""Who has which rules: roles and bindings by their subjects, kept current change by change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from capstan.api.objects import Obj
from capstan.api.verbs import User
from capstan.apiserver.authorization import Attributes
from capstan.apiserver.rbac.rules import ALL, Rule, rules_of
from capstan.store.entry import Entry

GROUP = "rbac.authorization.k8s.io"
ROLES = f"{GROUP}/roles"
CLUSTER_ROLES = f"{GROUP}/clusterroles"
ROLE_BINDINGS = f"{GROUP}/rolebindings"
CLUSTER_ROLE_BINDINGS = f"{GROUP}/clusterrolebindings"
PREFIXES = (CLUSTER_ROLES, ROLES, CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS)

_MAX_KEPT = 4096

#: A kind of subject and its name; ServiceAccounts are users by their full name.
Subject = tuple[str, str]
#: A namespace (empty for ClusterRoles) and a name.
RoleKey = tuple[str, str]


@dataclass(slots=True)
class Held:
    """The rules of one user in one namespace, arranged by what they name; `roles` are those that they come from,
    `missing` the ones among these that do not exist."""

    rules: tuple[Rule, ...]
    missing: tuple[RoleKey, ...]
    roles: frozenset[RoleKey] = frozenset()
    _by_resource: dict[str, list[Rule]] = field(default_factory=dict)
    _paths: list[Rule] = field(default_factory=list)

    def __post_init__(self) -> None:
        for rule in self.rules:
            for resource in rule.resources:
                self._by_resource.setdefault(resource, []).append(rule)
            if rule.paths:
                self._paths.append(rule)

    def allows(self, attributes: Attributes) -> bool:
        return any(rule.allows(attributes) for rule in self._concerned(attributes))

    def _concerned(self, attributes: Attributes) -> Iterator[Rule]:
        if attributes.path:
            yield from self._paths
            return
        yield from self._by_resource.get(ALL, ())
        yield from self._by_resource.get(attributes.plural, ())
        if attributes.subresource:
            yield from self._by_resource.get(f"*/{attributes.subresource}", ())


class RbacIndex:
    """All roles and bindings, the objects of PREFIXES; implements `Keeper`. `held` is the answer to most questions and
    is kept until something changes that it rests on: to collect the rules of a group with many bindings takes long."""

    def __init__(self) -> None:
        self._roles: dict[RoleKey, tuple[Rule, ...]] = {}
        self._bindings: dict[tuple[str, str], tuple[tuple[Subject, ...], RoleKey]] = {}
        # Subject -> namespace of the binding (empty: everywhere) -> names of its bindings there.
        self._of_subject: dict[Subject, dict[str, dict[str, None]]] = {}
        self._kept: dict[tuple[str, tuple[str, ...], str], Held] = {}
        #: Whose bindings, and which roles, have changed since `arrange`.
        self._touched_subjects: set[Subject] = set()
        self._touched_roles: set[RoleKey] = set()

    def put(self, entry: Entry) -> None:
        if entry.prefix in (ROLES, CLUSTER_ROLES):
            self._roles[entry.key] = rules_of(entry.object)
            self._touched_roles.add(entry.key)
        else:
            self._unbind(entry.key)
            self._bind(entry.key, entry.object)

    def remove(self, entry: Entry) -> None:
        if entry.prefix in (ROLES, CLUSTER_ROLES):
            self._roles.pop(entry.key, None)
            self._touched_roles.add(entry.key)
        else:
            self._unbind(entry.key)

    def arrange(self, _: str) -> None:
        subjects, roles = self._touched_subjects, self._touched_roles
        if not (subjects or roles):
            return
        for key, held in tuple(self._kept.items()):
            user, groups = key[:2]
            concerned = not subjects.isdisjoint((("User", user), *(("Group", group) for group in groups)))
            if concerned or not roles.isdisjoint(held.roles):
                del self._kept[key]
        self._touched_subjects, self._touched_roles = set(), set()

    def held(self, user: User, namespace: str) -> Held:
        """What a user may do in a namespace (the empty one: everywhere), by all bindings of it and its groups."""
        key = (user.name, user.groups, namespace)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _MAX_KEPT:
                self._kept.clear()
            found = self._kept[key] = self._collect(user, namespace)
        return found

    def _collect(self, user: User, namespace: str) -> Held:
        rules: dict[Rule, None] = {}
        missing = []
        roles = dict.fromkeys(self._role_keys(user, namespace))
        for key in roles:
            role = self._roles.get(key)
            if role is None:
                missing.append(key)
            else:
                rules.update(dict.fromkeys(role))
        return Held(tuple(rules), tuple(missing), frozenset(roles))

    def _role_keys(self, user: User, namespace: str) -> Iterator[RoleKey]:
        places = ("", namespace) if namespace else ("",)
        for subject in (("User", user.name), *(("Group", group) for group in user.groups)):
            bound = self._of_subject.get(subject)
            for place in places if bound else ():
                assert bound is not None
                for name in bound.get(place, ()):
                    yield self._bindings[(place, name)][1]

    def _bind(self, key: tuple[str, str], binding: Obj) -> None:
        namespace = key[0]
        ref: Mapping[str, Any] = binding.get("roleRef") or {}
        role = (namespace if ref.get("kind") == "Role" else "", str(ref.get("name", "")))
        subjects = tuple(_subjects(binding.get("subjects") or (), namespace))
        self._bindings[key] = (subjects, role)
        self._touched_subjects.update(subjects)
        for subject in subjects:
            self._of_subject.setdefault(subject, {}).setdefault(namespace, {})[key[1]] = None

    def _unbind(self, key: tuple[str, str]) -> None:
        bound = self._bindings.pop(key, None)
        self._touched_subjects.update(bound[0] if bound else ())
        for subject in dict.fromkeys(bound[0]) if bound else ():
            places = self._of_subject[subject]
            places[key[0]].pop(key[1], None)
            if not places[key[0]]:
                del places[key[0]]
            if not places:
                del self._of_subject[subject]


def _subjects(subjects: Iterable[Any], namespace: str) -> Iterator[Subject]:
    for subject in subjects:
        kind, name = subject.get("kind"), str(subject.get("name", ""))
        if kind == "ServiceAccount":
            place = subject.get("namespace") or namespace
            if place:
                yield ("User", f"system:serviceaccount:{place}:{name}")
        elif kind in ("User", "Group"):
            yield (kind, name)


def missing_text(missing: Sequence[RoleKey]) -> str:
    """What a refusal adds when bindings name roles that do not exist."""
    if not missing:
        return ""
    names = [
        f'role.{GROUP} "{name}" not found' if place else f'clusterrole.{GROUP} "{name}" not found'
        for place, name in missing
    ]
    return "RBAC: " + (names[0] if len(names) == 1 else "[" + ", ".join(names) + "]")
