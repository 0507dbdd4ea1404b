"""What an eviction's answers are called, and what the condition says of many of them."""

from __future__ import annotations

import pytest

from capstan.api.errors import ApiError
from capstan.controllers.machine.plan.drain.eviction import Evictions, drain_message, refusal_text
from capstan.controllers.machine.plan.drain.round import Round
from capstan.controllers.machine.pods import PodOnNode

BUDGET = "Cannot evict pod as it would violate the pod's disruption budget."


def pods(count: int) -> tuple[PodOnNode, ...]:
    return tuple(PodOnNode(namespace="web", name=f"p{n}") for n in range(count))


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ApiError(429, "TooManyRequests", BUDGET, {"causes": [{"message": "a"}, {"message": "b"}]}), f"{BUDGET} a,b"),
        (ApiError(500, "InternalError", "two budgets"), "two budgets"),
        (
            ApiError(403, "Forbidden", "no", {"causes": [{"reason": "NamespaceTerminating", "message": "x"}]}),
            "Cannot evict pod from terminating namespace: unable to create eviction "
            "(kube-controller-manager should set deletionTimestamp)",
        ),
        (ApiError(403, "Forbidden", "no rights"), "no rights"),
    ],
)
def test_refusals_in_words(error: ApiError, text: str) -> None:
    assert refusal_text(error) == text


def test_five_kinds_of_failures_are_spelled_out() -> None:
    found = Round(now=pods(7))
    refused = {pod.place: f"failure {pod.name}" for pod in found.now}
    lines = drain_message(found, Evictions(refused), None).splitlines()
    assert lines[0] == "Drain not completed yet:"
    assert lines[1] == "* Pod web/p0: failed to evict Pod, failure p0"
    assert lines[6:] == ["* 2 Pods with other issues"]


def test_what_there_was_no_time_for_is_tried_again() -> None:
    found = Round(now=pods(2))
    done = Evictions(short=frozenset([found.now[1].place]))
    assert drain_message(found, done, None).splitlines()[1:] == [
        "* Pod web/p0: deletionTimestamp set, but still not removed from the Node",
        "* Pod web/p1: failed to evict Pod, eviction timeout of 10s reached, eviction will be retried",
    ]
