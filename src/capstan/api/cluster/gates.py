"""Conditions that must hold as well."""

from __future__ import annotations

from typing import Annotated

from capstan.api.facts import ConditionType, Required, one_of
from capstan.api.struct import Struct


class ConditionGate(Struct, frozen=True, kw_only=True):
    """A condition that must hold as well before the object counts as ready or available.

    condition_type: the type of the condition.
    polarity: Positive when True is good, Negative when False is.
    """

    condition_type: Required[ConditionType] = ""
    polarity: Annotated[str, one_of("Positive", "Negative")] = ""
