"""How far a rollout is, in kubectl's words, and the table of what there was."""

from __future__ import annotations

import pytest

from capstan.api.objects import Obj
from capstan.insight.rollout import history_detail, history_table, progress


def deployment(wanted: int, generation: int = 2, **status: int) -> Obj:
    metadata = {"name": "workers", "generation": generation}
    told = {"observedGeneration": 2, **status}
    return {"kind": "MachineDeployment", "metadata": metadata, "spec": {"replicas": wanted}, "status": told}


@pytest.mark.parametrize(
    ("obj", "text", "done"),
    [
        (deployment(3, generation=3), "spec update to be observed...", False),
        (deployment(3, replicas=4, upToDateReplicas=1), "1 out of 3 new replicas have been updated...", False),
        (deployment(3, replicas=4, upToDateReplicas=3), "1 old replicas are pending termination...", False),
        (
            deployment(3, replicas=3, upToDateReplicas=3, availableReplicas=2),
            "2 of 3 updated replicas are available...",
            False,
        ),
        (deployment(3, replicas=3, upToDateReplicas=3, availableReplicas=3), "successfully rolled out", True),
        (deployment(0), "successfully rolled out", True),
    ],
)
def test_progress(obj: Obj, text: str, done: bool) -> None:
    found = progress(obj)
    assert (found.text.endswith(text), found.done) == (True, done)
    assert 'machinedeployment "workers"' in found.text


def test_history_table() -> None:
    history = (
        '[{"revision":1,"template":{"version":"v1.34.1","infrastructureRef":{"name":"small"},'
        '"bootstrap":{"configRef":{"name":"workers"}}}},{"revision":2,"template":{},"cause":"why not"}]'
    )
    obj = {"metadata": {"annotations": {"capstan.dev/rollout-history": history}}}
    assert history_table(obj) == (
        "REVISION   VERSION   INFRASTRUCTURE   BOOTSTRAP   CHANGE-CAUSE\n"
        "1          v1.34.1   small            workers     <none>\n"
        "2          <none>    <none>           <none>      why not\n"
    )
    assert history_table({"metadata": {}}).count("\n") == 1


def control_plane(
    rolling: str, message: str = "", since: str = "2026-01-01T12:00:00Z", asked: str = "", scaling: str = ""
) -> Obj:
    condition = {"type": "RollingOut", "status": rolling, "message": message, "lastTransitionTime": since}
    conditions = [condition, {"type": "ScalingDown", "status": "True" if scaling else "False", "message": scaling}]
    annotations = {"capstan.dev/rollout-after": asked} if asked else {}
    return {
        "kind": "TalosControlPlane",
        "metadata": {"name": "cp", "generation": 1, "annotations": annotations},
        "spec": {"replicas": 3},
        "status": {"observedGeneration": 1, "replicas": 3, "readyReplicas": 3, "conditions": conditions},
    }


@pytest.mark.parametrize(
    ("obj", "text", "done"),
    [
        (
            control_plane("True", "Rolling out 1 replica\n* Version a, b required"),
            "1 replica; Version a, b required",
            0,
        ),
        (control_plane("False"), "successfully rolled out", 1),
        (control_plane("False", asked="2026-01-01T12:00:05Z"), "12:00:05Z is not observed yet", 0),
        (control_plane("False", since="2026-01-01T12:30:00Z", asked="2026-01-01T12:00:05Z"), "rolled out", 1),
        (
            control_plane("False", scaling="Scaling down from 3 to 0 replicas\n* Not below 1"),
            "finish: Scaling down from 3 to 0 replicas; Not below 1",
            0,
        ),
    ],
)
def test_progress_of_a_control_plane_follows_its_condition(obj: Obj, text: str, done: bool) -> None:
    found = progress(obj)
    assert (found.text.endswith(text), found.done) == (True, bool(done))


@pytest.mark.parametrize(("oldest", "done"), [(None, False), ("", True), ("2026-01-01T12:00:04Z", False)])
def test_a_restart_of_nothing_is_not_waited_for(oldest: str | None, done: bool) -> None:
    """No Machine, or none that is older than the restart: the condition never turns."""
    asked = control_plane("False", asked="2026-01-01T12:00:05Z")
    assert progress(asked, oldest).done is done
    assert progress(asked, "2026-01-01T12:00:05Z").done


def test_one_revision_line_by_line() -> None:
    history = (
        '[{"revision":2,"template":{"version":"v1.34.1","bootstrap":{"configRef":{"name":"workers"}}},"cause":"newer"}]'
    )
    obj = {"metadata": {"name": "w", "annotations": {"capstan.dev/rollout-history": history}}}
    assert history_detail(obj, 2).splitlines() == [
        "w with revision #2",
        "Change-cause: newer",
        "Machine template:",
        "  bootstrap:",
        "    configRef:",
        "      name: workers",
        "  version: v1.34.1",
    ]
    assert history_detail(obj, 1) == ""
