"""How many Machines may be unhealthy before it looks as if something else were wrong (5.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from capstan.api.rules.portions import portion
from capstan.controllers.machinehealthcheck.plan.health import Verdict
from capstan.controllers.machinehealthcheck.snapshot import HealthCheckSnapshot

_RANGE = re.compile(r"\[(\d+)-(\d+)\]")


@dataclass(frozen=True, slots=True)
class Allowance:
    """`left` is how many more may become unhealthy; `refusal` why none is remediated, empty when they are."""

    total: int
    healthy: int
    left: int = 0
    refusal: str = ""

    @property
    def unhealthy(self) -> int:
        """Whatever is not known to be healthy counts."""
        return self.total - self.healthy


def allowance(snapshot: HealthCheckSnapshot, verdicts: Sequence[Verdict]) -> Allowance:
    """A range, where one is stated; else a number or a part of the Machines, rounded down. What is neither allows
    nothing."""
    total, healthy = len(verdicts), sum(v.state == "healthy" for v in verdicts)
    unhealthy = total - healthy
    trigger = snapshot.check.spec.remediation.trigger_if
    bounds = _RANGE.fullmatch(trigger.unhealthy_in_range)
    head = "Remediation is not allowed, the number of not started or unhealthy machines"
    counts = f"total: {total}, unhealthy: {unhealthy}"
    if bounds is not None:
        least, most = int(bounds[1]), int(bounds[2])
        if least <= unhealthy <= most:
            return Allowance(total, healthy, most - unhealthy)
        why = f"{head} does not fall within the range ({counts}, unhealthyRange: {trigger.unhealthy_in_range})"
        return Allowance(total, healthy, 0, why)
    stated = trigger.unhealthy_less_than_or_equal_to
    found = portion("100%" if stated is None else stated, total, up=False)
    most = -1 if found is None else found
    if unhealthy <= most:
        return Allowance(total, healthy, most - unhealthy)
    shown = "100%" if stated is None else stated
    return Allowance(total, healthy, 0, f"{head} exceeds maxUnhealthy ({counts}, maxUnhealthy: {shown})")
