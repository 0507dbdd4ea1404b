"""The eviction of pods: what is asked for, what came of it, and how the condition tells it (2.6 steps 6 and 7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from capstan.api.cluster.machineconditions import EVICTION_FAILED, NOT_COMPLETED, NOT_REMOVED, VIOLATES_BUDGET
from capstan.api.errors import ApiError
from capstan.api.objects import Key
from capstan.api.rules.bullets import names
from capstan.controllers.machine.plan.drain.round import Pods, Round
from capstan.controllers.machine.pods import Place
from capstan.runtime.plan import Action

EVICTION_SECONDS: Final = 10.0
_FAILURES_SHOWN = 5
_NO_TIME = f"eviction timeout of {EVICTION_SECONDS:.0f}s reached, eviction will be retried"
_TERMINATING = (
    "Cannot evict pod from terminating namespace: unable to create eviction "
    "(kube-controller-manager should set deletionTimestamp)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvictPods(Action):
    """Ask for the eviction of each pod, in order, for no more than EVICTION_SECONDS. What is refused is a result, not
    an error: somebody else has to give way first."""

    cluster: Key
    pods: tuple[Place, ...]
    grace_seconds: int | None = None
    kubeconfig: bytes = field(repr=False)

    @property
    def summary(self) -> str:
        return f"evict {names([f'{namespace}/{name}' for namespace, name in self.pods])} of cluster {self.cluster}"


@dataclass(frozen=True, slots=True)
class Evictions:
    """What came of it: `refused` pods with the reason in words, those that are `gone` already, and those for which
    time was `short`. All others are on their way out."""

    refused: Mapping[Place, str] = field(default_factory=dict)
    gone: frozenset[Place] = frozenset()
    short: frozenset[Place] = frozenset()


def refusal_text(error: ApiError) -> str:
    """Why an eviction was refused, with the causes that a disruption budget gives."""
    causes = [str(cause.get("message", "")) for cause in error.details.get("causes", ())]
    causes += [cause.message for cause in error.causes]
    if error.code == 403 and any(_is_terminating(cause) for cause in error.details.get("causes", ())):
        return _TERMINATING
    if error.code == 429 and causes:
        return f"{error.message} {','.join(causes)}"
    return error.message


def _is_terminating(cause: Mapping[str, str]) -> bool:
    return cause.get("reason") == "NamespaceTerminating"


def drain_message(found: Round, done: Evictions, started: datetime | None) -> str:
    """The message of `Deleting` while the drain is not completed."""
    since = f" (started at {started:%Y-%m-%dT%H:%M:%SZ})" if started is not None else ""
    return "\n".join([f"Drain not completed yet{since}:", *_lines(found, done)])


def _lines(found: Round, done: Evictions) -> Iterator[str]:
    asked = [p for p in found.now if not (p.place in done.refused or p.place in done.gone or p.place in done.short)]
    if leaving := (*found.leaving, *asked):
        yield f"* {_listed(leaving)}: {NOT_REMOVED}"
    yield from _failures(found, done)
    if found.completing:
        yield f"* {_listed(found.completing)}: {NOT_COMPLETED}"
    after = "After above Pods have been removed from the Node,"
    if found.later:
        yield f"{after} the following Pods will be evicted: {_names(found.later)}"
    if found.completing_later:
        yield f"{after} waiting for the following Pods to complete without eviction: {_names(found.completing_later)}"


def _failures(found: Round, done: Evictions) -> Iterator[str]:
    by_text: dict[str, Pods] = {}
    for pod in found.now:
        text = _NO_TIME if pod.place in done.short else done.refused.get(pod.place)
        if text is not None:
            by_text[text] = (*by_text.get(text, ()), pod)
    shown = sorted(by_text)
    for text in shown[:_FAILURES_SHOWN]:
        yield f"* {_listed(by_text[text])}: {_in_sentence(text)}"
    others = sum(len(by_text[text]) for text in shown[_FAILURES_SHOWN:])
    if others:
        yield f"* {others} {'Pod' if others == 1 else 'Pods'} with other issues"


def _in_sentence(text: str) -> str:
    lowered = text[:1].lower() + text[1:]
    return lowered if lowered.startswith(VIOLATES_BUDGET) else f"{EVICTION_FAILED}, {text}"


def _listed(pods: Pods) -> str:
    return f"{'Pod' if len(pods) == 1 else 'Pods'} {_names(pods)}"


def _names(pods: Pods) -> str:
    return names([str(pod) for pod in pods])
