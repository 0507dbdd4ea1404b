"""The process ends again and again, before and after effects; each new one goes on, and the journey ends well."""

from __future__ import annotations

from pathlib import Path

import pytest

from capstan.sim.journey import Journey
from capstan.sim.keys import SeededKeys
from capstan.sim.world import World

ROOT = Path(__file__).parents[2]
MANIFESTS = (ROOT / "examples" / "homelab" / "cluster.yaml").read_text()


def _gaps(seed: int, longest: int) -> list[int]:
    numbers = SeededKeys(f"crashes {seed}")
    return [1 + numbers.number(16) % longest for _ in range(200)]


@pytest.mark.parametrize(("seed", "longest"), [(1, 100), (2, 80), (3, 60)])
def test_crashes_at_random_moments(seed: int, longest: int) -> None:
    with World() as world:
        journey = Journey(world, MANIFESTS)
        world.crash_after(_gaps(seed, longest))
        world.run(journey.create(timeout_seconds=6 * 3600))
        world.run(journey.scale(control_planes=3, workers=3, timeout_seconds=6 * 3600))
        world.run(journey.scale(control_planes=1, workers=1, timeout_seconds=6 * 3600))
        world.run(journey.delete(timeout_seconds=6 * 3600))
        assert world.crashes >= 15
        journey.check_history()
        assert world.datacenter.leftovers() == []
