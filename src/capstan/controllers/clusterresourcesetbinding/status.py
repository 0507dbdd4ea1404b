"""A ClusterResourceSetBinding has no status."""

from __future__ import annotations

from capstan.api.addons.clusterresourcesetbinding import ClusterResourceSetBinding
from capstan.controllers.clusterresourcesetbinding.snapshot import BindingSnapshot
from capstan.runtime.plan import Outcomes


def compute_status(_snapshot: BindingSnapshot, _outcomes: Outcomes) -> ClusterResourceSetBinding | None:
    """Nothing to say."""
    return None
