"""MachineDrainRule, how the pods of a node are treated when its Machine is drained."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from capstan.api.facts import ATOMIC_LIST, Facts, Int32, Required, cel, entries, items, one_of
from capstan.api.meta import LabelSelector, ObjectMeta, TypedObject
from capstan.api.struct import Struct


class DrainBehavior(Struct, frozen=True, kw_only=True):
    """What is done with the pods that a rule is about.

    behavior: Drain evicts them, Skip leaves them alone, WaitCompleted waits until they end by themselves.
    order: pods of a lower order are evicted first; only with Drain, 0 when it is not set.
    """

    behavior: Required[Annotated[str, one_of("Drain", "Skip", "WaitCompleted")]] = ""
    order: Int32 | None = None


class DrainRuleMachines(Struct, frozen=True, kw_only=True):
    """Machines that a rule is about: both selectors must hold; one that is empty or not set holds for all.

    cluster_selector: selects the Clusters of the Machines by their labels.
    selector: selects the Machines by their labels.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    cluster_selector: LabelSelector | None = None
    selector: LabelSelector | None = None


class DrainRulePods(Struct, frozen=True, kw_only=True):
    """Pods that a rule is about: both selectors must hold; one that is empty or not set holds for all.

    namespace_selector: selects the namespaces of the pods by their labels.
    selector: selects the pods by their labels.
    """

    schema_facts: ClassVar[Facts] = (entries(1),)

    namespace_selector: LabelSelector | None = None
    selector: LabelSelector | None = None


class MachineDrainRuleSpec(Struct, frozen=True, kw_only=True):
    """Which pods of which Machines are drained how.

    drain: what is done with the pods.
    machines: the Machines that the rule is about; all of the namespace when there is no entry.
    pods: the pods that the rule is about; all when there is no entry.
    """

    drain: Required[DrainBehavior] = DrainBehavior()
    machines: Annotated[
        tuple[DrainRuleMachines, ...],
        items(1, 32),
        ATOMIC_LIST,
        cel("self.all(x, self.exists_one(y, x == y))", "entries in machines must be unique"),
    ] = ()
    pods: Annotated[
        tuple[DrainRulePods, ...],
        items(1, 32),
        ATOMIC_LIST,
        cel("self.all(x, self.exists_one(y, x == y))", "entries in pods must be unique"),
    ] = ()


class MachineDrainRule(TypedObject, frozen=True, kw_only=True):
    """Says how pods are treated when the nodes of Machines are drained. Rules apply in the order of their names.

    metadata: its name, and what all objects have.
    spec: what is wanted.
    """

    metadata: Required[ObjectMeta] = msgspec.field(default_factory=ObjectMeta)
    spec: Required[MachineDrainRuleSpec] = MachineDrainRuleSpec()
