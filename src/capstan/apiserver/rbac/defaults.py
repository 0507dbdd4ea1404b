"""The roles and bindings that every Kubernetes has, with roles for Capstan's own kinds among them. Pure.

Names and rules are those of kube-apiserver's bootstrap policy, as far as its resources are served here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from capstan.api.objects import Obj

GROUP: Final = "rbac.authorization.k8s.io"
AUTOUPDATE: Final = "rbac.authorization.kubernetes.io/autoupdate"

_LABELS: Final = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_AGGREGATE: Final = "rbac.authorization.k8s.io/aggregate-to-"
_READ: Final = ("get", "list", "watch")
_WRITE: Final = ("create", "delete", "deletecollection", "patch", "update")
_ALL_VERBS: Final = tuple(sorted((*_READ, *_WRITE)))

#: Capstan's own groups: their kinds are in the roles view, edit and admin.
CAPSTAN_GROUPS: Final = (
    "bootstrap.cluster.x-k8s.io",
    "cluster.x-k8s.io",
    "controlplane.cluster.x-k8s.io",
    "infrastructure.cluster.x-k8s.io",
    "ipam.cluster.x-k8s.io",
)

_CORE_WRITTEN: Final = (
    "configmaps",
    "events",
    "persistentvolumeclaims",
    "replicationcontrollers",
    "replicationcontrollers/scale",
    "secrets",
    "serviceaccounts",
    "services",
    "services/proxy",
)
_CORE_READ: Final = (
    "bindings",
    "configmaps",
    "endpoints",
    "events",
    "limitranges",
    "namespaces",
    "namespaces/status",
    "persistentvolumeclaims",
    "persistentvolumeclaims/status",
    "pods",
    "pods/log",
    "pods/status",
    "replicationcontrollers",
    "replicationcontrollers/scale",
    "replicationcontrollers/status",
    "resourcequotas",
    "resourcequotas/status",
    "serviceaccounts",
    "services",
    "services/status",
)
_PODS_WRITTEN: Final = ("pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy")
_APPS_WRITTEN: Final = (
    "daemonsets",
    "deployments",
    "deployments/rollback",
    "deployments/scale",
    "replicasets",
    "replicasets/scale",
    "statefulsets",
    "statefulsets/scale",
)
_APPS_READ: Final = (
    "controllerrevisions",
    "daemonsets",
    "daemonsets/status",
    "deployments",
    "deployments/scale",
    "deployments/status",
    "replicasets",
    "replicasets/scale",
    "replicasets/status",
    "statefulsets",
    "statefulsets/scale",
    "statefulsets/status",
)
#: Groups whose kinds of users are read and written alike: group, resources, those of which the status is read too.
_OTHERS: Final = (
    ("autoscaling", ("horizontalpodautoscalers",), ("horizontalpodautoscalers/status",)),
    ("batch", ("cronjobs", "jobs"), ("cronjobs/status", "jobs/status")),
    ("networking.k8s.io", ("ingresses", "networkpolicies"), ("ingresses/status",)),
    ("policy", ("poddisruptionbudgets",), ("poddisruptionbudgets/status",)),
)
_DISCOVERY_PATHS: Final = ("/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*")
_PUBLIC_PATHS: Final = ("/healthz", "/livez", "/readyz", "/version", "/version/")
_METRICS_PATHS: Final = (
    "/healthz",
    "/healthz/*",
    "/livez",
    "/livez/*",
    "/metrics",
    "/metrics/slis",
    "/readyz",
    "/readyz/*",
)


def _rule(groups: Sequence[str], resources: Sequence[str], verbs: Sequence[str]) -> Obj:
    return {"apiGroups": list(groups), "resources": list(resources), "verbs": list(verbs)}


def _paths(urls: Sequence[str]) -> Obj:
    return {"nonResourceURLs": list(urls), "verbs": ["get"]}


def _metadata(name: str, labels: dict[str, str] | None = None) -> Obj:
    return {"name": name, "labels": {**_LABELS, **(labels or {})}, "annotations": {AUTOUPDATE: "true"}}


def _role(name: str, *rules: Obj, to: str = "") -> Obj:
    labels = {f"{_AGGREGATE}{to}": "true"} if to else None
    return {"metadata": _metadata(name, labels), "rules": list(rules)}


def _aggregated(name: str, labels: dict[str, str] | None = None) -> Obj:
    selector = {"matchLabels": {f"{_AGGREGATE}{name}": "true"}}
    return {
        "metadata": _metadata(name, labels),
        "aggregationRule": {"clusterRoleSelectors": [selector]},
        "rules": [],
    }


def cluster_roles() -> Iterator[Obj]:
    """All default ClusterRoles; those that are aggregated without their rules, last."""
    everything = (_rule(("*",), ("*",), ("*",)), {"nonResourceURLs": ["*"], "verbs": ["*"]})
    yield _role("cluster-admin", *everything)
    yield _role("system:discovery", _paths((*_DISCOVERY_PATHS, *_PUBLIC_PATHS)))
    yield _role("system:basic-user", *_basic_user())
    yield _role("system:public-info-viewer", _paths(_PUBLIC_PATHS))
    yield _role("system:monitoring", _paths(_METRICS_PATHS))
    yield _role(
        "system:auth-delegator",
        _rule(("authentication.k8s.io",), ("tokenreviews",), ("create",)),
        _rule(("authorization.k8s.io",), ("subjectaccessreviews",), ("create",)),
    )
    yield _role(
        "system:service-account-issuer-discovery", _paths(("/.well-known/openid-configuration", "/openid/v1/jwks"))
    )
    yield _role("system:aggregate-to-admin", *_admin(), to="admin")
    yield _role("system:aggregate-to-edit", *_edit(), to="edit")
    yield _role("system:aggregate-to-view", *_view(), to="view")
    yield from _capstan_roles()
    yield _aggregated("admin")
    yield _aggregated("edit", {f"{_AGGREGATE}admin": "true"})
    yield _aggregated("view", {f"{_AGGREGATE}edit": "true"})


def _basic_user() -> Iterator[Obj]:
    yield _rule(("authorization.k8s.io",), ("selfsubjectaccessreviews", "selfsubjectrulesreviews"), ("create",))
    yield _rule(("authentication.k8s.io",), ("selfsubjectreviews",), ("create",))


def _admin() -> Iterator[Obj]:
    """Besides what edit gives: the rights of others in the namespace."""
    yield _rule(("authorization.k8s.io",), ("localsubjectaccessreviews",), ("create",))
    yield _rule((GROUP,), ("rolebindings", "roles"), _ALL_VERBS)


def _edit() -> Iterator[Obj]:
    yield _rule(("",), (*_PODS_WRITTEN[1:], "secrets", "services/proxy"), _READ)
    yield _rule(("",), ("serviceaccounts",), ("impersonate",))
    yield _rule(("",), _PODS_WRITTEN, _WRITE)
    yield _rule(("",), ("pods/eviction",), ("create",))
    yield _rule(("",), _CORE_WRITTEN, _WRITE)
    yield _rule(("",), ("serviceaccounts/token",), ("create",))
    yield _rule(("apps",), _APPS_WRITTEN, _WRITE)
    for group, resources, _ in _OTHERS:
        yield _rule((group,), resources, _WRITE)
    yield _rule(("coordination.k8s.io",), ("leases",), _ALL_VERBS)


def _view() -> Iterator[Obj]:
    yield _rule(("",), _CORE_READ, _READ)
    yield _rule(("discovery.k8s.io",), ("endpointslices",), _READ)
    yield _rule(("apps",), _APPS_READ, _READ)
    for group, resources, statuses in _OTHERS:
        yield _rule((group,), (*resources, *statuses), _READ)


def _capstan_roles() -> Iterator[Obj]:
    """Clusters, machines and what belongs to them. Their Secrets are not in view: those make one admin of a cluster."""
    yield _role("capstan:aggregate-to-edit", _rule(CAPSTAN_GROUPS, ("*",), _WRITE), to="edit")
    yield _role("capstan:aggregate-to-view", _rule(CAPSTAN_GROUPS, ("*",), _READ), to="view")


def cluster_role_bindings() -> Iterator[Obj]:
    """All default ClusterRoleBindings: who has them from the beginning."""
    yield _binding("cluster-admin", "system:masters")
    yield _binding("system:basic-user", "system:authenticated")
    yield _binding("system:discovery", "system:authenticated")
    yield _binding("system:monitoring", "system:monitoring")
    yield _binding("system:public-info-viewer", "system:authenticated", "system:unauthenticated")
    yield _binding("system:service-account-issuer-discovery", "system:serviceaccounts")


def _binding(role: str, *groups: str) -> Obj:
    return {
        "metadata": _metadata(role),
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": GROUP, "kind": "Group", "name": group} for group in groups],
    }
