"""Which changes of a MachineSet need new Machines, and the warning that a set by itself does not replace any."""

from __future__ import annotations

from typing import Any, Final

from capstan.api.objects import Obj
from capstan.api.rules.causes import shown
from capstan.api.rules.fields import value_at

#: Parts of a template that go to existing Machines in place; every other change means new Machines.
_IN_PLACE: Final = frozenset({"deletion", "minReadySeconds", "readinessGates", "taints"})
_SPEC: Final = "spec.template.spec"


def rollout_fields(old: Obj, new: Obj) -> tuple[str, ...]:
    """The fields whose change reaches new Machines only."""
    before, after = value_at(old, _SPEC) or {}, value_at(new, _SPEC) or {}
    changed = sorted(name for name in {*before, *after} - _IN_PLACE if before.get(name) != after.get(name))
    return tuple(f"{_SPEC}.{name}" for name in changed)


def rollout_warnings(old: Obj | None, new: Obj) -> tuple[str, ...]:
    """One warning for each of them."""
    if old is None:
        return ()
    return tuple(
        f"{field} changed from {_short(value_at(old, field))} to {_short(value_at(new, field))}: a MachineSet makes "
        "new Machines of it and leaves those that exist; a MachineDeployment would replace them"
        for field in rollout_fields(old, new)
    )


def _short(value: Any) -> str:
    if isinstance(value, dict) and value.get("name"):
        return shown(value["name"])
    return "nothing" if value in (None, {}, "") else shown(value)
