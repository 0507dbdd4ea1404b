"""Deletes of Nodes in virtual time: a silence is waited out for a while, a refusal is not."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from capstan.api.errors import ApiError, TransientError, not_found
from capstan.api.objects import Key
from capstan.runtime.nodeactions import DeleteNode
from capstan.runtime.nodeactor import NodeActor
from capstan.runtime.workload import WorkloadClients
from capstan.sim import loop

DELETE = DeleteNode(cluster=Key("default", "homelab"), name="one", uid="u", kubeconfig=b"", reason="its host is gone")
SILENT = TransientError("does not answer")


class Answers:
    """A client, and the only one that knows the way to it; what it answers to each delete, the last one for ever."""

    def __init__(self, *answers: Exception | None) -> None:
        self._answers = list(answers)
        self.asked: list[float] = []

    async def client(self, cluster: Key, kubeconfig: bytes) -> Any:
        return self

    async def delete(self, *_args: object, **_preconditions: object) -> None:
        self.asked.append(asyncio.get_running_loop().time())
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer is not None:
            raise answer


def tried(*answers: Exception | None) -> list[float]:
    road = Answers(*answers)
    loop.run(NodeActor(cast(WorkloadClients, road)).delete_node(DELETE))
    return [moment - road.asked[0] for moment in road.asked]


def test_an_address_that_moves_is_waited_for() -> None:
    assert tried(SILENT, SILENT, None) == [0, 2, 4]


def test_gone_is_deleted() -> None:
    assert tried(SILENT, not_found("nodes", "one")) == [0, 2]


def test_a_long_silence_is_an_error() -> None:
    road = Answers(SILENT)
    with pytest.raises(TransientError, match="does not answer"):
        loop.run(NodeActor(cast(WorkloadClients, road)).delete_node(DELETE))
    assert [moment - road.asked[0] for moment in road.asked] == [0, 2, 4, 6, 8, 10]


def test_a_refusal_is_told_at_once() -> None:
    road = Answers(ApiError(403, "Forbidden", "a webhook says no"))
    with pytest.raises(ApiError, match="a webhook says no"):
        loop.run(NodeActor(cast(WorkloadClients, road)).delete_node(DELETE))
    assert len(road.asked) == 1
