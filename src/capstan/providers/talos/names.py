"""Names of the Secrets of a Talos cluster, and references to them (talos.md 2.6)."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.kinds import CLUSTER
from capstan.api.cluster.names import CLUSTER_NAME_LABEL
from capstan.api.meta import OwnerReference
from capstan.api.objects import Obj, Resource
from capstan.api.rules.owners import owner_object, owner_reference

SECRETS = Resource("", "v1", "secrets", "Secret")

BUNDLE_SUFFIX = "-talos"
CA_SUFFIX = "-ca"
TALOSCONFIG_SUFFIX = "-talosconfig"
KUBECONFIG_SUFFIX = "-kubeconfig"
BOOTSTRAP_DATA_SUFFIX = "-bootstrap-data"

BUNDLE_KEY = "bundle"
TALOSCONFIG_KEY = "talosconfig"
VALUE_KEY = "value"


def cluster_of_secret(name: str) -> str:
    """The cluster that one of these Secrets belongs to; empty for other names."""
    for suffix in (TALOSCONFIG_SUFFIX, KUBECONFIG_SUFFIX, BUNDLE_SUFFIX, CA_SUFFIX):
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return ""


def cluster_owner(cluster: Cluster) -> OwnerReference:
    """The controlling reference that the cluster's own Secrets carry."""
    return owner_reference(CLUSTER.resource().api_version, "Cluster", cluster.metadata, controller=True)


def secret_object(
    namespace: str,
    name: str,
    values: Mapping[str, bytes],
    *,
    cluster_name: str,
    owner: OwnerReference,
    type: str = "Opaque",
) -> Obj:
    """A Secret with the cluster's label."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": type,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {CLUSTER_NAME_LABEL: cluster_name},
            "ownerReferences": [owner_object(owner)],
        },
        "data": {key: base64.b64encode(value).decode() for key, value in values.items()},
    }


def secret_values(obj: Obj) -> dict[str, bytes]:
    """The values of a Secret as it came over the wire."""
    return {key: base64.b64decode(value) for key, value in (obj.get("data") or {}).items()}
