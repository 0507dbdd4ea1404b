"""RoleBinding and ClusterRoleBinding: who has a role, in one namespace or everywhere."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capstan.api.facts import ATOMIC_LIST, ATOMIC_MAP, Facts, Required
from capstan.api.meta import TypedObject
from capstan.api.struct import Struct


class Subject(Struct, frozen=True, kw_only=True):
    """Somebody who has the role.

    kind: User, Group or ServiceAccount.
    api_group: empty for a ServiceAccount, else rbac.authorization.k8s.io.
    name: who it is.
    namespace: where the ServiceAccount is.
    """

    schema_facts: ClassVar[Facts] = (ATOMIC_MAP,)

    kind: Required[str] = ""
    api_group: str = ""
    name: Required[str] = ""
    namespace: str = ""


class RoleRef(Struct, frozen=True, kw_only=True):
    """The role that is bound; it cannot be changed.

    api_group: rbac.authorization.k8s.io.
    kind: Role or ClusterRole.
    name: its name.
    """

    schema_facts: ClassVar[Facts] = (ATOMIC_MAP,)

    api_group: str = ""
    kind: Required[str] = ""
    name: Required[str] = ""


class RoleBinding(TypedObject, frozen=True, kw_only=True):
    """Who has a role in one namespace: a Role of that namespace, or a ClusterRole.

    subjects: who has it.
    role_ref: the role.
    """

    subjects: Annotated[tuple[Subject, ...], ATOMIC_LIST] = ()
    role_ref: Required[RoleRef | None] = None


class ClusterRoleBinding(TypedObject, frozen=True, kw_only=True):
    """Who has a ClusterRole everywhere.

    subjects: who has it.
    role_ref: the ClusterRole.
    """

    subjects: Annotated[tuple[Subject, ...], ATOMIC_LIST] = ()
    role_ref: Required[RoleRef | None] = None
