"""The labels, annotations and taints of a Node, case by case, as its Machine wants them (2.4)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.unit.controllers.machine.build import machine, node, provider, said, snapshot

from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machineset import MachineSet
from capstan.api.core.node import Node
from capstan.api.objects import Obj
from capstan.api.struct import decode, encode
from capstan.controllers.machine.plan.node import marked_node
from capstan.controllers.machine.snapshot import MachineSnapshot, Synced
from capstan.controllers.machine.status import compute_status
from capstan.runtime.plan import Outcomes

LABELS = "cluster.x-k8s.io/labels-from-machine"
ANNOTATIONS = "cluster.x-k8s.io/annotations-from-machine"
TAINTS = "cluster.x-k8s.io/taints-from-machine"
IDENTITY = {
    "cluster.x-k8s.io/cluster-name": "homelab",
    "cluster.x-k8s.io/cluster-namespace": "default",
    "cluster.x-k8s.io/machine": "m",
}


def marked(found: MachineSnapshot, **metadata: Any) -> Node:
    return marked_node(found, node(metadata=metadata))


def taint(key: str, value: str = "", effect: str = "NoSchedule") -> Obj:
    return {"key": key, "effect": effect} | ({"value": value} if value else {})


ALWAYS: Obj = {**taint("always", "v"), "propagation": "Always"}
ONCE: Obj = {**taint("once", "w"), "propagation": "OnInitialization"}
RECORD = "always:NoSchedule"


def plain(given: Obj) -> Obj:
    return {k: v for k, v in given.items() if k != "propagation"}


@pytest.mark.parametrize(
    ("record", "on_node", "wanted", "expected", "after"),
    [
        (None, [], [], [], ""),
        ("", [], [], [], ""),
        ("gone:NoSchedule", [], [], [], ""),
        (None, [], [ALWAYS], [ALWAYS], RECORD),
        ("", [], [ALWAYS], [ALWAYS], RECORD),
        (RECORD, [], [ALWAYS], [ALWAYS], RECORD),
        (RECORD, [ALWAYS], [], [], ""),
        (None, [], [ONCE], [ONCE], ""),
        ("", [], [ONCE], [], ""),
        ("", [ONCE], [], [ONCE], ""),
        (RECORD, [ALWAYS], [{**ALWAYS, "propagation": "OnInitialization"}], [ALWAYS], ""),
        ("", [ONCE], [{**ONCE, "propagation": "Always"}], [ONCE], "once:NoSchedule"),
        (RECORD, [ALWAYS], [{**ALWAYS, "value": "new"}], [{**ALWAYS, "value": "new"}], RECORD),
        (
            RECORD,
            [ALWAYS],
            [{**ALWAYS, "effect": "NoExecute"}],
            [{**ALWAYS, "effect": "NoExecute"}],
            "always:NoExecute",
        ),
        (None, [taint("mine", "x")], [ALWAYS, ONCE], [taint("mine", "x"), ALWAYS, ONCE], RECORD),
        (None, [ALWAYS], [ALWAYS], [ALWAYS], RECORD),
        (f"{RECORD},", [ALWAYS], [ALWAYS], [ALWAYS], RECORD),
        ("", [taint("node.cluster.x-k8s.io/uninitialized")], [], [], ""),
        (
            "",
            [taint("node-role.kubernetes.io/control-plane")],
            [],
            [taint("node-role.kubernetes.io/control-plane")],
            "",
        ),
    ],
)
def test_taints(record: str | None, on_node: list[Obj], wanted: list[Obj], expected: list[Obj], after: str) -> None:
    annotations = {} if record is None else {TAINTS: record}
    before = node(metadata={"annotations": annotations}, spec={"taints": [plain(t) for t in on_node]})
    found = marked_node(snapshot(machine(spec={"taints": wanted})), before)
    assert [encode(t) for t in found.spec.taints] == [plain(t) for t in expected]
    assert found.metadata.annotations[TAINTS] == after
    assert marked_node(snapshot(machine(spec={"taints": wanted})), found) == found, "once is enough"


ROLE = "node-role.kubernetes.io/worker"


@pytest.mark.parametrize(
    ("on_node", "record", "wanted", "expected"),
    [
        ({"mine": "foo"}, None, {}, {"mine": "foo"}),
        ({"mine": "foo"}, None, {ROLE: "foo"}, {"mine": "foo", ROLE: "foo"}),
        ({ROLE: "foo"}, None, {ROLE: "bar"}, {ROLE: "bar"}),
        ({ROLE: "foo"}, ROLE, {ROLE: "bar"}, {ROLE: "bar"}),
        ({ROLE: "foo", "mine": "foo"}, ROLE, {}, {"mine": "foo"}),
        ({}, ROLE, {}, {}),
        ({ROLE: "foo"}, None, {"other": "x"}, {ROLE: "foo"}),
    ],
)
def test_labels(on_node: dict[str, str], record: str | None, wanted: dict[str, str], expected: dict[str, str]) -> None:
    annotations = {} if record is None else {LABELS: record}
    found = marked(snapshot(machine(labels=wanted)), labels=on_node, annotations=annotations)
    assert found.metadata.labels == expected
    assert found.metadata.annotations[LABELS] == ",".join(sorted(k for k in wanted if k == ROLE))


KEPT = "node.cluster.x-k8s.io/keep-this"
OWNER = {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "MachineSet", "name": "s", "uid": "s", "controller": True}


@pytest.mark.parametrize(
    ("on_node", "wanted", "expected", "record"),
    [
        ({"mine": "foo"}, {}, {"mine": "foo"}, ""),
        ({"mine": "foo"}, {KEPT: "bar", "other": "x"}, {"mine": "foo", KEPT: "bar"}, KEPT),
        ({KEPT: "bar", ANNOTATIONS: KEPT}, {}, {}, ""),
        ({KEPT: "bar"}, {}, {KEPT: "bar"}, ""),
        ({"cluster.x-k8s.io/owner-kind": "MachineSet", "cluster.x-k8s.io/owner-name": "s"}, {}, {}, ""),
    ],
)
def test_annotations(on_node: dict[str, str], wanted: dict[str, str], expected: dict[str, str], record: str) -> None:
    found = snapshot(machine(annotations=wanted))
    once = marked(found, annotations=on_node)
    assert once.metadata.annotations == {**expected, **IDENTITY, ANNOTATIONS: record, LABELS: "", TAINTS: ""}
    assert marked_node(found, once) == once


def test_a_node_says_whose_machine_it_is() -> None:
    found = marked(snapshot(machine(ownerReferences=[OWNER])))
    owner = {"cluster.x-k8s.io/owner-kind": "MachineSet", "cluster.x-k8s.io/owner-name": "s"}
    assert (IDENTITY | owner).items() <= found.metadata.annotations.items()


@pytest.mark.parametrize(("pattern", "synced"), [("foo", {"foo", "wrong.test.foo.com"}), (".*", None), (None, set())])
def test_patterns_choose_further_keys(pattern: str | None, synced: set[str] | None) -> None:
    keys = {"foo": "1", "bar": "1", "company.xyz/node.cluster.x-k8s.io": "1", "wrong.test.foo.com": "1"}
    patterns = () if pattern is None else (re.compile(pattern),)
    found = marked(snapshot(machine(labels=keys, annotations=keys), synced=Synced(patterns, patterns)))
    expected = set(keys) if synced is None else synced
    assert set(found.metadata.labels) == expected
    assert found.metadata.annotations[ANNOTATIONS] == ",".join(sorted(expected))


def test_a_host_that_may_be_taken_away() -> None:
    label = "cluster.x-k8s.io/interruptible"
    taken = snapshot(infrastructure=provider("LabMachine", status={"interruptible": True}))
    stays = snapshot(infrastructure=provider("LabMachine", status={"interruptible": False}))
    found = marked(taken)
    assert found.metadata.labels == {label: ""}
    assert marked_node(stays, found).metadata.labels == {}


OUTDATED = {"key": "node.cluster.x-k8s.io/outdated-revision", "effect": "PreferNoSchedule"}
REVISION = "machinedeployment.clusters.x-k8s.io/revision"


@pytest.mark.parametrize(
    ("of_set", "of_deployment", "outdated"),
    [
        ("12", "12", False),
        ("10", "12", True),
        (None, "1", True),
        ("2", "1", False),
        (None, None, False),
        ("x", "1", False),
    ],
)
def test_nodes_of_an_older_revision(of_set: str | None, of_deployment: str | None, outdated: bool) -> None:
    def meta(revision: str | None) -> Obj:
        return {"metadata": {"annotations": {} if revision is None else {REVISION: revision}}}

    owner, deployment = decode(meta(of_set), MachineSet), decode(meta(of_deployment), MachineDeployment)
    found = snapshot(machine_set=owner, deployment=deployment)
    fresh, marked_before = node(), node(spec={"taints": [OUTDATED]})
    for before in (fresh, marked_before):
        taints = [(t.key, t.effect) for t in marked_node(found, before).spec.taints]
        assert taints == ([(OUTDATED["key"], OUTDATED["effect"])] if outdated else [])
    assert marked_node(snapshot(machine_set=owner), marked_before).spec.taints == ()


PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure")


@pytest.mark.parametrize(
    ("ready", "pressures", "expected"),
    [
        ("True", "False", ("True", "", "")),
        (
            "Unknown",
            "Unknown",
            ("Unknown", "", ". ".join(f"Node condition {c} is Unknown" for c in ("Ready", *PRESSURES))),
        ),
        (
            "Unknown",
            "True",
            (
                "False",
                "Warning",
                "Node condition Ready is Unknown. " + ". ".join(f"Node condition {c} is True" for c in PRESSURES),
            ),
        ),
        ("True", "Unknown", ("True", "", "")),
        ("False", "False", ("False", "Warning", "Node condition Ready is False")),
    ],
)
def test_what_older_readers_learn_of_a_node(ready: str, pressures: str, expected: tuple[str, str, str]) -> None:
    conditions = [said("Ready", ready, "x"), *(said(name, pressures, "x") for name in PRESSURES)]
    given = machine(spec={"providerID": "x://n"})
    after = compute_status(snapshot(given, node=node(*conditions)), Outcomes())
    told = next(c for c in after.status.deprecated.v1beta1.conditions if c.type == "NodeHealthy")
    assert (told.status, told.severity, told.message) == expected
