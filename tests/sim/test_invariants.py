"""Those who watch a run and compare its end do see what they are for."""

from __future__ import annotations

from dataclasses import replace

from capstan.sim.datacenter import TEMPLATE_ID
from tests.sim.homelab import HomeLab, documents, small
from tests.sim.invariants import Watch
from tests.sim.picture import compare, draw


def test_a_watch_tells_of_strange_lost_and_second_vms_and_of_a_lost_quorum() -> None:
    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(1, 1)
        watch = Watch(lab, fewest=(1, 1))
        datacenter = lab.world.datacenter
        vms = datacenter.pve.vms

        def broken(line: str) -> list[str]:
            datacenter.trace.add("tests", line)
            told, watch.broken = watch.broken, []
            return told

        assert broken("nothing is wrong") == []
        worker = next(vm for vmid, vm in vms.items() if vmid != TEMPLATE_ID and "workers" in vm.name)
        vms[777] = replace(worker, vmid=777, config={"name": "stranger"}, running=False)
        assert [line.partition(", after")[0] for line in broken("a stranger")] == ["VM 777 is of nobody"]
        del vms[777]
        vms[778] = replace(worker, vmid=778)
        assert [line.partition(", after")[0] for line in broken("a twin")] == [f"{worker.name} has 2 VMs"]
        del vms[778]
        del vms[worker.vmid]
        lost = [line.partition(", after")[0] for line in broken("a loss")]
        assert lost == [f"{worker.name} has lost its VM", "only 1 control planes and 0 workers run"]
        vms[worker.vmid] = worker
        assert broken("it is back") == []
        (member,) = next(m.etcd_cluster for m in datacenter.fleet.machines.values() if m.etcd_cluster).members.values()
        member.up = False
        assert [line.partition(", after")[0] for line in broken("no quorum")] == ["etcd has no quorum"]
        member.up = True

    HomeLab(manifests=small(documents())).run(story)


def test_two_pictures_of_one_world_are_the_same_and_what_changes_is_told() -> None:
    async def story(lab: HomeLab) -> None:
        await lab.apply()
        await lab.ready(1, 1)
        before = await draw(lab)
        assert compare(before, await draw(lab)) == []
        assert {"Machine homelab-control-plane#0", "VM homelab-workers#0#0", "Node homelab-workers#0#0"} <= set(before)
        await lab.patch("MachineDeployment", "homelab-workers", {"metadata": {"labels": {"tier": "web"}}})
        label = 'MachineDeployment homelab-workers .labels.tier: None without a crash, "web" now'
        assert label in compare(before, await draw(lab))

    HomeLab(manifests=small(documents())).run(story)


def test_what_is_missing_and_what_is_new_is_told() -> None:
    conditions = '{"conditions": [{"type": "Ready", "status": "%s"}]}'
    before = {"VM a": "{}", "Machine b": conditions % "True"}
    now = {"VM c": "{}", "Machine b": conditions % "False"}
    assert compare(before, now) == [
        "missing: VM a",
        "only now: VM c",
        'Machine b .conditions[Ready].status: "True" without a crash, "False" now',
    ]
