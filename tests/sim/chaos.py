"""Plays random lives of a whole world, each from its seed: users and troubles without order, then peace.

What must hold is looked at all along (`tests.sim.vigil`). In the end users stop and troubles are over; within hours
the world must be what is wanted, and then at rest.

`python -m tests.sim.chaos --seed 7` plays one again and tells its story; `--shrink` looks for a shorter one that fails
in the same way; `--seeds 0 200` plays many.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random

from capstan.api.cluster.names import PAUSED_ANNOTATION
from capstan.api.errors import is_not_found
from capstan.api.scheme import SCHEME
from tests.sim.deeds import DEEDS, check_of
from tests.sim.homelab import SETTINGS, HomeLab
from tests.sim.life import PARTS, Life, attempt, manifests_of
from tests.sim.troubles import TROUBLES
from tests.sim.vigil import Vigil, find_leftovers, find_unsettled

HOURS = 3600.0
#: How long the world may take for everything that is wanted, once there is peace.
SETTLE_HOURS = 8
_ALL = {**DEEDS, **TROUBLES}


@dataclass(frozen=True, slots=True)
class Step:
    """After `seconds` this happens; what it draws follows from `number` and the world as it is then."""

    seconds: float
    act: str
    number: int


@dataclass(frozen=True, slots=True)
class Story:
    """How a world begins, and what happens in it."""

    seed: int
    control_planes: int
    workers: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Ending:
    """`error` is empty when all was well; `told` is the story with its times, `trace` the end of the trace."""

    story: Story
    error: str
    told: tuple[str, ...]
    trace: tuple[str, ...] = ()
    seconds: float = 0.0
    #: Simulated minutes of peace until everything was as wanted.
    minutes: float = 0.0


def draw(seed: int, steps: int = 0) -> Story:
    """The story of a seed. Each has acts of its own, so that rare ones meet; some are mostly users', some mostly
    troubles, some hasty and some slow."""
    rng = Random(f"chaos {seed}")
    heat = rng.choice((0.3, 1.0, 1.0, 2.0))
    names = [name for name in _ALL if rng.random() < 0.6] or list(_ALL)
    weights = [_ALL[name][1] * (heat if name in TROUBLES else 1.0) for name in names]
    pace = rng.choice((10.0, 60.0, 200.0, 600.0))
    drawn = []
    for name in rng.choices(names, weights, k=steps or rng.randint(6, 30)):
        gap = rng.choice((0.0, 1.0, rng.uniform(0, 30), rng.expovariate(1 / pace), rng.expovariate(1 / pace)))
        drawn.append(Step(round(gap, 1), name, rng.randrange(10**9)))
    return Story(seed, rng.choice((1, 3, 3)), rng.randint(0, 3), tuple(drawn))


def play(story: Story) -> Ending:
    """Play it to its end, and say how that was."""
    lab, began = HomeLab(replace(SETTINGS, seed=story.seed), []), time.monotonic()
    life = Life(lab)
    error = ""
    try:
        lab.run(partial(_live, life, story))
    except BaseException as failure:
        if isinstance(failure, KeyboardInterrupt):
            raise
        error = "".join(traceback.format_exception(failure))[-6000:]
    seconds = time.monotonic() - began
    return Ending(story, error, tuple(life.told), tuple(lab.world.trace.lines), seconds, life.settled_minutes)


async def _live(life: Life, story: Story, _lab: HomeLab) -> None:
    vigil = Vigil(life)
    life.made["homelab"] = 1
    for manifest in manifests_of("homelab", story.control_planes, story.workers):
        await life.add(manifest)
    life.tell(f"create Cluster homelab with {story.control_planes}+{story.workers}")
    for step in story.steps:
        await asyncio.sleep(step.seconds)
        await life.lab.world.up()
        what = await _ALL[step.act][0](life, Random(step.number))
        if what:
            if step.act in TROUBLES:
                life.meddled = life.now()
            life.tell(what)
    await make_peace(life)
    await _settle(life)
    await _check_written(life)
    await _rest(life)
    left = await find_leftovers(life)
    assert not vigil.broken, "\n".join(vigil.broken)
    assert not left, "\n".join(left)


async def make_peace(life: Life) -> None:
    """Troubles end. Users unpause, roll out what waits for them, have ill machines replaced, and then let go."""
    world = life.lab.world
    life.tell("peace")
    world.crash_after([])
    world.down_seconds = 0.0
    await world.up()
    await life.end_all()
    world.datacenter.faults.clear()
    life.meddled = life.now()
    for kind in PARTS:
        for obj in await life.all(kind):
            name, annotations = obj["metadata"]["name"], obj["metadata"].get("annotations", {})
            if PAUSED_ANNOTATION in annotations:
                unpaused = {"metadata": {"annotations": {PAUSED_ANNOTATION: None}}}
                await attempt(life, f"unpause {kind} {name}", life.patch(kind, name, unpaused))
            if obj.get("spec", {}).get("paused"):
                await attempt(life, f"unpause {kind} {name}", life.patch(kind, name, {"spec": {"paused": None}}))
    for cluster in await life.living():
        if cluster not in life.ending:
            await _mend(life, cluster)
    for cluster in sorted(life.ending):
        await _forget(life, cluster)


async def _mend(life: Life, cluster: str) -> None:
    for manifest in manifests_of(cluster, 1, 1):
        name = manifest["metadata"]["name"]
        if manifest["kind"] == "MachineDeployment" and cluster not in life.ending:
            found = {o["metadata"]["name"]: o for o in await life.all("MachineDeployment", cluster)}
            while "deletionTimestamp" in found.get(name, manifest)["metadata"]:
                await asyncio.sleep(60)
                found = {o["metadata"]["name"]: o for o in await life.all("MachineDeployment", cluster)}
            if name not in found:
                await life.add(manifest)
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}
    # Nobody can be deleted first of a control plane with one Machine.
    patch = {"spec": {"rolloutStrategy": rolling}}
    await attempt(life, "roll", life.patch("TalosControlPlane", f"{cluster}-control-plane", patch))
    deployment = (await life.all("MachineDeployment", cluster))[0]
    if deployment["spec"]["rollout"]["strategy"]["type"] == "OnDelete":
        patch = {"spec": {"rollout": {"strategy": rolling}}}
        await attempt(life, "roll", life.patch("MachineDeployment", f"{cluster}-workers", patch))
    for part in ("workers", "control-plane"):
        await _check_health(life, cluster, part)
    configs = {config["metadata"]["name"] for config in await life.all("TalosConfig")}
    for found in await life.machines(cluster, control_plane=False):
        if found["metadata"]["name"] not in configs:
            # It says what is missing; who has deleted that deletes the Machine, too.
            await attempt(life, "delete", life.delete("Machine", found["metadata"]["name"]))
    for machine in list(life.lab.world.datacenter.fleet.machines.values()):
        if machine.stage == "unknown" and machine.boots > 1:
            # It hangs at a later boot, perhaps with the only etcd there is, which no other machine can replace.
            machine.power_on()
        etcd = machine.etcd.member if machine.etcd is not None else None
        cluster_of_etcd = machine.etcd_cluster
        if etcd is not None and cluster_of_etcd is not None and etcd.id not in cluster_of_etcd.members:
            await attempt(life, f"delete Machine {machine.label}", life.delete("Machine", machine.label))


async def _check_health(life: Life, cluster: str, part: str) -> None:
    name = f"{cluster}-{part}"
    if name in {c["metadata"]["name"] for c in await life.all("MachineHealthCheck")}:
        await attempt(life, name, life.delete("MachineHealthCheck", name))
    await attempt(life, f"check {name}", life.add(check_of(cluster, part, 300)))


async def _forget(life: Life, cluster: str) -> None:
    """Whoever deletes a cluster deletes its templates, too."""
    for manifest in manifests_of(cluster, 1, 1):
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        if kind not in ("Secret", "Cluster"):
            try:
                await life.delete(kind, name)
            except Exception as error:
                assert is_not_found(error), error


async def _settle(life: Life) -> None:
    """Everything is as it was wanted, in time. What the world's own clocks do is looked for every minute."""
    unsettled, begin = [""], life.now()
    for _ in range(SETTLE_HOURS * 60):
        unsettled = await find_unsettled(life)
        if not unsettled:
            life.tell("settled")
            life.settled_minutes = (life.now() - begin) / 60
            return
        await asyncio.sleep(60)
    raise AssertionError(f"after {SETTLE_HOURS} h of peace:\n  " + "\n  ".join(unsettled))


async def _check_written(life: Life) -> None:
    """What users wrote stands there as they wrote it."""
    for (kind, name), spec in life.written.items():
        found = [o for o in await life.all(kind) if o["metadata"]["name"] == name]
        assert not found or found[0]["spec"] == spec, f"{kind} {name}: {found[0]['spec']}, users wrote {spec}"


async def _rest(life: Life) -> None:
    """Nothing is written and nothing has an effect any more. Events go by themselves."""
    await asyncio.sleep(1500)
    world = life.lab.world
    lines, points, versions = len(world.trace.lines), world.gate.points, await _versions(life)
    await asyncio.sleep(1800)
    told = "\n".join(world.trace.lines[lines:][:20])
    assert world.gate.points == points, f"not at rest:\n{told}"
    now = await _versions(life)
    changed = sorted(name for name in versions.keys() | now.keys() if versions.get(name) != now.get(name))
    assert not changed, f"not at rest: {changed}\n{told}"


async def _versions(life: Life) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind in SCHEME.kinds:
        if kind.kind not in ("Event", "Lease"):
            for obj in await life.all(kind.kind):
                found[f"{kind.kind} {obj['metadata']['name']}"] = obj["metadata"]["resourceVersion"]
    return found


# -- shorter stories


def signature(error: str) -> str:
    """What went wrong, without names, numbers and times."""
    lines = [line for line in error.splitlines() if line.strip()]
    told = next(
        (line for line in lines if line.startswith(("AssertionError", "capstan", "TimeoutError"))),
        lines[-1] if lines else "",
    )
    return "".join(c for c in told if not c.isdigit())[:60]


def shrink(ending: Ending, play: Callable[[Story], Ending] = play, budget_seconds: float = 900.0) -> Ending:
    """Leave out steps, many at a time and then one by one, while the story still fails alike."""
    best, wanted, began = ending, signature(ending.error), time.monotonic()
    size = max(len(best.story.steps) // 2, 1)
    while size >= 1:
        position = 0
        while position < len(best.story.steps) and time.monotonic() - began < budget_seconds:
            steps = best.story.steps
            fewer = _without(steps, position, position + size)
            tried = play(replace(best.story, steps=fewer))
            if tried.error and signature(tried.error) == wanted:
                best = tried
            else:
                position += size
        size //= 2
    return best


def _without(steps: Sequence[Step], begin: int, end: int) -> tuple[Step, ...]:
    """The others keep their times."""
    gap = sum(step.seconds for step in steps[begin:end])
    rest = list(steps[end:])
    if rest:
        rest[0] = replace(rest[0], seconds=round(rest[0].seconds + gap, 1))
    return (*steps[:begin], *rest)


# -- from a shell


def tell(ending: Ending, lines: int = 0) -> str:
    steps = [f"  Step({s.seconds}, {s.act!r}, {s.number})," for s in ending.story.steps]
    how = "FAILED" if ending.error else f"well, settled after {ending.minutes:.0f} min,"
    told = [f"seed {ending.story.seed}: {how} in {ending.seconds:.1f} s"]
    if ending.error:
        told += [*ending.told, *steps, ending.error]
        told += list(ending.trace[-lines:]) if lines else []
    return "\n".join(told)


def play_seed(seed: int) -> Ending:
    ending = play(draw(seed))
    return ending if ending.error else replace(ending, told=(), trace=())


def play_many(seeds: Iterable[int], jobs: int) -> Iterable[Ending]:
    with multiprocessing.get_context("spawn").Pool(jobs, maxtasksperchild=5) as pool:
        yield from pool.imap_unordered(play_seed, seeds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="play this one and tell its story")
    parser.add_argument("--seeds", type=int, nargs=2, metavar=("FROM", "TO"), help="play these")
    parser.add_argument("--jobs", type=int, default=2, help="processes beside each other")
    parser.add_argument("--shrink", action="store_true", help="look for a shorter story that fails alike")
    parser.add_argument("--steps", help="a file of JSON: only the steps with these numbers (from 0)")
    parser.add_argument("--trace", type=int, default=0, help="so many of the last lines of the trace")
    options = parser.parse_args()
    if options.seeds:
        failed = 0
        for ending in play_many(range(*options.seeds), options.jobs):
            failed += bool(ending.error)
            print(tell(ending), flush=True)
        print(f"{failed} of {options.seeds[1] - options.seeds[0]} failed")
        return 1 if failed else 0
    story = draw(options.seed)
    if options.steps:
        kept = json.loads(options.steps)
        story = replace(story, steps=tuple(_only(story.steps, kept)))
    ending = play(story)
    if ending.error and options.shrink:
        ending = shrink(ending)
    print(tell(ending, options.trace) if ending.error else "\n".join((*ending.told, tell(ending))))
    return 1 if ending.error else 0


def _only(steps: Sequence[Step], kept: Sequence[int]) -> tuple[Step, ...]:
    """Those steps at their times."""
    left = tuple(steps)
    for position in reversed(range(len(steps))):
        if position not in kept:
            left = _without(left, position, position + 1)
    return left


if __name__ == "__main__":
    sys.exit(main())
