"""The plan of a ProxmoxMachine against a small model of the world: it reaches the goal, converges, repeats itself on
equal snapshots, never touches what is not its own, and always gets further, wherever it is interrupted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from capstan.api.cluster.cluster import Cluster, ClusterInitialization, ClusterStatus
from capstan.api.cluster.machine import Machine, MachineBootstrap, MachineSpec, MachineStatus
from capstan.api.core.reference import LocalReference, NameReference
from capstan.api.infrastructure.addresses import ZonePools
from capstan.api.infrastructure.disks import BootVolume, Disks
from capstan.api.infrastructure.machineparts import ProvisioningChecks
from capstan.api.infrastructure.network import NetworkDevice, NetworkSpec
from capstan.api.infrastructure.proxmoxcluster import ProxmoxCluster, ProxmoxClusterSpec, ProxmoxClusterStatus
from capstan.api.infrastructure.proxmoxmachine import ProxmoxMachine, ProxmoxMachineSpec
from capstan.api.ipam.ipaddress import IPAddress, IPAddressSpec
from capstan.api.ipam.ipaddressclaim import IPAddressClaim
from capstan.api.meta import ObjectMeta
from capstan.api.struct import decode
from capstan.providers.proxmox.proxmoxmachine import actions as act
from capstan.providers.proxmox.proxmoxmachine.identity import identity_of, is_same_vm
from capstan.providers.proxmox.proxmoxmachine.placement import HostNode, Request, Site, Template
from capstan.providers.proxmox.proxmoxmachine.plan import decide, plan
from capstan.providers.proxmox.proxmoxmachine.snapshot import Address, Bootstrap, Snapshot, Vm
from capstan.providers.proxmox.proxmoxmachine.status import compute_status
from capstan.providers.proxmox.resources import MACHINE_FINALIZER
from capstan.providers.proxmox.tasks import TaskEnd
from capstan.providers.proxmox.transport import Endpoint
from capstan.runtime.plan import Action, Create, Emit, Outcome, Outcomes, Plan, Update

START = datetime(2026, 1, 1, tzinfo=UTC)
ENDPOINT = Endpoint(("https://pve",), "a@b!c", "s")
UPID = "UPID:a:00000001:00000001:00000001:qmclone:9000:a@b!c:"
UUIDS = (f"00000000-0000-0000-0000-{n:012d}" for n in range(10**9))
ONE_OF_THEM_ENDS_IT = (act.CloneVm, act.DestroyVm)


def new_machine() -> ProxmoxMachine:
    return ProxmoxMachine(
        metadata=ObjectMeta(name="m", namespace="default", uid="u"),
        spec=ProxmoxMachineSpec(
            source_node="a",
            template_id=9000,
            num_cores=4,
            memory_mib=4096,
            disks=Disks(boot_volume=BootVolume(disk="scsi0", size_gb=20)),
            network=NetworkSpec(network_devices=(NetworkDevice(name="net0", bridge="vmbr0", default_ipv4=True),)),
            checks=ProvisioningChecks(skip_cloud_init_status=True, skip_qemu_guest_agent=True),
        ),
    )


INFRA = ProxmoxCluster(
    metadata=ObjectMeta(name="c", namespace="default"),
    spec=ProxmoxClusterSpec(dns_servers=("1.1.1.1",)),
    status=ProxmoxClusterStatus(
        in_cluster_zone_ref=(ZonePools(zone="default", in_cluster_ip_pool_ref_v4=LocalReference(name="pool")),)
    ),
)
CLUSTER = Cluster(
    metadata=ObjectMeta(name="c", namespace="default"),
    status=ClusterStatus(initialization=ClusterInitialization(infrastructure_provisioned=True)),
)


@dataclass
class Model:
    """The world in a few fields. `strangers` are VMIDs that others took."""

    machine: ProxmoxMachine | None = field(default_factory=new_machine)
    now: datetime = START
    vms: dict[int, dict[str, Any]] = field(default_factory=dict)
    strangers: set[int] = field(default_factory=set)
    clone_fails: int = 0
    clones: int = 0
    task_ends: dict[str, str] = field(default_factory=dict)
    claims: dict[str, Address] = field(default_factory=dict)
    joined: bool = False
    next_vmid: int = 100

    def snapshot(self) -> Snapshot:
        assert self.machine is not None
        identity = identity_of(self.machine)
        owner = Machine(
            metadata=ObjectMeta(name="m", namespace="default"),
            spec=MachineSpec(cluster_name="c", bootstrap=MachineBootstrap(data_secret_name="d"), version="v1.34.0"),
            status=MachineStatus(node_ref=NameReference(name="m") if self.joined else None),
        )
        s = Snapshot(
            now=self.now,
            machine=self._without_ended_clone(),
            owner=owner,
            cluster=CLUSTER,
            infra=INFRA,
            endpoint=ENDPOINT,
            identity=identity,
            observed=identity is not None,
            addresses=self.claims,
            bootstrap=Bootstrap(b"talos"),
            site=self.site(),
            fresh_nonce=f"nonce-{self.next_vmid}",
        )
        if identity is None or identity.vmid not in self.vms:
            return s
        config = self.vms[identity.vmid]
        mine = is_same_vm(config, identity.nonce, self.machine.spec.provider_id)
        status = "running" if config.get("running") else "stopped"
        vm = Vm("a", identity.vmid, mine, config, status, lock=str(config.get("lock", "")))
        return replace(s, vm=vm)

    def _without_ended_clone(self) -> ProxmoxMachine:
        """As it is observed."""
        assert self.machine is not None
        status = self.machine.status
        if status.retry_after is not None or self.task_ends.get(status.task_ref) != "OK":
            return self.machine
        return msgspec.structs.replace(self.machine, status=msgspec.structs.replace(status, task_ref=""))

    def site(self) -> Site:
        node = HostNode("a", memory_bytes=1 << 36, cores=64)
        while self.next_vmid in self.vms:
            self.next_vmid += 1
        return Site(Request(4096, 4), (Template(9000, "a", 2048, 2, "s"),), {"a": node}, vmid=self.next_vmid)

    def step(self, crash_at: int | None = None) -> Plan:
        """One reconcile; a crash before action `crash_at` loses everything that was not carried out."""
        s = self.snapshot()
        decided = plan(s)
        assert decided == plan(s)
        assert sum(isinstance(a, ONE_OF_THEM_ENDS_IT) for a in decided.actions) <= 1
        outcomes: list[Outcome] = []
        held: Update | None = None
        for number, action in enumerate(decided.actions):
            if crash_at == number:
                return decided
            if isinstance(action, Update):
                assert number == len(decided.actions) - 1, "an Update of the machine is committed with the status"
                held = action
            outcomes.append(Outcome(action, self.apply(action)))
        if crash_at == len(decided.actions):
            return decided
        after = compute_status(s, Outcomes(tuple(outcomes)))
        assert after is not None
        wanted = held.after if held is not None else s.machine
        self.machine = msgspec.structs.replace(wanted, status=after.status)
        if s.machine.metadata.deletion_timestamp is not None and MACHINE_FINALIZER not in wanted.metadata.finalizers:
            self.machine = None
        return decided

    def apply(self, action: Action) -> Any:
        match action:
            case Create():
                name = action.object["metadata"]["name"]
                address = IPAddress(spec=IPAddressSpec(address="10.0.0.2", prefix=24, gateway="10.0.0.1"))
                self.claims[name] = Address(decode(action.object, IPAddressClaim), address)
                return action.object
            case act.CloneVm():
                return self.clone(action)
            case act.AwaitTask():
                return self.end(action.upid)
            case Emit() | Update() | act.RemoveSeed():
                return None
        target: act.Target = action.target  # type: ignore[attr-defined]
        config = self.vms[target.vmid]
        assert target.vmid not in self.strangers, f"{action.summary} touches somebody else's VM"
        self.change(action, config, target)
        return None

    def change(self, action: Action, config: dict[str, Any], target: act.Target) -> None:
        match action:
            case act.ConfigureVm():
                config.update({k: v for k, v in action.params.items() if k != "delete"})
            case act.ResizeDisk():
                config["scsi0"] = f"s:vm,size={action.size_gib}G"
            case act.SeedVm():
                assert not config.get("running"), "the data goes in before the start"
                assert self.machine is not None
                assert self.machine.status.bootstrap_data_provided is not None, "written down before it is given"
                config[action.drive] = f"local:iso/user-data-{target.vmid}.iso,media=cdrom"
            case act.EjectSeed():
                config[action.drive] = "none,media=cdrom"
            case act.StartVm():
                assert any("user-data" in str(v) for v in config.values()), "no start without its data"
                assert "size=20G" in config["scsi0"]
                config["running"] = True
            case act.StopVm():
                config["running"] = False
            case act.DestroyVm():
                assert not config.get("running")
                del self.vms[target.vmid]

    def clone(self, action: act.CloneVm) -> str:
        assert action.target.vmid not in self.vms
        self.clones += 1
        upid = UPID.replace("00000001:qm", f"{self.clones:08X}:qm")
        assert isinstance(action.params["description"], str)
        self.vms[action.target.vmid] = {
            "lock": "clone",
            "wanted": {"name": action.params["name"], "description": action.params["description"]},
            "upid": upid,
        }
        return upid

    def end(self, upid: str) -> TaskEnd:
        """A clone ends, well or badly, whoever waits for it."""
        self.finish_clones()
        return TaskEnd(upid, self.task_ends[upid])

    def finish_clones(self) -> None:
        for vmid, config in list(self.vms.items()):
            if config.get("lock") != "clone" or "upid" not in config:
                continue
            if self.clone_fails:
                self.clone_fails -= 1
                self.task_ends[config["upid"]] = "clone failed: can't lock file - got timeout"
                del self.vms[vmid]
                continue
            self.task_ends[config["upid"]] = "OK"
            self.vms[vmid] = {
                **config["wanted"],
                "smbios1": f"uuid={next(UUIDS)}",
                "scsi0": "s:vm,size=10G",
                "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0",
            }


def is_done(model: Model) -> bool:
    s = model.snapshot()
    decision = decide(s)
    return decision.provisioned and bool(s.machine.status.initialization.provisioned) and not decision.actions


crashes = st.lists(st.one_of(st.none(), st.integers(0, 6)), max_size=12)


@settings(max_examples=150, deadline=None)
@given(crashes, st.integers(0, 2), st.sets(st.integers(100, 103), max_size=3), st.booleans())
def test_it_reaches_the_goal_wherever_it_is_interrupted(
    interruptions: list[int | None], failures: int, strangers: set[int], early: bool
) -> None:
    model = Model(clone_fails=failures)
    for number in range(60):
        if early is (number == 0):
            for vmid in strangers - set(model.vms):
                model.vms[vmid] = {"name": "theirs", "smbios1": f"uuid={next(UUIDS)}"}
                model.strangers.add(vmid)
            strangers = set()
        model.step(interruptions.pop() if interruptions else None)
        model.now += timedelta(seconds=7)
        if number % 3 == 2:
            model.finish_clones()
        if is_done(model):
            break
    assert is_done(model)
    own = [vmid for vmid in model.vms if vmid not in model.strangers]
    assert len(own) == 1
    assert model.vms[own[0]]["running"]
    assert model.machine is not None and model.machine.status.bootstrap_data_provided
    assert len(model.claims) == 1
    model.joined = True
    model.step()
    assert plan(model.snapshot()).actions == ()


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 12), crashes, st.booleans())
def test_deletion_at_any_moment_leaves_nothing_and_touches_nobody(
    steps: int, interruptions: list[int | None], stranger: bool
) -> None:
    model = Model()
    for _ in range(steps):
        model.step()
        model.now += timedelta(seconds=7)
    assert model.machine is not None
    identity = identity_of(model.machine)
    if stranger and identity is not None and model.machine.spec.provider_id:
        model.vms[identity.vmid] = {"name": "m", "smbios1": f"uuid={next(UUIDS)}", "running": True}
        model.strangers.add(identity.vmid)
    meta = msgspec.structs.replace(model.machine.metadata, deletion_timestamp=model.now)
    model.machine = msgspec.structs.replace(model.machine, metadata=meta)
    for number in range(60):
        model.step(interruptions.pop() if interruptions else None)
        model.now += timedelta(seconds=7)
        if number % 3 == 2:
            model.finish_clones()
        if model.machine is None or MACHINE_FINALIZER not in model.machine.metadata.finalizers:
            break
    assert set(model.vms) == model.strangers


def test_no_action_and_not_done_says_what_it_waits_for() -> None:
    model = Model()
    whole = model.snapshot()
    for s in (replace(whole, owner=None), replace(whole, cluster=None), replace(whole, infra=None)):
        decided = plan(s)
        assert decided.actions == ()
        assert decided.waiting_on[0].reason == "WaitingForClusterInfrastructureReady"


def _seeded(model: Model) -> Model:
    """It goes on to the plan that gives the machine its data; the process ends after that, before it is written."""
    for _ in range(30):
        actions = plan(model.snapshot()).actions
        if any(isinstance(action, act.SeedVm) for action in actions):
            model.step(len(actions))
            return model
        model.step()
        model.now += timedelta(seconds=7)
        model.finish_clones()
    raise AssertionError("no step gives the machine its data")


def test_data_that_was_given_is_seen_by_the_next_process() -> None:
    model = _seeded(Model())
    assert model.machine is not None and not model.machine.status.bootstrap_data_provided
    model.step()
    assert model.machine.status.bootstrap_data_provided
