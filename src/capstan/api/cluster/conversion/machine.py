"""Machine between v1beta1 and v1beta2."""

from __future__ import annotations

from typing import Any, Final

from capstan.api.cluster.conversion.moves import CONDITIONS, FAILURES, machine_spec, with_defaults
from capstan.api.cluster.conversion.references import MACHINE_REFS, node_ref_down, node_ref_up, refs_down, refs_up
from capstan.api.cluster.machine import Machine
from capstan.api.conversion import Converter, Spoke, downgrade, dropped, move, stay, true_only, upgrade
from capstan.api.fieldnames import FieldNames
from capstan.api.objects import Obj


def _phase_down(phase: Any) -> Any:
    """v1beta1 has no phase for an update in place; the machine runs meanwhile."""
    return "Running" if phase == "Updating" else phase


_MOVES: Final = (
    *CONDITIONS,
    *FAILURES,
    *machine_spec("spec."),
    stay("spec.minReadySeconds", down=dropped),
    stay("status.nodeRef", node_ref_up, node_ref_down),
    stay("status.phase", down=_phase_down),
    stay("status.failureDomain", down=dropped),
    move("status.bootstrapReady", "status.initialization.bootstrapDataSecretCreated", true_only),
    move("status.infrastructureReady", "status.initialization.infrastructureProvisioned", true_only),
)


def _up(obj: Obj) -> Obj:
    return upgrade(refs_up(obj, MACHINE_REFS), _MOVES)


def _down(obj: Obj) -> Obj:
    after = downgrade(refs_down(obj, MACHINE_REFS), _MOVES)
    return with_defaults(after, ("status",), {"bootstrapReady": False, "infrastructureReady": False})


convert_machine = Converter(
    "v1beta2", {"v1beta1": Spoke(_up, _down, fields=FieldNames(_MOVES))}, struct=Machine, settled=(("status", "phase"),)
)
