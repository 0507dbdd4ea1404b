"""Every Event that Cluster API's core records for our kinds is recorded by its controller, in the same type.

The table is cluster-api-core.md 17.4; that of topologies is left out, which nobody can have here.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

CONTROLLERS = Path(__file__).parents[2] / "src" / "capstan" / "controllers"

EXPECTED = {
    "cluster": {"InfrastructureReady": "Normal", "ControlPlaneInitialized": "Normal", "Deleted": "Normal"},
    "machine": {
        "SuccessfulSetNodeRef": "Normal",
        "FailedSetNodeRef": "Warning",
        "SuccessfulSetInterruptibleNodeLabel": "Normal",
        "SuccessfulDrainNode": "Normal",
        "FailedDrainNode": "Warning",
        "NodeVolumesDetached": "Normal",
        "FailedWaitForVolumeDetach": "Warning",
        "FailedDeleteNode": "Warning",
    },
    "machinehealthcheck": {"MachineMarkedUnhealthy": "Normal", "RemediationRestricted": "Warning"},
    "machinepool": {"SuccessfulSetNodeRefs": "Normal", "FailedSetNodeRef": "Warning"},
}


def recorded(folder: str) -> dict[str, str]:
    """Reason and type of each `Emit`; a reason that is passed on as an argument counts with the type of its Emit."""
    found: dict[str, str] = {}
    passed_on: dict[str, str] = {}
    for path in sorted((CONTROLLERS / folder).rglob("*.py")):
        tree = ast.parse(path.read_text())
        constants = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
        for call in ast.walk(tree):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Emit"):
                continue
            given = {word.arg: word.value for word in call.keywords}
            name, type_ = given["name"], given.get("type")
            kind = str(type_.value) if isinstance(type_, ast.Constant) else "Normal"
            if isinstance(name, ast.Constant):
                found[str(name.value)] = kind
            else:
                passed_on |= dict.fromkeys(constants, kind)
    return passed_on | found


@pytest.mark.parametrize("folder", EXPECTED)
def test_events_are_recorded(folder: str) -> None:
    have = recorded(folder)
    assert {reason: have.get(reason) for reason in EXPECTED[folder]} == EXPECTED[folder]
