"""The tree of a cluster, as `clusterctl describe cluster` draws it: who belongs to whom, and how each one stands.

Pure: objects in, rows out. The rules of grouping, echoes and order are kubeadm-clusterctl-ipam.md 3.8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from capstan.api.objects import Obj
from capstan.insight.standing import Standing, conditions_of, is_good, is_true, main_standing

CORE = "cluster.x-k8s.io"
CONTROL_PLANE_LABEL = f"{CORE}/control-plane"
DEPLOYMENT_LABEL = f"{CORE}/deployment-name"
POOL_LABEL = f"{CORE}/pool-name"
#: Rows come by name, but what only stands beside the machines comes before them.
TEMPLATES = "Templates"
_COUNTED = ("MachineDeployment", "MachineSet", "MachinePool")


@dataclass(slots=True)
class Row:
    """One line of the tree. Counts are texts; empty where the kind has none."""

    name: str
    object: Obj | None = None
    replicas: str = ""
    available: str = ""
    ready: str = ""
    up_to_date: str = ""
    standing: Standing = field(default_factory=Standing)
    children: list[Row] = field(default_factory=list)
    conditions: list[tuple[str, Standing]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ClusterObjects:
    """All that is needed to draw one cluster. `machine_parts` maps the uid of a Machine or MachinePool to its
    bootstrap and infrastructure objects, `templates` that of a control plane or MachineDeployment to the templates
    that it refers to. `resource_sets` are those that were applied to the cluster."""

    cluster: Obj
    infrastructure: Obj | None = None
    control_plane: Obj | None = None
    deployments: Sequence[Obj] = ()
    sets: Sequence[Obj] = ()
    machines: Sequence[Obj] = ()
    machine_parts: Mapping[str, Sequence[Obj]] = field(default_factory=dict)
    pools: Sequence[Obj] = ()
    templates: Mapping[str, Sequence[Obj]] = field(default_factory=dict)
    resource_sets: Sequence[Obj] = ()


@dataclass(frozen=True, slots=True)
class TreeOptions:
    """`show_conditions` are lower-case kinds, `kind/name`s or `all`; a trailing `+` keeps only what is not good."""

    grouping: bool = True
    echo: bool = False
    show_machine_sets: bool = False
    show_conditions: frozenset[str] = frozenset()
    show_templates: bool = False
    show_resource_sets: bool = False


def cluster_tree(found: ClusterObjects, options: TreeOptions | None = None) -> Row:
    """The root row with all its children."""
    options = options or TreeOptions()
    root = _row(found.cluster, options)
    root.replicas, root.available, root.ready, root.up_to_date = _cluster_counts(found)
    if found.infrastructure is not None:
        root.children.append(_row(found.infrastructure, options))
    if options.show_resource_sets and found.resource_sets:
        sets = [_row(resource_set, options) for resource_set in found.resource_sets]
        root.children.append(Row("ClusterResourceSets", children=sets))
    owned = [m for m in found.machines if CONTROL_PLANE_LABEL in _labels(m)]
    if found.control_plane is not None:
        control_plane = _row(found.control_plane, options)
        control_plane.children = [
            *_templates(found.control_plane, found, options),
            *_machines(owned, found, options),
        ]
        root.children.append(control_plane)
    workers = _workers(found, options)
    if workers.children:
        root.children.append(workers)
    _sort(root)
    return root


def _sort(row: Row) -> None:
    row.children.sort(key=lambda child: (child.name != TEMPLATES, child.name))
    for child in row.children:
        _sort(child)


def _workers(found: ClusterObjects, options: TreeOptions) -> Row:
    workers = Row("Workers")
    seen: set[str] = set()
    for deployment in found.deployments:
        row = _row(deployment, options)
        mine = [m for m in found.machines if _labels(m).get(DEPLOYMENT_LABEL) == _name(deployment)]
        seen.update(_uid(m) for m in mine)
        below = _sets(deployment, mine, found, options) if options.show_machine_sets else []
        row.children = [*_templates(deployment, found, options), *(below or _machines(mine, found, options))]
        workers.children.append(row)
    for pool in found.pools:
        row = _row(pool, options)
        mine = [m for m in found.machines if _labels(m).get(POOL_LABEL) == _name(pool)]
        seen.update(_uid(m) for m in mine)
        row.children = [*_parts(row, pool, found, options), *_machines(mine, found, options)]
        workers.children.append(row)
    others = [m for m in found.machines if CONTROL_PLANE_LABEL not in _labels(m) and _uid(m) not in seen]
    if others:
        workers.children.append(Row("Other", children=_machines(others, found, options)))
    return workers


def _templates(owner: Obj, found: ClusterObjects, options: TreeOptions) -> list[Row]:
    templates = found.templates.get(_uid(owner), ()) if options.show_templates else ()
    return [Row(TEMPLATES, children=[_row(template, options) for template in templates])] if templates else []


def _sets(deployment: Obj, machines: Iterable[Obj], found: ClusterObjects, options: TreeOptions) -> list[Row]:
    rows: list[Row] = []
    for machine_set in found.sets:
        if _uid(deployment) in _owners(machine_set):
            row = _row(machine_set, options)
            row.children = _machines([m for m in machines if _uid(machine_set) in _owners(m)], found, options)
            rows.append(row)
    return rows


def _machines(machines: Sequence[Obj], found: ClusterObjects, options: TreeOptions) -> list[Row]:
    ordered = sorted(machines, key=_name)
    if not options.grouping:
        return [_machine(machine, found, options) for machine in ordered]
    groups: dict[tuple[tuple[str, str], ...], list[Obj]] = {}
    for machine in ordered:
        conditions = conditions_of(machine)
        shown = [conditions.get(name, Standing()) for name in ("Available", "Ready", "UpToDate")]
        groups.setdefault(tuple((s.status, s.reason) for s in shown), []).append(machine)
    return [_machine(group[0], found, options) if len(group) == 1 else _group(group) for group in groups.values()]


def _group(machines: Sequence[Obj]) -> Row:
    standings = [main_standing(machine) for machine in machines]
    names = [_name(machine) for machine in machines]
    shown = ", ".join(names[:2]) + (", ..." if len(names) > 2 else "")
    oldest = min((s.since for s in standings if s.since), default=None)
    available, ready, up_to_date = (
        str(sum(is_true(m, name) for m in machines)) for name in ("Available", "Ready", "UpToDate")
    )
    first = standings[0]
    return Row(
        f"{len(machines)} Machines...",
        replicas=str(len(machines)),
        available=available,
        ready=ready,
        up_to_date=up_to_date,
        standing=Standing(first.status, first.reason, oldest, f"See {shown}"),
    )


def _machine(machine: Obj, found: ClusterObjects, options: TreeOptions) -> Row:
    row = _row(machine, options)
    row.replicas = "1"
    row.available, row.ready, row.up_to_date = (
        str(int(is_true(machine, name))) for name in ("Available", "Ready", "UpToDate")
    )
    row.children = _parts(row, machine, found, options)
    return row


def _parts(row: Row, owner: Obj, found: ClusterObjects, options: TreeOptions) -> list[Row]:
    """Bootstrap and infrastructure objects, unless they only repeat what their owner says."""
    rows = [_row(part, options) for part in found.machine_parts.get(_uid(owner), ())]
    shown = (row.standing.status, row.standing.reason)
    return [
        child
        for child in rows
        if options.echo
        or not (child.standing.status == "True" or (child.standing.status, child.standing.reason) == shown)
    ]


def _row(obj: Obj, options: TreeOptions) -> Row:
    meta = obj["metadata"]
    version = _version(obj)
    deleted = "!! DELETED !! " if meta.get("deletionTimestamp") else ""
    name = f"{deleted}{obj['kind']} {meta.get('namespace', '')}/{meta['name']}" + (f", {version}" if version else "")
    row = Row(name, obj, standing=main_standing(obj))
    status = obj.get("status") or {}
    if obj["kind"] in _COUNTED or obj["kind"].endswith("ControlPlane"):
        desired = (obj.get("spec") or {}).get("replicas")
        row.replicas = f"{status.get('replicas', 0)}/{desired if desired is not None else 0}"
        row.available = str(_count(status, "availableReplicas", "readyReplicas"))
        row.ready = str(_count(status, "readyReplicas"))
        row.up_to_date = str(_count(status, "upToDateReplicas", "updatedReplicas"))
    row.conditions = _shown_conditions(obj, options)
    return row


def _shown_conditions(obj: Obj, options: TreeOptions) -> list[tuple[str, Standing]]:
    kind, name = obj["kind"].lower(), f"{obj['kind']}/{_name(obj)}".lower()
    asked = {entry.removesuffix("+"): entry.endswith("+") for entry in options.show_conditions}
    key = next((key for key in (name, kind, "all") if key in asked), None)
    if key is None:
        return []
    conditions = conditions_of(obj).items()
    if asked[key]:
        return [(n, s) for n, s in conditions if n in ("Available", "Ready") or not is_good(n, s.status)]
    return list(conditions)


def _cluster_counts(found: ClusterObjects) -> tuple[str, str, str, str]:
    parts = [*(() if found.control_plane is None else (found.control_plane,)), *found.deployments, *found.pools]
    statuses = [part.get("status") or {} for part in parts]
    current = sum(status.get("replicas", 0) for status in statuses)
    desired = sum((part.get("spec") or {}).get("replicas") or 0 for part in parts)
    available = sum(_count(status, "availableReplicas", "readyReplicas") for status in statuses)
    ready = sum(_count(status, "readyReplicas") for status in statuses)
    updated = sum(_count(status, "upToDateReplicas", "updatedReplicas") for status in statuses)
    return f"{current}/{desired}", str(available), str(ready), str(updated)


def _count(status: Mapping[str, Any], *names: str) -> int:
    """The first of the counts that is there: kinds of older contracts have fewer."""
    return next((int(status[name]) for name in names if status.get(name) is not None), 0)


def _version(obj: Obj) -> str:
    spec = obj.get("spec") or {}
    if obj["kind"] == "Cluster":
        return str((spec.get("topology") or {}).get("version", ""))
    template = ((spec.get("template") or {}).get("spec") or {}) if isinstance(spec.get("template"), dict) else {}
    if obj["kind"] in _COUNTED:
        return str(template.get("version", ""))
    is_versioned = obj["kind"] == "Machine" or obj["kind"].endswith("ControlPlane")
    return str(spec.get("version", "")) if is_versioned else ""


def _labels(obj: Obj) -> Mapping[str, str]:
    return obj["metadata"].get("labels") or {}


def _name(obj: Obj) -> str:
    return str(obj["metadata"]["name"])


def _uid(obj: Obj) -> str:
    return str(obj["metadata"].get("uid", ""))


def _owners(obj: Obj) -> set[str]:
    return {ref["uid"] for ref in obj["metadata"].get("ownerReferences") or ()}
