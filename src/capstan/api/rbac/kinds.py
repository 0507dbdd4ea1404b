"""The kinds of rbac.authorization.k8s.io as the API server serves them."""

from __future__ import annotations

from collections.abc import Callable

from capstan.api.kinds import AGE, Admission, AdmissionRequest, Column, Kind, Version
from capstan.api.meta import TypedObject
from capstan.api.rbac.admission import (
    GROUP,
    admit_cluster_role,
    admit_cluster_role_binding,
    admit_role,
    admit_role_binding,
)
from capstan.api.rbac.binding import ClusterRoleBinding, RoleBinding
from capstan.api.rbac.role import ClusterRole, Role

_CREATED = Column("Created At", ".metadata.creationTimestamp")
_ROLE = Column("Role", ".roleRef.name")


def _kind(
    struct: type[TypedObject],
    plural: str,
    columns: tuple[Column, ...],
    admit: Callable[[AdmissionRequest], Admission],
    *,
    namespaced: bool,
) -> Kind:
    version = Version("v1", struct, storage=True, status=False, columns=columns)
    return Kind(GROUP, struct.__name__, plural, (version,), namespaced=namespaced, builtin=True, admit=admit)


KINDS = (
    _kind(Role, "roles", (_CREATED,), admit_role, namespaced=True),
    _kind(ClusterRole, "clusterroles", (_CREATED,), admit_cluster_role, namespaced=False),
    _kind(RoleBinding, "rolebindings", (_ROLE, AGE), admit_role_binding, namespaced=True),
    _kind(ClusterRoleBinding, "clusterrolebindings", (_ROLE, AGE), admit_cluster_role_binding, namespaced=False),
)
