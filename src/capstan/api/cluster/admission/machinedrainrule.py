"""Rules of MachineDrainRule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from capstan.api.cluster.admission.rules import selector_faults
from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.objects import Obj
from capstan.api.rules.causes import invalid_value
from capstan.api.rules.fields import text_at, value_at

_ORDER: Final = "spec.drain.order"
_SELECTORS: Final = (("machines", ("selector", "clusterSelector")), ("pods", ("selector", "namespaceSelector")))


def admit_machine_drain_rule(request: AdmissionRequest) -> Admission:
    """Applies MachineDrainRule's rules (cluster-api-core.md 15.1); there are no defaults."""
    if request.new is None:
        return Admission(request.new)
    return Admission(request.new, (*_order_causes(request.new), *_selector_causes(request.new)))


def _order_causes(rule: Obj) -> Iterator[FieldCause]:
    behavior, order = text_at(rule, "spec.drain.behavior"), value_at(rule, _ORDER)
    if order is not None and behavior in ("Skip", "WaitCompleted"):
        yield invalid_value(
            _ORDER, order, f"order must not be set if drain behavior is {behavior}: only Drain has an order"
        )


def _selector_causes(rule: Obj) -> Iterator[FieldCause]:
    for part, names in _SELECTORS:
        entries = value_at(rule, f"spec.{part}")
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            for name in names:
                given = entry.get(name) if isinstance(entry, Mapping) else None
                yield from _faults(f"spec.{part}[{index}].{name}", given)


def _faults(field: str, given: Any) -> Iterator[FieldCause]:
    if isinstance(given, Mapping):
        for fault in selector_faults(given):
            yield invalid_value(field, given, fault)
