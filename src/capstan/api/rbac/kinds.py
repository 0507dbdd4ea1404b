"""The kinds of rbac.authorization.k8s.io as the API server serves them."""

from __future__ import annotations

from functools import partial

from capstan.api.kinds import AGE, Column, Kind, Version
from capstan.api.kubernetes import rules
from capstan.api.meta import TypedObject
from capstan.api.rbac.binding import ClusterRoleBinding, RoleBinding
from capstan.api.rbac.role import ClusterRole, Role

GROUP = "rbac.authorization.k8s.io"
_CREATED = Column("Created At", ".metadata.creationTimestamp")
_ROLE = Column("Role", ".roleRef.name")


def _kind(struct: type[TypedObject], plural: str, columns: tuple[Column, ...], *, namespaced: bool) -> Kind:
    version = Version("v1", struct, storage=True, status=False, columns=columns)
    name = struct.__name__
    admit = partial(rules.admit, GROUP, name)
    return Kind(GROUP, name, plural, (version,), namespaced=namespaced, builtin=True, admit=admit)


KINDS = (
    _kind(Role, "roles", (_CREATED,), namespaced=True),
    _kind(ClusterRole, "clusterroles", (_CREATED,), namespaced=False),
    _kind(RoleBinding, "rolebindings", (_ROLE, AGE), namespaced=True),
    _kind(ClusterRoleBinding, "clusterrolebindings", (_ROLE, AGE), namespaced=False),
)
