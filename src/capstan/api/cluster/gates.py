"""TODO cluster/gates"""

from __future__ import annotations

from typing import Annotated

from capstan.api.facts import ConditionType, Required, one_of
from capstan.api.struct import Struct


class ConditionGate(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.availabilityGates[]']"""

    condition_type: Required[ConditionType] = ""
    polarity: Annotated[str, one_of("Positive", "Negative")] = ""
