"""What goes wrong in the world in random lives: the process, Proxmox VE, virtual machines, Talos, the networks.

Nothing that could not be healed: a control plane never loses for good more members than etcd can spare.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from random import Random

from capstan.sim.faults import Fault
from capstan.sim.proxmox.vm import Vm
from capstan.sim.talos import sequences
from capstan.sim.talos.machine import Machine
from capstan.sim.workload.kubelet import delete_node
from tests.sim.life import Life

Trouble = Callable[[Life, Random], Awaitable[str]]
_ALWAYS = 10**9
_UNAVAILABLE = 14
#: What Proxmox VE answers on a bad day.
_ANSWERS = (
    (500, "VM is locked (backup)"),
    (500, "can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout"),
    (500, "got timeout"),
    (500, "cluster not ready - no quorum?"),
    (500, "unable to open file '/etc/pve/nodes/pve1/qemu-server/101.conf.tmp.1' - Permission denied"),
    (503, "Service Unavailable"),
    (595, "No route to host"),
    (596, "Connection timed out"),
    (599, "Too many redirections"),
    (401, "authentication failure"),
    (0, "no answer"),
)
_OPERATIONS = (
    "*",
    "GET *",
    "POST *",
    "PUT *",
    "DELETE *",
    "POST /nodes/*/clone",
    "POST /nodes/*/config",
    "PUT /nodes/*/resize",
    "POST /nodes/*/status/start",
    "POST /nodes/*/status/stop",
    "POST /nodes/*/upload",
    "GET /nodes/*/tasks/*",
    "GET /cluster/*",
    "GET /nodes/*/config",
)
_TASK_ENDS = (
    "unable to read base image",
    "clone failed: storage 'tank': no space left on device",
    "can't lock file '/var/lock/pve-manager/pve-storage-tank' - got timeout",
    "start failed: QEMU exited with code 1",
    "unexpected status",
)
_TASKS = ("POST /nodes/*/clone", "POST /nodes/*/status/start", "POST /nodes/*/status/stop", "DELETE /nodes/*/qemu/*")


async def kill_process(life: Life, rng: Random) -> str:
    """At a point before or after one of the next effects; it is started again at once, or later."""
    if life.lab.world.gate.crash_at > life.lab.world.gate.points:
        return ""
    gaps = [rng.randint(1, 40) for _ in range(rng.choice((1, 1, 4)))]
    life.lab.world.down_seconds = rng.choice((0.0, 5.0, 60.0, 1200.0))
    life.lab.world.crash_after(gaps)
    return f"the process ends in {gaps} points and is down for {life.lab.world.down_seconds:.0f} s"


async def answer_badly(life: Life, rng: Random) -> str:
    operation, (code, message), times = rng.choice(_OPERATIONS), rng.choice(_ANSWERS), rng.randint(1, 8)
    return _strike(life, Fault("proxmox", operation, times=times, code=code, message=message))


async def lose_answers(life: Life, rng: Random) -> str:
    operation = rng.choice([o for o in _OPERATIONS if not o.startswith("GET")])
    return _strike(life, Fault("proxmox", operation, "lose_reply", times=rng.randint(1, 3)))


async def delay_answers(life: Life, rng: Random) -> str:
    seconds, times = rng.choice((3.0, 25.0, 45.0)), rng.randint(1, 5)
    fault = Fault("proxmox", rng.choice(_OPERATIONS), "delay", times=times, delay_seconds=seconds)
    return _strike(life, fault)


async def fail_tasks(life: Life, rng: Random) -> str:
    operation, message, times = rng.choice(_TASKS), rng.choice(_TASK_ENDS), rng.randint(1, 4)
    return _strike(life, Fault("proxmox", operation, "fail_task", times=times, message=message))


async def lose_proxmox(life: Life, rng: Random) -> str:
    """Nothing answers, or nothing may be written, for minutes."""
    operation = rng.choice(("*", "POST *", "DELETE *"))
    code, message = rng.choice(((0, "no answer"), (500, "cluster not ready - no quorum?"), (595, "No route to host")))
    return _strike(life, Fault("proxmox", operation, times=_ALWAYS, code=code, message=message), _minutes(rng))


async def fill_storage(life: Life, rng: Random) -> str:
    storage = life.lab.world.datacenter.pve.storages.get("tank")
    if "the storage is full" in life.lasting:
        return ""
    before, storage.total_bytes = storage.total_bytes, storage.used_bytes("pve1") + 2**20
    life.later(_minutes(rng), "the storage is full", lambda: setattr(storage, "total_bytes", before))
    return "the storage is full"


async def slow_proxmox(life: Life, rng: Random) -> str:
    pve = life.lab.world.datacenter.pve
    if "Proxmox VE is slow" in life.lasting:
        return ""
    before = pve.delays
    pve.delays = replace(
        before, clone_full=rng.choice((30.0, 90.0)), start=20.0, stop=15.0, destroy=20.0, configure=5.0
    )
    life.later(_minutes(rng), "Proxmox VE is slow", lambda: setattr(pve, "delays", before))
    return "Proxmox VE is slow"


async def lose_host(life: Life, rng: Random) -> str:
    pve = life.lab.world.datacenter.pve
    online = sorted(name for name, host in pve.hosts.items() if host.online)
    if len(online) < 2:
        return ""
    host = rng.choice(online)
    seconds = _minutes(rng)
    for vm in life.vms():
        if vm.node == host:
            life.hurts(vm.name, seconds + 600)
    pve.fail_host(host)
    life.later(seconds, f"host {host} is down", lambda: pve.recover_host(host))
    return f"host {host} is down for {seconds:.0f} s"


async def stop_vm(life: Life, rng: Random) -> str:
    """Somebody turns it off; sometimes on again."""
    vm = _any_vm(life, rng)
    if vm is None or not vm.running:
        return ""
    pve, seconds = life.lab.world.datacenter.pve, rng.choice((20.0, 200.0, 2000.0))
    life.hurts(vm.name, seconds + 600)
    pve.power_off(vm)
    life.later(seconds, f"VM {vm.vmid} {vm.name} is off", lambda: _switch_on(life, vm))
    return f"VM {vm.vmid} {vm.name} is off for {seconds:.0f} s"


async def _switch_on(life: Life, vm: Vm) -> None:
    pve = life.lab.world.datacenter.pve
    if pve.vms.get(vm.vmid) is vm and not vm.running and not vm.lock and pve.hosts[vm.node].online:
        pve.power_on(vm)


async def destroy_vm(life: Life, rng: Random) -> str:
    vm = _any_vm(life, rng)
    if vm is None or vm.lock or not may_lose(life, vm.name):
        return ""
    pve = life.lab.world.datacenter.pve
    life.hurts(vm.name, 10**9)
    life.robbed.add(vm.name)
    pve.power_off(vm)
    pve.destroy(vm, unreferenced=True)
    return f"VM {vm.vmid} {vm.name} is destroyed by hand"


async def hang_at_boot(life: Life, rng: Random) -> str:
    """The next machines that are switched on never answer."""
    part = rng.choice(("*-workers-*", "*-workers-*", "*-control-plane-*"))
    fault = Fault("boot", part, times=rng.choice((1, 1, 2)))
    life.lab.world.datacenter.faults.add(fault)
    return f"machines hang at boot: {part}, {fault.times}"


async def reboot_machine(life: Life, rng: Random) -> str:
    machine = _any_machine(life, rng)
    if machine is None or machine.stage != "running":
        return ""
    life.hurts(machine.label, 120)
    machine.request("reboot", sequences.reboot(machine))
    return f"{machine.label} reboots"


async def cut_machine(life: Life, rng: Random) -> str:
    """Between the plane and one machine's Talos."""
    machine = _any_machine(life, rng)
    if machine is None:
        return ""
    fault = Fault("talos", f"{machine.label} *", times=_ALWAYS, code=_UNAVAILABLE, message="i/o timeout")
    return _strike(life, fault, _minutes(rng))


async def talos_answers_badly(life: Life, rng: Random) -> str:
    kind, operation = rng.choice(("refuse", "lose_reply", "delay")), rng.choice(("*", "* Etcd*", "* Bootstrap"))
    fault = Fault("talos", operation, "refuse", times=rng.randint(1, 6), code=_UNAVAILABLE)
    return _strike(life, replace(fault, kind=kind, delay_seconds=20.0))  # type: ignore[arg-type]


async def silence_cluster(life: Life, rng: Random) -> str:
    """The API server of a workload cluster is not heard for minutes."""
    cluster, code = rng.choice(("homelab", "other")), rng.choice((0, 0, 500))
    fault = Fault("workload", f"default/{cluster} *", times=_ALWAYS, code=code, message="i/o timeout")
    return _strike(life, fault, _minutes(rng))


async def remove_etcd_member(life: Life, rng: Random) -> str:
    """Somebody takes a member out with talosctl."""
    machine = _any_machine(life, rng)
    if machine is None or machine.etcd_cluster is None or machine.etcd_member is None:
        return ""
    cluster, member = machine.etcd_cluster, machine.etcd_member
    if len(cluster.voters) < 3 or not may_lose(life, machine.label) or member.id not in cluster.members:
        return ""
    life.hurts(machine.label, 10**9)
    cluster.remove(member.id)
    for other in list(life.lab.world.datacenter.fleet.machines.values()):
        if other.site is not None:
            other.site.update()
    return f"the etcd member of {machine.label} is removed by hand"


async def delete_a_node(life: Life, rng: Random) -> str:
    machine = _any_machine(life, rng, "-workers-")
    clusters = [w for w in life.lab.world.datacenter.workloads() if w.is_available]
    if machine is None or not clusters:
        return ""
    cluster = next((w for w in clusters if machine.label.startswith(f"{w.name}-")), None)
    if cluster is None:
        return ""
    try:
        await delete_node(cluster, machine.hostname)
    except Exception:
        return ""
    return f"Node {machine.hostname} is deleted by hand"


async def let_hours_pass(life: Life, rng: Random) -> str:
    hours = rng.choice((1, 3, 12))
    life.lab.world.loop.skip(3600.0 * hours)
    await asyncio.sleep(0)
    return f"{hours} h go by at once"


def may_lose(life: Life, name: str) -> bool:
    """Whether this machine's data can be missed for good: a worker's, or that of a control plane with one to spare."""
    if "-workers-" in name:
        return True
    try:
        machine = life.lab.world.datacenter.fleet.named(name)
    except KeyError:
        return False
    cluster = machine.etcd_cluster
    if cluster is None or machine.etcd_member is None:
        return False
    good = [m for m in cluster.voters if m.up and m.name not in life.hurt and m is not machine.etcd_member]
    return len(cluster.voters) >= 3 and len(good) >= len(cluster.voters) // 2 + 1


def _strike(life: Life, fault: Fault, seconds: float = 0.0) -> str:
    faults = life.lab.world.datacenter.faults
    faults.add(fault)
    life.meddled = life.now()
    what = f"{fault.port} {fault.kind} {fault.operation} {fault.code} {fault.message!r}"
    if fault.kind == "delay":
        what += f" {fault.delay_seconds:.0f} s"
    if not seconds:
        return f"{what}, {fault.times} times"
    what = f"{what} for {seconds:.0f} s from {life.now():.0f}"
    life.later(seconds, what, lambda: faults.remove(fault))
    return what


def _minutes(rng: Random) -> float:
    return float(rng.choice((30, 180, 600, 2400)))


def _any_vm(life: Life, rng: Random) -> Vm | None:
    found = life.vms()
    return rng.choice(found) if found else None


def _any_machine(life: Life, rng: Random, part: str = "") -> Machine | None:
    machines = life.lab.world.datacenter.fleet.machines.values()
    found = sorted((m for m in machines if m.stage != "off" and part in m.label), key=lambda m: m.vm.key.vmid)
    return rng.choice(found) if found else None


#: Each trouble by its name, with how often it is drawn.
TROUBLES: dict[str, tuple[Trouble, int]] = {
    "kill-process": (kill_process, 8),
    "answer-badly": (answer_badly, 5),
    "lose-answers": (lose_answers, 3),
    "delay-answers": (delay_answers, 2),
    "fail-tasks": (fail_tasks, 4),
    "lose-proxmox": (lose_proxmox, 2),
    "fill-storage": (fill_storage, 1),
    "slow-proxmox": (slow_proxmox, 2),
    "lose-host": (lose_host, 2),
    "stop-vm": (stop_vm, 3),
    "destroy-vm": (destroy_vm, 2),
    "hang-at-boot": (hang_at_boot, 2),
    "reboot-machine": (reboot_machine, 3),
    "cut-machine": (cut_machine, 3),
    "talos-answers-badly": (talos_answers_badly, 3),
    "silence-cluster": (silence_cluster, 2),
    "remove-etcd-member": (remove_etcd_member, 1),
    "delete-a-node": (delete_a_node, 1),
    "let-hours-pass": (let_hours_pass, 1),
}
