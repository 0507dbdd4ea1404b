"""Admission of TalosControlPlane."""

from __future__ import annotations

from typing import Any

import pytest

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


def test_no_replicas_are_warned_about_and_fewer_are_refused() -> None:
    (warning,) = admit_talos_control_plane(AdmissionRequest("UPDATE", obj(replicas=3), obj(replicas=0))).warnings
    assert "not scaled below 1 Machine" in warning
    assert "delete the Cluster" in warning
    (cause,) = admit_talos_control_plane(AdmissionRequest("UPDATE", obj(replicas=3), obj(replicas=-1))).causes
    assert (cause.field, cause.message) == (
        "spec.replicas",
        "Invalid value: -1: must be greater than or equal to 0",
    )


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
    assert all("control plane machines are replaced by new ones, one at a time" in warning for warning in warnings)


def running(runs: str, **spec: Any) -> dict[str, Any]:
    return {**obj(**spec), "status": {"version": runs}}


@pytest.mark.parametrize(
    ("wished", "why"),
    [
        ("v1.36.0", "Kubernetes goes one minor version at a time: v1.34.0 to 1.35 first"),
        ("v1.33.9", "Kubernetes cannot go back from v1.34.0 to v1.33.9"),
    ],
)
def test_a_version_that_is_not_one_step_away_is_refused(wished: str, why: str) -> None:
    old = running("v1.34.0")
    (cause,) = admit_talos_control_plane(AdmissionRequest("UPDATE", old, obj(version=wished))).causes
    assert (cause.field, cause.message) == ("spec.version", f'Invalid value: "{wished}": {why}')
    assert admit_talos_control_plane(AdmissionRequest("CREATE", None, obj(version=wished))).causes == ()


def test_a_change_that_has_not_reached_every_machine_may_be_taken_back() -> None:
    halfway = running("v1.34.0", version="v1.35.0")
    assert admit_talos_control_plane(AdmissionRequest("UPDATE", halfway, obj(version="v1.34.2"))).causes == ()
    (cause,) = admit_talos_control_plane(AdmissionRequest("UPDATE", halfway, obj(version="v1.36.0"))).causes
    assert "v1.34.0 to 1.35 first" in cause.message


def test_a_surge_is_none_or_one() -> None:
    new = obj(rolloutStrategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2}})
    (cause,) = admit_talos_control_plane(AdmissionRequest("CREATE", None, new)).causes
    assert cause.field == "spec.rolloutStrategy.rollingUpdate.maxSurge"
    assert cause.message == "Invalid value: 2: must be 0 or 1"


def test_no_surge_and_too_few_replicas_is_warned_about() -> None:
    new = obj(replicas=1, rolloutStrategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0}})
    (warning,) = admit_talos_control_plane(AdmissionRequest("CREATE", None, new)).warnings
    assert "use maxSurge 1, or 3 replicas" in warning


def test_a_talos_version_that_may_be_too_old_is_warned_about() -> None:
    config = {"controlplane": {"generateType": "controlplane", "talosVersion": "v1.10"}}
    (warning,) = admit_talos_control_plane(AdmissionRequest("CREATE", None, obj(controlPlaneConfig=config))).warnings
    assert "Talos v1.10 runs Kubernetes 1.28 to 1.33, not v1.34.0" in warning


def test_limits_of_remediation_are_numbers() -> None:
    name = "capstan.dev/remediation-max-retry"
    right, wrong = obj(), obj()
    right["metadata"]["annotations"] = {name: "3"}
    wrong["metadata"]["annotations"] = {name: "three"}
    admitted(None, right)
    for old in (None, right):
        (cause,) = admit_talos_control_plane(AdmissionRequest("UPDATE" if old else "CREATE", old, wrong)).causes
        assert cause.field == f"metadata.annotations[{name}]"
        assert cause.message == 'Invalid value: "three": must be a whole number of 0 or more, such as "3"'
    admitted(wrong, wrong | {"spec": {**wrong["spec"], "replicas": 3}})
