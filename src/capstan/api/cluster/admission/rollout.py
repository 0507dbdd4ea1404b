"""Which changes would replace Machines, and the warning that this release does not replace them yet."""

from __future__ import annotations

from typing import Any, Final

from capstan.api.objects import Obj
from capstan.api.rules.causes import shown
from capstan.api.rules.fields import value_at

#: Parts of a template that go to existing Machines in place; every other change means new Machines.
_IN_PLACE: Final = frozenset({"deletion", "minReadySeconds", "readinessGates", "taints"})
_SPEC: Final = "spec.template.spec"
_AFTER: Final = "spec.rollout.after"


def rollout_fields(old: Obj, new: Obj) -> tuple[str, ...]:
    """The fields whose change asks for Machines to be replaced."""
    before, after = value_at(old, _SPEC) or {}, value_at(new, _SPEC) or {}
    changed = sorted(name for name in {*before, *after} - _IN_PLACE if before.get(name) != after.get(name))
    fields = tuple(f"{_SPEC}.{name}" for name in changed)
    return (*fields, _AFTER) if value_at(old, _AFTER) != value_at(new, _AFTER) else fields


def rollout_warnings(old: Obj | None, new: Obj) -> tuple[str, ...]:
    """One warning for each change that asks for Machines to be replaced."""
    if old is None:
        return ()
    return tuple(
        f"{field} changed from {_short(value_at(old, field))} to {_short(value_at(new, field))}: existing Machines "
        "are not replaced, because rolling updates are not built yet; the object's conditions say so until it is "
        "changed back"
        for field in rollout_fields(old, new)
    )


def _short(value: Any) -> str:
    if isinstance(value, dict) and value.get("name"):
        return shown(value["name"])
    return "nothing" if value in (None, {}, "") else shown(value)
