"""What nobody may give away who does not have it: checks of writes to roles, bindings and owner references.

A link of the admission chain, asked when the object is complete. The rules are those of kube-apiserver's RBAC
storage and of its admission plugin OwnerReferencesPermissionEnforcement.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from capstan.api.errors import forbidden
from capstan.api.objects import Obj
from capstan.api.verbs import User
from capstan.apiserver.admission import Attributes as Write
from capstan.apiserver.authorization import Attributes, attributes_of, passes_by
from capstan.apiserver.rbac.authorizer import FULL, RbacAuthorizer, forbidden_role
from capstan.apiserver.rbac.index import GROUP
from capstan.apiserver.rbac.rules import not_covered, rules_of
from capstan.apiserver.resources import Registry

_ROLES = ("roles", "clusterroles")
_BINDINGS = ("rolebindings", "clusterrolebindings")
#: What the garbage collector changes of an object's metadata.
_COLLECTED = ("ownerReferences", "finalizers", "managedFields", "resourceVersion")


class Grants:
    """Implements `admission.Chain`; changes nothing."""

    def __init__(self, authorizer: RbacAuthorizer, registry: Registry) -> None:
        self._authorizer = authorizer
        self._registry = registry

    async def mutate(self, attributes: Write) -> tuple[Obj | None, tuple[str, ...]]:
        return attributes.new, ()

    async def validate(self, attributes: Write) -> tuple[str, ...]:
        """Raises ApiError 403."""
        new, served = attributes.new, attributes.target.served
        if new is None or passes_by(attributes.user):
            return ()
        self._check_owners(attributes, new)
        if served.group == GROUP and not _is_only_collected(attributes.old, new):
            if served.plural in _ROLES:
                self._check_role(attributes, new)
            elif served.plural in _BINDINGS:
                await self._check_binding(attributes, new)
        return ()

    def _may(self, user: User, attributes: Attributes) -> bool:
        return self._authorizer.decide(user, attributes).allowed

    def _check_role(self, write: Write, new: Obj) -> None:
        """Nobody makes a role with more than they hold, unless they may `escalate` it."""
        old, resource = write.old, write.target.served.plural
        namespace = write.target.namespace
        if old is not None and _grants(old) == _grants(new):
            return
        about = (resource, new["metadata"]["name"])
        name = "" if old is None else about[1]
        if self._may(write.user, Attributes("escalate", GROUP, resource, namespace, name)):
            return
        self._authorizer.confirm(write.user, namespace, rules_of(new), about)
        if (new.get("aggregationRule") or (old or {}).get("aggregationRule")) and not_covered(
            self._authorizer.held(write.user, "").rules, FULL
        ):
            raise forbidden_role(about, "must have cluster-admin privileges to use the aggregationRule")

    async def _check_binding(self, write: Write, new: Obj) -> None:
        """Nobody gives a role to others that grants more than they hold, unless they may `bind` it."""
        namespace, ref = write.target.namespace, new.get("roleRef") or {}
        resource, name = _ROLES[ref.get("kind") != "Role"], str(ref.get("name", ""))
        if self._may(write.user, Attributes("bind", GROUP, resource, namespace, name)):
            return
        rules = await self._authorizer.role((namespace if resource == "roles" else "", name))
        about = (write.target.served.plural, new["metadata"]["name"])
        self._authorizer.confirm(write.user, namespace, rules, about)

    def _check_owners(self, write: Write, new: Obj) -> None:
        """Whoever lets an object go with another must be able to delete it; whoever makes it hold its owner back
        must be able to do the same to the owner with a finalizer."""
        before, after = _owners(write.old), _owners(new)
        if before == after:
            return
        served, metadata = write.target.served, new["metadata"]
        name = metadata["name"]
        if write.old is not None:
            deletes = attributes_of("delete", served, write.target.namespace, name, write.subresource)
            if not self._may(write.user, deletes):
                raise forbidden(served.group_resource, name, "cannot set an ownerRef on a resource you can't delete")
        for ref in _newly_blocking(before, after):
            if error := self._blocking_error(write, ref):
                raise forbidden(served.group_resource, name, error)

    def _blocking_error(self, write: Write, ref: Obj) -> str:
        group = str(ref.get("apiVersion", "")).rpartition("/")[0]
        owner = self._registry.by_kind(group, str(ref.get("kind", "")))
        if owner is None:
            return (
                "cannot set blockOwnerDeletion in this case because cannot find RESTMapping for "
                f"APIVersion {ref.get('apiVersion')} Kind {ref.get('kind')}"
            )
        namespace = write.target.namespace if owner.namespaced else ""
        wanted = attributes_of("update", owner, namespace, str(ref.get("name", "")), "finalizers")
        if self._may(write.user, wanted):
            return ""
        return (
            "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: "
            f'User "{write.user.name}" cannot update resource "{wanted.plural}" in API group "{owner.group}"'
        )


def _grants(role: Obj) -> tuple[Any, Any]:
    return role.get("rules") or [], role.get("aggregationRule")


def _owners(obj: Obj | None) -> list[Obj]:
    refs = (obj or {}).get("metadata", {}).get("ownerReferences")
    return [ref for ref in refs or () if isinstance(ref, dict)]


def _newly_blocking(before: list[Obj], after: list[Obj]) -> Iterator[Obj]:
    blocked = {ref.get("uid") for ref in before if ref.get("blockOwnerDeletion")}
    return (ref for ref in after if ref.get("blockOwnerDeletion") and ref.get("uid") not in blocked)


def _is_only_collected(old: Obj | None, new: Obj) -> bool:
    """Whether only that changed which lets the object go."""
    return old is not None and _kept(old) == _kept(new)


def _kept(obj: Obj) -> tuple[Obj, Obj]:
    metadata = {name: value for name, value in obj["metadata"].items() if name not in _COLLECTED}
    return {name: value for name, value in obj.items() if name != "metadata"}, metadata
