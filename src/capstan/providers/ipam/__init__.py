"""Addresses from pools: the in-cluster IPAM provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from capstan.runtime.controller import Controller


def ipam_controllers() -> list[Controller[Any, Any]]:
    """The controllers of claims and pools, for a composition root."""
    from capstan.providers.ipam.inclusterippool.controller import (
        GlobalInClusterIPPoolController,
        GlobalInClusterPrefixPoolController,
        InClusterIPPoolController,
        InClusterPrefixPoolController,
    )
    from capstan.providers.ipam.ipaddressclaim.controller import IPAddressClaimController

    return [
        IPAddressClaimController(),
        InClusterIPPoolController(),
        GlobalInClusterIPPoolController(),
        InClusterPrefixPoolController(),
        GlobalInClusterPrefixPoolController(),
    ]
