"""One look at a node that is drained: who is on the way out, who is next, who comes later (2.6 steps 4 to 7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from capstan.controllers.machine.plan.drain.filters import Circumstances, Fate, fate_of
from capstan.controllers.machine.pods import Place, PodOnNode

Pods = tuple[PodOnNode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """`leaving` are deleted already, `now` are to be evicted, `later` after those; `completing` and `completing_later`
    are waited for instead. `skipped` stay where they are."""

    leaving: Pods = ()
    now: Pods = ()
    later: Pods = ()
    completing: Pods = ()
    completing_later: Pods = ()
    skipped: Pods = ()

    @property
    def done(self) -> bool:
        """Nothing is left to be evicted or waited for."""
        return not (self.leaving or self.now or self.later or self.completing or self.completing_later)

    @property
    def ignored_claims(self) -> frozenset[Place]:
        """Claims of pods that stay: their volumes will not be detached."""
        return frozenset((pod.namespace, claim) for pod in self.skipped for claim in pod.claims)


def drain_round(circumstances: Circumstances) -> Round:
    """Only pods of the least order that is still on the node are evicted or waited for. Raises DrainError."""
    pods = sorted(circumstances.node.pods, key=str)
    fates = [fate_of(pod, circumstances) for pod in pods]
    staying = [fate for fate in fates if fate.behavior == "Skip"]
    drained = [fate for fate in fates if fate.behavior == "Drain"]
    waited = [fate for fate in fates if fate.behavior == "WaitCompleted"]
    least = min((fate.order for fate in (*drained, *waited)), default=0)
    evictable = [fate for fate in drained if fate.pod.deleted_at is None]
    return Round(
        leaving=_pods(fate for fate in drained if fate.pod.deleted_at is not None),
        now=_pods(fate for fate in evictable if fate.order == least),
        later=_pods(fate for fate in evictable if fate.order != least),
        completing=_pods(fate for fate in waited if fate.order == least),
        completing_later=_pods(fate for fate in waited if fate.order != least),
        skipped=_pods(staying),
    )


def _pods(fates: Iterable[Fate]) -> Pods:
    return tuple(fate.pod for fate in fates)
