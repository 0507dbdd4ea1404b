"""A cluster that does not get on: `capstan describe` says who waits for what and since when, whatever it is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from capstan.insight.drawing import draw, waiting
from capstan.insight.reading import read_cluster
from capstan.insight.tree import TreeOptions, cluster_tree
from tests.sim.homelab import CONTROL_PLANE, SETTINGS, WORKERS, HomeLab, document, documents, small
from tests.sim.journeys import pull_the_plug, workers_of
from tests.sim.test_drain import guard_web, run_pod, workload

HOOK = "pre-terminate.delete.hook.machine.cluster.x-k8s.io/backup"
ALL = TreeOptions(grouping=False, echo=True, show_machine_sets=True)


def play(story: Callable[[HomeLab], Coroutine[Any, Any, None]], **settings: Any) -> None:
    HomeLab(replace(SETTINGS, **settings), small(documents())).run(story)


async def described(lab: HomeLab) -> tuple[str, list[str]]:
    """The tree, and the lines of what is not done yet."""
    found = await read_cluster(lab.world.plane.client, "default", "homelab")
    now = lab.world.clock.now()
    lines = waiting(cluster_tree(found, ALL), now)
    assert all(re.search(r" \(for \d+[smhd]\)$", line) for line in lines), lines
    return draw(cluster_tree(found), now), lines


async def says(lab: HomeLab, about: str, *parts: str) -> str:
    """The line about an object, which has these parts; gives the tree."""
    tree, lines = await described(lab)
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
        await lab.patch("Machine", name, {"metadata": {"annotations": {HOOK: "backup-operator"}}})
        await lab.delete("Machine", name)
        await asyncio.sleep(400)
        tree = await says(lab, f"Machine default/{name}: Deleting: Drain not completed", "Pod web/web-0", "budget web")
        assert "stage: DrainingNode" in tree
        assert "!! DELETED !! Machine" in tree
        excluded = {"machine.cluster.x-k8s.io/exclude-node-draining": ""}
        await lab.patch("Machine", name, {"metadata": {"annotations": excluded}})
        await asyncio.sleep(120)
        await says(lab, f"Machine default/{name}: Deleting: Waiting for pre-terminate hooks", HOOK)
        await lab.patch("Machine", name, {"metadata": {"annotations": {HOOK: None}}})

        async def is_gone() -> bool:
            return name not in await workers_of(lab)

        await lab.until(is_gone)

    play(story)


def test_no_host_has_memory_left() -> None:
    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await asyncio.sleep(60)
        await says(lab, f"ProxmoxMachine default/{WORKERS}", "no node can take the VM", "3072 MiB of memory left")

    play(story, host_memory_gib=3)


def test_no_address_is_free() -> None:
    async def story(lab: HomeLab) -> None:
        document(lab.manifests, "ProxmoxCluster")["spec"]["ipv4Config"]["addresses"] = ["192.168.0.20"]
        await lab.apply()
        await asyncio.sleep(120)
        said = ("has no address from pool homelab-v4-icip", "it can give out 1 and 1 are in use")
        await says(lab, "ProxmoxMachine", *said)

    play(story)


@pytest.mark.parametrize(("name", "kind"), [(WORKERS, "MachineDeployment"), (CONTROL_PLANE, "TalosControlPlane")])
def test_a_template_is_missing(name: str, kind: str) -> None:
    async def story(lab: HomeLab) -> None:
        lab.manifests.remove(document(lab.manifests, "ProxmoxMachineTemplate", name))
        await lab.apply()
        await asyncio.sleep(60)
        await says(lab, f"{kind} default/{name}", "ProxmoxMachineTemplate", f"{name}", "create")

    play(story)


def test_a_version_that_the_control_plane_does_not_have() -> None:
    """Workers are never newer than their API server: they wait, and none of the old ones goes."""

    async def story(lab: HomeLab) -> None:
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
        document(lab.manifests, "MachineDeployment")["spec"]["rollout"] = {"strategy": strategy}
        await lab.apply()
        await lab.ready(1, 1)
        before = await workers_of(lab)
        patch = {"spec": {"template": {"spec": {"version": "v1.34.0"}}}}
        await lab.patch("MachineDeployment", WORKERS, patch)
        await asyncio.sleep(600)
        assert await workers_of(lab) == before
        said = "as MachineSet version is higher than ControlPlane version"
        await says(lab, "MachineSet", said)

    play(story)


def test_the_control_plane_is_not_reached() -> None:
    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(1, 1)
        (worker,) = await workers_of(lab)
        vm = next(vm for vm in lab.world.datacenter.pve.vms.values() if CONTROL_PLANE in vm.name)
        pull_the_plug(lab, vm)
        await asyncio.sleep(600)
        await says(lab, f"ProxmoxMachine default/{vm.name}", f"VM {vm.vmid}", "is stopped now: start it")
        await says(lab, "TalosControlPlane", "the API server of cluster default/homelab does not answer")
        await lab.patch("MachineDeployment", WORKERS, {"spec": {"replicas": 0}})
        await asyncio.sleep(120)
        await says(lab, f"Machine default/{worker}: Deleting: Waiting to drain Node {worker}", "does not answer")

    play(story)


def test_a_deletion_that_somebody_elses_finalizer_holds() -> None:
    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(1, 1)
        infrastructure = (await lab.get("ProxmoxCluster", "homelab"))["metadata"]
        finalizers = [*infrastructure["finalizers"], "example.org/inventory"]
        await lab.patch("ProxmoxCluster", "homelab", {"metadata": {"finalizers": finalizers}})
        await lab.delete("Cluster", "homelab")
        await asyncio.sleep(600)
        await says(lab, "Cluster default/homelab: Deleting", "ProxmoxCluster")
        await says(lab, "ProxmoxCluster default/homelab: Deleting", "example.org/inventory")

    play(story)
