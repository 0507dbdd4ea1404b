"""The kinds of the add-ons group between v1beta1 and v1beta2: only conditions move (cluster-api-core.md 14.2)."""

from __future__ import annotations

from typing import Final

from capstan.api.addons.clusterresourceset import ClusterResourceSet
from capstan.api.addons.clusterresourcesetbinding import ClusterResourceSetBinding
from capstan.api.conversion import Converter, Spoke, downgrade, move, same, upgrade
from capstan.api.objects import Obj

_MOVES: Final = (
    move("status.conditions", "status.deprecated.v1beta1.conditions"),
    move("status.v1beta2.conditions", "status.conditions"),
)


def _set_up(obj: Obj) -> Obj:
    return upgrade(obj, _MOVES)


def _set_down(obj: Obj) -> Obj:
    return downgrade(obj, _MOVES)


convert_clusterresourceset = Converter(
    "v1beta2", {"v1beta1": Spoke(_set_up, _set_down)}, remembers=False, struct=ClusterResourceSet
)
convert_clusterresourcesetbinding = Converter(
    "v1beta2", {"v1beta1": Spoke(same, same)}, remembers=False, struct=ClusterResourceSetBinding
)
