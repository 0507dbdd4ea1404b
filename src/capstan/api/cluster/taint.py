"""TODO cluster/taint"""

from __future__ import annotations

from typing import Annotated

from capstan.api.facts import Required, TaintEffect, TaintKey, TaintValue, one_of
from capstan.api.struct import Struct


class MachineTaint(Struct, frozen=True, kw_only=True):
    """TODO ['Cluster/v1beta2.spec.topology.controlPlane.taints[]']"""

    effect: Required[TaintEffect] = ""
    key: Required[TaintKey] = ""
    propagation: Required[Annotated[str, one_of("Always", "OnInitialization")]] = ""
    value: TaintValue = ""
