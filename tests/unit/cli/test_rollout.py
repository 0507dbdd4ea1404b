"""`capstan rollout`: what it changes, what it prints, and when it refuses."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner

from capstan.api.errors import not_found
from capstan.api.objects import Obj, Resource
from capstan.cli.access import Access
from capstan.cli.app import app
from capstan.runtime.clock import SystemClock
from tests.unit.controllers.world import _merged

NOW, LATER, BEFORE = "2026-01-01T12:00:00Z", "2026-01-01T13:00:00Z", "2026-01-01T11:00:00Z"
PAUSED, AFTER = "cluster.x-k8s.io/paused", "capstan.dev/rollout-after"
MD, TCP = "machinedeployment.cluster.x-k8s.io", "taloscontrolplane.controlplane.cluster.x-k8s.io"


class Plane:
    """The objects of a management plane, by kind and name."""

    def __init__(self, *objects: Obj) -> None:
        self.objects = {(obj["kind"], obj["metadata"]["name"]): obj for obj in objects}

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        if (resource.kind, name) not in self.objects:
            raise not_found(resource.group_resource, name)
        return self.objects[resource.kind, name]

    async def patch(self, resource: Resource, namespace: str, name: str, patch: Obj) -> None:
        self.objects[resource.kind, name] = _merged(await self.get(resource, namespace, name), patch)


def md(name: str = "web", annotations: Obj | None = None, **spec: Any) -> Obj:
    return _obj("MachineDeployment", name, annotations, {"template": {"spec": _template("v2")}, **spec})


def tcp(name: str = "cp", annotations: Obj | None = None) -> Obj:
    return _obj("TalosControlPlane", name, annotations, {})


def _obj(kind: str, name: str, annotations: Obj | None, spec: Obj) -> Obj:
    return {"kind": kind, "metadata": {"name": name, "annotations": annotations or {}}, "spec": spec}


def _template(version: str) -> Obj:
    return {"version": version, "infrastructureRef": {"name": f"host-{version}"}}


def _history(*versions: str) -> str:
    return json.dumps([{"revision": at + 1, "template": _template(v)} for at, v in enumerate(versions)])


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    def rollout(plane: Plane, *arguments: str) -> tuple[int, str, str]:
        @asynccontextmanager
        async def client(access: Access, program: str = "capstan") -> AsyncIterator[Plane]:
            yield plane

        monkeypatch.setattr(Access, "client", client)
        monkeypatch.setattr(SystemClock, "now", lambda clock: datetime(2026, 1, 1, 12, tzinfo=UTC))
        done = CliRunner().invoke(app, ["rollout", *arguments, "-n", "default"])
        return done.exit_code, done.stdout, done.stderr

    return rollout


@pytest.mark.parametrize(
    ("command", "given", "target", "said", "expected"),
    [
        ("pause", md(), "machinedeployment/web", f"{MD}/web paused\n", {"paused": True}),
        ("pause", md(paused=False), "md/web", f"{MD}/web paused\n", {"paused": True}),
        ("resume", md(paused=True), "machinedeployments/web", f"{MD}/web resumed\n", {"paused": None}),
        ("restart", md(), "md/web", f"{MD}/web restarted\n", {"rollout": {"after": NOW}}),
        ("restart", md(rollout={"after": BEFORE}), "md/web", f"{MD}/web restarted\n", {"rollout": {"after": NOW}}),
        ("pause", tcp(), "taloscontrolplane/cp", f"{TCP}/cp paused\n", {PAUSED: "true"}),
        ("resume", tcp(annotations={PAUSED: "true"}), "tcp/cp", f"{TCP}/cp resumed\n", {PAUSED: None}),
        ("resume", tcp(annotations={PAUSED: ""}), "tcp/cp", f"{TCP}/cp resumed\n", {PAUSED: None}),
        ("restart", tcp(), "tcp/cp", f"{TCP}/cp restarted\n", {AFTER: NOW}),
        ("restart", tcp(annotations={AFTER: BEFORE}), "tcp/cp", f"{TCP}/cp restarted\n", {AFTER: NOW}),
    ],
)
def test_what_is_done(run: Any, command: str, given: Obj, target: str, said: str, expected: Obj) -> None:
    plane = Plane(given)
    assert run(plane, command, target) == (0, said, "")
    (obj,) = plane.objects.values()
    found = obj["spec"] if obj["kind"] == "MachineDeployment" else obj["metadata"]["annotations"]
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("command", "given", "target", "why"),
    [
        ("pause", md(paused=True), "md/web", 'MachineDeployment "web" is already paused'),
        ("resume", md(), "md/web", 'MachineDeployment "web" is not paused'),
        ("resume", md(paused=False), "md/web", 'MachineDeployment "web" is not paused'),
        ("restart", md(paused=True), "md/web", 'can\'t restart paused MachineDeployment "web"'),
        ("restart", md(rollout={"after": LATER}), "md/web", f"planned for {LATER} (spec.rollout.after)"),
        ("pause", tcp(annotations={PAUSED: ""}), "tcp/cp", 'TalosControlPlane "cp" is already paused'),
        ("resume", tcp(), "tcp/cp", 'TalosControlPlane "cp" is not paused'),
        ("restart", tcp(annotations={PAUSED: "x"}), "tcp/cp", 'can\'t restart paused TalosControlPlane "cp"'),
        ("restart", tcp(annotations={AFTER: LATER}), "tcp/cp", f"planned for {LATER} (annotation {AFTER})"),
        ("undo", md(paused=True), "md/web", 'can\'t undo paused MachineDeployment "web"'),
        ("undo", md(), "md/web", "no earlier revision of MachineDeployment web is kept; kept are: none"),
        ("undo", tcp(), "tcp/cp", "no history is kept of a TalosControlPlane"),
        ("history", tcp(), "tcp/cp", "no history is kept of a TalosControlPlane"),
        *(
            (command, md(), "md/nobody", 'MachineDeployment "nobody" not found in namespace default')
            for command in ("pause", "resume", "restart", "undo", "history", "status")
        ),
    ],
)
def test_what_is_refused_changes_nothing(run: Any, command: str, given: Obj, target: str, why: str) -> None:
    plane = Plane(given)
    before = dict(plane.objects)
    code, said, told = run(plane, command, target)
    assert (code, said) == (1, "")
    assert why in told
    assert plane.objects == before


@pytest.mark.parametrize("command", ["pause", "resume", "restart", "undo", "history", "status"])
@pytest.mark.parametrize("targets", [(), ("foo/web",), ("md",), ("md/",), ("/web",), ("md/a/b",), ("md/web", "web")])
def test_what_names_nothing_is_a_wrong_use(run: Any, command: str, targets: tuple[str, ...]) -> None:
    plane = Plane(md())
    before = dict(plane.objects)
    code, said, _ = run(plane, command, *targets)
    assert (code, said) == (2, "")
    assert plane.objects == before


def test_one_that_fails_stops_no_other(run: Any) -> None:
    plane = Plane(md("a"), md("b", paused=True), md("c"))
    code, said, told = run(plane, "pause", "machinedeployment", "a", "b", "nobody", "c")
    assert (code, said) == (1, f"{MD}/a paused\n{MD}/c paused\n")
    assert "already paused" in told and "not found" in told


@pytest.mark.parametrize(
    ("arguments", "code", "said", "version"),
    [
        ((), 0, f"{MD}/web rolled back\n", "v1"),
        (("--to-revision", "1"), 0, f"{MD}/web rolled back\n", "v1"),
        (("--to-revision", "2"), 0, f"{MD}/web skipped rollback (current template already matches revision 2)\n", "v2"),
        (("--to-revision", "9"), 1, "revision 9 of MachineDeployment web is not kept; kept are: 1, 2\n", "v2"),
    ],
)
def test_going_back(run: Any, arguments: tuple[str, ...], code: int, said: str, version: str) -> None:
    plane = Plane(md(annotations={"capstan.dev/rollout-history": _history("v1", "v2")}))
    status, out, error = run(plane, "undo", "md/web", *arguments)
    assert (status, (out + error).removeprefix("Error: ")) == (code, said)
    spec = plane.objects["MachineDeployment", "web"]["spec"]["template"]["spec"]
    assert (spec["version"], spec["infrastructureRef"]["name"]) == (version, f"host-{version}")


def test_looking_back(run: Any) -> None:
    plane = Plane(md(annotations={"capstan.dev/rollout-history": _history("v1", "v2")}))
    code, said, _ = run(plane, "history", "md/web")
    assert code == 0
    assert [line.split() for line in said.splitlines()] == [
        ["REVISION", "VERSION", "INFRASTRUCTURE", "BOOTSTRAP", "CHANGE-CAUSE"],
        ["1", "v1", "host-v1", "<none>", "<none>"],
        ["2", "v2", "host-v2", "<none>", "<none>"],
    ]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (
            {"replicas": 1, "upToDateReplicas": 1, "availableReplicas": 1},
            'Waiting for machinedeployment "web" rollout to finish: 1 out of 2 new replicas have been updated...',
        ),
        (
            {"replicas": 3, "upToDateReplicas": 2, "availableReplicas": 3},
            'Waiting for machinedeployment "web" rollout to finish: 1 old replicas are pending termination...',
        ),
        (
            {"replicas": 2, "upToDateReplicas": 2, "availableReplicas": 1},
            'Waiting for machinedeployment "web" rollout to finish: 1 of 2 updated replicas are available...',
        ),
        (
            {"replicas": 2, "upToDateReplicas": 2, "availableReplicas": 2},
            'machinedeployment "web" successfully rolled out',
        ),
    ],
)
def test_how_far_it_is(run: Any, status: Obj, said: str) -> None:
    plane = Plane({**md(replicas=2), "status": status})
    assert run(plane, "status", "md/web", "--no-watch") == (0, f"{said}\n", "")
