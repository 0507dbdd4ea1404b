"""Taints that Machines put on their nodes."""

from __future__ import annotations

from typing import Annotated

from capstan.api.facts import Required, TaintEffect, TaintKey, TaintValue, one_of
from capstan.api.struct import Struct


class MachineTaint(Struct, frozen=True, kw_only=True):
    """A taint that the Machine's node gets.

    effect: NoSchedule, PreferNoSchedule or NoExecute.
    key: the taint's key.
    propagation: Always keeps it on the node, OnInitialization puts it there once.
    value: the value.
    """

    effect: Required[TaintEffect] = ""
    key: Required[TaintKey] = ""
    propagation: Required[Annotated[str, one_of("Always", "OnInitialization")]] = ""
    value: TaintValue = ""
