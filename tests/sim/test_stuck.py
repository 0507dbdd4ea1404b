"""A cluster that does not get on: `capstan describe` says who waits for what and since when, word for word."""

from __future__ import annotations

import asyncio
import re

import pytest

from capstan.insight.drawing import draw, waiting
from capstan.insight.reading import read_cluster
from capstan.insight.tree import TreeOptions, cluster_tree
from tests.golden.text import assert_golden
from tests.sim.homelab import HomeLab, documents, small
from tests.sim.journeys import workers_of
from tests.sim.stuck import PRE_TERMINATE, SITUATIONS
from tests.sim.test_drain import guard_web, run_pod, workload

_ALL = TreeOptions(grouping=False, echo=True, show_machine_sets=True)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@pytest.mark.parametrize("name", list(SITUATIONS))
def test_who_waits_for_what_since_when(name: str) -> None:
    situation = SITUATIONS[name]
    told: list[str] = []

    async def story(lab: HomeLab) -> None:
        await situation.story(lab)
        told.extend(await described(lab))
        await lab.calmly(300, writes=40, reconciles=200)

    HomeLab(situation.settings, small(documents())).run(story)
    tree, *lines = told
    assert lines, tree
    for line in lines:
        assert re.match(r"[A-Z][A-Za-z]+ default/[a-z0-9.-]+: .", line), f"who? {line}"
        assert re.search(r" \(for \d+[smhd]\)$", line), f"since when? {line}"
    everything = "\n".join([*lines, tree])
    for part in situation.says:
        assert part in everything, f"{part!r} is not said:\n{everything}"
    assert_golden(f"stuck/{name}.txt", plain("\n".join([tree, *lines, ""])))


async def described(lab: HomeLab) -> list[str]:
    """The tree, and a line for each thing that is not done."""
    found = await read_cluster(lab.world.plane.client, "default", "homelab")
    now = lab.world.clock.now()
    return [draw(cluster_tree(found), now), *waiting(cluster_tree(found, _ALL), now)]


def plain(text: str) -> str:
    """The text without what another order of events may change: made-up parts of names, exact ages, and columns."""
    names: dict[str, str] = {}

    def named(match: re.Match[str]) -> str:
        return names.setdefault(match[0], f"{match[1]}-<{len(names) + 1}>")

    text = re.sub(r"\b(homelab-(?:workers|control-plane))((?:-[bcdfghjklmnpqrstvwxz2456789]{5}){1,2})\b", named, text)
    text = re.sub(r"\(for \d+([smhd])\)", lambda match: f"(for {_UNITS[match[1]]})", text)
    text = re.sub(r"(?<=  )(?:\d+[smhd]){1,2}(?=  |\n)", "<age>", text)
    text = re.sub(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>", text)
    text = re.sub(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uuid>", text)
    return re.sub(r"(?<=\S) {2,}", "  ", text)


async def says(lab: HomeLab, about: str, *parts: str) -> str:
    """The line about an object, which has these parts; gives the tree."""
    tree, *lines = await described(lab)
    found = [line for line in lines if line.startswith(about)]
    assert any(all(part in line for part in parts) for line in found), "\n".join(lines)
    return tree


def test_a_budget_and_then_a_hook_hold_a_deletion() -> None:
    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(1, 1)
        (name,) = await workers_of(lab)
        client = await workload(lab)
        await guard_web(client)
        await run_pod(client, "web-0", name)
        await lab.patch("Machine", name, {"metadata": {"annotations": {PRE_TERMINATE: "backup-operator"}}})
        await lab.delete("Machine", name)
        await asyncio.sleep(400)
        tree = await says(lab, f"Machine default/{name}: Deleting: Drain not completed", "Pod web/web-0", "budget web")
        assert "stage: DrainingNode" in tree
        assert "!! DELETED !! Machine" in tree
        excluded = {"machine.cluster.x-k8s.io/exclude-node-draining": ""}
        await lab.patch("Machine", name, {"metadata": {"annotations": excluded}})
        await asyncio.sleep(120)
        await says(lab, f"Machine default/{name}: Deleting: Waiting for pre-terminate hooks", PRE_TERMINATE)
        await lab.patch("Machine", name, {"metadata": {"annotations": {PRE_TERMINATE: None}}})

        async def is_gone() -> bool:
            return name not in await workers_of(lab)

        await lab.until(is_gone)

    HomeLab(manifests=small(documents())).run(story)
