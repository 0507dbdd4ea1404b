"""Plays a journey once and ends its process at many points: at each of them the whole world is split in two by a fork.

The child loses its management plane at that point and goes on to the end with a new one; the parent goes on to the
next point. So what comes before a point is played once for all points, and the points can be played side by side.
`python -m tests.sim.crashpoints create --all` plays every one and writes a line of JSON for each.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from capstan.sim.world import World
from tests.sim.homelab import HomeLab
from tests.sim.journeys import JOURNEYS, check, lab_of, watch_quorum


@dataclass(frozen=True, slots=True)
class Played:
    """One ending: at `point` (0: nowhere), the `machines` and conditions at its end, and what went wrong."""

    point: int
    machines: tuple[str, ...] = ()
    error: str = ""


@dataclass(slots=True)
class Splitter:
    """Decides at each point before or after an effect whether the world is split there."""

    is_wanted: Callable[[int], bool]
    jobs: int
    tell: Callable[[Played], None]
    begin: int = 0
    point: int = 0
    children: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def in_child(self) -> bool:
        return self.point > 0

    def arm(self, world: World) -> None:
        """From now on the points count."""
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
            self.children[child] = (reading, point)
            return
        os.close(reading)
        asyncio._set_running_loop(world.loop)  # asyncio forgets in a child that it is inside of a loop
        self.point, self.children = point, {os.getpid(): (writing, point)}
        world.gate.crash_at = points

    def gather(self) -> None:
        """Wait for one of the children, and tell how it ended."""
        child, status = os.waitpid(-1, 0)
        reading, point = self.children.pop(child)
        with os.fdopen(reading) as pipe:
            text = pipe.read()
        if text:
            found = json.loads(text)
            self.tell(Played(found["point"], tuple(found["machines"]), found["error"]))
        else:
            self.tell(Played(point, error=f"the process ended with status {status}"))

    def end(self, played: Played) -> None:
        """The child says how it ended, and is no more."""
        ((writing, _),) = self.children.values()
        os.write(writing, json.dumps(asdict(played)).encode()[:60000])
        os._exit(0)


def play(name: str, is_wanted: Callable[[int], bool], jobs: int, tell: Callable[[Played], None]) -> int:
    """Play the journey with an ending at each wanted point, and once without any. Gives how many points there are."""
    _, before, journey = JOURNEYS[name]
    splitter, counted, machines = Splitter(is_wanted, jobs, tell), 0, list[str]()

    async def story(lab: HomeLab) -> None:
        nonlocal counted
        for step in before:
            await step(lab)
        splitter.arm(lab.world)
        lost = watch_quorum(lab) if name not in ("create", "delete") else []
        await journey(lab)
        counted = lab.world.gate.points - splitter.begin
        lab.world.gate.on_point = None
        await asyncio.sleep(300)
        await check(lab)
        machines.extend(sorted(m["metadata"]["name"] for m in await lab.all("Machine")))
        assert lab.world.crashes == (1 if splitter.in_child else 0)
        assert not lost, f"etcd lost its quorum at: {lost[0]}"

    error = ""
    try:
        lab_of(name).run(story)
    except BaseException:
        error = traceback.format_exc()[-4000:]
    played = Played(splitter.point, tuple(machines), error)
    if splitter.in_child:
        splitter.end(played)
    while splitter.children:
        splitter.gather()
    tell(played)
    return counted


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
        print(json.dumps(asdict(played)), flush=True)

    began = time.monotonic()
    points = play(options.journey, wanted, options.jobs, tell)
    summary: dict[str, Any] = {"journey": options.journey, "points": points}
    print(json.dumps({**summary, "seconds": round(time.monotonic() - began, 1)}), flush=True)


if __name__ == "__main__":
    main()
