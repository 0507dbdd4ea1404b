"""All reads about one machine's VM and the places where it could be; what fails becomes a Problem.

A VM that is ready is only looked up in the list that all machines share; it is read itself when something is to be
done with it or the list does not show it as it should.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from capstan.api.errors import ApiError, TransientError
from capstan.api.infrastructure.proxmoxcluster import ProxmoxCluster
from capstan.api.infrastructure.proxmoxmachine import ProxmoxMachine
from capstan.providers.proxmox.client import ProxmoxClient
from capstan.providers.proxmox.config import drives, parse_bool, parse_int, parse_tags
from capstan.providers.proxmox.errors import (
    AgentUnavailable,
    NodeOffline,
    NotFound,
    NotRunning,
    PermissionDenied,
    PveError,
)
from capstan.providers.proxmox.proxmoxmachine.identity import VmIdentity, is_same_vm
from capstan.providers.proxmox.proxmoxmachine.placement import (
    Choice,
    HostNode,
    Request,
    Site,
    Template,
    match_templates,
    place,
)
from capstan.providers.proxmox.proxmoxmachine.snapshot import Problem, Vm
from capstan.providers.proxmox.resources import SEED_TAG
from capstan.providers.proxmox.tasks import TaskEnd, Upid

MIB = 1 << 20
#: Pauses after a failed read, in seconds: as long as the trouble has lasted, within these bounds.
SHORTEST_PAUSE, LONGEST_PAUSE = 5.0, 60.0
#: The longest one when a right is missing, which somebody has to grant.
LONGEST_WITHOUT_RIGHT = 300.0


def problem_of(error: Exception, machine: ProxmoxMachine, now: datetime) -> Problem:
    """The failed read as a value. The longer it lasts, the longer the pause."""
    reason = getattr(error, "reason", "") or "ProxmoxUnreachable"
    first = getattr(error, "retry_after", None) or SHORTEST_PAUSE
    known = next((c for c in machine.status.conditions if c.reason == reason and c.status != "True"), None)
    since = known.last_transition_time if known is not None else None
    lasted = (now - since).total_seconds() if since is not None else 0.0
    longest = LONGEST_WITHOUT_RIGHT if reason == PermissionDenied.reason_name else LONGEST_PAUSE
    return Problem(reason, str(error), min(max(first, lasted / 4), longest))


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of the VM. `quiet` with its node: it runs, and nothing else was read."""

    vm: Vm | None = None
    quiet: bool = False
    node: str = ""


async def look_at_vm(client: ProxmoxClient, machine: ProxmoxMachine, identity: VmIdentity, *, closely: bool) -> Seen:
    """The VM with the machine's VMID, if there is one. Raises PveError when that cannot be said."""
    if not closely:
        row = (await client.inventory.rows()).get(identity.vmid)
        if row is not None and _is_as_expected(row, machine):
            return Seen(quiet=True, node=str(row.get("node", "")))
    for node in dict.fromkeys((machine.status.proxmox_node or identity.node, identity.node, identity.source_node)):
        vm = await _read(client, node, machine, identity) if node else None
        if vm is not None:
            return Seen(vm)
    return Seen(await _search(client, machine, identity))


async def without_ended_clone(client: ProxmoxClient, machine: ProxmoxMachine) -> ProxmoxMachine:
    """The machine as it says when its clone is done, which is written down with what comes next. A clone that failed,
    runs or is forgotten is followed."""
    task = machine.status.task_ref
    if not task or machine.status.retry_after is not None:
        return machine
    try:
        status = await client.task_status(Upid.parse(task))
    except (ApiError, TransientError, ValueError):
        return machine
    if status.get("status") != "stopped" or not TaskEnd(task, str(status.get("exitstatus", ""))).done:
        return machine
    return msgspec.structs.replace(machine, status=msgspec.structs.replace(machine.status, task_ref=""))


def _is_as_expected(row: dict[str, Any], machine: ProxmoxMachine) -> bool:
    return row.get("status") == "running" and row.get("name") == machine.metadata.name


def carries_seed(row: dict[str, Any] | None) -> bool:
    """Whether the shared list shows the VM with its ISO attached."""
    return row is not None and SEED_TAG in parse_tags(row.get("tags"))


async def _search(client: ProxmoxClient, machine: ProxmoxMachine, identity: VmIdentity) -> Vm | None:
    """It may have moved. That no VM has the VMID is only believed to Proxmox VE's own check, which sees all of them."""
    row = (await client.inventory.rows(0)).get(identity.vmid)
    if row is not None and row.get("type") == "qemu":
        return await _read(client, str(row.get("node", "")), machine, identity)
    if await client.is_free(identity.vmid):
        return None
    # Between the two looks a clone may have moved it to its node.
    for node in dict.fromkeys((identity.node, identity.source_node)):
        vm = await _read(client, node, machine, identity) if node else None
        if vm is not None:
            return vm
    raise TransientError(
        f"VMID {identity.vmid} is taken, but the API token cannot see by what: grant it VM.Audit on "
        f"/vms/{identity.vmid} or on the VM's pool",
        15.0,
        "PermissionDenied",
    )


async def _read(client: ProxmoxClient, node: str, machine: ProxmoxMachine, identity: VmIdentity) -> Vm | None:
    try:
        config = await client.config(node, identity.vmid)
        status = await client.status(node, identity.vmid)
    except NotFound:
        return None
    mine = is_same_vm(config, identity.nonce, machine.spec.provider_id)
    running = status.get("status") == "running"
    ask_agent = mine and running and not machine.spec.checks.skip_qemu_guest_agent
    answers = None
    if ask_agent and not machine.status.initialization.provisioned and not machine.metadata.deletion_timestamp:
        answers = await _agent_answers(client, node, identity.vmid)
    return Vm(
        node=node,
        vmid=identity.vmid,
        mine=mine,
        config=config,
        status=str(status.get("status", "")),
        qmp_status=str(status.get("qmpstatus", "")),
        lock=str(config.get("lock") or status.get("lock") or ""),
        agent_answers=answers,
    )


async def _agent_answers(client: ProxmoxClient, node: str, vmid: int) -> bool:
    try:
        await client.agent_ping(node, vmid)
    except (AgentUnavailable, NotRunning):
        return False
    return True


# --- where a new VM could go -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InFlight:
    """A machine whose VM is written down; `key` is its namespaced name, `role` cluster and role."""

    vmid: int
    node: str
    memory_mib: int
    cores: int
    role: tuple[str, str, bool]


async def survey(
    client: ProxmoxClient,
    machine: ProxmoxMachine,
    infra: ProxmoxCluster,
    role: tuple[str, str, bool],
    others: Callable[[], Sequence[InFlight]],
) -> Site:
    """The nodes, the templates and a free VMID. What others are about to take is counted: all waiting is done before
    they are asked for, and what this machine will take is told them in the same instant."""
    rows = await client.inventory.rows(1.0)
    listed = await client.nodes()
    hints = infra.spec.scheduler_hints.memory_adjustment
    spec = machine.spec
    request = Request(
        memory_mib=spec.memory_mib or 0,
        cores=(spec.num_cores or 0) * (spec.num_sockets or 1),
        allowed_nodes=tuple(spec.allowed_nodes or infra.spec.allowed_nodes),
        memory_percent=100 if hints is None else hints,
    )
    templates = await _templates(client, machine, rows)
    if isinstance(templates, str):
        return Site(request, template_problem=templates, vmid=1)
    vmid = await _free_vmid(client, machine, rows, {other.vmid for other in others()})
    shared = await _is_shared(client, templates[0].node, spec.storage) if spec.storage else True
    known = {other.vmid: other for other in (*client.reservations.places(machine.metadata.uid), *others())}
    site = Site(
        request,
        templates,
        _nodes(listed, rows, role, tuple(known.values())),
        vmid=vmid if isinstance(vmid, int) else 0,
        vmid_problem=vmid if isinstance(vmid, str) else "",
        target_is_shared=shared,
    )
    choice = place(site)
    if isinstance(choice, Choice):
        mine = InFlight(site.vmid, choice.node, choice.memory_mib, choice.cores, role)
        client.reservations.place(machine.metadata.uid, mine)
    return site


def _nodes(
    listed: Sequence[dict[str, Any]],
    rows: dict[int, dict[str, Any]],
    role: tuple[str, str, bool],
    others: Sequence[InFlight],
) -> dict[str, HostNode]:
    promised: dict[str, list[int]] = {}
    wanted = {other.vmid: other for other in others}
    for vmid, row in rows.items():
        if parse_bool(row.get("template", 0)):
            continue
        other = wanted.pop(vmid, None)
        memory = max(parse_int(row.get("maxmem")), (other.memory_mib if other is not None else 0) * MIB)
        cores = max(parse_int(row.get("maxcpu")), other.cores if other is not None else 0)
        _promise(promised, str(row.get("node", "")), memory, cores)
    for other in wanted.values():
        _promise(promised, other.node, other.memory_mib * MIB, other.cores)
    same = [other.node for other in others if other.role == role]
    return {
        str(row["node"]): HostNode(
            name=str(row["node"]),
            online=row.get("status", "online") == "online",
            memory_bytes=parse_int(row.get("maxmem")),
            cores=parse_int(row.get("maxcpu")),
            promised_bytes=promised.get(str(row["node"]), [0, 0])[0],
            promised_cores=promised.get(str(row["node"]), [0, 0])[1],
            same_role=same.count(str(row["node"])),
        )
        for row in listed
        if "node" in row
    }


def _promise(promised: dict[str, list[int]], node: str, memory: int, cores: int) -> None:
    entry = promised.setdefault(node, [0, 0])
    entry[0] += memory
    entry[1] += cores


async def _templates(
    client: ProxmoxClient, machine: ProxmoxMachine, rows: dict[int, dict[str, Any]]
) -> tuple[Template, ...] | str:
    """The templates that fit, read one by one; or why there is none."""
    spec = machine.spec
    if spec.template_selector is not None:
        seen = tuple(
            (vmid, str(row.get("node", "")), frozenset(parse_tags(row.get("tags"))))
            for vmid, row in sorted(rows.items())
            if parse_bool(row.get("template", 0)) and row.get("type") == "qemu"
        )
        wanted = frozenset(tag.lower() for tag in spec.template_selector.match_tags)
        found = match_templates(wanted, spec.template_selector.match_policy, seen)
        if isinstance(found, str):
            return found
    else:
        vmid = spec.template_id or 0
        found = ((vmid, str(rows.get(vmid, {}).get("node", "")) or spec.source_node),)
    templates: list[Template] = []
    for vmid, node in found:
        template = await _template(client, vmid, node)
        if isinstance(template, Template) and spec.full is False and not template.is_template:
            return f"VM {vmid} on {node} is not a template, and linked clones (spec.full: false) need one: convert it"
        if isinstance(template, str):
            return template
        templates.append(template)
    return tuple(templates)


async def _template(client: ProxmoxClient, vmid: int, node: str) -> Template | str:
    try:
        config = await client.config(node, vmid)
    except NotFound:
        return (
            f"template {vmid} does not exist on node {node}: make it with `capstan image ensure`, or correct "
            "spec.templateID and spec.sourceNode in the ProxmoxMachineTemplate"
        )
    except NodeOffline:
        return Template(vmid, node)  # Its node is down: the choice says so.
    disks = {key: drive for key, drive in drives(config).items() if not drive.is_cdrom and drive.storage}
    storages = {str(row["storage"]): parse_bool(row.get("shared", 0)) for row in await client.storages(node)}
    local = sorted({d.storage for d in disks.values() if not storages.get(d.storage, True)})
    return Template(
        vmid=vmid,
        node=node,
        memory_mib=parse_int(config.get("memory"), 512),
        cores=parse_int(config.get("cores"), 1) * parse_int(config.get("sockets"), 1),
        storage=next((d.storage for d in disks.values()), ""),
        local_storage=local[0] if local else "",
        is_template=parse_bool(config.get("template", 0)),
    )


async def _is_shared(client: ProxmoxClient, node: str, storage: str) -> bool:
    try:
        rows = await client.storages(node)
    except PveError:
        return True
    return next((parse_bool(row.get("shared", 0)) for row in rows if row.get("storage") == storage), True)


async def _free_vmid(
    client: ProxmoxClient, machine: ProxmoxMachine, rows: dict[int, dict[str, Any]], reserved: set[int]
) -> int | str:
    """A VMID that neither Proxmox VE nor any machine has, checked at Proxmox VE itself; or why there is none."""
    wanted = machine.spec.vm_id_range
    first, last = (wanted.start, wanted.end) if wanted is not None else (await client.next_id(), 999_999_999)
    taken = {*rows, *reserved}

    def candidates() -> Iterator[int]:
        return (vmid for vmid in range(first, last + 1) if vmid not in taken)

    while True:
        vmid = client.reservations.pick(machine.metadata.uid, candidates())
        if vmid is None:
            return (
                f"every VMID of spec.vmIDRange {first} to {last} is taken: widen the range, or remove VMs that are not "
                "needed"
            )
        if await client.is_free(vmid):
            return vmid
        taken.add(vmid)
