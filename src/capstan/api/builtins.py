"""Kubernetes' own kinds that Capstan serves: those of the core group, Lease and CustomResourceDefinition."""

from __future__ import annotations

from dataclasses import replace

from capstan.api.apiextensions.customresourcedefinition import CustomResourceDefinition
from capstan.api.coordination.lease import Lease
from capstan.api.core.admission import admit_config_map, admit_secret
from capstan.api.core.configmap import ConfigMap
from capstan.api.core.event import Event
from capstan.api.core.namespace import Namespace
from capstan.api.core.node import Node
from capstan.api.core.pod import Pod
from capstan.api.core.secret import Secret
from capstan.api.core.serviceaccount import ServiceAccount
from capstan.api.kinds import Column, Kind, Version
from capstan.api.rbac.kinds import KINDS as RBAC

_AGE = Column("Age", ".metadata.creationTimestamp", "date")


def _core(struct: type, plural: str, *short: str, status: bool = False, namespaced: bool = True) -> Kind:
    version = Version("v1", struct, storage=True, status=status, columns=(_AGE,))
    return Kind("", struct.__name__, plural, (version,), short_names=short, namespaced=namespaced, builtin=True)


NAMESPACE = Kind(
    group="",
    kind="Namespace",
    plural="namespaces",
    versions=(Version("v1", Namespace, storage=True, columns=(Column("Status", ".status.phase"), _AGE)),),
    short_names=("ns",),
    namespaced=False,
    builtin=True,
)
SECRET = replace(_core(Secret, "secrets"), admit=admit_secret)
CONFIG_MAP = replace(_core(ConfigMap, "configmaps", "cm"), admit=admit_config_map)
EVENT = _core(Event, "events", "ev")
NODE = _core(Node, "nodes", "no", status=True, namespaced=False)
SERVICE_ACCOUNT = _core(ServiceAccount, "serviceaccounts", "sa")
POD = _core(Pod, "pods", "po", status=True)

LEASE = Kind(
    group="coordination.k8s.io",
    kind="Lease",
    plural="leases",
    versions=(
        Version("v1", Lease, storage=True, status=False, columns=(Column("Holder", ".spec.holderIdentity"), _AGE)),
    ),
    builtin=True,
)
CUSTOM_RESOURCE_DEFINITION = Kind(
    group="apiextensions.k8s.io",
    kind="CustomResourceDefinition",
    plural="customresourcedefinitions",
    versions=(
        Version(
            "v1",
            CustomResourceDefinition,
            storage=True,
            columns=(Column("Created At", ".metadata.creationTimestamp"),),
        ),
    ),
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    namespaced=False,
    builtin=True,
)

KINDS = (
    NAMESPACE,
    SECRET,
    CONFIG_MAP,
    EVENT,
    NODE,
    SERVICE_ACCOUNT,
    POD,
    LEASE,
    CUSTOM_RESOURCE_DEFINITION,
    *RBAC,
)
