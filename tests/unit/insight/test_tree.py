"""The tree of a cluster and how it is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from capstan.api.objects import Obj
from capstan.insight.drawing import age, draw, waiting, wrapped
from capstan.insight.standing import Standing
from capstan.insight.tree import ClusterObjects, Row, TreeOptions, cluster_tree

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
Cluster default/home                      4/4       3          3      3           False   NotAvailable  60s    * A: one
│                                                                                                              * B:
│                                                                                                                * two
├─ProxmoxCluster default/home                                                     True    Ready         60s
├─TalosControlPlane default/cp, v1.33.4   1/1       1          1                  True    Ready         60s
│ └─Machine default/cp-1, v1.33.4         1         1          1      1           True    Ready         60s
└─Workers
  ├─MachineDeployment default/w, v1.33.4  3/3       2          2      3           False   NotAvailable  60s    2 of 3
  │ ├─2 Machines...                                 2          2      2           True    Ready         60s    See w-1, w-2
  │ └─Machine default/w-3, v1.33.4        1         0          0      0           False   NotReady      60s
  │   └─ProxmoxMachine default/w-3                                                False   CloneFailed   5s     * storage tank is full
  └─Other
    └─Machine default/stray, v1.33.4      1         1          1      1           True    Ready         60s
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
    plain = "\n".join(rows(TreeOptions(show_conditions=("machine",), grouping=False)))
    assert plain.count("UpToDate") == 5
    only_bad = "\n".join(rows(TreeOptions(show_conditions=("machine+",), grouping=False)))
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


def whole_home() -> ClusterObjects:
    """With everything that is shown only when it is there, or asked for."""
    found = home()
    pool = thing("MachinePool", "spot", spec={"replicas": 2, "template": {"spec": {"version": "v1.33.4"}}})
    pool["status"] = {
        "replicas": 2,
        "readyReplicas": 1,
        "deprecated": {"v1beta1": {"conditions": [condition("Ready", "False", "WaitingForReplicasReady", "1 of 2")]}},
    }
    template = thing("ProxmoxMachineTemplate", "w-4g")
    return replace(
        found,
        pools=[pool],
        machines=[*found.machines, machine("spot-1", "True", "Ready", {"cluster.x-k8s.io/pool-name": "spot"})],
        machine_parts={
            **found.machine_parts,
            "uid-spot": [thing("LabMachinePool", "spot", condition("Ready", "False", "NoRoom", "no room for one"))],
        },
        templates={"uid-w": [template, thing("TalosConfigTemplate", "w")], "uid-cp": [thing("LabTemplate", "cp")]},
        resource_sets=[thing("ClusterResourceSet", "cni", condition("ResourcesApplied", "True", "Applied"))],
        sets=[thing("MachineSet", "w-1", condition("ScalingUp", "True", "ScalingUp", BLOCKED))],
    )


BLOCKED = "Scaling up from 2 to 3 replicas is blocked because:\n* ProxmoxMachineTemplate w-8g does not exist"


def names(row: Row) -> Iterator[str]:
    yield row.name
    for child in row.children:
        yield from names(child)


def test_pools_are_workers_with_their_own_parts() -> None:
    text = draw(cluster_tree(whole_home()), NOW)
    (line,) = [line for line in text.splitlines() if "MachinePool default/spot, v1.33.4" in line]
    assert line.split()[3:] == ["2/2", "1", "1", "False", "WaitingForReplicasReady", "60s", "1", "of", "2"]
    assert "LabMachinePool default/spot" in text
    assert "Machine default/spot-1" in text
    (other,) = [row for row in _rows(cluster_tree(whole_home())) if row.name == "Other"]
    assert len(other.children) == 1, "a machine of a pool is not a stray one"


def _rows(row: Row) -> Iterator[Row]:
    yield row
    for child in row.children:
        yield from _rows(child)


def test_templates_and_resource_sets_are_shown_when_asked_for() -> None:
    plain = list(names(cluster_tree(whole_home())))
    assert not [name for name in plain if "Template" in name or "ResourceSet" in name]
    asked = TreeOptions(show_templates=True, show_resource_sets=True)
    shown = list(names(cluster_tree(whole_home(), asked)))
    assert [name for name in shown if name not in plain] == [
        "ClusterResourceSets",
        "ClusterResourceSet default/cni",
        "Templates",
        "LabTemplate default/cp",
        "Templates",
        "ProxmoxMachineTemplate default/w-4g",
        "TalosConfigTemplate default/w",
    ]


def test_rows_come_by_name_and_templates_first() -> None:
    root = cluster_tree(whole_home(), TreeOptions(show_templates=True, show_resource_sets=True))
    first = [child.name.split()[0] for child in root.children]
    assert first == ["ClusterResourceSets", "ProxmoxCluster", "TalosControlPlane", "Workers"]
    (workers,) = [child for child in root.children if child.name == "Workers"]
    assert [child.name.split()[0] for child in workers.children] == ["MachineDeployment", "MachinePool", "Other"]
    assert workers.children[0].children[0].name == "Templates"


def test_a_set_that_cannot_grow_says_why_although_it_has_no_status_in_the_tree() -> None:
    found = whole_home()
    found.sets[0]["metadata"]["ownerReferences"] = [{"uid": "uid-w"}]
    root = cluster_tree(found, TreeOptions(grouping=False, show_machine_sets=True))
    told = [line for line in waiting(root, NOW) if line.startswith("MachineSet")]
    assert told == [
        "MachineSet default/w-1: ScalingUp: Scaling up from 2 to 3 replicas is blocked because: "
        "ProxmoxMachineTemplate w-8g does not exist (for 1m)"
    ]


def test_ages() -> None:
    spans = [(5, "5s"), (65, "1m"), (7200, "2h"), (3 * 86400, "3d")]
    assert [age(NOW - timedelta(seconds=seconds), NOW) for seconds, _ in spans] == [text for _, text in spans]
    assert age(None, NOW) == ""


def node(name: str, *children: Row, status: str = "", conditions: tuple[str, ...] = ()) -> Row:
    """A row whose message has two lines when it is not true."""
    standing = Standing(status, "Reason", None, "one\ntwo" if status == "False" else "") if status else Standing()
    shown = [(name, Standing("True", "Reason")) for name in conditions]
    return Row(name, standing=standing, children=list(children), conditions=shown, opened=bool(shown))


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        (
            node("root", node("child1"), node("child2")),
            ["root", "├─child1", "└─child2"],
        ),
        (
            node(
                "root",
                node("child1", node("child1.1"), node("child1.2")),
                node("child2", node("child2.1"), node("child2.2")),
            ),
            ["root", "├─child1", "│ ├─child1.1", "│ └─child1.2", "└─child2", "  ├─child2.1", "  └─child2.2"],
        ),
        (
            node("root", node("child1", conditions=("C1.1", "C1.2")), node("child2", conditions=("C2.1", "C2.2"))),
            [
                "root",
                "├─child1",
                "│             ├─C1.1",
                "│             └─C1.2",
                "└─child2",
                "              ├─C2.1",
                "              └─C2.2",
            ],
        ),
        (
            node(
                "root",
                node("child1", node("child1.1"), conditions=("C1.1", "C1.2")),
                node("child2", node("child2.1"), conditions=("C2.1", "C2.2")),
            ),
            [
                "root",
                "├─child1",
                "│ │           ├─C1.1",
                "│ │           └─C1.2",
                "│ └─child1.1",
                "└─child2",
                "  │           ├─C2.1",
                "  │           └─C2.2",
                "  └─child2.1",
            ],
        ),
        (
            node(
                "root",
                node(
                    "child1",
                    node("child2", node("child3", node("child4", status="False"), status="False"), status="False"),
                    status="True",
                ),
                node("child5", status="False"),
                status="True",
            ),
            [
                "root",
                "├─child1",
                "│ └─child2",
                "│   │",
                "│   └─child3",
                "│     │",
                "│     └─child4",
                "│",
                "└─child5",
                "",
            ],
        ),
        (
            node("root", node("child1", status="False"), node("child2", status="False"), status="False"),
            ["root", "│", "├─child1", "│", "└─child2", ""],
        ),
    ],
)
def test_lines_of_the_tree_lead_from_parents_to_children(root: Row, expected: list[str]) -> None:
    lines = draw(root, NOW).splitlines()[1:]
    width = max(len(line) for line in expected) + 2
    assert [line[:width].rstrip() for line in lines] == expected
    assert sum(line.endswith("two") for line in lines) == sum(not line.strip("│ ") for line in expected)


def asked(*filters: str) -> dict[str, list[str]]:
    """The conditions that are shown, by the name of the Machine; those that were not asked for are left out."""
    good, told = condition("UpToDate", "True", "UpToDate"), condition("NodeHealthy", "True", "Healthy", "some news")
    held = condition("Paused", "False", "NotPaused")
    machines = [
        thing("Machine", name, condition("Ready", "True", "Ready"), good, told, held, spec={"version": "v1"})
        for name in ("m1", "m2")
    ]
    found = ClusterObjects(thing("Cluster", "home"), machines=machines)
    tree = cluster_tree(found, TreeOptions(grouping=False, show_conditions=filters))
    return {
        row.object["metadata"]["name"]: [name for name, _ in row.conditions]
        for row in _rows(tree)
        if row.object is not None and row.opened and row.object["kind"] == "Machine"
    }


ALL, NEWS = ["Ready", "UpToDate", "NodeHealthy", "Paused"], ["Ready", "NodeHealthy"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ((), {}),
        (("all",), {"m1": ALL, "m2": ALL}),
        (("ALL+",), {"m1": NEWS, "m2": NEWS}),
        (("machine",), {"m1": ALL, "m2": ALL}),
        (("Cluster",), {}),
        (("Machine/M1",), {"m1": ALL}),
        (("Machine/other",), {}),
        (("Machine+",), {"m1": NEWS, "m2": NEWS}),
        (("Machine/m2+",), {"m2": NEWS}),
        # The first that fits counts.
        (("Machine/m2+", "Machine"), {"m1": ALL, "m2": NEWS}),
        (("Machine", "Machine/m2+"), {"m1": ALL, "m2": ALL}),
    ],
)
def test_which_conditions_are_shown(filters: tuple[str, ...], expected: dict[str, list[str]]) -> None:
    assert asked(*filters) == expected


def test_a_row_whose_conditions_are_shown_says_nothing_else() -> None:
    found = ClusterObjects(thing("Cluster", "home", condition("Available", "False", "NotAvailable", "why")))
    _, row, shown = draw(cluster_tree(found, TreeOptions(show_conditions=("all",))), NOW).splitlines()
    assert row.split() == ["Cluster", "default/home", "0/0", "0", "0", "0"]
    assert shown.split() == ["└─Available", "False", "NotAvailable", "60s", "why"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("* " + "word " * 25, "* " + " ".join(["word"] * 19) + "\n  " + " ".join(["word"] * 6)),
        ("  * " + "word " * 25, "  * " + " ".join(["word"] * 19) + "\n    " + " ".join(["word"] * 6)),
        ("one\n  * two", "one\n  * two"),
        ("x" * 150 + " y", "x" * 150 + "\ny"),
    ],
)
def test_messages_are_wrapped_between_words_below_their_bullet(text: str, expected: str) -> None:
    assert wrapped(text) == expected


def older(name: str, ready: str, severity: str, reason: str, message: str = "", kind: str = "Machine") -> Obj:
    told = [
        {**condition("Ready", ready, reason, message), "severity": severity},
        condition("InfrastructureReady", "True", seconds=300),
        condition("BootstrapReady", "True"),
    ]
    labels = {"cluster.x-k8s.io/deployment-name": "w"}
    made = thing(kind, name, condition("Ready", "True", "Ready"), labels=labels, spec={"version": "v1.33.4"})
    made["status"]["deprecated"] = {"v1beta1": {"conditions": told}}
    return made


OLDER = """\
NAME                                     READY SEVERITY REASON  SINCE MESSAGE
Cluster default/home                     True           Ready   60s
└─Workers
  └─MachineDeployment default/w, v1.33.4 True           Ready   60s
    │           ├─BootstrapReady         True                   60s
    │           └─InfrastructureReady    True                   5m
    ├─2 Machines...                      True           Ready   60s   See w-1, w-2
    ├─Machine default/w-3, v1.33.4       False Error    NoRoom  60s   {cut} ...
    │ └─ProxmoxMachine default/w-3       False Warning  Cloning 60s   the clone runs
    └─Machine default/w-4, v1.33.4       False Warning  NoRoom  60s
"""


def test_clients_of_v1beta1_see_its_conditions() -> None:
    """Machines are alike when the severity is the same, too; a message has one line."""
    deployment = older("w", "True", "", "Ready", kind="MachineDeployment")
    deployment["spec"] = {"template": {"spec": {"version": "v1.33.4"}}}
    provider = thing(
        "ProxmoxMachine", "w-3", {**condition("Ready", "False", "Cloning", "the clone runs"), "severity": "Warning"}
    )
    found = ClusterObjects(
        older("home", "True", "", "Ready", kind="Cluster"),
        deployments=[deployment],
        machines=[
            older("w-1", "True", "", "Ready"),
            older("w-2", "True", "", "Ready"),
            older("w-3", "False", "Error", "NoRoom", "s" * 150),
            older("w-4", "False", "Warning", "NoRoom"),
        ],
        machine_parts={"uid-w-3": [provider]},
    )
    options = TreeOptions(show_conditions=("MachineDeployment",), older=True)
    assert draw(cluster_tree(found, options), NOW, older=True) == OLDER.replace("{cut}", "s" * 100)


def test_colours_of_v1beta1_follow_the_severity() -> None:
    def painted(status: str, severity: str) -> str:
        row = Row("x", standing=Standing(status, "R", None, "", severity))
        return draw(row, NOW, colour=True, older=True).splitlines()[1]

    assert painted("True", "").count("\x1b[32m") == 2
    assert painted("False", "Error").count("\x1b[31m") == 3
    assert painted("False", "Warning").count("\x1b[33m") == 3
    assert "\x1b[" not in painted("False", "Info") + painted("Unknown", "")
