"""Executor: what goes on after a failure, and what is told of it."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from capstan.api.errors import ApiError, conflict, forbidden
from capstan.api.objects import Key, Obj, Resource
from capstan.runtime.client.protocol import Client
from capstan.runtime.events import Recorder
from capstan.runtime.executor import Executor
from capstan.runtime.plan import Delete, Emit, ObjectRef, Plan

PODS = Resource("", "v1", "pods", "Pod")
SUBJECT = ObjectRef(Resource("apps", "v1", "sets", "Set"), Key("default", "web"), "uid-web")


class Pods:
    """A server that refuses to delete some pods, and keeps the events that it is told."""

    def __init__(self, refused: dict[str, ApiError]) -> None:
        self.refused = refused
        self.deleted: list[str] = []
        self.events: list[tuple[str, str, str]] = []

    async def delete(self, resource: Resource, namespace: str, name: str, **_options: Any) -> None:
        if name in self.refused:
            raise self.refused[name]
        self.deleted.append(name)

    async def record(self, about: ObjectRef, type_: str, reason: str, message: str) -> None:
        self.events.append((type_, reason, message))


def gone(name: str, part: str = "") -> list[Delete | Emit]:
    told = Emit(name="FailedDelete", type="Warning", reason=f"Failed to delete {name}")
    target = ObjectRef(PODS, Key("default", name))
    return [
        Delete(target=target, reason="there are too many", part=part, on_failure=told),
        Emit(name="SuccessfulDelete", reason=f"Deleted {name}", part=part),
    ]


def run(refused: dict[str, ApiError], *actions: Delete | Emit) -> tuple[Pods, list[bool]]:
    pods = Pods(refused)
    executor = Executor(cast(Client, pods), cast(Recorder, pods))
    outcomes = asyncio.run(executor.run(Plan(SUBJECT, actions)))
    return pods, [outcome.done for outcome in outcomes.items]


REFUSED: Obj = {"b": forbidden("pods", "b", "a webhook says so")}


def test_a_failure_ends_the_plan_and_is_told_with_its_error() -> None:
    pods, done = run(REFUSED, *gone("a"), *gone("b"), *gone("c"))
    assert done == [True, True, False]
    assert pods.deleted == ["a"]
    assert pods.events == [
        ("Normal", "SuccessfulDelete", "Deleted a"),
        ("Warning", "FailedDelete", f"Failed to delete b: {REFUSED['b']}"),
    ]


def test_parts_stand_and_fall_by_themselves() -> None:
    pods, done = run(REFUSED, *gone("a", "a"), *gone("b", "b"), *gone("c", "c"), *gone("d"))
    assert done == [True, True, False, True, True, True, True]
    assert pods.deleted == ["a", "c", "d"]
    assert [name for _, name, _ in pods.events] == [
        "SuccessfulDelete",
        "FailedDelete",
        "SuccessfulDelete",
        "SuccessfulDelete",
    ]


def test_a_stale_plan_is_no_failure_to_tell_of() -> None:
    pods, done = run({"b": conflict("pods", "b", "it changed meanwhile")}, *gone("b"))
    assert done == [False]
    assert pods.events == []
