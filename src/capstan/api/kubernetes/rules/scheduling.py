"""Rules of PriorityClasses: names and values that belong to the system, and one default at most. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest, Query
from capstan.api.kubernetes.rules.faults import forbidden
from capstan.api.objects import Obj

#: The classes that always exist, with their values.
SYSTEM: Final = {"system-cluster-critical": 2000000000, "system-node-critical": 2000001000}
_HIGHEST: Final = 1000000000
_ALL: Final = Query("scheduling.k8s.io", "PriorityClass")


def _class(request: AdmissionRequest, new: Obj) -> Admission:
    return Admission({**new, "value": new.get("value", 0)}, tuple(_faults(new, request.found.get(_ALL, ()))))


def _faults(new: Obj, others: Sequence[Obj]) -> Iterator[FieldCause]:
    name, value = new["metadata"]["name"], new.get("value", 0)
    if name.startswith("system-"):
        if SYSTEM.get(name) != value:
            why = "priority class names with 'system-' prefix are reserved for system use only"
            yield forbidden("metadata.name", why)
    elif value > _HIGHEST:
        why = f"maximum allowed value of a user defined priority is {_HIGHEST}"
        yield forbidden("value", why)
    if new.get("globalDefault"):
        other = next((one for one in others if one.get("globalDefault") and one["metadata"]["name"] != name), None)
        if other is not None:
            why = f"PriorityClass {other['metadata']['name']} is already marked as default. Only one default can exist"
            yield forbidden("globalDefault", why)


def _lookups(new: Obj) -> tuple[Query, ...]:
    return (_ALL,) if new.get("globalDefault") else ()


RULES: Final = {"PriorityClass": _class}
LOOKUPS: Final = {"PriorityClass": _lookups}
