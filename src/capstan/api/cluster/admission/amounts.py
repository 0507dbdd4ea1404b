"""Rules of amounts: numbers that may be percentages, and timeouts that may mean for ever."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from capstan.api.errors import FieldCause
from capstan.api.rules.causes import invalid_value
from capstan.api.rules.fields import mapping_at, value_at

_LEAST_STARTUP_SECONDS: Final = 30


def portion_causes(value: Any, field: str) -> Iterator[FieldCause]:
    """A number of Machines, or a percentage of them."""
    if isinstance(value, str) and not re.fullmatch(r"[+-]?\d+%", value):
        fault = f'invalid value "{value}"' if value.endswith("%") else "invalid type: string is not a percentage"
        why = f"must be either an int or a percentage: invalid value for IntOrString: {fault}; write 1 or 25%"
        yield invalid_value(field, value, why)


def strategy_causes(strategy: Mapping[str, Any], field: str) -> Iterator[FieldCause]:
    """A rolling update can always take a step."""
    update = mapping_at(strategy, "rollingUpdate")
    surge, unavailable = update.get("maxSurge"), update.get("maxUnavailable")
    yield from portion_causes(unavailable, f"{field}.rollingUpdate.maxUnavailable")
    yield from portion_causes(surge, f"{field}.rollingUpdate.maxSurge")
    if surge == 0 and unavailable == 0:
        yield invalid_value(
            f"{field}.rollingUpdate", "0", "maxUnavailable and maxSurge cannot both be 0: no step could be taken"
        )


def health_check_causes(check: Mapping[str, Any], field: str) -> Iterator[FieldCause]:
    """The numbers of a health check. `field` is where its `checks` and `remediation` stand."""
    seconds = value_at(check, "checks.nodeStartupTimeoutSeconds")
    if isinstance(seconds, int) and seconds and seconds < _LEAST_STARTUP_SECONDS:
        why = f"must be at least {_LEAST_STARTUP_SECONDS}s, or 0 to let a Machine take as long as it likes"
        yield invalid_value(f"{field}.checks.nodeStartupTimeoutSeconds", seconds, why)
    limit = "remediation.triggerIf.unhealthyLessThanOrEqualTo"
    yield from portion_causes(value_at(check, limit), f"{field}.{limit}")
