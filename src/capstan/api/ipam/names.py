"""Names of IP address management and of the in-cluster provider."""

from __future__ import annotations

from typing import Final

GROUP: Final = "ipam.cluster.x-k8s.io"

POOL_FINALIZER: Final = "ipam.cluster.x-k8s.io/ProtectPool"
CLAIM_FINALIZER: Final = "ipam.cluster.x-k8s.io/ReleaseAddress"
ADDRESS_FINALIZER: Final = "ipam.cluster.x-k8s.io/ProtectAddress"
SKIP_DELETE_CHECK_ANNOTATION: Final = "ipam.cluster.x-k8s.io/skip-validate-delete-webhook"
#: On a pool: what else has addresses that it may give out, one a line, as it was told in events.
COLLISIONS_ANNOTATION: Final = "capstan.dev/overlaps-with"
