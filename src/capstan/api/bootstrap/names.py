"""Names of the Talos bootstrap provider."""

from __future__ import annotations

from typing import Final

GROUP: Final = "bootstrap.cluster.x-k8s.io"

#: No longer added, only taken off when the object goes.
OLD_FINALIZER: Final = "talosconfig.bootstrap.cluster.x-k8s.io"
