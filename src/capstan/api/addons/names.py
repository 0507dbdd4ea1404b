"""Names of the add-ons group."""

from __future__ import annotations

from typing import Final

GROUP: Final = "addons.cluster.x-k8s.io"

RESOURCE_SET_FINALIZER: Final = "addons.cluster.x-k8s.io"
#: The type of the Secrets that a ClusterResourceSet takes.
RESOURCE_SET_SECRET_TYPE: Final = "addons.cluster.x-k8s.io/resource-set"

APPLY_ONCE: Final = "ApplyOnce"
RECONCILE: Final = "Reconcile"
