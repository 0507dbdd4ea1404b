"""A control plane through its life: new versions, restarts, failed machines, certificates; as users go about it."""

from __future__ import annotations

import asyncio
import base64
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import yaml

from capstan.api.cluster.rollouthistory import ROLLOUT_AFTER_ANNOTATION
from capstan.api.objects import Obj
from capstan.api.rules.certificates import Authority, validity_of
from capstan.insight.rollout import progress
from capstan.providers.talos.kubeconfig_file import Door, Issuing, new_kubeconfig
from capstan.providers.talos.talosconfig_file import decode_talosconfig
from capstan.sim.proxmox.vm import Vm
from tests.golden.text import assert_golden
from tests.sim import journeys
from tests.sim.homelab import CONTROL_PLANE, WORKERS, HomeLab, document, documents, small, state

HOURS = 3600.0


async def whole(lab: HomeLab, control_planes: int = 3, workers: int = 2) -> None:
    small(lab.manifests, control_planes, workers)
    await lab.apply()
    await lab.ready(control_planes, workers)


async def is_rolled_out(lab: HomeLab, version: str) -> bool:
    machines = await lab.all("Machine")
    return all(m["spec"]["version"] == version for m in machines)


def story_of(lab: HomeLab, begin: int) -> list[str]:
    """What happened to Machines, etcd and Nodes, as a reader follows it."""
    told = (
        " create machines ",
        " delete machines ",
        " joins",
        " is a member",
        " left",
        " removes",
        " registered",
        " Ready",
    )
    lines = [line.split(maxsplit=1) for line in lab.world.trace.lines[begin:] if any(word in line for word in told)]
    return named([f"{round(float(moment)):5} {what}" for moment, what in lines])


def named(lines: list[str]) -> list[str]:
    """With letters for the ends of machines' names, which follow from UIDs: A is the first that is told of."""
    letters: dict[str, str] = {}

    def letter(match: re.Match[str]) -> str:
        return match[1] + letters.setdefault(match[2], chr(ord("A") + len(letters)))

    return [re.sub(r"(homelab-control-plane-)([a-z0-9]{5})\b", letter, line) for line in lines]


def test_a_new_version_goes_through_control_plane_and_workers() -> None:
    async def story(lab: HomeLab) -> None:
        await whole(lab)
        begin = len(lab.world.trace.lines)
        await lab.patch("TalosControlPlane", CONTROL_PLANE, {"spec": {"version": "v1.34.0"}})
        template = {"spec": {"template": {"spec": {"version": "v1.34.0"}}}}
        await lab.patch("MachineDeployment", WORKERS, template)
        await lab.told("MachineDeployment", "RollingOut", "RollingOut", seconds=60)
        most = 0

        async def done() -> bool:
            nonlocal most
            machines = await lab.all("Machine")
            owned = [m for m in machines if "cluster.x-k8s.io/control-plane" in m["metadata"].get("labels", {})]
            going = [m for m in owned if m["metadata"].get("deletionTimestamp")]
            most = max(most, len(owned) - len(going))
            assert len(going) <= 1
            old = [m for m in owned if m["spec"]["version"] != "v1.34.0"]
            new_workers = [m for m in machines if m not in owned and m["spec"]["version"] == "v1.34.0"]
            assert not (old and new_workers), "workers wait for the control plane"
            return await lab.is_ready(3, 2) and await is_rolled_out(lab, "v1.34.0")

        await lab.until(done, 4 * HOURS)
        assert most == 4
        etcd = [line for line in story_of(lab, begin) if " left" in line or " is a member" in line]
        assert len([line for line in etcd if " left" in line]) == 3
        assert not [line for line in lab.world.trace.lines[begin:] if " bootstraps" in line]
        await asyncio.sleep(300)
        revision = lab.world.store.revision
        await asyncio.sleep(1800)
        assert lab.world.store.revision == revision

    HomeLab(manifests=documents()).run(story)


def test_the_story_of_a_rolling_replacement_that_adds_first() -> None:
    _golden("rolling_surge.txt", 1)


@pytest.mark.full
def test_the_story_of_a_rolling_replacement_that_deletes_first() -> None:
    _golden("rolling_delete_first.txt", 0)


def _golden(name: str, surge: int) -> None:
    async def story(lab: HomeLab) -> None:
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge}}
        document(lab.manifests, "TalosControlPlane")["spec"]["rolloutStrategy"] = strategy
        await whole(lab, 3, 1)
        begin = len(lab.world.trace.lines)
        await lab.patch("TalosControlPlane", CONTROL_PLANE, {"spec": {"version": "v1.34.0"}})

        async def done() -> bool:
            found = await lab.get("TalosControlPlane", CONTROL_PLANE)
            return state(found, "RollingOut") == "False" and found["status"]["version"] == "v1.34.0"

        await lab.until(done, 4 * HOURS)
        await lab.ready(3, 1)
        assert_golden(name, "\n".join(story_of(lab, begin)) + "\n")

    HomeLab(manifests=documents()).run(story)


def health_check(seconds: int = 60) -> Obj:
    """A MachineHealthCheck of the control plane."""
    return journeys.health_check(seconds, name=CONTROL_PLANE, labels={"cluster.x-k8s.io/control-plane": ""})


async def control_planes_of(lab: HomeLab) -> list[Obj]:
    machines = await lab.all("Machine")
    return [m for m in machines if "cluster.x-k8s.io/control-plane" in m["metadata"].get("labels", {})]


def vm_of(lab: HomeLab, name: str) -> Vm:
    return next(vm for vm in lab.world.datacenter.pve.vms.values() if vm.name == name)


async def replaced(lab: HomeLab, names: set[str], control_planes: int = 3, workers: int = 1) -> None:
    """None of these Machines is left, and all is well."""

    async def done() -> bool:
        there = {m["metadata"]["name"] for m in await control_planes_of(lab)}
        return not there & names and await lab.is_ready(control_planes, workers)

    await lab.until(done, 6 * HOURS)


def test_a_dead_control_plane_machine_is_replaced() -> None:
    async def story(lab: HomeLab) -> None:
        await whole(lab, 3, 1)
        await asyncio.sleep(120)
        await lab.add(health_check())
        dead = sorted(m["metadata"]["name"] for m in await control_planes_of(lab))[1]
        journeys.pull_the_plug(lab, vm_of(lab, dead))
        await lab.told("TalosControlPlane", "Remediating", "Remediating", seconds=600)
        await replaced(lab, {dead})
        assert f"Deleted unhealthy Machine {dead}" in await lab.events("SuccessfulDelete")
        found = await lab.get("TalosControlPlane", CONTROL_PLANE)
        assert "remediation-in-progress" not in str(found["metadata"]["annotations"])
        assert state(found, "Remediating") == "False"
        assert sum("remediation-for" in str(m["metadata"]["annotations"]) for m in await control_planes_of(lab)) == 1
        await asyncio.sleep(300)
        await journeys.check(lab)

    HomeLab(manifests=documents()).run(story)


def test_a_restart_replaces_every_machine_of_the_control_plane() -> None:
    async def story(lab: HomeLab) -> None:
        await whole(lab, 1, 1)
        before = {m["metadata"]["name"] for m in await control_planes_of(lab)}
        moment = lab.world.clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        annotations = {ROLLOUT_AFTER_ANNOTATION: moment}
        await lab.patch("TalosControlPlane", CONTROL_PLANE, {"metadata": {"annotations": annotations}})
        assert not progress(await lab.get("TalosControlPlane", CONTROL_PLANE)).done
        await replaced(lab, before, 1, 1)

        async def done() -> bool:
            return progress(await lab.get("TalosControlPlane", CONTROL_PLANE)).done

        await lab.until(done)

    HomeLab(manifests=documents()).run(story)


def test_pausing_is_told_and_nothing_moves() -> None:
    async def story(lab: HomeLab) -> None:
        await whole(lab, 1, 1)
        await lab.patch("Cluster", "homelab", {"spec": {"paused": True}})
        await lab.told("TalosControlPlane", "Paused", "Paused: Cluster spec.paused is set to true")
        await lab.told("TalosConfig", "Paused", "Paused: Cluster spec.paused is set to true")
        before = {m["metadata"]["uid"] for m in await lab.all("Machine")}
        await lab.patch("TalosControlPlane", CONTROL_PLANE, {"spec": {"version": "v1.34.0"}})
        await asyncio.sleep(900)
        assert {m["metadata"]["uid"] for m in await lab.all("Machine")} == before
        await lab.patch("Cluster", "homelab", {"spec": {"paused": None}})
        await lab.told("TalosControlPlane", "Paused", "NotPaused")
        await lab.told("TalosConfig", "Paused", "NotPaused")

    HomeLab(manifests=documents()).run(story)


def test_an_old_kubeconfig_is_renewed_once_and_the_ca_stays() -> None:
    async def story(lab: HomeLab) -> None:
        await whole(lab, 1, 1)
        before = {name: (await lab.get("Secret", f"homelab{name}"))["data"] for name in ("-ca", "-talos")}
        crt, key = (base64.b64decode(before["-ca"][name]) for name in ("tls.crt", "tls.key"))
        issuing = Issuing(lab.world.datacenter.keys.ecdsa_p256(), lab.world.clock.now() - timedelta(days=190), 7)
        old = new_kubeconfig("homelab", Door("https://192.168.0.30:6443"), Authority(crt, key), issuing)
        encoded = {"value": base64.b64encode(old).decode()}
        await lab.patch("Secret", "homelab-kubeconfig", {"data": encoded})

        async def is_renewed() -> bool:
            return bool((await lab.get("Secret", "homelab-kubeconfig"))["data"] != encoded)

        await lab.until(is_renewed)
        assert len(await lab.events("KubeconfigRenewed")) == 1
        await asyncio.sleep(600)
        revision = lab.world.store.revision
        await asyncio.sleep(1200)
        assert lab.world.store.revision == revision
        assert {name: (await lab.get("Secret", f"homelab{name}"))["data"] for name in before} == before
        await lab.ready(1, 1)

    HomeLab(manifests=documents()).run(story)


def test_a_year_and_more_goes_by() -> None:
    """Nobody touches anything, and nothing expires: each credential is renewed in time, and the one before is good
    until its own end."""

    async def story(lab: HomeLab) -> None:
        await whole(lab, 1, 1)
        authorities = {name: (await lab.get("Secret", f"homelab{name}"))["data"] for name in ("-ca", "-talos")}
        ends: dict[str, list[datetime]] = {"-kubeconfig": [], "-talosconfig": []}
        machines = {m["metadata"]["uid"] for m in await lab.all("Machine")}
        for _month in range(14):
            lab.world.loop.skip(30 * 86400.0)
            await asyncio.sleep(300)
            now = lab.world.clock.now()
            for name, known in ends.items():
                validity = validity_of(certificate_of(name, (await lab.get("Secret", f"homelab{name}"))["data"]))
                assert validity.not_before < now
                assert validity.not_after - now > timedelta(days=150), f"homelab{name} grows old"
                known += [validity.not_after] if validity.not_after not in known else []
        # A new one at half of the life of the one before, never earlier: who holds the old one has half a year.
        for name, known in ends.items():
            assert len(known) == 3, f"{name}: {known}"
            assert all(timedelta(days=170) < b - a < timedelta(days=215) for a, b in pairwise(known))
        told = [*await lab.events("KubeconfigRenewed"), *await lab.events("TalosconfigRenewed")]
        assert {text.split(";")[1].strip() for text in told} == {"its CA is the same"}
        assert {name: (await lab.get("Secret", f"homelab{name}"))["data"] for name in authorities} == authorities
        assert {m["metadata"]["uid"] for m in await lab.all("Machine")} == machines
        await lab.ready(1, 1)
        # With the new talosconfig the machines are reached, and with the new kubeconfig the API server.
        for condition in ("ControlPlaneComponentsHealthy", "EtcdClusterHealthyCondition", "Available"):
            assert state(await lab.get("TalosControlPlane", CONTROL_PLANE), condition) == "True"
        await lab.patch("MachineDeployment", WORKERS, {"spec": {"replicas": 2}})
        await lab.ready(1, 2)

    HomeLab(manifests=documents()).run(story)


def certificate_of(name: str, data: dict[str, str]) -> bytes:
    """The client's certificate in a kubeconfig or talosconfig."""
    if name == "-talosconfig":
        return decode_talosconfig(base64.b64decode(data["talosconfig"])).credentials.certificate_pem
    kubeconfig = yaml.safe_load(base64.b64decode(data["value"]))
    return base64.b64decode(kubeconfig["users"][0]["user"]["client-certificate-data"])
