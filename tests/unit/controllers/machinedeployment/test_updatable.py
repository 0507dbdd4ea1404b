"""Whether Machines of an older set can be changed in place: when an updater is asked, and what its answer is for."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.controllers.lab import deployment, machine_spec, templates
from tests.unit.controllers.world import BOOTSTRAP, INFRA, World, WorldReader

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.machinedeployment import MachineDeployment
from capstan.api.cluster.machineset import MachineSet
from capstan.api.errors import ApiError, TransientError
from capstan.api.objects import GroupKind, Obj
from capstan.api.rules.contract import External
from capstan.api.struct import decode, encode
from capstan.controllers.machinedeployment.plan.shape import new_machine_set
from capstan.controllers.machinedeployment.snapshot import MachineDeploymentSnapshot
from capstan.controllers.machinedeployment.updatable import KEPT, UpdatableSets
from capstan.runtime.updater import Templates, UpdateAnswer


class Answers:
    """Says what it is told to, and counts how often it was asked."""

    def __init__(self, answer: bool = True) -> None:
        self.answer = answer
        self.asked = 0
        self.error: Exception | None = None

    async def can_update(self, current: Templates, desired: Templates) -> bool:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.answer

    async def update(self, machine: Obj, infrastructure: Obj, bootstrap: Obj | None) -> UpdateAnswer:
        raise AssertionError("nothing is updated here")


class Fleet:
    """A deployment with the set of an older version, and none of the present one."""

    def __init__(self, updater: Answers, *, old: Obj | None = None, new: Obj | None = None, have: int = 2) -> None:
        self.world = World()
        for template in [*templates("workers"), *templates("older")]:
            self.world.put(template)
        self.reader: Any = WorldReader(self.world)
        self.sets = UpdatableSets(updater)
        before = deployment("workers", 2)
        before["spec"]["template"]["spec"] = {**_spec("older", "v1.33.0"), **(old or {})}
        made = encode(new_machine_set(decode(before, MachineDeployment), "abcde"))
        status = {"replicas": have}
        self.old = decode({**made, "spec": {**made["spec"], "replicas": have}, "status": status}, MachineSet)
        declared = deployment("workers", 2)
        declared["spec"]["template"]["spec"] = {**_spec("workers", "v1.34.0"), **(new or {})}
        self.declared = declared

    def ask(self, current: MachineSet | None = None) -> list[str]:
        snapshot = MachineDeploymentSnapshot(
            deployment=decode(self.declared, MachineDeployment),
            now=self.world.now,
            cluster=decode({"metadata": {"name": "homelab"}}, Cluster),
            machine_sets=(self.old, *((current,) if current is not None else ())),
            bootstrap=None,
            infrastructure=External(GroupKind(INFRA, "LabMachineTemplate"), "workers"),
        )
        return sorted(asyncio.run(self.sets.find(self.reader, snapshot)))

    def remove(self, kind: str, name: str) -> None:
        self.world.objects = {p: o for p, o in self.world.objects.items() if (p[0].kind, p[1].name) != (kind, name)}


def _spec(name: str, version: str) -> Obj:
    spec = machine_spec(version=version)
    spec["infrastructureRef"]["name"] = name
    spec["bootstrap"]["configRef"]["name"] = name
    return spec


BYO = {"bootstrap": {"dataSecretName": "mine"}}
NAME = "workers-abcde"


@pytest.mark.parametrize(
    ("old", "new", "gone", "answer", "expected", "asked"),
    [
        (None, None, (), True, [NAME], 1),
        (None, None, (), False, [], 1),
        (BYO, None, (), True, [], 0),
        (None, BYO, (), True, [], 0),
        (BYO, BYO, (), True, [NAME], 1),
        (None, None, ("LabMachineTemplate", "older"), True, [], 0),
        (None, None, ("LabMachineTemplate", "workers"), True, [], 0),
        (None, None, ("LabConfigTemplate", "older"), True, [], 0),
        (None, None, ("LabConfigTemplate", "workers"), True, [], 0),
    ],
    ids=[
        "it can",
        "it cannot",
        "a config only before",
        "a config only after",
        "no config at all",
        "the old host's template is gone",
        "the new host's template is gone",
        "the old config is gone",
        "the new config is gone",
    ],
)
def test_who_is_asked(
    old: Obj | None, new: Obj | None, gone: tuple[str, ...], answer: bool, expected: list[str], asked: int
) -> None:
    updater = Answers(answer)
    fleet = Fleet(updater, old=old, new=new)
    if gone:
        fleet.remove(*gone)
    assert fleet.ask() == expected
    assert fleet.ask() == expected
    assert updater.asked == asked, "an answer is kept"


def test_a_template_that_comes_back_is_asked_about() -> None:
    updater = Answers()
    fleet = Fleet(updater)
    fleet.remove("LabMachineTemplate", "older")
    assert fleet.ask() == []
    for template in templates("older"):
        fleet.world.put(template)
    assert fleet.ask() == [NAME]


def test_answers_hold_for_a_day_and_for_one_template() -> None:
    updater = Answers()
    fleet = Fleet(updater)
    assert (fleet.ask(), updater.asked) == ([NAME], 1)
    updater.answer = False
    fleet.world.now += KEPT - timedelta(seconds=1)
    assert (fleet.ask(), updater.asked) == ([NAME], 1)
    fleet.world.now += timedelta(seconds=1)
    assert (fleet.ask(), updater.asked) == ([], 2)
    updater.answer = True
    fleet.declared["spec"]["template"]["spec"]["version"] = "v1.34.1"
    assert (fleet.ask(), updater.asked) == ([NAME], 3)


@pytest.mark.parametrize("error", [ApiError(500, "InternalError", "boom"), TransientError("no answer")])
def test_an_error_is_no_answer(error: Exception) -> None:
    updater = Answers()
    updater.error = error
    fleet = Fleet(updater)
    with pytest.raises(type(error)):
        fleet.ask()
    updater.error = None
    assert fleet.ask() == [NAME]


def test_a_template_that_cannot_be_read_is_an_error_and_one_that_nothing_serves_is_none() -> None:
    updater = Answers()
    fleet = Fleet(updater)
    inner = fleet.reader.get_object

    async def refuse(group_kind: GroupKind, namespace: str, name: str) -> Obj | None:
        if name == "older":
            raise ApiError(500, "InternalError", "etcd has no leader")
        found: Obj | None = await inner(group_kind, namespace, name)
        return found

    fleet.reader.get_object = refuse
    with pytest.raises(TransientError, match="LabMachineTemplate older cannot be read: etcd has no leader"):
        fleet.ask()
    fleet.reader.get_object = inner
    del fleet.world.served[GroupKind(BOOTSTRAP, "LabConfigTemplate")]
    assert fleet.ask() == []
    fleet.world.served[GroupKind(BOOTSTRAP, "LabConfigTemplate")] = "labconfigtemplates"
    assert fleet.ask() == [NAME]
    assert updater.asked == 1


def test_nobody_is_asked_about_sets_that_hand_nothing_over() -> None:
    updater = Answers()
    assert Fleet(updater, have=0).ask() == []
    fleet = Fleet(updater)
    made = encode(new_machine_set(decode(fleet.declared, MachineDeployment), "fghij"))
    full = decode({**made, "spec": {**made["spec"], "replicas": 2}}, MachineSet)
    assert fleet.ask(full) == []
    assert updater.asked == 0
    half = decode({**made, "spec": {**made["spec"], "replicas": 1}}, MachineSet)
    assert fleet.ask(half) == [NAME]
