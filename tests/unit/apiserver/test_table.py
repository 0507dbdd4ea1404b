"""Tables: printer columns, built-in kinds' columns, ages, kubectl's JSON paths."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from capstan.api.kinds import Column
from capstan.apiserver.columns import human_age, human_duration
from capstan.apiserver.jsonpath import PathError, compile_path
from capstan.apiserver.table import to_table

NOW = datetime(2026, 1, 10, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (1, "1s"),
        (119, "119s"),
        (120, "2m"),
        (303, "5m3s"),
        (599, "9m59s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600 + 60, "3h1m"),
        (8 * 3600, "8h"),
        (48 * 3600 - 1, "47h"),
        (51 * 3600, "2d3h"),
        (8 * 86400, "8d"),
        (2 * 365 * 86400 - 1, "729d"),
        (2 * 365 * 86400 + 86400, "2y1d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_durations_read_as_kubectl_writes_them(seconds: int, text: str) -> None:
    assert human_duration(timedelta(seconds=seconds)) == text


def test_ages_of_what_is_no_time() -> None:
    assert human_age(None, NOW) == "<unknown>"
    assert human_age("soon", NOW) == "<invalid>"
    assert human_age("2026-01-10T11:55:00Z", NOW) == "5m"
    assert human_age("2026-01-10T11:55:00.123456Z", NOW) == "4m59s"


MACHINE = {
    "apiVersion": "x/v1",
    "kind": "Machine",
    "metadata": {
        "name": "m1",
        "namespace": "ns",
        "creationTimestamp": "2026-01-08T09:00:00Z",
        "labels": {"a.b/c": "d"},
    },
    "spec": {"replicas": 3, "paused": False, "items": [{"n": 1}, {"n": 2}]},
    "status": {"conditions": [{"type": "Other", "status": "False"}, {"type": "Ready", "status": "True"}]},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec.replicas", [3]),
        ("{.spec.replicas}", [3]),
        ("spec.replicas", [3]),
        (".spec.nothing", []),
        ('.status.conditions[?(@.type=="Ready")].status', ["True"]),
        (".status.conditions[?(@.type=='Missing')].status", []),
        (".status.conditions[?(@.type != 'Ready')].status", ["False"]),
        (".spec.items[?(@.n>1)].n", [2]),
        (".spec.items[?(@.n)].n", [1, 2]),
        (".spec.items[0].n", [1]),
        (".spec.items[-1].n", [2]),
        (".spec.items[9].n", []),
        (".spec.items[*].n", [1, 2]),
        (".spec.items[0:1].n", [1]),
        (".metadata.labels['a.b/c']", ["d"]),
        (r".metadata.labels.a\.b/c", ["d"]),
        ("..n", [1, 2]),
    ],
)
def test_json_paths(path: str, found: list[Any]) -> None:
    assert compile_path(path)(MACHINE) == found


@pytest.mark.parametrize("path", [".a[", ".a[?(", ".a[b]", ".a[?(@.b==c)]", ".a b"])
def test_json_paths_that_are_none(path: str) -> None:
    with pytest.raises(PathError):
        compile_path(path)


COLUMNS = (
    Column("Replicas", ".spec.replicas", "integer"),
    Column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
    Column("Paused", ".spec.paused", "boolean"),
    Column("Missing", ".spec.missing"),
    Column("Wrong", ".metadata.name", "integer", priority=1),
    Column("Age", ".metadata.creationTimestamp", "date"),
    Column("Ns", ".spec.items[*].n"),
)


def test_custom_columns_come_after_the_name() -> None:
    table = to_table([MACHINE], COLUMNS, NOW, metadata={"resourceVersion": "7"})
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", *[c.name for c in COLUMNS]]
    assert table["rows"][0]["cells"] == ["m1", 3, "True", False, None, None, "2d3h", "1 2"]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    assert table["rows"][0]["object"]["metadata"] is MACHINE["metadata"]
    assert table["metadata"] == {"resourceVersion": "7"}


def test_without_columns_there_is_the_age() -> None:
    table = to_table([MACHINE], (), NOW, include_object="None", headers=False)
    assert table["rows"] == [{"cells": ["m1", "2d3h"]}]
    assert table["columnDefinitions"] is None
    assert to_table([MACHINE], (), NOW, include_object="Object")["rows"][0]["object"] is MACHINE


def _cells(group: str, kind: str, obj: dict[str, Any]) -> dict[str, Any]:
    full = {"metadata": {"name": "x", "creationTimestamp": "2026-01-10T11:59:00Z"}, **obj}
    table = to_table([full], (), NOW, group=group, kind=kind)
    names = [c["name"] for c in table["columnDefinitions"]]
    assert len(names) == len(table["rows"][0]["cells"])
    return dict(zip(names, table["rows"][0]["cells"], strict=True))


def test_built_in_kinds_have_their_own_columns() -> None:
    assert _cells("", "Namespace", {"status": {"phase": "Active"}}) == {"Name": "x", "Status": "Active", "Age": "60s"}
    assert _cells("", "Secret", {"type": "Opaque", "data": {"a": ""}})["Data"] == 1
    assert _cells("", "ConfigMap", {"data": {"a": ""}, "binaryData": {"b": ""}})["Data"] == 2
    assert _cells("", "ServiceAccount", {})["Secrets"] == 0
    assert _cells("coordination.k8s.io", "Lease", {"spec": {"holderIdentity": "me"}})["Holder"] == "me"
    assert _cells("apiextensions.k8s.io", "CustomResourceDefinition", {})["Created At"] == "2026-01-10T11:59:00Z"
    binding = _cells(
        "rbac.authorization.k8s.io",
        "RoleBinding",
        {
            "roleRef": {"kind": "Role", "name": "r"},
            "subjects": [{"kind": "ServiceAccount", "namespace": "n", "name": "s"}],
        },
    )
    assert (binding["Role"], binding["ServiceAccounts"]) == ("Role/r", "n/s")


def test_nodes() -> None:
    node = {
        "metadata": {
            "name": "n",
            "labels": {"node-role.kubernetes.io/control-plane": "", "kubernetes.io/role": "etcd"},
        },
        "spec": {"unschedulable": True},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
            "nodeInfo": {"kubeletVersion": "v1.34.0"},
        },
    }
    cells = _cells("", "Node", node)
    assert cells["Status"] == "Ready,SchedulingDisabled"
    assert cells["Roles"] == "control-plane,etcd"
    assert cells["Age"] == "<unknown>"
    assert cells["Internal-IP"] == "10.0.0.1"
    assert cells["External-IP"] == "<none>"
    assert _cells("", "Node", {})["Status"] == "Unknown"


def test_events_of_both_groups() -> None:
    old = {
        "involvedObject": {"kind": "Machine", "name": "m"},
        "lastTimestamp": "2026-01-10T11:58:00Z",
        "message": "hi\n",
    }
    cells = _cells("", "Event", {**old, "type": "Normal", "reason": "R", "source": {"component": "c"}, "count": 4})
    assert (cells["Last Seen"], cells["Object"], cells["Message"], cells["Count"]) == ("2m", "machine/m", "hi", 4)
    new = {"regarding": {"kind": "Pod", "name": "p"}, "eventTime": "2026-01-10T11:57:00.000000Z", "note": "n"}
    cells = _cells("events.k8s.io", "Event", {**new, "reportingController": "rc"})
    assert (cells["Last Seen"], cells["Object"], cells["Message"], cells["Source"]) == ("3m", "pod/p", "n", "rc")


def test_pods() -> None:
    pod = {
        "spec": {"containers": [{}, {}], "nodeName": "n"},
        "status": {
            "phase": "Running",
            "containerStatuses": [
                {"ready": True, "restartCount": 2},
                {"state": {"waiting": {"reason": "CrashLoopBackOff"}}},
            ],
        },
    }
    cells = _cells("", "Pod", pod)
    assert (cells["Ready"], cells["Status"], cells["Restarts"]) == ("1/2", "CrashLoopBackOff", "2")
