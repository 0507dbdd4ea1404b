"""Random lives of a whole world: whatever users do and the world does, what must hold holds, and all ends as wanted.

The short run plays a few lives drawn by a seed: the variable CAPSTAN_CHAOS_SEED, else the commit that is checked out.
With the marker `full` some hundreds of fixed ones. `python -m tests.sim.chaos --seed N` tells the story of one.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from tests.sim.chaos import Ending, Step, Story, draw, play, shrink, tell
from tests.sim.seeds import drawn_seed

SHORT, FULL = 2, 300


@pytest.mark.parametrize("number", range(SHORT))
def test_a_random_life_ends_well(number: int) -> None:
    seed = drawn_seed("CAPSTAN_CHAOS_SEED")
    digest = hashlib.sha256(f"{seed} {number}".encode()).digest()
    # Short ones: the long ones are played by the full run.
    ending = play(draw(int.from_bytes(digest[:4], "big"), steps=8))
    assert not ending.error, tell(ending)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(FULL))
def test_each_of_many_lives_ends_well(seed: int) -> None:
    ending = play(draw(seed))
    assert not ending.error, tell(ending)


def test_a_life_is_told_in_the_same_way_each_time() -> None:
    story = Story(5, 1, 0, (Step(100.0, "label-workers", 1), Step(3.0, "kill-process", 2), Step(40.0, "strip", 3)))
    first, second = play(story), play(story)
    assert not first.error, tell(first)
    assert first.trace == second.trace
    assert "".join(first.told).count("strip ") == 1


def test_a_vm_that_belongs_to_nobody_fails_the_life_that_left_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Breaks what is looked after: a VM loses the mark of its machine."""
    from tests.sim import chaos, life

    async def spoil(found: life.Life, _rng: object) -> str:
        found.vms()[0].config["description"] = "mine now"
        return "somebody takes a VM over"

    monkeypatch.setitem(chaos._ALL, "spoil", (spoil, 0))
    ending = play(Story(5, 1, 0, (Step(100.0, "spoil", 1), Step(10.0, "restart-control-plane", 2))))
    assert "is of nobody" in ending.error


def test_a_failing_story_is_cut_down_to_what_it_takes() -> None:
    steps = tuple(Step(float(number), f"act-{number}", number) for number in range(20))

    def fails(story: Story) -> Ending:
        names = {step.act for step in story.steps}
        return Ending(story, "AssertionError: so" if {"act-3", "act-11"} <= names else "", ())

    whole = Story(1, 1, 1, steps)
    short = shrink(fails(whole), fails)
    assert [step.act for step in short.story.steps] == ["act-3", "act-11"]
    # Both happen when they did.
    assert [step.seconds for step in short.story.steps] == [sum(range(4)), sum(range(4, 12))]
    assert shrink(replace(short, story=short.story), fails) == short
