"""Feature gates under the names that Cluster API gives them: which are on, and what is refused while one is off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import click
import msgspec

from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest, Kind, Scheme
from capstan.api.objects import Obj
from capstan.api.rules.causes import forbidden_value
from capstan.api.rules.fields import value_at

MACHINE_POOL: Final = "MachinePool"
PREFLIGHT_CHECKS: Final = "MachineSetPreflightChecks"
TAINT_PROPAGATION: Final = "MachineTaintPropagation"

_CORE: Final = "cluster.x-k8s.io"
#: Where Machines, and what makes them, have their taints. Those of MachinePools are refused in any case.
_TAINTS: Final = {
    "Machine": "spec.taints",
    "MachineSet": "spec.template.spec.taints",
    "MachineDeployment": "spec.template.spec.taints",
}


@dataclass(frozen=True, slots=True)
class Gate:
    """`fixed` says why it cannot be switched; empty when it can."""

    is_on: bool
    fixed: str = ""


GATES: Final[Mapping[str, Gate]] = {
    MACHINE_POOL: Gate(True),
    PREFLIGHT_CHECKS: Gate(True),
    TAINT_PROPAGATION: Gate(True),
    "ClusterTopology": Gate(False, "Clusters are not made from ClusterClasses yet"),
    "RuntimeSDK": Gate(False, "extensions are not called yet"),
    "InPlaceUpdates": Gate(False, "there is nobody to update Machines in place: extensions are not called yet"),
    "KubeadmBootstrapFormatIgnition": Gate(False, "there is no bootstrap provider for kubeadm yet"),
    "MachineWaitForVolumeDetachConsiderVolumeAttachments": Gate(True, "VolumeAttachments always count"),
    "PriorityQueue": Gate(True, "work is always queued in the order of its importance"),
    "ReconcilerRateLimiting": Gate(True, "work on one object always keeps its distance"),
}


def parse_gates(texts: Sequence[str]) -> Mapping[str, bool]:
    """Every gate with whether it is on, from `NAME=true|false[,...]`. Errors: click.BadParameter."""
    chosen = {name: gate.is_on for name, gate in GATES.items()}
    for entry in (entry.strip() for text in texts for entry in text.split(",")):
        if not entry:
            continue
        name, _, word = entry.partition("=")
        gate = GATES.get(name)
        if gate is None:
            raise click.BadParameter(f"unknown feature gate {name!r}: there are {', '.join(sorted(GATES))}")
        if word.lower() not in ("true", "false"):
            raise click.BadParameter(f"feature gate {name} must be true or false, not {word!r}")
        is_on = word.lower() == "true"
        if gate.fixed and is_on is not gate.is_on:
            raise click.BadParameter(f"feature gate {name} cannot be switched {'on' if is_on else 'off'}: {gate.fixed}")
        chosen[name] = is_on
    return chosen


def gated(scheme: Scheme, gates: Mapping[str, bool]) -> Scheme:
    """The kinds as the API server checks them: what a gate that is off would have to act on is refused."""
    if gates[MACHINE_POOL] and gates[TAINT_PROPAGATION]:
        return scheme
    return Scheme([_gated(kind, gates) for kind in scheme.kinds])


def _gated(kind: Kind, gates: Mapping[str, bool]) -> Kind:
    if kind.group != _CORE or kind.kind not in (*_TAINTS, "MachinePool"):
        return kind

    def admit(request: AdmissionRequest) -> Admission:
        answer = kind.admit(request)
        causes = tuple(_causes(kind.kind, request, gates))
        return msgspec.structs.replace(answer, causes=(*answer.causes, *causes)) if causes else answer

    return replace(kind, admit=admit)


def _causes(kind: str, request: AdmissionRequest, gates: Mapping[str, bool]) -> Iterator[FieldCause]:
    """What exists may stay, change and go."""
    if request.new is None or request.subresource:
        return
    if kind == "MachinePool" and not gates[MACHINE_POOL] and request.operation == "CREATE":
        yield forbidden_value("spec", "can be set only if the MachinePool feature flag is enabled")
    taints = _TAINTS.get(kind, "")
    if taints and not gates[TAINT_PROPAGATION] and _new_taints(request.old, request.new, taints):
        text = "taints are not allowed to be set when the feature gate MachineTaintPropagation is disabled"
        yield forbidden_value(taints, text)


def _new_taints(old: Obj | None, new: Obj, path: str) -> bool:
    wanted = value_at(new, path)
    return bool(wanted) and (old is None or wanted != value_at(old, path))
