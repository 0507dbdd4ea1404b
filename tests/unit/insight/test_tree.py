"""The tree of a cluster and how it is drawn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from capstan.api.objects import Obj
from capstan.insight.drawing import age, draw, waiting
from capstan.insight.tree import ClusterObjects, TreeOptions, cluster_tree

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def condition(type_: str, status: str, reason: str = "", message: str = "", seconds: int = 60) -> dict[str, str]:
    since = (NOW - timedelta(seconds=seconds)).isoformat()
    return {"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": since}


def thing(kind: str, name: str, *conditions: dict[str, str], **parts: Any) -> Obj:
    labels = parts.pop("labels", {})
    metadata = {"name": name, "namespace": "default", "uid": f"uid-{name}", "labels": labels}
    status = {"conditions": list(conditions), **parts.pop("status", {})}
    return {"kind": kind, "metadata": metadata, "spec": parts.pop("spec", {}), "status": status}


def machine(name: str, ready: str, reason: str, labels: dict[str, str]) -> Obj:
    conditions = [condition(t, ready, reason) for t in ("Available", "Ready", "UpToDate")]
    return thing("Machine", name, *conditions, labels=labels, spec={"version": "v1.33.4"})


def home() -> ClusterObjects:
    pool = {"cluster.x-k8s.io/deployment-name": "w"}
    machines = [
        machine("w-2", "True", "Ready", pool),
        machine("w-1", "True", "Ready", pool),
        machine("w-3", "False", "NotReady", pool),
        machine("cp-1", "True", "Ready", {"cluster.x-k8s.io/control-plane": ""}),
        machine("stray", "True", "Ready", {}),
    ]
    infrastructure = thing(
        "ProxmoxMachine", "w-3", condition("Ready", "False", "CloneFailed", "* storage tank is full", 5)
    )
    return ClusterObjects(
        cluster=thing("Cluster", "home", condition("Available", "False", "NotAvailable", "* A: one\n* B:\n  * two")),
        infrastructure=thing("ProxmoxCluster", "home", condition("Ready", "True", "Ready")),
        control_plane=thing(
            "TalosControlPlane",
            "cp",
            condition("Ready", "True", "Ready"),
            spec={"replicas": 1, "version": "v1.33.4"},
            status={"replicas": 1, "readyReplicas": 1},
        ),
        deployments=[
            thing(
                "MachineDeployment",
                "w",
                condition("Available", "False", "NotAvailable", "2 of 3"),
                spec={"replicas": 3, "template": {"spec": {"version": "v1.33.4"}}},
                status={"replicas": 3, "availableReplicas": 2, "readyReplicas": 2, "upToDateReplicas": 3},
            )
        ],
        machines=machines,
        machine_parts={"uid-w-3": [infrastructure]},
    )


def rows(options: TreeOptions | None = None) -> list[str]:
    return draw(cluster_tree(home(), options), NOW).splitlines()


GOLDEN = """\
NAME                                      REPLICAS  AVAILABLE  READY  UP TO DATE  STATUS  REASON        SINCE  MESSAGE
Cluster default/home                      4/4       3          3      3           False   NotAvailable  1m     * A: one
│                                                                                                              * B:
│                                                                                                                * two
├─ProxmoxCluster default/home                                                     True    Ready         1m
├─TalosControlPlane default/cp, v1.33.4   1/1       1          1      0           True    Ready         1m
│ └─Machine default/cp-1, v1.33.4         1         1          1      1           True    Ready         1m
└─Workers
  ├─MachineDeployment default/w, v1.33.4  3/3       2          2      3           False   NotAvailable  1m     2 of 3
  │ ├─2 Machines...                       2         2          2      2           True    Ready         1m     See w-1, w-2
  │ └─Machine default/w-3, v1.33.4        1         0          0      0           False   NotReady      1m
  │   └─ProxmoxMachine default/w-3                                                False   CloneFailed   5s     * storage tank is full
  └─Other
    └─Machine default/stray, v1.33.4      1         1          1      1           True    Ready         1m
"""  # noqa: E501


def test_the_whole_tree() -> None:
    """Machines that stand alike are one row; one that does not shows its parts; a stray one is under Other."""
    assert "\n".join(rows()) + "\n" == GOLDEN


def test_counts_of_the_cluster_are_those_of_its_parts() -> None:
    first = rows()[1].split()
    assert first[2:6] == ["4/4", "3", "3", "3"]


def test_without_grouping_every_machine_has_its_row() -> None:
    text = "\n".join(rows(TreeOptions(grouping=False)))
    assert all(f"Machine default/w-{n}" in text for n in (1, 2, 3))


def test_conditions_are_shown_when_asked_for_and_only_bad_ones_with_a_plus() -> None:
    plain = "\n".join(rows(TreeOptions(show_conditions=frozenset({"machine"}), grouping=False)))
    assert plain.count("UpToDate") == 5
    only_bad = "\n".join(rows(TreeOptions(show_conditions=frozenset({"machine+"}), grouping=False)))
    assert only_bad.count("UpToDate") == 1


def test_waiting_goes_from_the_leaves_up_with_one_line_each() -> None:
    lines = waiting(cluster_tree(home(), TreeOptions(grouping=False)), NOW)
    assert lines[0] == "ProxmoxMachine default/w-3: storage tank is full (for 5s)"
    assert lines[-1] == "Cluster default/home: A: one; B: two (for 1m)"


def test_a_pause_is_told_although_all_is_available() -> None:
    cluster = thing(
        "Cluster",
        "home",
        condition("Available", "True", "Available"),
        condition("Paused", "True", "Paused", "Cluster spec.paused is set to true"),
    )
    lines = waiting(cluster_tree(ClusterObjects(cluster)), NOW)
    assert lines == ["Cluster default/home: Paused: Cluster spec.paused is set to true (for 1m)"]


def test_what_is_being_deleted_is_marked() -> None:
    found = home()
    found.cluster["metadata"]["deletionTimestamp"] = NOW.isoformat()
    assert draw(cluster_tree(found), NOW).splitlines()[1].startswith("!! DELETED !! Cluster default/home")


def test_ages() -> None:
    spans = [(5, "5s"), (65, "1m"), (7200, "2h"), (3 * 86400, "3d")]
    assert [age(NOW - timedelta(seconds=seconds), NOW) for seconds, _ in spans] == [text for _, text in spans]
    assert age(None, NOW) == ""
