"""Names of the Talos control plane provider."""

from __future__ import annotations

from typing import Final

GROUP: Final = "controlplane.cluster.x-k8s.io"

FINALIZER: Final = "talos.controlplane.cluster.x-k8s.io"
