"""The tree of a cluster, as `clusterctl describe cluster` draws it: who belongs to whom, and how each one stands.

Pure: objects in, rows out. The rules of grouping, echoes and order are kubeadm-clusterctl-ipam.md 3.8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from capstan.api.objects import Obj
from capstan.insight.standing import Standing, conditions_of, is_good, is_true, main_standing, older_conditions_of

CORE = "cluster.x-k8s.io"
CONTROL_PLANE_LABEL = f"{CORE}/control-plane"
DEPLOYMENT_LABEL = f"{CORE}/deployment-name"
POOL_LABEL = f"{CORE}/pool-name"
#: Rows come by name, but what only stands beside the machines comes before them.
TEMPLATES = "Templates"
_COUNTED = ("MachineDeployment", "MachineSet", "MachinePool")


@dataclass(slots=True)
class Row:
    """One line of the tree. Counts are texts; empty where the kind has none. `opened` says that its conditions were
    asked for, all or those that are not good."""

    name: str
    object: Obj | None = None
    replicas: str = ""
    available: str = ""
    ready: str = ""
    up_to_date: str = ""
    standing: Standing = field(default_factory=Standing)
    children: list[Row] = field(default_factory=list)
    conditions: list[tuple[str, Standing]] = field(default_factory=list)
    opened: bool = False


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
    """`show_conditions` are kinds, `kind/name`s or `all`, of which the first that fits counts; a trailing `+` leaves
    out what is good and has nothing to say. `older` shows the conditions of v1beta1."""

    grouping: bool = True
    echo: bool = False
    show_machine_sets: bool = False
    show_conditions: tuple[str, ...] = ()
    show_templates: bool = False
    show_resource_sets: bool = False
    older: bool = False


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
        strays = [_machine(machine, found, options) for machine in others]
        workers.children.append(Row("Other", children=strays))
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
    groups: dict[tuple[tuple[str, ...], ...], list[Obj]] = {}
    for machine in ordered:
        groups.setdefault(_likeness(machine, options), []).append(machine)
    return [
        _machine(group[0], found, options) if len(group) == 1 else _group(group, options) for group in groups.values()
    ]


def _likeness(machine: Obj, options: TreeOptions) -> tuple[tuple[str, ...], ...]:
    """What Machines have in common that are shown as one row."""
    if options.older:
        ready = main_standing(machine, older=True)
        return ((ready.status, ready.severity, ready.reason),)
    conditions = conditions_of(machine)
    shown = [conditions.get(name, Standing()) for name in ("Available", "Ready", "UpToDate")]
    return tuple((s.status, s.reason) for s in shown)


def _group(machines: Sequence[Obj], options: TreeOptions) -> Row:
    standings = [main_standing(machine, older=options.older) for machine in machines]
    names = [_name(machine) for machine in machines]
    shown = ", ".join(names[:2]) + (", ..." if len(names) > 2 else "")
    oldest = min((s.since for s in standings if s.since), default=None)
    available, ready, up_to_date = (
        str(sum(is_true(m, name) for m in machines)) for name in ("Available", "Ready", "UpToDate")
    )
    first = standings[0]
    return Row(
        f"{len(machines)} Machines...",
        available=available,
        ready=ready,
        up_to_date=up_to_date,
        standing=Standing(first.status, first.reason, oldest, f"See {shown}", first.severity),
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
    shown = _said(row.standing)
    return [
        child
        for child in rows
        if options.echo or not (child.standing.status == "True" or _said(child.standing) == shown)
    ]


def _said(standing: Standing) -> tuple[str, str, str]:
    return standing.status, standing.severity, standing.reason


def _row(obj: Obj, options: TreeOptions) -> Row:
    meta = obj["metadata"]
    version = _version(obj)
    deleted = "!! DELETED !! " if meta.get("deletionTimestamp") else ""
    name = f"{deleted}{obj['kind']} {meta.get('namespace', '')}/{meta['name']}" + (f", {version}" if version else "")
    row = Row(name, obj, standing=main_standing(obj, older=options.older))
    status = obj.get("status") or {}
    if obj["kind"] in _COUNTED or obj["kind"].endswith("ControlPlane"):
        desired = (obj.get("spec") or {}).get("replicas")
        row.replicas = "" if desired is None else f"{status.get('replicas', 0)}/{desired}"
        row.available = _counted(status, "availableReplicas", "readyReplicas")
        row.ready = _counted(status, "readyReplicas")
        row.up_to_date = _counted(status, "upToDateReplicas", "updatedReplicas")
    asked = _asked(obj, options)
    row.opened = asked is not None
    if asked is not None:
        row.conditions = _conditions(obj, options, only_news=asked.endswith("+"))
    return row


def _asked(obj: Obj, options: TreeOptions) -> str | None:
    """The first of what was asked for that fits the object."""
    fitting = ("all", obj["kind"].lower(), f"{obj['kind']}/{_name(obj)}".lower())
    return next((entry for entry in options.show_conditions if entry.lower().removesuffix("+") in fitting), None)


def _conditions(obj: Obj, options: TreeOptions, *, only_news: bool) -> list[tuple[str, Standing]]:
    """What is good and has nothing to say is no news. The older Ready stands in the row itself."""
    if options.older:
        return [(name, found) for name, found in older_conditions_of(obj).items() if name != "Ready"]
    return [
        (name, found)
        for name, found in conditions_of(obj).items()
        if not only_news or name in ("Available", "Ready") or found.message or not is_good(name, found.status)
    ]


def _cluster_counts(found: ClusterObjects) -> tuple[str, str, str, str]:
    parts = [*(() if found.control_plane is None else (found.control_plane,)), *found.deployments, *found.pools]
    statuses = [part.get("status") or {} for part in parts]
    current = sum(status.get("replicas", 0) for status in statuses)
    desired = sum((part.get("spec") or {}).get("replicas") or 0 for part in parts)
    available = sum(_count(status, "availableReplicas", "readyReplicas") for status in statuses)
    ready = sum(_count(status, "readyReplicas") for status in statuses)
    updated = sum(_count(status, "upToDateReplicas", "updatedReplicas") for status in statuses)
    return f"{current}/{desired}", str(available), str(ready), str(updated)


def _counted(status: Mapping[str, Any], *names: str) -> str:
    """The first of the counts that is there: kinds of older contracts have fewer. Empty without any."""
    return next((str(status[name]) for name in names if status.get(name) is not None), "")


def _count(status: Mapping[str, Any], *names: str) -> int:
    return int(_counted(status, *names) or 0)


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
