"""Admission of TalosControlPlane."""

from __future__ import annotations

from typing import Any

from capstan.api.controlplane.admission import admit_talos_control_plane
from capstan.api.kinds import AdmissionRequest


def obj(**spec: Any) -> dict[str, Any]:
    given = {
        "version": "v1.34.0",
        "infrastructureTemplate": {"kind": "ProxmoxMachineTemplate", "name": "cp"},
        "controlPlaneConfig": {"controlplane": {"generateType": "controlplane"}},
    }
    return {"metadata": {"name": "cp", "namespace": "lab"}, "spec": given | spec}


def admitted(old: dict[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
    result = admit_talos_control_plane(AdmissionRequest("UPDATE" if old else "CREATE", old, new))
    assert result.causes == ()
    assert result.object is not None
    return result.object


def test_defaults() -> None:
    spec = admitted(None, obj(version="1.34.0"))["spec"]
    assert spec["replicas"] == 1
    assert spec["version"] == "v1.34.0"
    assert spec["infrastructureTemplate"]["namespace"] == "lab"
    assert spec["rolloutStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}
    on_delete = admitted(None, obj(rolloutStrategy={"type": "OnDelete"}))["spec"]
    assert on_delete["rolloutStrategy"] == {"type": "OnDelete"}


def test_defaults_are_stable() -> None:
    once = admitted(None, obj())
    again = admit_talos_control_plane(AdmissionRequest("UPDATE", once, obj()))
    assert again.object == once
    assert again.warnings == ()


def test_an_unknown_strategy_is_refused() -> None:
    new = obj(rolloutStrategy={"type": "Recreate"})
    (cause,) = admit_talos_control_plane(AdmissionRequest("CREATE", None, new)).causes
    assert cause.field == "spec.rolloutStrategy"
    assert cause.message == 'Invalid value: "Recreate": valid values are: ["RollingUpdate" "OnDelete"]'


def test_an_even_number_of_replicas_is_warned_about_once() -> None:
    one, two = obj(replicas=1), obj(replicas=2)
    (warning,) = admit_talos_control_plane(AdmissionRequest("UPDATE", one, two)).warnings
    assert "spec.replicas is 2" in warning
    assert admit_talos_control_plane(AdmissionRequest("UPDATE", one, obj(replicas=3))).warnings == ()
    other = {**two, "spec": two["spec"] | {"rolloutStrategy": {"type": "OnDelete"}}}
    assert admit_talos_control_plane(AdmissionRequest("UPDATE", two, other)).warnings == ()


def test_changes_that_need_new_machines_are_warned_about() -> None:
    old = admitted(None, obj())
    new = obj(
        version="v1.35.0",
        infrastructureTemplate={"kind": "ProxmoxMachineTemplate", "name": "bigger"},
        controlPlaneConfig={"controlplane": {"generateType": "controlplane", "talosVersion": "v1.12"}},
    )
    warnings = admit_talos_control_plane(AdmissionRequest("UPDATE", old, new)).warnings
    assert [warning.partition(":")[0] for warning in warnings] == [
        'spec.version changed from "v1.34.0" to "v1.35.0"',
        'spec.infrastructureTemplate changed from "cp" to "bigger"',
        "spec.controlPlaneConfig.controlplane changed",
    ]
    assert all("existing control plane machines are not replaced" in warning for warning in warnings)
