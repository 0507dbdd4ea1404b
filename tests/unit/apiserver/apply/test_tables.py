"""Ownership by tables: what steps of several managers leave of an object, and to whom."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.apiserver.apply.table import State, conflicts_of, tables

TABLES = tables()


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in TABLES])
def test_steps_leave_what_the_table_says(case: Any) -> None:
    state = State(case)
    for step in case["steps"]:
        if "refused" in step:
            with pytest.raises(ValueError, match=step["refused"]):
                state.step(step)
            return
        assert conflicts_of(state, step) == step.get("conflicts", [])
    if "live" in case:
        assert full(state.seen(case["at"])) == full(case["live"])
    if "owners" in case:
        assert state.owners() == case["owners"]
    assert all(managed.fields for managed in state.managers.values())


def full(value: Any) -> Any:
    """A value in which everything empty is null: how a place without content is written is the schema's business."""
    if isinstance(value, dict):
        return {name: full(part) for name, part in value.items()} or None
    return [full(item) for item in value] or None if isinstance(value, list) else value


def test_there_are_tables_of_every_topic() -> None:
    names = [name for name, _ in TABLES]
    assert len(set(names)) == len(names) >= 150
    assert len({name.partition(":")[0] for name in names}) == 13
