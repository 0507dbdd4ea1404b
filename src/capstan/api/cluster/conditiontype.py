"""Which conditions of a Machine a health check may look at."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from capstan.api.facts import ConditionType, cel

#: Not those that health checks and remediation write themselves: they would feed on their own answers.
UnhealthyConditionType: TypeAlias = Annotated[
    ConditionType,
    cel(
        "!(self in ['Ready','Available','HealthCheckSucceeded','OwnerRemediated','ExternallyRemediated'])",
        "type must not be one of: Ready, Available, HealthCheckSucceeded, OwnerRemediated, ExternallyRemediated",
    ),
]
