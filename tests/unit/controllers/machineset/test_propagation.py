"""What flows from a set into its Machines, infra machines and bootstrap configs: who owned which key before, and what
becomes of it. The world keeps owners by the API server's own rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.controllers.lab import provide
from tests.unit.controllers.machineset.test_machineset import members, pool
from tests.unit.controllers.owned import applied
from tests.unit.controllers.world import World

from capstan.api.objects import Obj
from capstan.api.rules.applied import entry_of
from capstan.api.rules.takeover import BEFORE_FIRST_APPLY, RECORD_ANNOTATION

KINDS = ("Machine", "LabMachine", "LabConfig")
TAINT = {"key": "gpu", "effect": "NoSchedule", "propagation": "Always"}
CORDON = {"key": "old", "effect": "NoExecute", "propagation": "Always"}


def template(world: World, labels: Obj | None = None, annotations: Obj | None = None, **spec: Any) -> None:
    """What a user changes of the set's template."""
    metadata = {"labels": labels or {}, "annotations": annotations or {}}
    world.edit("MachineSet", "pool", {"spec": {"template": {"metadata": metadata, "spec": spec}}})


def made(labels: Obj | None = None, annotations: Obj | None = None, **spec: Any) -> tuple[World, str]:
    """A set with one Machine, whose template has these."""
    world = pool(1)
    template(world, labels, annotations, **spec)
    world.settle(provide)
    (name,) = members(world)
    return world, name


def replace(world: World, kind: str, name: str, **metadata: Any) -> None:
    obj = world.get(kind, name)
    kept = {**obj["metadata"], **metadata}
    world.put({**obj, "metadata": {k: v for k, v in kept.items() if v is not None}})


def entries(world: World, kind: str, name: str) -> list[Obj]:
    found: list[Obj] = world.get(kind, name)["metadata"].get("managedFields", [])
    return found


def labels_of(world: World, kind: str, name: str) -> Obj:
    found: Obj = world.get(kind, name)["metadata"].get("labels", {})
    return found


# What the objects were before: each gives all three kinds another past.


def as_we_make_it(world: World, name: str) -> None:
    """Nothing happened."""


def as_upstream_makes_it(world: World, name: str) -> None:
    """Upstream's controllers share one name for plain writes, as ours do."""
    for kind in KINDS:
        renamed = [{**e, "manager": "manager"} if e["operation"] == "Update" else e for e in entries(world, kind, name)]
        replace(world, kind, name, managedFields=renamed)


def as_older_upstream_made_it(world: World, name: str) -> None:
    """Before 1.12, infra machines and bootstrap configs were created plainly and then applied to by one manager."""
    as_upstream_makes_it(world, name)
    for kind in KINDS[1:]:
        found = entries(world, kind, name)
        mine = entry_of(world.get(kind, name)["metadata"], "capi-machineset-metadata")
        assert mine is not None
        all_of_it = {"f:metadata": mine["fieldsV1"]["f:metadata"], "f:spec": {"f:size": {}}}
        rest = [e for e in found if not e["manager"].startswith("capi-")]
        old = [
            {**mine, "manager": "capi-machineset"},
            {**mine, "manager": "manager", "operation": "Update", "fieldsV1": all_of_it},
        ]
        replace(world, kind, name, managedFields=[*old, *rest])


def as_we_made_it_once(world: World, name: str) -> None:
    """By plain writes, with a record of the keys that came from the set."""
    for kind in KINDS:
        obj = world.get(kind, name)
        owned: Obj = {}
        for entry in entries(world, kind, name):
            owned = _joined(owned, entry["fieldsV1"])
        record = {RECORD_ANNOTATION: "labels=gone,stays;annotations=note"}
        owned = _joined(owned, {"f:metadata": {"f:annotations": {f"f:{RECORD_ANNOTATION}": {}}}})
        plain = {"manager": "capstan", "operation": "Update", "apiVersion": obj["apiVersion"], "fieldsType": "FieldsV1"}
        annotations = {**obj["metadata"].get("annotations", {}), **record}
        replace(world, kind, name, annotations=annotations, managedFields=[{**plain, "fieldsV1": owned}])


def moved_with_a_record(world: World, name: str) -> None:
    """As above, and then moved: whoever moves objects owns them as a whole."""
    as_we_made_it_once(world, name)
    for kind in KINDS:
        (plain,) = entries(world, kind, name)
        replace(world, kind, name, managedFields=[{**plain, "manager": "clusterctl"}])


def moved(world: World, name: str) -> None:
    """To another cluster, without who owned what; it was looked at there before anything changed."""
    moved_with_a_record(world, name)
    for kind in KINDS:
        marks = world.get(kind, name)["metadata"]["annotations"]
        replace(world, kind, name, annotations={k: v for k, v in marks.items() if k != RECORD_ANNOTATION})
    world.settle(provide)


def _joined(a: Obj, b: Obj) -> Obj:
    return {**a, **{k: _joined(a.get(k, {}), v) for k, v in b.items()}}


PASTS = [
    as_we_make_it,
    as_upstream_makes_it,
    as_older_upstream_made_it,
    as_we_made_it_once,
    moved_with_a_record,
    moved,
]


@pytest.mark.parametrize("past", PASTS)
def test_what_is_added_changed_and_removed(past: Callable[[World, str], None]) -> None:
    world, name = made({"stays": "1", "gone": "1"}, {"note": "n"})
    past(world, name)
    world.edit("Machine", name, {"metadata": {"labels": {"own": "mine"}, "annotations": {"my": "note"}}})
    template(world, {"stays": "2", "gone": None, "new": "1"}, {"note": None, "other": "o"})
    world.settle(provide)
    for kind in KINDS:
        metadata = world.get(kind, name)["metadata"]
        found = {key: value for key, value in metadata["labels"].items() if key in ("stays", "gone", "new")}
        assert found == {"stays": "2", "new": "1"}, kind
        annotations = {k: v for k, v in metadata["annotations"].items() if k in ("note", "other", RECORD_ANNOTATION)}
        assert annotations == {"other": "o"}, kind
    machine = world.get("Machine", name)["metadata"]
    assert (machine["labels"]["own"], machine["annotations"]["my"]) == ("mine", "note")
    clone = world.get("LabMachine", name)["metadata"]
    assert clone["labels"]["from"] == "template", "what the template of the provider says stays"
    assert "cluster.x-k8s.io/cloned-from-name" in clone["annotations"]
    assert {e["manager"] for e in entries(world, "Machine", name) if e["operation"] == "Apply"} == {"capi-machineset"}
    applying = {e["manager"] for e in entries(world, "LabMachine", name) if e["operation"] == "Apply"}
    assert "capi-machineset-metadata" in applying
    before = world.writes
    world.settle(provide)
    assert world.writes == before, "nothing is written that holds"


@pytest.mark.parametrize("past", [as_we_make_it, as_upstream_makes_it, as_we_made_it_once, moved])
def test_fields_that_change_in_place(past: Callable[[World, str], None]) -> None:
    gates = [{"conditionType": "Sound"}, {"conditionType": "Warm"}]
    world, name = made(taints=[TAINT, CORDON], readinessGates=gates, deletion={"nodeDrainTimeoutSeconds": 7})
    past(world, name)
    template(world, taints=[CORDON], readinessGates=None, deletion=None, minReadySeconds=3)
    world.settle(provide)
    spec = world.get("Machine", name)["spec"]
    assert spec["taints"] == [CORDON]
    assert spec.get("readinessGates", []) == []
    assert spec.get("deletion", {}) == {}
    assert spec["minReadySeconds"] == 3
    assert spec["providerID"], "what others wrote stays"


def test_a_user_who_took_a_key_loses_it() -> None:
    world, name = made({"tier": "gold"})
    for kind in KINDS:
        world.edit(kind, name, {"metadata": {"labels": {"tier": "tin"}}})
    world.settle(provide)
    assert [labels_of(world, kind, name)["tier"] for kind in KINDS] == ["gold"] * 3
    template(world, {"tier": None})
    world.settle(provide)
    assert not any("tier" in labels_of(world, kind, name) for kind in KINDS)


def test_a_key_that_a_user_applied_with_the_same_value_stays_for_the_user() -> None:
    world, name = made({"tier": "gold"})
    for kind in KINDS:
        obj = world.get(kind, name)
        address = {"apiVersion": obj["apiVersion"], "kind": kind}
        metadata = {"name": name, "namespace": obj["metadata"]["namespace"], "labels": {"tier": "gold"}}
        world.put(applied(obj, {**address, "metadata": metadata}, "flux"))
    template(world, {"tier": None})
    world.settle(provide)
    assert [labels_of(world, kind, name)["tier"] for kind in KINDS] == ["gold"] * 3


@pytest.mark.parametrize("lost", [None, []])
def test_objects_whose_owners_were_lost(lost: list[Obj] | None) -> None:
    """An API server that finds no owners takes all for somebody else's, and then nothing ever leaves."""
    world, name = made({"tier": "gold"})
    for kind in KINDS:
        replace(world, kind, name, managedFields=lost)
    world.edit("MachineSet", "pool", {"spec": {"template": {"metadata": {"labels": {"zone": "a"}}}}})
    world.settle(provide)
    for kind in KINDS:
        assert BEFORE_FIRST_APPLY not in [e["manager"] for e in entries(world, kind, name)]
    template(world, {"zone": None, "tier": None})
    world.settle(provide)
    assert not any({"zone", "tier"} & labels_of(world, kind, name).keys() for kind in KINDS)


def test_what_an_older_server_took_for_somebody_elses() -> None:
    world, name = made({"tier": "gold"})
    for kind in KINDS:
        first = {"manager": BEFORE_FIRST_APPLY, "operation": "Update", "fieldsType": "FieldsV1"}
        owned: Obj = {"f:metadata": {"f:labels": {".": {}, "f:tier": {}}}}
        version = world.get(kind, name)["apiVersion"]
        entry = {**first, "apiVersion": version, "fieldsV1": owned}
        replace(world, kind, name, managedFields=[entry, *entries(world, kind, name)])
    template(world, {"tier": None})
    world.settle(provide)
    for kind in KINDS:
        assert "tier" not in labels_of(world, kind, name), kind
        assert BEFORE_FIRST_APPLY not in [e["manager"] for e in entries(world, kind, name)], kind


def test_the_clone_is_made_by_one_manager_and_its_marks_are_anothers() -> None:
    world, name = made({"tier": "gold"})
    for kind in KINDS[1:]:
        metadata = world.get(kind, name)["metadata"]
        maker, marks = entry_of(metadata, "capi-machineset"), entry_of(metadata, "capi-machineset-metadata")
        assert maker is not None and not {"f:labels", "f:annotations"} & maker["fieldsV1"].get("f:metadata", {}).keys()
        assert marks is not None and "f:tier" in marks["fieldsV1"]["f:metadata"]["f:labels"]
        assert "f:from" not in marks["fieldsV1"]["f:metadata"]["f:labels"]


def test_a_machine_on_its_way_out_gets_only_what_matters_to_that() -> None:
    world, name = made({"tier": "gold"})
    world.edit("Machine", name, {"metadata": {"finalizers": ["held/by-test"]}})
    world.delete("Machine", name)
    template(world, {"tier": "tin"}, deletion={"nodeDrainTimeoutSeconds": 9})
    world.settle(provide)
    assert labels_of(world, "Machine", name)["tier"] == "gold"
    assert world.get("Machine", name)["spec"]["deletion"]["nodeDrainTimeoutSeconds"] == 9


_KEYS = st.sampled_from(["a", "b", "c"])
_MARKS = st.dictionaries(_KEYS, st.sampled_from(["1", "2"]))
_FOREIGN = st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from(["1", "2"]))


@settings(max_examples=12, deadline=None)
@given(first=_MARKS, second=_MARKS, foreign=_FOREIGN, past=st.sampled_from(PASTS))
def test_twice_is_once_and_foreign_keys_are_left_alone(
    first: Obj, second: Obj, foreign: Obj, past: Callable[[World, str], None]
) -> None:
    world, name = made({**first, "stays": "1"}, first)
    past(world, name)
    for kind in KINDS:
        world.edit(kind, name, {"metadata": {"labels": foreign, "annotations": foreign}})
    template(world, {**dict.fromkeys(first), **second}, {**dict.fromkeys(first), **second})
    world.settle(provide)
    recorded = past in (as_we_made_it_once, moved_with_a_record)
    for kind in KINDS:
        for marks in ("labels", "annotations"):
            found = world.get(kind, name)["metadata"].get(marks, {})
            assert foreign.items() <= found.items()
            assert second.items() <= found.items()
            if not recorded:  # the record lists other keys
                assert not (first.keys() - second.keys()) & found.keys()
    writes = world.writes
    world.settle(provide)
    assert world.writes == writes
