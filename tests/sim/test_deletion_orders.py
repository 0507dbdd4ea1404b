"""All manifests deleted at once, in any order: every VM is gone before the credentials, and nothing is left."""

from __future__ import annotations

import asyncio
from itertools import permutations

import pytest

from capstan.api.errors import is_not_found
from capstan.api.objects import Obj
from capstan.sim.datacenter import TEMPLATE_ID
from capstan.sim.keys import SeededKeys
from tests.sim.homelab import HomeLab, documents, small

ORDERS = list(permutations(range(len(documents()))))


def _sample(count: int) -> list[tuple[int, ...]]:
    """As written, backwards, the Secret first and last, and some drawn at random."""
    numbers = SeededKeys("deletion orders")
    drawn = [ORDERS[numbers.number(32) % len(ORDERS)] for _ in range(count)]
    written = tuple(range(len(documents())))
    return [written, written[::-1], (*written[1:], 0), (0, *written[:0:-1]), *drawn]


def _play(order: tuple[int, ...], *, machines_are_ready: bool) -> None:
    async def story(lab: HomeLab) -> None:
        await lab.apply()
        if machines_are_ready:
            await lab.ready(1, 1)
        else:
            await asyncio.sleep(3.4)
        begin = len(lab.world.trace.lines)
        for index in order:
            await _delete(lab, lab.manifests[index])
        await lab.deleted(600)
        lines = lab.world.trace.lines[begin:]
        released = [at for at, line in enumerate(lines) if "commit secrets default/homelab-proxmox" in line]
        changes = [at for at, line in enumerate(lines) if line[11:].startswith("pve ")]
        assert len(released) == 1
        assert not changes or changes[-1] < released[0], "Proxmox VE was still needed after the credentials went"
        assert set(lab.world.datacenter.pve.vms) == {TEMPLATE_ID}

    HomeLab(manifests=small(documents())).run(story)


async def _delete(lab: HomeLab, document: Obj) -> None:
    """What went with another object already is gone, as for `kubectl delete --ignore-not-found`."""
    try:
        await lab.delete(document["kind"], document["metadata"]["name"])
    except Exception as error:
        if not is_not_found(error):
            raise


def test_of_a_cluster_that_runs() -> None:
    for order in _sample(4):
        _play(order, machines_are_ready=True)


def test_of_a_cluster_that_is_being_made() -> None:
    for order in _sample(2):
        _play(order, machines_are_ready=False)


@pytest.mark.full
def test_in_many_more_orders() -> None:
    for order in _sample(150):
        _play(order, machines_are_ready=True)
