"""Which requests are written down, and how much of each: the rules of a Policy file (audit.k8s.io/v1), in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import msgspec

from capstan.api.verbs import User
from capstan.apiserver.requestinfo import RequestInfo

Level = Literal["None", "Metadata", "Request", "RequestResponse"]
Stage = Literal["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"]

LEVELS: tuple[Level, ...] = get_args(Level)
STAGES: tuple[Stage, ...] = get_args(Stage)
_RULE_FIELDS = frozenset(
    (
        "level",
        "users",
        "userGroups",
        "verbs",
        "resources",
        "namespaces",
        "nonResourceURLs",
        "omitStages",
        "omitManagedFields",
    )
)


class PolicyError(ValueError):
    """The file is no policy; the text says where."""


@dataclass(frozen=True, slots=True)
class Resources:
    """Kinds of one group. `names` are plurals with their subresource (`pods/status`, `pods/*`, `*/status`, `*`)."""

    group: str = ""
    names: frozenset[str] = frozenset()
    objects: frozenset[str] = frozenset()

    def match(self, info: RequestInfo) -> bool:
        route = info.route
        assert route is not None
        if route.group != self.group:
            return False
        if self.objects and route.name not in self.objects:
            return False
        if not self.names or "*" in self.names:
            return True
        if not route.subresource:
            return route.plural in self.names
        full = f"{route.plural}/{route.subresource}"
        return not self.names.isdisjoint((full, f"{route.plural}/*", f"*/{route.subresource}"))


@dataclass(frozen=True, slots=True)
class Rule:
    """An empty condition holds for everything."""

    level: Level
    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    verbs: frozenset[str] = frozenset()
    resources: tuple[Resources, ...] = ()
    namespaces: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()
    omit_stages: frozenset[str] = frozenset()
    omit_managed_fields: bool = False

    def match(self, user: User | None, info: RequestInfo) -> bool:
        if self.verbs and info.verb not in self.verbs:
            return False
        if self.users and (user is None or user.name not in self.users):
            return False
        if self.groups and (user is None or self.groups.isdisjoint(user.groups)):
            return False
        if info.route is not None:
            return self._match_resource(info)
        if self.resources or self.namespaces:
            return False
        return not self.paths or any(_match_path(pattern, info.path) for pattern in self.paths)

    def _match_resource(self, info: RequestInfo) -> bool:
        assert info.route is not None
        if self.paths:
            return False
        if self.namespaces and info.route.namespace not in self.namespaces:
            return False
        for resources in self.resources:
            if resources.match(info):
                return True
        return not self.resources


class Verdict(msgspec.Struct, frozen=True):
    """What is written of one request."""

    level: Level
    omit_stages: frozenset[str] = frozenset()
    omit_managed_fields: bool = False


_NOTHING = Verdict("None")


@dataclass(frozen=True, slots=True)
class Policy:
    """The first rule that matches decides; what no rule matches is not written."""

    rules: tuple[Rule, ...]
    omit_stages: frozenset[str] = frozenset()
    omit_managed_fields: bool = False

    def decide(self, user: User | None, info: RequestInfo) -> Verdict:
        for rule in self.rules:
            if rule.match(user, info):
                if rule.level == "None":
                    return _NOTHING
                omitted = self.omit_stages | rule.omit_stages
                return Verdict(rule.level, omitted, self.omit_managed_fields or rule.omit_managed_fields)
        return _NOTHING


#: Without a policy file: writes, at Metadata, once they are answered. Reads are many and change nothing; those of
#: Secrets say who saw them.
DEFAULT_POLICY = Policy(
    (
        Rule(
            "Metadata", verbs=frozenset(("get", "list", "watch")), resources=(Resources("", frozenset(("secrets",))),)
        ),
        Rule("None", verbs=frozenset(("get", "list", "watch", "head", "options"))),
        Rule("None", resources=(Resources("coordination.k8s.io", frozenset(("leases",))),)),
        Rule("None", resources=(Resources("", frozenset(("events",))), Resources("events.k8s.io"))),
        Rule("Metadata"),
    ),
    omit_stages=frozenset(("RequestReceived",)),
)


def parse_policy(document: Any) -> Policy:
    """The policy that a decoded file holds. Raises PolicyError."""
    if not isinstance(document, Mapping):
        raise PolicyError("a policy must be an object")
    version, kind = document.get("apiVersion"), document.get("kind")
    if version != "audit.k8s.io/v1" or kind != "Policy":
        raise PolicyError(f"expected a Policy of audit.k8s.io/v1, not {kind!r} of {version!r}")
    unknown = set(document) - {"apiVersion", "kind", "metadata", "rules", "omitStages", "omitManagedFields"}
    if unknown:
        raise PolicyError(f"unknown field {sorted(map(str, unknown))[0]!r}")
    rules = document.get("rules")
    if not isinstance(rules, Sequence) or isinstance(rules, str) or not rules:
        raise PolicyError("rules: a policy needs at least one rule")
    return Policy(
        tuple(_rule(rule, f"rules[{number}]") for number, rule in enumerate(rules)),
        _stages(document.get("omitStages"), "omitStages"),
        document.get("omitManagedFields") is True,
    )


def _rule(given: Any, where: str) -> Rule:
    if not isinstance(given, Mapping):
        raise PolicyError(f"{where}: must be an object")
    unknown = set(given) - _RULE_FIELDS
    if unknown:
        raise PolicyError(f"{where}: unknown field {sorted(map(str, unknown))[0]!r}")
    level = given.get("level")
    if level not in LEVELS:
        raise PolicyError(f"{where}.level: must be one of {', '.join(LEVELS)}")
    paths = tuple(_texts(given.get("nonResourceURLs"), f"{where}.nonResourceURLs"))
    if paths and (given.get("resources") or given.get("namespaces")):
        raise PolicyError(f"{where}: a rule is either about resources or about nonResourceURLs")
    return Rule(
        level=cast(Level, level),
        users=_texts(given.get("users"), f"{where}.users"),
        groups=_texts(given.get("userGroups"), f"{where}.userGroups"),
        verbs=_texts(given.get("verbs"), f"{where}.verbs"),
        resources=tuple(_resources(given.get("resources"), f"{where}.resources")),
        namespaces=_texts(given.get("namespaces"), f"{where}.namespaces"),
        paths=paths,
        omit_stages=_stages(given.get("omitStages"), f"{where}.omitStages"),
        omit_managed_fields=given.get("omitManagedFields") is True,
    )


def _resources(given: Any, where: str) -> list[Resources]:
    if given is None:
        return []
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise PolicyError(f"{where}: must be a list")
    found = []
    for number, item in enumerate(given):
        if not isinstance(item, Mapping):
            raise PolicyError(f"{where}[{number}]: must be an object")
        group = item.get("group", "")
        names = _texts(item.get("resources"), f"{where}[{number}].resources")
        objects = _texts(item.get("resourceNames"), f"{where}[{number}].resourceNames")
        if not isinstance(group, str):
            raise PolicyError(f"{where}[{number}].group: must be a string")
        if objects and not names:
            raise PolicyError(f"{where}[{number}].resourceNames: need resources")
        found.append(Resources(group, names, objects))
    return found


def _texts(given: Any, where: str) -> frozenset[str]:
    if given is None:
        return frozenset()
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        raise PolicyError(f"{where}: must be a list of strings")
    return frozenset(given)


def _stages(given: Any, where: str) -> frozenset[str]:
    stages = _texts(given, where)
    if unknown := stages - set(STAGES):
        raise PolicyError(f"{where}: unknown stage {sorted(unknown)[0]!r}")
    return stages


def _match_path(pattern: str, path: str) -> bool:
    if pattern == "*":
        return True
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern
