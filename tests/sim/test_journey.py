"""The home lab in memory: create, scale up, scale down, delete. Equal seeds give equal bytes; idle means no writes."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from pathlib import Path

from capstan.sim.datacenter import DatacenterSettings
from capstan.sim.faults import Fault
from capstan.sim.journey import Journey
from capstan.sim.world import World

ROOT = Path(__file__).parents[2]
MANIFESTS = (ROOT / "examples" / "homelab" / "cluster.yaml").read_text()

_PROGRAM = """
import hashlib, sys
from pathlib import Path
from capstan.sim.journey import Journey
from capstan.sim.world import World
with World() as world:
    world.run(Journey(world, Path(sys.argv[1]).read_text()).all())
print(hashlib.sha256(world.trace.text().encode()).hexdigest())
"""


def _digest(hash_seed: str) -> str:
    command = [sys.executable, "-c", _PROGRAM, str(ROOT / "examples" / "homelab" / "cluster.yaml")]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)
    return ended.stdout.strip().splitlines()[-1]


def test_equal_seeds_give_equal_bytes_under_other_hash_seeds() -> None:
    assert _digest("1") == _digest("4711")


def test_other_seeds_give_other_traces() -> None:
    traces = []
    for seed in (1, 2):
        with World(DatacenterSettings(seed=seed)) as world:
            world.run(Journey(world, MANIFESTS).create())
        traces.append(hashlib.sha256(world.trace.text().encode()).hexdigest())
    assert traces[0] != traces[1]


def test_create_scale_and_delete_leave_nothing() -> None:
    with World() as world:
        journey = Journey(world, MANIFESTS)
        world.run(journey.create())
        assert world.loop.time() < 600, "a cluster comes up within ten minutes"
        world.run(journey.scale(control_planes=3, workers=4))
        assert len(world.datacenter.fleet.machines) == 7
        world.run(journey.scale(control_planes=1, workers=2))
        world.run(journey.delete())
        assert world.datacenter.leftovers() == []
        journey.check_history()


def test_an_idle_world_writes_nothing() -> None:
    async def rest() -> None:
        await asyncio.sleep(2 * 3600)  # Events are kept for an hour, addresses for a while

    with World() as world:
        world.run(Journey(world, MANIFESTS).create())
        world.run(rest())
        revision, lines = world.store.revision, len(world.trace.lines)
        world.run(asyncio.sleep(6 * 3600))
        assert world.trace.lines[lines:] == []
        assert world.store.revision == revision


def test_a_silent_proxmox_delays_and_does_not_break() -> None:
    outage = Fault("proxmox", "*", after=20, times=200, code=0, message="no answer")
    with World(DatacenterSettings(faults=(outage,))) as world:
        journey = Journey(world, MANIFESTS)
        world.run(journey.create(timeout_seconds=4 * 3600))
        journey.check_history()


def test_lost_answers_of_clones_make_no_twins() -> None:
    lost = Fault("proxmox", "POST /nodes/*/clone", kind="lose_reply", times=3)
    with World(DatacenterSettings(faults=(lost,))) as world:
        journey = Journey(world, MANIFESTS)
        world.run(journey.create(timeout_seconds=4 * 3600))
        templates = {9000}
        assert len(world.datacenter.pve.vms.keys() - templates) == 3
        journey.check_history()
