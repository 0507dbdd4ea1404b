"""Plays a journey once and ends its process at many points: at each of them the whole world is split in two by a fork.

The child loses its management plane at that point and goes on to the end with a new one; the parent goes on to the
next point. So what comes before a point is played once for all points, and the points can be played side by side.
`python -m tests.sim.crashpoints create --all` plays every one and writes a line of JSON for each.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hashlib
import json
import os
import select
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from capstan.sim.world import World
from tests.sim.homelab import HomeLab
from tests.sim.invariants import Watch
from tests.sim.journeys import JOURNEYS, check, lab_of
from tests.sim.picture import Picture, compare, draw

#: After a journey's end there is nothing left to do for so long.
REST_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Played:
    """One ending: at `point` (0: nowhere), what went wrong, and the `picture` of the world at its end."""

    point: int
    error: str = ""
    picture: Picture = field(default_factory=dict)


@dataclass(slots=True)
class Splitter:
    """Decides at each point before or after an effect whether the world is split there."""

    is_wanted: Callable[[int], bool]
    jobs: int
    tell: Callable[[Played], None]
    begin: int = 0
    point: int = 0
    #: Where each child writes what became of it, with its process and its point.
    children: dict[int, tuple[int, int]] = field(default_factory=dict)
    _writing: int = -1

    @property
    def in_child(self) -> bool:
        return self.point > 0

    def arm(self, world: World) -> None:
        """From now on the points count."""
        gc.freeze()  # what the children share is not walked through by each of them
        self.begin = world.gate.points
        world.gate.on_point = partial(self._at, world)

    def _at(self, world: World, points: int) -> None:
        point = points - self.begin
        if self.in_child or not self.is_wanted(point):
            return
        while len(self.children) >= self.jobs:
            self.gather()
        reading, writing = os.pipe()
        child = os.fork()
        if child:
            os.close(writing)
            self.children[reading] = (child, point)
            return
        os.close(reading)
        asyncio._set_running_loop(world.loop)  # asyncio forgets in a child that it is inside of a loop
        self.point, self.children, self._writing = point, {}, writing
        world.gate.crash_at = points

    def gather(self) -> None:
        """Wait for one of the children, and tell how it ended."""
        (reading, *_), _, _ = select.select(list(self.children), (), ())
        child, point = self.children.pop(reading)
        with os.fdopen(reading) as pipe:
            text = pipe.read()
        _, status = os.waitpid(child, 0)
        self.tell(Played(**json.loads(text)) if text else Played(point, f"the process ended with status {status}"))

    def end(self, played: Played) -> None:
        """The child says how it ended, and is no more."""
        with os.fdopen(self._writing, "w") as pipe:
            json.dump(asdict(played), pipe)
        os._exit(0)


def play(name: str, is_wanted: Callable[[int], bool], jobs: int, tell: Callable[[Played], None]) -> int:
    """Play the journey with an ending at each wanted point, and once without any. Gives how many points there are."""
    journey, counted, picture = JOURNEYS[name], 0, Picture()
    splitter = Splitter(is_wanted, jobs, tell)

    async def story(lab: HomeLab) -> None:
        nonlocal counted
        for step in journey.before:
            await step(lab)
        splitter.arm(lab.world)
        watch = Watch(lab, quorum=journey.quorum, fewest=journey.fewest)
        await journey.step(lab)
        counted = lab.world.gate.points - splitter.begin
        lab.world.gate.on_point = None
        await _rest(lab)
        picture.update(await draw(lab))
        assert lab.world.crashes == (1 if splitter.in_child else 0)
        await check(lab)
        assert not watch.broken, "\n".join(watch.broken)

    error = ""
    try:
        lab_of(name).run(story)
    except BaseException:
        error = traceback.format_exc()[-4000:]
    played = Played(splitter.point, error, picture)
    if splitter.in_child:
        splitter.end(played)
    while splitter.children:
        splitter.gather()
    tell(played)
    return counted


async def _rest(lab: HomeLab) -> None:
    """What is still on its way arrives, and then nothing has an effect any more."""
    await asyncio.sleep(300)
    lines, points = len(lab.world.trace.lines), lab.world.gate.points
    await asyncio.sleep(REST_SECONDS)
    assert lab.world.gate.points == points, "not at rest:\n" + "\n".join(lab.world.trace.lines[lines:][:10])


@dataclass(slots=True)
class Comparison:
    """Told of every ending, it keeps the pictures that differ from each other, and compares them at the end."""

    tell: Callable[[Played], None]
    #: Pictures by their text, with the points that ended so.
    found: dict[str, list[int]] = field(default_factory=dict)

    def add(self, played: Played) -> None:
        if not played.error:
            self.found.setdefault(json.dumps(played.picture, sort_keys=True), []).append(played.point)
        self.tell(played)

    def differences(self) -> dict[int, list[str]]:
        """By point, in what its ending is not that of the run without a crash."""
        whole: Picture = next((json.loads(text) for text, points in self.found.items() if 0 in points), {})
        return {
            point: lines
            for text, points in self.found.items()
            if (lines := compare(whole, json.loads(text)))
            for point in points
        }


def sample(seed: str, name: str, every: int) -> Callable[[int], bool]:
    """One point out of each `every`, drawn by the seed."""

    def is_wanted(point: int) -> bool:
        block, offset = divmod(point, every)
        digest = hashlib.sha256(f"{seed} {name} {block}".encode()).digest()
        return offset == int.from_bytes(digest[:8], "big") % every

    return is_wanted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("journey", choices=JOURNEYS)
    parser.add_argument("--all", action="store_true", help="every point")
    parser.add_argument("--points", type=int, nargs="*", default=[], help="these points")
    parser.add_argument("--every", type=int, default=0, help="one point of so many, by the seed")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--jobs", type=int, default=2, help="processes beside each other")
    options = parser.parse_args()
    wanted: Callable[[int], bool] = options.points.__contains__
    if options.every:
        wanted = sample(options.seed, options.journey, options.every)
    if options.all:
        wanted = lambda point: True  # noqa: E731

    def tell(played: Played) -> None:
        print(json.dumps({"point": played.point, "error": played.error}), flush=True)

    began, comparison = time.monotonic(), Comparison(tell)
    points = play(options.journey, wanted, options.jobs, comparison.add)
    summary: dict[str, Any] = {"journey": options.journey, "points": points, "differs": comparison.differences()}
    print(json.dumps({**summary, "seconds": round(time.monotonic() - began, 1)}), flush=True)


if __name__ == "__main__":
    main()
