"""Conditions with a timeout, in lists: text in v1beta1, seconds in v1beta2."""

from __future__ import annotations

from typing import Final

from capstan.api.cluster.conversion.durations import duration_of, seconds_of
from capstan.api.conversion import downgrade, each, move, upgrade
from capstan.api.objects import Obj

_TIMEOUT: Final = (move("timeout", "timeoutSeconds", seconds_of, duration_of),)


def _up(item: Obj) -> Obj:
    return upgrade(item, _TIMEOUT)


def _down(item: Obj) -> Obj:
    return downgrade(item, _TIMEOUT)


timeouts_up: Final = each(_up)
timeouts_down: Final = each(_down)
