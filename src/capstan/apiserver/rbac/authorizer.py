"""The authorizer by roles and bindings: answers from the index."""

from __future__ import annotations

from capstan.api.errors import ApiError, not_found
from capstan.api.verbs import User
from capstan.apiserver.authorization import Attributes, Decision, passes_by, quoted
from capstan.apiserver.rbac.index import CLUSTER_ROLES, GROUP, ROLES, Held, RbacIndex, RoleKey, missing_text
from capstan.apiserver.rbac.rules import ALL, Rule, not_covered, rules_of
from capstan.store.protocol import Store

_ALLOWED = Decision(True)
_EVERYTHING = frozenset((ALL,))
#: What the local administrator holds, whatever the roles say.
FULL = (
    Rule(_EVERYTHING, _EVERYTHING, _EVERYTHING),
    Rule(_EVERYTHING, paths=_EVERYTHING),
)


class RbacAuthorizer:
    """Implements `Authorizer`. While the index is empty only system:masters may do anything."""

    def __init__(self, store: Store, index: RbacIndex) -> None:
        self._store = store
        self._index = index

    def decide(self, user: User, attributes: Attributes) -> Decision:
        if passes_by(user):
            return _ALLOWED
        held = self._index.held(user, attributes.namespace)
        if held.allows(attributes):
            return _ALLOWED
        return Decision(False, missing_text(held.missing))

    def held(self, user: User, namespace: str) -> Held:
        """The rules of a user in a namespace."""
        return Held(FULL, ()) if passes_by(user) else self._index.held(user, namespace)

    async def role(self, key: RoleKey) -> tuple[Rule, ...]:
        """The rules of a role as it is this moment, not as the index will soon know it. Raises 404."""
        entry = await self._store.get(ROLES if key[0] else CLUSTER_ROLES, *key)
        if entry is None:
            raise not_found(f"{'roles' if key[0] else 'clusterroles'}.{GROUP}", key[1])
        return rules_of(entry.object)

    def confirm(self, user: User, namespace: str, wanted: tuple[Rule, ...], about: tuple[str, str]) -> None:
        """Raises 403 unless the user holds all of these rights. `about` is the resource and name that grant them."""
        held = self.held(user, namespace)
        missing = not_covered(held.rules, wanted)
        if not missing:
            return
        text = (
            f'user "{user.name}" (groups={quoted(user.groups)}) is attempting to grant RBAC permissions not '
            "currently held:\n" + "\n".join(sorted({str(rule) for rule in missing}))
        )
        if held.missing:
            text += f"; resolution errors: {missing_text(held.missing).removeprefix('RBAC: ')}"
        raise forbidden_role(about, text)


def forbidden_role(about: tuple[str, str], why: str) -> ApiError:
    """403 about a role or binding."""
    resource, name = about
    details = {"name": name, "kind": resource, "group": GROUP}
    return ApiError(403, "Forbidden", f'{resource}.{GROUP} "{name}" is forbidden: {why}', details)
