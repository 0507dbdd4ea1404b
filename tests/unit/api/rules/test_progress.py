"""Who is paused, and by whom (0.2)."""

from __future__ import annotations

import pytest

from capstan.api.rules.progress import paused_condition

PAUSED = "cluster.x-k8s.io/paused"
OF_CLUSTER = "Cluster spec.paused is set to true"
OF_MACHINE = f"Machine has the {PAUSED} annotation"


@pytest.mark.parametrize(
    ("cluster_paused", "annotations", "expected"),
    [
        (False, {}, ("False", "NotPaused", "")),
        (False, {"other": ""}, ("False", "NotPaused", "")),
        (True, {}, ("True", "Paused", OF_CLUSTER)),
        (False, {PAUSED: ""}, ("True", "Paused", OF_MACHINE)),
        (False, {PAUSED: "false"}, ("True", "Paused", OF_MACHINE)),
        (True, {PAUSED: ""}, ("True", "Paused", f"{OF_CLUSTER}, {OF_MACHINE}")),
    ],
)
def test_paused(cluster_paused: bool, annotations: dict[str, str], expected: tuple[str, str, str]) -> None:
    found = paused_condition("Machine", cluster_paused, annotations)
    assert (found.status, found.reason, found.message) == expected
