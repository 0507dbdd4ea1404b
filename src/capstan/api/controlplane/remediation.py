"""How often failed control plane Machines are replaced: annotations of control planes that have no field for it.

They mean what KubeadmControlPlane's `spec.remediation` fields of the same names mean (kubeadm-clusterctl-ipam.md 2.7).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from capstan.api.errors import FieldCause
from capstan.api.objects import Obj
from capstan.api.rules.causes import invalid_value

#: How often the replacement of a replacement may fail and be replaced again.
MAX_RETRY: Final = "capstan.dev/remediation-max-retry"
#: How long to wait before the replacement of a replacement.
RETRY_PERIOD: Final = "capstan.dev/remediation-retry-period-seconds"
#: A replacement that fails within this time continues the count of its predecessor.
MIN_HEALTHY_PERIOD: Final = "capstan.dev/remediation-min-healthy-period-seconds"

_LONGEST: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class RemediationLimits:
    """`max_retry` is None for no limit."""

    max_retry: int | None = None
    retry_period: timedelta = timedelta()
    min_healthy_period: timedelta = timedelta(hours=1)


def read_limits(annotations: Mapping[str, str]) -> RemediationLimits:
    """What the annotations say. One that is no number counts as none: it is older than the rule that refuses it."""
    most, period, healthy = (_number(annotations.get(name)) for name in (MAX_RETRY, RETRY_PERIOD, MIN_HEALTHY_PERIOD))
    defaults = RemediationLimits()
    return RemediationLimits(
        max_retry=most,
        retry_period=timedelta(seconds=period) if period is not None else defaults.retry_period,
        min_healthy_period=timedelta(seconds=healthy) if healthy is not None else defaults.min_healthy_period,
    )


def limit_causes(old: Obj | None, new: Obj) -> Iterator[FieldCause]:
    """What is wrong with them. One that stays as it was is let be."""
    before, after = _annotations(old), _annotations(new)
    for name in (MAX_RETRY, RETRY_PERIOD, MIN_HEALTHY_PERIOD):
        text = after.get(name)
        if text is not None and text != before.get(name) and _number(text) is None:
            yield invalid_value(
                f"metadata.annotations[{name}]", text, 'must be a whole number of 0 or more, such as "3"'
            )


def _annotations(obj: Obj | None) -> Mapping[str, str]:
    return (obj["metadata"].get("annotations") or {}) if obj is not None else {}


def _number(text: str | None) -> int | None:
    if text is None or not text.isascii() or not text.isdigit():
        return None
    return min(int(text), _LONGEST) if len(text) < 16 else _LONGEST
