"""Which MachineDrainRules a Machine and its pods come under."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from capstan.api.cluster.admission.rules import selector_faults
from capstan.api.cluster.machinedrainrule import MachineDrainRule
from capstan.api.meta import LabelSelector
from capstan.api.rules.replicas import selects
from capstan.api.struct import encode
from capstan.controllers.machine.pods import PodOnNode

Labels = Mapping[str, str]


def broken_rule(rules: Iterable[MachineDrainRule]) -> str:
    """Why no drain can begin while there is such a rule; empty when all of them can be read."""
    for rule in sorted(rules, key=lambda r: r.metadata.name):
        for selector in _selectors(rule):
            for fault in selector_faults(encode(selector)):
                return f"MachineDrainRule {rule.metadata.name} has an invalid selector: {fault}"
    return ""


def rules_for_machine(
    rules: Iterable[MachineDrainRule], machine: Labels, cluster: Labels
) -> tuple[MachineDrainRule, ...]:
    """Those that are about the Machine, by name: the first that fits a pod decides."""
    found = [rule for rule in rules if _is_about_machine(rule, machine, cluster)]
    return tuple(sorted(found, key=lambda rule: rule.metadata.name))


def rule_for_pod(rules: Iterable[MachineDrainRule], pod: PodOnNode, namespace: Labels) -> MachineDrainRule | None:
    return next((rule for rule in rules if _is_about_pod(rule, pod, namespace)), None)


def _is_about_machine(rule: MachineDrainRule, machine: Labels, cluster: Labels) -> bool:
    entries = rule.spec.machines
    return not entries or any(_takes(e.selector, machine) and _takes(e.cluster_selector, cluster) for e in entries)


def _is_about_pod(rule: MachineDrainRule, pod: PodOnNode, namespace: Labels) -> bool:
    entries = rule.spec.pods
    return not entries or any(
        _takes(e.selector, pod.labels) and _takes(e.namespace_selector, namespace) for e in entries
    )


def _takes(selector: LabelSelector | None, labels: Labels) -> bool:
    """One that is not set, or empty, takes everything."""
    if selector is None or (not selector.match_labels and not selector.match_expressions):
        return True
    return selects(selector, labels)


def _selectors(rule: MachineDrainRule) -> Iterator[LabelSelector]:
    for machines in rule.spec.machines:
        yield from (s for s in (machines.selector, machines.cluster_selector) if s is not None)
    for pods in rule.spec.pods:
        yield from (s for s in (pods.selector, pods.namespace_selector) if s is not None)
