"""Whether the CEL rules of a schema compile, and whether they can become too expensive. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from capstan.api.errors import FieldCause
from capstan.apiserver.cel import ESTIMATE_PER_CRD, ESTIMATE_PER_RULE, CelError, Program
from capstan.apiserver.definitions.causes import forbidden, invalid
from capstan.apiserver.validation.rules import Node, Rule

Schema = Mapping[str, Any]

_RULES = "x-kubernetes-validations"
_LARGEST_REQUEST = 3 * 1024 * 1024
_LARGEST = 2**64 - 1
_MOST_TOLD = 4


@dataclass(slots=True)
class Total:
    """What all rules of a schema are estimated at, and those that make up most of it."""

    cost: int = 0
    rules: list[tuple[int, str]] = field(default_factory=list)

    def add(self, place: str, cost: int) -> None:
        self.cost = min(self.cost + cost, _LARGEST)
        if cost >= ESTIMATE_PER_CRD // 100:
            self.rules.append((cost, place))

    def faults(self, place: str) -> Iterator[FieldCause]:
        if self.cost <= ESTIMATE_PER_CRD:
            return
        for _, rule in sorted(self.rules, reverse=True)[:_MOST_TOLD]:
            yield forbidden(
                rule, "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
            )
        what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"
        yield forbidden(place, _too_expensive(what, self.cost, ESTIMATE_PER_CRD))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node is: its path, how often it can occur (None: nothing bounds it), and the list in which its items
    cannot be told apart from their former selves."""

    field: str
    times: int | None = 1
    uncorrelated: str = ""
    root: bool = False


def cel_faults(schema: Schema, place: str, unchanged: bool) -> list[FieldCause]:
    """The faults of all rules below `schema`. The cost of a single rule in an `unchanged` schema was accepted."""
    total = Total()
    faults = list(_node_faults(schema, Place(place, root=True), total, unchanged))
    return [*faults, *total.faults(place)]


def _node_faults(schema: Schema, place: Place, total: Total, unchanged: bool) -> Iterator[FieldCause]:
    for part, inner in _children(schema, place):
        yield from _node_faults(part, inner, total, unchanged)
    if not schema.get(_RULES):
        return
    node = Node(schema, root=place.root)
    try:
        times = place.times if place.times is not None else _LARGEST_REQUEST // (node.declared.type.smallest + 1)
    except CelError:
        yield invalid(f"{place.field}.{_RULES}", "", "the type of the node cannot be used in rules")
        return
    for index, rule in enumerate(node.rules):
        at = f"{place.field}.{_RULES}[{index}]"
        written = json.dumps(schema[_RULES][index])
        yield from _rule_faults(rule, at, written, times, total, unchanged)
        if rule.uses_old and place.uncorrelated:
            why = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {place.uncorrelated}"
            yield invalid(f"{at}.rule", rule.source, why)
        elif not rule.uses_old and schema[_RULES][index].get("optionalOldSelf") is not None:
            value = bool(schema[_RULES][index]["optionalOldSelf"])
            yield invalid(f"{at}.optionalOldSelf", value, "may not be set if oldSelf is not used in rule")


def _rule_faults(
    rule: Rule, place: str, written: str, times: int, total: Total, unchanged: bool
) -> Iterator[FieldCause]:
    for name, of, result, about in (
        ("rule", "program", "bool", ""),
        ("messageExpression", "message_program", "string", "messageExpression "),
    ):
        at = f"{place}.{name}"
        try:
            program: Program | None = getattr(rule, of)
        except CelError as error:
            yield invalid(at, written, f"{about}compilation failed: {error}")
            return
        if program is None:
            return
        if program.result_type.kind != result:
            article = "must evaluate to a"
            yield invalid(at, written, f"{about.strip() or 'cel expression'} {article} {result}")
            return
        # A message is made for one refusal; a rule is evaluated for every occurrence of its node.
        cost = min(program.cost_estimate.most * (times if name == "rule" else 1), _LARGEST)
        total.add(at, cost)
        if cost > ESTIMATE_PER_RULE and not unchanged:
            what = "estimated rule cost" if name == "rule" else "estimated messageExpression cost"
            yield forbidden(at, _too_expensive(what, cost, ESTIMATE_PER_RULE))


def _too_expensive(what: str, cost: int, limit: int) -> str:
    factor = cost / limit
    times = "more than 100x" if factor > 100 else f"{factor:f}x" if factor < 1.5 else f"{factor:.1f}x"
    advice = "try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and"
    return f"{what} exceeds budget by factor of {times} ({advice} strings are declared)"


def _children(schema: Schema, place: Place) -> Iterator[tuple[Schema, Place]]:
    for name, part in (schema.get("properties") or {}).items():
        yield part, replace(place, field=f"{place.field}.properties[{name}]", root=False)
    additional, items = schema.get("additionalProperties"), schema.get("items")
    if isinstance(additional, dict):
        times = _times(place.times, schema.get("maxProperties"))
        yield additional, replace(place, field=f"{place.field}.additionalProperties", times=times, root=False)
    if isinstance(items, dict):
        keyed = schema.get("x-kubernetes-list-type") == "map"
        uncorrelated = place.uncorrelated or ("" if keyed else place.field)
        times = _times(place.times, schema.get("maxItems"))
        yield items, Place(f"{place.field}.items", times, uncorrelated)


def _times(times: int | None, limit: Any) -> int | None:
    """How often something occurs that is repeated up to `limit` times in what occurs `times` times."""
    return None if times is None or limit is None else min(times * max(0, int(limit)), _LARGEST)
