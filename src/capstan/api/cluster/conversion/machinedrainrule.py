"""MachineDrainRule between v1beta1 and v1beta2, which have the same fields."""

from __future__ import annotations

from capstan.api.cluster.machinedrainrule import MachineDrainRule
from capstan.api.conversion import Converter, Spoke, same

convert_machinedrainrule = Converter(
    "v1beta2", {"v1beta1": Spoke(same, same)}, remembers=False, struct=MachineDrainRule
)
