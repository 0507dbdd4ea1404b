"""Policy rules: what one allows, whether some cover others, and how they are shown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from capstan.api.objects import Obj
from capstan.apiserver.authorization import Attributes, quoted

ALL = "*"
#: More single rights than this in one rule are not looked at one by one: the rule is covered as a whole or not at all.
MAX_PARTS = 20_000


@dataclass(frozen=True, slots=True)
class Rule:
    """One PolicyRule. Either resources in groups (of all names when there are none), or paths."""

    verbs: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()

    def allows(self, attributes: Attributes) -> bool:
        if not (attributes.verb in self.verbs or ALL in self.verbs):
            return False
        if attributes.path:
            return attributes.path in self.paths or any(matches_path(path, attributes.path) for path in self.paths)
        return (
            (attributes.group in self.groups or ALL in self.groups)
            and self._names_resource(attributes)
            and (not self.names or attributes.name in self.names)
        )

    def _names_resource(self, attributes: Attributes) -> bool:
        if ALL in self.resources or attributes.plural in self.resources:
            return True
        return bool(attributes.subresource) and f"*/{attributes.subresource}" in self.resources

    def covers(self, other: Rule) -> bool:
        """Whether everything that `other` allows is allowed by this rule."""
        if not _within(other.verbs, self.verbs):
            return False
        if other.paths and not all(any(_covers_path(mine, theirs) for mine in self.paths) for theirs in other.paths):
            return False
        if not other.resources and not other.groups:
            return True
        names = not self.names or (bool(other.names) and other.names <= self.names)
        return names and _within(other.groups, self.groups) and all(self._covers_resource(r) for r in other.resources)

    def _covers_resource(self, resource: str) -> bool:
        if ALL in self.resources or resource in self.resources:
            return True
        _, slash, subresource = resource.partition("/")
        return bool(slash) and f"*/{subresource}" in self.resources

    def parts(self) -> Iterator[Rule]:
        """The single rights that it is made of."""
        names: Iterable[str] = sorted(self.names) or [""]
        for verb in sorted(self.verbs):
            for path in sorted(self.paths):
                yield Rule(frozenset((verb,)), paths=frozenset((path,)))
        for group, resource, name, verb in product(
            sorted(self.groups), sorted(self.resources), names, sorted(self.verbs)
        ):
            one = Rule(frozenset((verb,)), frozenset((group,)), frozenset((resource,)))
            yield replace(one, names=frozenset((name,))) if name else one

    @property
    def size(self) -> int:
        """How many parts there are."""
        resources = len(self.groups) * len(self.resources) * max(1, len(self.names))
        return len(self.verbs) * (len(self.paths) + resources)

    def __str__(self) -> str:
        """As messages show it: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`."""
        named = (
            ("APIGroups", self.groups),
            ("Resources", self.resources),
            ("NonResourceURLs", self.paths),
            ("ResourceNames", self.names),
            ("Verbs", self.verbs),
        )
        return "{" + ", ".join(f"{name}:{quoted(sorted(values))}" for name, values in named if values) + "}"

    def object(self) -> Obj:
        """The rule as a review's answer has it."""
        found: Obj = {"verbs": sorted(self.verbs)}
        if self.paths:
            return found | {"nonResourceURLs": sorted(self.paths)}
        found |= {"apiGroups": sorted(self.groups), "resources": sorted(self.resources)}
        return found | ({"resourceNames": sorted(self.names)} if self.names else {})


def rules_of(role: Obj) -> tuple[Rule, ...]:
    """The rules of a Role or ClusterRole."""
    return tuple(_rule(rule) for rule in role.get("rules") or () if isinstance(rule, dict))


def _rule(rule: Obj) -> Rule:
    def texts(name: str) -> frozenset[str]:
        values: Any = rule.get(name) or ()
        return frozenset(value for value in values if isinstance(value, str))

    return Rule(
        texts("verbs"), texts("apiGroups"), texts("resources"), texts("resourceNames"), texts("nonResourceURLs")
    )


def matches_path(rule: str, path: str) -> bool:
    """A trailing star stands for anything, and only a trailing one."""
    return rule in (ALL, path) or (rule.endswith(ALL) and path.startswith(rule.rstrip(ALL)))


def _covers_path(mine: str, theirs: str) -> bool:
    if mine in (ALL, theirs):
        return True
    return mine.endswith(ALL) and theirs.startswith(mine.rstrip(ALL))


def _within(wanted: frozenset[str], held: frozenset[str]) -> bool:
    return ALL in held or wanted <= held


def not_covered(held: Sequence[Rule], wanted: Iterable[Rule]) -> list[Rule]:
    """What of the wanted rules is not allowed by those that are held, in as few rules as it can be shown in."""
    missing: list[Rule] = []
    for rule in dict.fromkeys(wanted):
        if any(own.covers(rule) for own in held):
            continue
        if rule.size > MAX_PARTS:
            missing.append(rule)
            continue
        missing += [part for part in rule.parts() if not any(own.covers(part) for own in held)]
    return compact(missing)


def compact(rules: Iterable[Rule]) -> list[Rule]:
    """Rules that differ only in their verbs become one."""
    verbs: dict[Rule, frozenset[str]] = {}
    for rule in rules:
        key = replace(rule, verbs=frozenset())
        verbs[key] = verbs.get(key, frozenset()) | rule.verbs
    return [replace(rule, verbs=together) for rule, together in verbs.items()]
