"""Chooses the Proxmox VE node, the template and the VMID of a new VM, and explains every node that it refuses.

Memory that is promised to VMs (running or not) counts, templates do not; VMs that are written down but cannot be
seen yet count where they will be. A node is good if it is up and has room; among good ones the one with the fewest
machines of the same role and cluster wins, then the one with the most memory left, then with the fewest cores promised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Template:
    """A template that could be cloned. `local_storage` names a storage of a disk that only its node reaches, if any."""

    vmid: int
    node: str
    memory_mib: int = 0
    cores: int = 1
    storage: str = ""
    local_storage: str = ""
    is_template: bool = True


@dataclass(frozen=True, slots=True)
class HostNode:
    """One node: whether it is up, its memory and cores, and what of them is promised to VMs and containers."""

    name: str
    online: bool = True
    memory_bytes: int = 0
    cores: int = 0
    promised_bytes: int = 0
    promised_cores: int = 0
    same_role: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for. No allowed nodes: the clone stays where its template is, and nothing is counted."""

    memory_mib: int = 0
    cores: int = 0
    allowed_nodes: tuple[str, ...] = ()
    memory_percent: int = 100


@dataclass(frozen=True, slots=True)
class Site:
    """All that the choice depends on. `template_problem` says why there is no template at all."""

    request: Request = Request()
    templates: tuple[Template, ...] = ()
    nodes: Mapping[str, HostNode] = field(default_factory=dict)
    template_problem: str = ""
    vmid: int = 0
    vmid_problem: str = ""
    target_is_shared: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """Where the VM goes and what it is cloned from."""

    node: str
    template: Template
    memory_mib: int
    cores: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no choice: `reason` for the condition, `message` with a part for each node."""

    reason: str
    message: str


def place(site: Site) -> Choice | Refusal:
    """The choice, or why there is none."""
    if site.template_problem:
        return Refusal("TemplateNotFound", site.template_problem)
    if not site.vmid:
        return Refusal("NoFreeVMID", site.vmid_problem or "no VMID is free")
    if not site.request.allowed_nodes:
        return _beside_template(site)
    refused: list[str] = []
    good: list[tuple[tuple[int, int, int, str], Choice]] = []
    for name in site.request.allowed_nodes:
        verdict = _judge(site, name)
        if isinstance(verdict, str):
            refused.append(f"{name}: {verdict}")
        else:
            node = site.nodes[name]
            room = _room(site.request, node)
            good.append(((node.same_role, -room, node.promised_cores, name), verdict))
    if good:
        return min(good, key=lambda entry: entry[0])[1]
    return Refusal("NoRoomOnAnyNode", "no node can take the VM. " + "; ".join(refused) + ". " + _advice(site.request))


def _advice(request: Request) -> str:
    return (
        "Free memory, bring nodes back, add nodes to spec.allowedNodes, lower spec.memoryMiB, or raise schedulerHints."
        f"memoryAdjustment of the ProxmoxCluster (now {request.memory_percent}; 0 switches the check off)"
    )


def _beside_template(site: Site) -> Choice | Refusal:
    template = site.templates[0]
    if len({t.node for t in site.templates}) > 1:
        names = ", ".join(f"{t.vmid} on {t.node}" for t in site.templates)
        return Refusal("TemplateNotFound", f"several templates match ({names}): set spec.allowedNodes to choose a node")
    node = site.nodes.get(template.node)
    if node is not None and not node.online:
        return Refusal(
            "NodeOffline",
            f"node {template.node}, which holds template {template.vmid}, is offline: bring it back, or use "
            "spec.templateSelector with a template on each node",
        )
    return Choice(template.node, template, *_wanted(site.request, template))


def _wanted(request: Request, template: Template) -> tuple[int, int]:
    return request.memory_mib or template.memory_mib, request.cores or template.cores


def _judge(site: Site, name: str) -> Choice | str:
    """A choice for this node, or why not."""
    node = site.nodes.get(name)
    if node is None:
        return "there is no such node (or the token lacks Sys.Audit on it)"
    if not node.online:
        return "offline"
    template = _template_for(site, name)
    if isinstance(template, str):
        return template
    memory_mib, cores = _wanted(site.request, template)
    if not node.memory_bytes and site.request.memory_percent:
        return "its memory cannot be seen: grant the token Sys.Audit on /nodes"
    if cores > node.cores > 0:
        return f"has {node.cores} cores, the VM wants {cores}"
    if site.request.memory_percent and _room(site.request, node) < memory_mib * MIB:
        return (
            f"{_room(site.request, node) // MIB} MiB of memory left, the VM wants {memory_mib} MiB "
            f"({node.promised_bytes // MIB} of {node.memory_bytes * site.request.memory_percent // 100 // MIB} MiB are "
            "promised)"
        )
    return Choice(name, template, memory_mib, cores)


def _room(request: Request, node: HostNode) -> int:
    """Bytes that may still be promised; with the check off, the node's whole memory."""
    if not request.memory_percent:
        return node.memory_bytes
    return max(node.memory_bytes * request.memory_percent // 100 - node.promised_bytes, 0)


def _template_for(site: Site, name: str) -> Template | str:
    """The template that can be cloned to this node: its own, else one whose disks every node reaches."""
    own = [t for t in site.templates if t.node == name]
    if own:
        return own[0]
    holders = {t.node: site.nodes.get(t.node) for t in site.templates}
    usable = [t for t in site.templates if (holder := holders[t.node]) is None or holder.online]
    if not usable:
        return f"the node that holds the template ({', '.join(sorted(holders))}) is offline"
    if not site.target_is_shared:
        return f"spec.storage is local to each node, and template {usable[0].vmid} is on {usable[0].node}"
    shared = [t for t in usable if not t.local_storage]
    if shared:
        return shared[0]
    return (
        f"template {usable[0].vmid} is on {usable[0].node}, in its local storage {usable[0].local_storage}; make one "
        "here as well (`capstan image ensure`) or put it on shared storage"
    )


def match_templates(
    wanted: frozenset[str], policy: str, rows: tuple[tuple[int, str, frozenset[str]], ...]
) -> tuple[tuple[int, str], ...] | str:
    """The templates (VMID, node) whose tags match, one for each node at most; or why there is none.

    `rows` are VMID, node and tags of all templates that can be seen. Policies: `exact` wants equal tags,
    `uniqueSubset` and `bestSubset` allow more, `bestSubset` takes those with the fewest.
    """
    if policy in ("uniqueSubset", "bestSubset"):
        found = [row for row in rows if wanted <= row[2]]
    else:
        found = [row for row in rows if wanted == row[2]]
    if policy == "bestSubset" and found:
        fewest = min(len(row[2]) for row in found)
        found = [row for row in found if len(row[2]) == fewest]
    tags = ", ".join(sorted(wanted))
    if not found:
        seen = "; ".join(f"{vmid} on {node} [{', '.join(sorted(tags))}]" for vmid, node, tags in rows) or "none"
        return (
            f"no template has the tags {tags} ({policy or 'exact'} match). Templates that the token sees: {seen}. "
            "Make one with `capstan image ensure`, correct spec.templateSelector, or grant VM.Audit on it"
        )
    nodes = [row[1] for row in found]
    if len(set(nodes)) < len(nodes):
        names = ", ".join(f"{vmid} on {node}" for vmid, node, _ in sorted(found))
        return (
            f"several templates of one node have the tags {tags} ({names}): make spec.templateSelector tell them apart"
        )
    return tuple(sorted((row[0], row[1]) for row in found))
