"""Which templates a MachineDeployment has had: kept in an annotation, so that an earlier one can come back.

Old MachineSets go when a rollout is complete, so they cannot be the memory. Only what makes machines other machines
is kept: version, bootstrap, infrastructureRef and failureDomain.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from capstan.api.objects import Obj

#: On MachineDeployments: a JSON list of revisions, oldest first.
ROLLOUT_HISTORY_ANNOTATION: Final = "capstan.dev/rollout-history"
#: On control planes that have no field for it: machines made before this moment (RFC 3339) are replaced.
ROLLOUT_AFTER_ANNOTATION: Final = "capstan.dev/rollout-after"
CHANGE_CAUSE_ANNOTATION: Final = "kubernetes.io/change-cause"
KEPT: Final = 10

_FIELDS: Final = ("version", "bootstrap", "infrastructureRef", "failureDomain")


@dataclass(frozen=True, slots=True)
class Revision:
    """One template that was current. `template` has the kept fields of `spec.template.spec`."""

    number: int
    template: Obj
    cause: str = ""


def kept_template(machine_spec: Obj) -> Obj:
    """The part of a machine's spec (wire form) that a rollout is about."""
    return {name: machine_spec[name] for name in _FIELDS if machine_spec.get(name)}


def read_history(annotations: Mapping[str, str]) -> tuple[Revision, ...]:
    """The revisions, oldest first. An annotation that cannot be read counts as none."""
    try:
        entries = json.loads(annotations.get(ROLLOUT_HISTORY_ANNOTATION, "[]"))
        return tuple(
            Revision(int(entry["revision"]), dict(entry["template"]), str(entry.get("cause", ""))) for entry in entries
        )
    except (ValueError, TypeError, KeyError):
        return ()


def with_revision(annotations: Mapping[str, str], number: int, machine_spec: Obj) -> str:
    """The annotation with revision `number` as its newest. A template that comes back takes its new number along
    and is not kept twice; only so many are kept."""
    template = kept_template(machine_spec)
    cause = annotations.get(CHANGE_CAUSE_ANNOTATION, "")
    history = read_history(annotations)
    if any(entry.number == number and entry.template == template for entry in history):
        return annotations[ROLLOUT_HISTORY_ANNOTATION]
    others = [entry for entry in history if entry.number != number and entry.template != template]
    entries = [*others, Revision(number, template, cause)][-KEPT:]
    return json.dumps([_entry(entry) for entry in entries], separators=(",", ":"), sort_keys=True)


def _entry(revision: Revision) -> dict[str, Any]:
    entry: dict[str, Any] = {"revision": revision.number, "template": revision.template}
    return {**entry, "cause": revision.cause} if revision.cause else entry


def earlier(history: tuple[Revision, ...], to_revision: int = 0) -> Revision | None:
    """The revision with that number; the one before the newest when none is named."""
    if to_revision:
        return next((entry for entry in history if entry.number == to_revision), None)
    return history[-2] if len(history) > 1 else None
