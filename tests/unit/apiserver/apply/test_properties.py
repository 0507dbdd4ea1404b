"""What holds for every configuration: applying again changes nothing, strangers do not disturb each other, what
nobody states any more goes, and sets survive the wire byte for byte."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstan.apiserver.apply import fieldset, managers
from capstan.apiserver.apply.compare import compare
from capstan.apiserver.apply.configured import field_set
from capstan.apiserver.apply.elements import FieldsError, canonical, order
from capstan.apiserver.apply.fieldset import EMPTY, Fields, difference, intersection, parse, union
from capstan.apiserver.apply.managers import Managed, Managers
from capstan.apiserver.apply.types import FieldType, type_of
from capstan.apiserver.apply.updater import Updater, Versions

TEXT: dict[str, Any] = {"type": "string"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "size": {"type": "integer"},
        "labels": {"type": "object", "additionalProperties": TEXT},
        "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": TEXT},
        "row": {"type": "array", "items": TEXT},
        "ports": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name", "protocol"],
            "items": {
                "type": "object",
                "properties": {"name": TEXT, "protocol": {**TEXT, "default": "TCP"}, "port": {"type": "integer"}},
            },
        },
        "deep": {"type": "object", "properties": {"a": TEXT, "b": {"type": "object", "properties": {"c": TEXT}}}},
        "free": {"x-kubernetes-preserve-unknown-fields": True},
    },
}
KIND = type_of(SCHEMA)
UPDATER = Updater(Versions(lambda _version: KIND, lambda obj, _version: obj))

words = st.sampled_from(["a", "b", "c", "<&>", "\u00e9", 'q"'])
numbers = st.integers(0, 3)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


ports = st.lists(
    st.builds(
        lambda name, protocol, port: {"name": name, **protocol, **port},
        words,
        optional(protocol=st.sampled_from(["TCP", "UDP"])),
        optional(port=numbers),
    ),
    unique_by=lambda item: (item["name"], item.get("protocol", "TCP")),
    max_size=4,
)
anything = st.recursive(
    st.none() | numbers | words, lambda inner: st.dictionaries(words, inner, max_size=3) | st.lists(inner, max_size=2)
)
configs = optional(
    size=numbers,
    labels=st.dictionaries(words, words, max_size=3),
    tags=st.lists(words, unique=True, max_size=3),
    row=st.lists(words, max_size=3),
    ports=ports,
    deep=optional(a=words, b=optional(c=words)),
    free=anything,
)


def manager(name: str) -> Managed:
    return Managed(name, "Apply", "v1", EMPTY)


def applied(live: Any, config: Any, managers: Managers, name: str, force: bool = True) -> tuple[Any, Managers]:
    return UPDATER.apply(live, config, managers, manager(name), force)


def owned(managers: Managers, name: str) -> Fields:
    found = managers.get(manager(name).identity)
    return EMPTY if found is None else found.fields


@given(configs, configs, configs)
def test_an_apply_of_the_same_again_changes_nothing(before: Any, mine: Any, theirs: Any) -> None:
    live, managers = applied({}, before, {}, "me")
    live, managers = applied(live, theirs, managers, "them")
    once = applied(live, mine, managers, "me")
    assert applied(once[0], mine, once[1], "me", force=False) == once


@given(configs, configs)
def test_what_is_stated_is_there_and_owned(first: Any, second: Any) -> None:
    live, managers = applied({}, first, {}, "them")
    live, managers = applied(live, second, managers, "me")
    changes = compare(KIND, live, UPDATER.apply(live, second, {}, manager("x"), True)[0])
    assert (changes.removed, changes.modified, changes.added) == (EMPTY, EMPTY, EMPTY)
    assert owned(managers, "me") == field_set(KIND, second)


def split(config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two configurations without a field in common."""
    names = sorted(config)
    return {n: config[n] for n in names[::2]}, {n: config[n] for n in names[1::2]}


@given(configs, configs)
def test_managers_that_share_no_field_commute(before: Any, config: Any) -> None:
    start = applied({}, before, {}, "before")
    mine, theirs = split(config)
    my_live, my_managers = applied(start[0], mine, start[1], "me")
    one = applied(my_live, theirs, my_managers, "them")
    other_live, other_managers = applied(start[0], theirs, start[1], "them")
    other = applied(other_live, mine, other_managers, "me")
    assert one[0] == other[0]
    assert {i: m.fields for i, m in one[1].items()} == {i: m.fields for i, m in other[1].items()}


@given(configs, configs)
def test_who_leaves_takes_along_what_nobody_else_has(mine: Any, theirs: Any) -> None:
    live, managers = applied({}, theirs, {}, "them")
    with_me, managers_with_me = applied(live, mine, managers, "me")
    without, left = applied(with_me, {}, managers_with_me, "me")
    assert owned(left, "me") == EMPTY
    # What I did not force away from them is as they left it; what is only mine is gone.
    remaining = field_set(KIND, without)
    assert intersection(remaining, difference(field_set(KIND, mine), field_set(KIND, theirs))) == EMPTY
    assert difference(owned(left, "them"), remaining) == EMPTY or not theirs


@given(configs, configs)
def test_a_plain_write_owns_exactly_what_it_changed(before: Any, after: Any) -> None:
    managers = UPDATER.update({}, before, {}, Managed("first", "Update", "v1", EMPTY))
    changed = UPDATER.update(before, after, managers, Managed("second", "Update", "v1", EMPTY))
    changes = compare(KIND, before, after)
    mine = changed.get(("second", "Update", "v1", ""))
    assert (EMPTY if mine is None else mine.fields) == union(changes.modified, changes.added)
    first = changed.get(("first", "Update", "v1", ""))
    assert mine is None or first is None or intersection(mine.fields, first.fields) == EMPTY


@given(configs)
def test_sets_survive_the_wire_byte_for_byte(config: Any) -> None:
    for fields in (field_set(KIND, config), compare(KIND, {}, config).added):
        encoded = orjson.dumps(fields)
        assert orjson.dumps(parse(orjson.loads(encoded))) == encoded
        keys = list(fields)
        assert keys == sorted(keys, key=order)


@given(configs, configs, configs)
def test_sets_obey_the_laws_of_sets(one: Any, two: Any, three: Any) -> None:
    a, b, c = (field_set(KIND, config) for config in (one, two, three))
    assert union(a, b) == union(b, a)
    assert union(union(a, b), c) == union(a, union(b, c))
    assert intersection(a, b) == intersection(b, a)
    assert union(difference(a, b), intersection(a, b)) == a
    assert intersection(difference(a, b), b) == EMPTY
    assert set(fieldset.paths(union(a, b))) == {*fieldset.paths(a), *fieldset.paths(b)}
    assert set(fieldset.paths(difference(a, b))) == set(fieldset.paths(a)) - set(fieldset.paths(b))


#: As a Kubernetes server writes them, with keys, values, indexes and members that have children.
WIRE = (
    b'{"f:data":{".":{},"f:a":{},"f:b":{}},"f:metadata":{"f:finalizers":{".":{},"v:\\"example.com/a\\"":{}}}}',
    b'{"f:spec":{"f:ports":{"k:{\\"port\\":80,\\"protocol\\":\\"TCP\\"}":{".":{},"f:port":{}},'
    b'"k:{\\"port\\":443,\\"protocol\\":\\"TCP\\"}":{".":{}}}}}',
    b'{"f:a":{},"k:{\\"x\\":true}":{},"v:1":{},"v:2.5":{},"v:\\"s\\"":{},"v:false":{},"i:0":{},"i:10":{}}',
    b'{"f:text":{"v:\\"\\\\u003ca\\\\u0026b\\\\u003e\\"":{}}}',
)


@pytest.mark.parametrize("encoded", WIRE[::2] + WIRE[3:])
def test_what_a_server_wrote_is_written_again(encoded: bytes) -> None:
    assert orjson.dumps(parse(orjson.loads(encoded))) == encoded


def test_a_member_without_children_needs_no_dot() -> None:
    assert orjson.dumps(parse(orjson.loads(WIRE[1]))).endswith(b'"k:{\\"port\\":443,\\"protocol\\":\\"TCP\\"}":{}}}}')


def test_elements_are_brought_into_order() -> None:
    unordered: dict[str, Any] = {
        "v:2": {},
        "f:b": {},
        'k:{"b":1,"a":2}': {},
        "f:a": {},
        "v:10": {},
        "i:2": {},
        "i:10": {},
    }
    assert list(parse(unordered)) == ["f:a", "f:b", 'k:{"a":2,"b":1}', "v:2", "v:10", "i:2", "i:10"]


@pytest.mark.parametrize("element", ["x:1", "f", "v:{", "k:[1]", "i:one", ""])
def test_what_is_no_element_is_refused(element: str) -> None:
    with pytest.raises(FieldsError):
        canonical(element)


def test_types_follow_the_schema() -> None:
    kind = type_of(SCHEMA)
    shapes = {name: part.shape for name, part in kind.fields.items()}
    assert (shapes["tags"], shapes["row"], shapes["ports"], shapes["free"]) == ("list", "leaf", "list", "deduced")
    assert kind.fields["ports"].key_defaults == {"protocol": "TCP"}
    atomic = type_of({"type": "object", "properties": {"m": {"type": "object", "x-kubernetes-map-type": "atomic"}}})
    assert atomic.fields["m"].shape == "leaf"
    metadata = kind.fields["metadata"]
    assert isinstance(metadata, FieldType)
    assert metadata.fields["finalizers"].shape == "list"
    assert metadata.fields["uid"].shape == "none"


def test_the_short_way_of_writes_gives_what_the_rules_give() -> None:
    mine: Fields = {"f:data": {".": {}, "f:a": {}, "f:b": {}}}
    entries = [
        _entry("me", mine, "2026-01-01T00:00:00Z"),
        _entry("you", {"f:data": {"f:c": {}}}, "2026-01-02T00:00:00Z"),
    ]
    later = "2026-01-03T00:00:00Z"
    changed: Fields = {"f:data": {"f:a": {}}}
    renewed = managers.renewed(entries, changed, "me", "", later)
    assert renewed == [entries[1], {**entries[0], "time": later}]
    assert managers.encode(managers.decode(renewed)) == renewed
    assert managers.renewed(entries, {"f:data": {"f:c": {}}}, "me", "", later) is None, "it is another's"
    assert managers.renewed(entries, {"f:data": {"f:d": {}}}, "me", "", later) is None, "it is new"
    assert managers.renewed(entries, changed, "she", "", later) is None, "she has no entry yet"
    assert managers.renewed(entries, changed, "me", "", entries[0]["time"]) is entries


def _entry(manager: str, fields: Fields, time: str) -> dict[str, Any]:
    entry = {"manager": manager, "operation": "Update", "apiVersion": "v1", "time": time, "fieldsType": "FieldsV1"}
    return {**entry, "fieldsV1": fields}
