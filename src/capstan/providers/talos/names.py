"""Names of the Secrets of a Talos cluster, and references to them (talos.md 2.6)."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.kinds import CLUSTER
from capstan.api.cluster.names import CLUSTER_NAME_LABEL, CLUSTER_SECRET_TYPE, KUBECONFIG_SUFFIX
from capstan.api.core.secret import Secret
from capstan.api.meta import OwnerReference, controller_of
from capstan.api.objects import Obj, Resource
from capstan.api.rules.owners import add_labels, owner_object, owner_reference, with_metadata, with_owner

SECRETS = Resource("", "v1", "secrets", "Secret")

BUNDLE_SUFFIX = "-talos"
CA_SUFFIX = "-ca"
TALOSCONFIG_SUFFIX = "-talosconfig"
BOOTSTRAP_DATA_SUFFIX = "-bootstrap-data"

#: The Secrets of a whole cluster.
SECRET_SUFFIXES = (TALOSCONFIG_SUFFIX, KUBECONFIG_SUFFIX, BUNDLE_SUFFIX, CA_SUFFIX)

BUNDLE_KEY = "bundle"
TALOSCONFIG_KEY = "talosconfig"
VALUE_KEY = "value"


def cluster_of_secret(name: str) -> str:
    """The cluster that one of these Secrets belongs to; empty for other names."""
    for suffix in SECRET_SUFFIXES:
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


def marked_secret(secret: Secret, cluster_name: str, owner: OwnerReference) -> Secret:
    """The Secret with the cluster's label and its controlling owner; itself when it has both, or is not ours.

    Ours has one of the two, or the type that only controllers use. What something else controls is not, nor is one
    of a type that users choose for their own certificates, such as kubernetes.io/tls.
    """
    ref = controller_of(secret.metadata)
    is_owned = ref is not None and ref.uid == owner.uid
    is_labelled = secret.metadata.labels.get(CLUSTER_NAME_LABEL) == cluster_name and secret.type in ("", "Opaque")
    is_strange = ref is not None and (ref.kind, ref.name) != (owner.kind, owner.name)
    if is_strange or not (is_owned or is_labelled or secret.type == CLUSTER_SECRET_TYPE):
        return secret
    marked = add_labels(secret, {CLUSTER_NAME_LABEL: cluster_name})
    refs = with_owner(marked.metadata.owner_references, owner)
    return marked if refs == marked.metadata.owner_references else with_metadata(marked, owner_references=refs)


def secret_values(obj: Obj) -> dict[str, bytes]:
    """The values of a Secret as it came over the wire."""
    return {key: base64.b64decode(value) for key, value in (obj.get("data") or {}).items()}
